"""
The rules of one car as a form: a draft, every field of which may be wrong.
"""

from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.forms.limits import LimitField, LimitInput, LimitRow
from consent.forms.week import (
    WeekField,
    WeekInput,
    WindowRow,
    draw_mask,
    make_week_input,
    pad_rows,
    read_rows,
)
from consent.queries.words import CATEGORIES
from consent.rules import (
    FaultCode,
    RulesDraft,
    Window,
    WorkloadCategory,
    find_faults,
    mask_from_windows,
)
from consent.rules.drafts import (
    BATTERY_RESUME_MAX_PCT,
    BATTERY_STOP_RANGE_PCT,
    list_zones,
)
from web.components import RangeNumber
from web.week import UnreadableCell, Week, draw_week, read_week


# Where an owner begins who never agreed to anything: little, and easy to see.
FIRST_WINDOWS = (Window((0, 1, 2, 3, 4, 5, 6), 22 * 60, 7 * 60),)
FIRST_CATEGORIES = (
    WorkloadCategory.INFERENCE,
    WorkloadCategory.RESEARCH,
    WorkloadCategory.SPEECH,
)

FAULT_TEXTS: dict[FaultCode, str | Promise] = {
    FaultCode.NO_HOURS: _("No hour of the week is allowed, so the car could never work."),
    FaultCode.TOO_MANY_WINDOWS: _("These are more windows than a week can hold."),
    FaultCode.WINDOW_EMPTY: _("A window starts and ends at the same time."),
    FaultCode.WINDOW_NOT_QUARTER: _("Times go by quarter-hours."),
    FaultCode.ZONE_UNKNOWN: _("Choose a time zone from the list."),
    FaultCode.STOP_OUT_OF_RANGE: _("The floor must be between 20 and 95 %."),
    FaultCode.RESUME_OUT_OF_RANGE: _("The battery holds no more than 100 %."),
    FaultCode.RESUME_BELOW_STOP: _("It cannot start again below the level at which it stops."),
    FaultCode.HIGH_OUT_OF_RANGE: _("The upper limit must be between 20 and 50 °C."),
    FaultCode.LOW_OUT_OF_RANGE: _("The lower limit must be between −20 and 15 °C."),  # noqa: RUF001 - a minus
    FaultCode.LIMIT_NOT_POSITIVE: _("With a limit of nothing the car could never work."),
    FaultCode.DAY_OVER_MONTH: _(
        "The limit of a day is above that of the month: it would never bind."
    ),
    FaultCode.POWER_NEVER_BINDS: _(
        "The computer never draws that much: the limit would never bind."
    ),
    FaultCode.NO_CATEGORIES: _("Allow at least one kind of work, or withdraw instead."),
}
# Fields of the draft that the form names otherwise.
FIELDS_OF_FAULTS = {"windows": "hours"}
PLAIN = ("time_zone", "battery_stop_pct", "battery_resume_pct", "plugged_in_only", "home_only")
LIMITS = (
    "temp_high_c",
    "temp_low_c",
    "energy_wh_per_day_max",
    "energy_wh_per_month_max",
    "compute_s_per_day_max",
    "compute_s_per_month_max",
    "power_limit_w",
)


