"""
The rules of a car, or the defaults of all, as a form: a draft, every field of which may be wrong.
"""

from functools import cached_property
from typing import Any, cast

from django.forms.boundfield import BoundField
from django.http import QueryDict

from consent.forms.dates import DateRow, make_date_rows, pad_date_rows, read_date_rows
from consent.forms.fields import LIMITS, PLAIN, TEMPERATURES, RulesFields, get_limit
from consent.forms.grace import (
    GraceInput,
    GraceRow,
    list_kept_minutes,
    make_grace_input,
    make_grace_rows,
)
from consent.forms.limits import LimitInput, LimitRow
from consent.forms.ready import (
    ReadyInput,
    ReadyRow,
    list_kept_rules,
    make_ready_input,
    pad_ready_rows,
    read_ready_rows,
)
from consent.forms.texts import CautionWords, describe_caution, describe_fault
from consent.forms.week import WeekInput, draw_mask, make_week_input
from consent.forms.windows import (
    WindowRow,
    make_window_rows,
    pad_window_rows,
    read_window_rows,
)
from consent.queries.editing import Editing
from consent.queries.words import CATEGORIES
from consent.rules import BuyersMode, RulesDraft, find_faults, mask_from_windows
from consent.rules.cautions import find_cautions, find_kept_mask
from consent.rules.faults import BATTERY_RESUME_MAX_PCT, BATTERY_STOP_RANGE_PCT
from consent.rules.parts import PARTS
from consent.rules.profiles import Combined, Origin, combine_for_car, find_own_fields
from web.components import RangeNumber
from web.week import UnreadableCell, Week, draw_week, read_week


# Fields of the draft that the form names otherwise.
FIELDS_OF_FAULTS = {"windows": "hours"}