class RulesForm(forms.Form):
    expected_number = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    hours = WeekField(label=_("Hours"))
    time_zone = forms.ChoiceField(label=_("Time zone"))
    battery_stop_pct = forms.IntegerField(label=_("Battery floor"))
    battery_resume_pct = forms.IntegerField(label=_("Start again at"))
    plugged_in_only = forms.BooleanField(label=_("Only while plugged in"), required=False)
    home_only = forms.BooleanField(label=_("Only at home"), required=False)
    temp_high_c = LimitField(
        label=_("Warmest"),
        help_text=_("The car stops while its battery is warmer than this."),
        unit="°C",
        low="20",
        high="50",
        usual="35",
    )
    temp_low_c = LimitField(
        label=_("Coldest"),
        help_text=_("The car stops while its battery is colder than this."),
        unit="°C",
        low="-20",
        high="15",
        usual="0",
    )
    energy_wh_per_day_max = LimitField(
        label=_("Energy a day"),
        help_text=_("From midnight to midnight on your clock."),
        unit="kWh",
        scale=1000,
        low="0.1",
        high="100",
        step="0.1",
        usual="6",
    )
    energy_wh_per_month_max = LimitField(
        label=_("Energy a month"),
        help_text=_("From the first of the month on."),
        unit="kWh",
        scale=1000,
        low="0.1",
        high="2000",
        step="0.1",
        usual="90",
    )
    compute_s_per_day_max = LimitField(
        label=_("Working time a day"),
        help_text=_("Hours in which the computer runs for others."),
        unit="h",
        scale=3600,
        low="0.25",
        high="24",
        step="0.25",
        usual="8",
    )
    compute_s_per_month_max = LimitField(
        label=_("Working time a month"),
        help_text=_("From the first of the month on."),
        unit="h",
        scale=3600,
        low="0.25",
        high="744",
        step="0.25",
        usual="160",
    )
    power_limit_w = LimitField(
        label=_("Power"),
        help_text=_("The most that work may draw from your socket."),
        unit="W",
        low="50",
        high="20000",
        step="50",
        usual="800",
    )
    categories = forms.MultipleChoiceField(
        label=_("Kinds of work"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(category.value, text) for category, text in CATEGORIES.items()],
    )

    def __init__(
        self, data: QueryDict | None = None, *, shown: RulesDraft, number: int, rated_power_w: int
    ) -> None:
        """
        Show a draft, or read `data`. `number` is the version that a draft begins from.
        """
        super().__init__(data, initial={"expected_number": number} | _make_initial(self, shown))
        self.rated_power_w = rated_power_w
        self.shown = shown
        zone = cast("forms.ChoiceField", self.fields["time_zone"])
        zone.choices = [(name, name) for name in sorted(list_zones())]

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            for fault in find_faults(draft=self.draft, rated_power_w=self.rated_power_w):
                field = FIELDS_OF_FAULTS.get(fault.field, fault.field)
                if not self.has_error(field):
                    self.add_error(field, str(FAULT_TEXTS[fault.code]))
        return self.cleaned_data

    @property
    def draft(self) -> RulesDraft:
        """
        Return the draft of a form whose fields could all be read.
        """
        given = self.cleaned_data
        return RulesDraft(
            **{name: given[name] for name in (*PLAIN, *LIMITS)},
            windows=given["hours"],
            categories=tuple(each for each in CATEGORIES if each in given["categories"]),
        )

    # ------------------------------------------------------------------ what pages draw
    @property
    def week_input(self) -> WeekInput:
        return cast("WeekInput", self["hours"].value())

    @property
    def week(self) -> Week:
        """
        Return the grid as it was sent, or the draft's when that cannot be read.
        """
        if not self.is_bound:
            return draw_mask(self.shown.week_mask)
        if not self.has_error("hours"):
            return draw_mask(mask_from_windows(self.cleaned_data["hours"]))
        try:
            return draw_week(is_open=read_week(values=self.week_input.cells))
        except UnreadableCell:
            return draw_mask(self.shown.week_mask)

    @property
    def window_rows(self) -> tuple[WindowRow, ...]:
        rows = self.week_input.rows
        return pad_rows(read_rows(rows) if self.is_bound else rows)

    @property
    def has_two_weeks(self) -> bool:
        return self.has_error("hours", code="two_weeks")

    @property
    def floor_rows(self) -> tuple[RangeNumber, ...]:
        return (
            self._make_range(
                "battery_stop_pct",
                _("Never start, and stop within a minute, below this level."),
                BATTERY_STOP_RANGE_PCT,
            ),
            self._make_range(
                "battery_resume_pct",
                _("After it stopped, the battery fills up to here first."),
                (BATTERY_STOP_RANGE_PCT[0], BATTERY_RESUME_MAX_PCT),
            ),
        )

    @property
    def temperature_rows(self) -> tuple[LimitRow, ...]:
        return tuple(self._make_limit(name) for name in LIMITS[:2])

    @property
    def budget_rows(self) -> tuple[LimitRow, ...]:
        return tuple(self._make_limit(name) for name in LIMITS[2:])

    def _make_range(
        self, name: str, help_text: str | Promise, limits: tuple[int, int]
    ) -> RangeNumber:
        field = self[name]
        return RangeNumber(
            name=name,
            label=field.label,
            value=field.value(),
            low=limits[0],
            high=limits[1],
            step=1,
            unit="%",
            help_text=help_text,
            errors=tuple(_list_errors(field)),
        )

    def _make_limit(self, name: str) -> LimitRow:
        bound = self[name]
        field = cast("LimitField", bound.field)
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
            errors=tuple(_list_errors(bound)),
        )


def make_first_draft(*, time_zone: str) -> RulesDraft:
    """
    Return where an owner begins who never agreed to anything.
    """
    return RulesDraft(
        time_zone=time_zone,
        windows=FIRST_WINDOWS,
        battery_stop_pct=50,
        battery_resume_pct=60,
        plugged_in_only=True,
        home_only=True,
        temp_high_c=35,
        temp_low_c=0,
        energy_wh_per_day_max=None,
        energy_wh_per_month_max=None,
        compute_s_per_day_max=None,
        compute_s_per_month_max=None,
        power_limit_w=None,
        categories=FIRST_CATEGORIES,
    )


def _make_initial(form: RulesForm, draft: RulesDraft) -> dict[str, Any]:
    limits = {
        name: cast("LimitField", form.base_fields[name]).show(getattr(draft, name))
        for name in LIMITS
    }
    return {
        **{name: getattr(draft, name) for name in PLAIN},
        **limits,
        "hours": make_week_input(draft.windows),
        "categories": [category.value for category in draft.categories],
    }


def _list_errors(field: BoundField) -> Iterator[str]:
    return (str(error) for error in field.errors)