class RulesForm(RulesFields):
    """
    A draft to be shown or read; see `Editing` for what it is judged against.

    :ivar editing: what it began with.
    """

    def __init__(self, data: QueryDict | None = None, *, editing: Editing) -> None:
        super().__init__(data, initial=make_initial(editing))
        self.editing = editing
        cast("Any", self.fields["buyer_ids"]).choices = list(editing.buyers.items())

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.errors:
            return self.cleaned_data
        editing = self.editing
        faults = find_faults(
            draft=self.effective,
            car=editing.car,
            now=editing.now,
            reward_micros_per_h_highest=editing.reward_micros_per_h_highest,
        )
        for fault in faults:
            field = FIELDS_OF_FAULTS.get(fault.field, fault.field)
            if not self.has_error(field):
                # A window may come from the grid, which has no lines.
                place = None if field in {"hours", "grace"} else fault.place
                self.add_error(field, str(describe_fault(fault.code, place)))
        return self.cleaned_data

    # ------------------------------------------------------------------ what was sent
    @cached_property
    def draft(self) -> RulesDraft:
        """
        Return what was typed into a form whose fields could all be read.
        """
        given = self.cleaned_data
        limits = {name: given[name] for name in LIMITS}
        resumes: dict[str, Any] = {
            name: given[name] if given[limit] is not None else None
            for name, limit in TEMPERATURES.items()
        }
        has_limit = given["temp_high_c"] is not None or given["temp_low_c"] is not None
        return RulesDraft(
            **{name: given[name] for name in PLAIN},
            **limits,
            **resumes,
            windows=given["hours"],
            holiday_country=given["holiday_country"] or None,
            temp_hold_min=(given["temp_hold_min"] or 0) if has_limit else 0,
            buyers_mode=BuyersMode(given["buyers_mode"]),
            buyer_ids=tuple(sorted(given["buyer_ids"])),
            categories=tuple(each for each in CATEGORIES if each in given["categories"]),
            kept=self._list_kept(),
        )

    @property
    def is_following(self) -> bool:
        """
        Return whether the car shall follow its owner's defaults, of which there are some.
        """
        has_profile = self.editing.page is not None and self.editing.profile.rules is not None
        return has_profile and bool(self.cleaned_data["follows"])

    @cached_property
    def own_fields(self) -> frozenset[str]:
        """
        Return the rules that a car that follows has of its own.
        """
        return find_own_fields(
            shown=self.editing.shown,
            sent=self.draft,
            own_fields=self.editing.own_fields,
            given_up=frozenset(self.cleaned_data["given_up"]),
        )

    @cached_property
    def _combined(self) -> Combined:
        editing = self.editing
        if not self.is_following:
            return Combined(self.draft, dict.fromkeys(PARTS, Origin.CAR))
        assert editing.profile.rules is not None, "it follows them"
        return combine_for_car(
            profile=editing.profile.rules,
            own=self.draft,
            own_fields=self.own_fields,
            car=editing.car,
            now=editing.now,
        )

    @property
    def effective(self) -> RulesDraft:
        """
        Return what would be in force: the draft, with the owner's defaults where they count.
        """
        return self._combined.draft

    @property
    def origins(self) -> dict[str, Origin]:
        return self._combined.origins

    @property
    def cautions(self) -> tuple[CautionWords, ...]:
        """
        Return what is worth a second look in a valid form, or in the draft that it shows.
        """
        draft = self.current
        found = find_cautions(draft=draft, car=self.editing.car, now=self.editing.now)
        return tuple(describe_caution(caution, draft) for caution in found)

    @property
    def current(self) -> RulesDraft:
        """
        Return what would be in force if it can be read, else what the form began with.
        """
        if self.is_bound and self.is_valid():
            return self.effective
        return self.editing.shown

    def _list_kept(self) -> tuple[tuple[str, int], ...]:
        """
        Return the values of what is switched off, by field.
        """
        given = self.cleaned_data
        kept: dict[str, int] = {}
        for name in LIMITS:
            value = get_limit(name).keep(cast("LimitInput", self[name].value()))
            if value is not None:
                kept[name] = value
        for name, limit in TEMPERATURES.items():
            if given[limit] is None and given[name] is not None:
                kept[name] = given[name]
        ready = cast("ReadyInput", self["ready_by"].value())
        if not ready.is_on:
            kept |= list_kept_rules(ready)
        kept |= list_kept_minutes(cast("dict[str, GraceInput]", self["grace"].value()))
        return tuple(sorted(kept.items()))

    # ------------------------------------------------------------------ what pages draw
    @property
    def week_input(self) -> WeekInput:
        return cast("WeekInput", self["hours"].value())

    @cached_property
    def week(self) -> Week:
        """
        Return the grid as it was sent, or the draft's when that cannot be read.
        """
        if not self.is_bound:
            return self._draw(self.editing.shown.week_mask)
        if not self.has_error("hours"):
            return self._draw(mask_from_windows(self.cleaned_data["hours"]))
        try:
            return draw_week(is_open=read_week(values=self.week_input.cells))
        except UnreadableCell:
            return self._draw(self.editing.shown.week_mask)

    def _draw(self, mask: int) -> Week:
        return draw_mask(mask, kept_mask=self.kept_mask & mask)

    @cached_property
    def kept_mask(self) -> int:
        """
        Return the open quarters that charging needs when the battery just may work again.
        """
        draft = self.current
        level = draft.battery_resume_pct
        return find_kept_mask(draft=draft, car=self.editing.car, charge_pct=level)

    @property
    def window_rows(self) -> tuple[WindowRow, ...]:
        rows = self.week_input.rows
        return pad_window_rows(
            read_window_rows(rows) if self.is_bound else rows, is_adding=self._is_adding("hours")
        )

    @property
    def has_two_weeks(self) -> bool:
        return self.has_error("hours", code="two_weeks")

    @property
    def quiet_rows(self) -> tuple[WindowRow, ...]:
        rows = tuple(WindowRow(*row) for row in self["quiet_windows"].value())
        is_adding = self._is_adding("quiet_windows")
        return pad_window_rows(
            read_window_rows(rows) if self.is_bound else rows, is_adding=is_adding
        )

    @property
    def date_rows(self) -> tuple[DateRow, ...]:
        rows = tuple(DateRow(*row) for row in self["exceptions"].value())
        is_adding = self._is_adding("exceptions")
        return pad_date_rows(read_date_rows(rows) if self.is_bound else rows, is_adding=is_adding)

    @property
    def ready_input(self) -> ReadyInput:
        return cast("ReadyInput", self["ready_by"].value())

    @property
    def ready_rows(self) -> tuple[ReadyRow, ...]:
        rows = self.ready_input.rows
        is_judged = self.is_bound and self.ready_input.is_on
        is_adding = self._is_adding("ready_by")
        return pad_ready_rows(read_ready_rows(rows) if is_judged else rows, is_adding=is_adding)

    def _is_adding(self, name: str) -> bool:
        """
        Return whether a button asked for another line of this list.
        """
        return self.data.get("lines") == f"add:{name}"

    @property
    def grace_rows(self) -> tuple[GraceRow, ...]:
        return make_grace_rows(cast("dict[str, GraceInput]", self["grace"].value()))

    @property
    def limits(self) -> dict[str, LimitRow]:
        """
        Return every limit as a row, by the name of its field.
        """
        return {name: self._make_limit(name) for name in LIMITS}

    @property
    def ranges(self) -> dict[str, RangeNumber]:
        """
        Return the two levels of the battery as rows, by the names of their fields.
        """
        low, high = BATTERY_STOP_RANGE_PCT
        highs = {"battery_stop_pct": high, "battery_resume_pct": BATTERY_RESUME_MAX_PCT}
        return {name: self._make_range(name, low, most) for name, most in highs.items()}

    def _make_range(self, name: str, low: int, high: int) -> RangeNumber:
        field = self[name]
        return RangeNumber(
            name=name,
            label=field.label,
            value=field.value(),
            low=low,
            high=high,
            step=1,
            unit="%",
            errors=_list_errors(field),
        )

    def _make_limit(self, name: str) -> LimitRow:
        bound, field = self[name], get_limit(name)
        value = cast("LimitInput", bound.value())
        return LimitRow(
            name=name,
            label=bound.label,
            help_text=bound.help_text,
            is_on=value.is_on,
            text=value.text,
            low=field.low,
            high=field.high,
            step=field.step,
            unit=field.unit,
            has_range=field.has_range,
            errors=_list_errors(bound),
        )


def make_initial(editing: Editing) -> dict[str, Any]:
    """
    Return what an untouched form shows, by field.
    """
    draft, kept = editing.shown, dict(editing.shown.kept)
    limits = {name: get_limit(name).show(getattr(draft, name), kept.get(name)) for name in LIMITS}
    resumes = {
        name: kept.get(name) if getattr(draft, name) is None else getattr(draft, name)
        for name in TEMPERATURES
    }
    rows = (
        ("exceptions", make_date_rows(draft.exceptions), "kind first last starts ends"),
        ("quiet_windows", make_window_rows(draft.quiet_windows), "days starts ends"),
    )
    return {
        **{name: getattr(draft, name) for name in PLAIN},
        **limits,
        **resumes,
        **{
            name: tuple(tuple(getattr(each, part) for part in parts.split()) for each in found)
            for name, found, parts in rows
        },
        "expected_number": editing.number,
        "follows": editing.follows,
        "hours": make_week_input(draft.windows),
        "holiday_country": draft.holiday_country,
        "temp_hold_min": draft.temp_hold_min or None,
        "ready_by": make_ready_input(draft.ready_by, draft.kept),
        "buyers_mode": draft.buyers_mode.value,
        "buyer_ids": list(draft.buyer_ids),
        "categories": [category.value for category in draft.categories],
        "grace": make_grace_input(draft.grace, draft.kept),
    }


def _list_errors(field: BoundField) -> tuple[str, ...]:
    return tuple(str(error) for error in field.errors)
