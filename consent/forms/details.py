"""
What a car is, as a form: what was asked when it was added, with what is known now.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from consent.forms.cars import CarForm
from consent.forms.texts import describe_fault
from consent.queries.details import CarDetails, DetailsPage, Effect, judge_details, list_changed
from consent.queries.places import Place
from consent.rules import Fault, FaultCode, RulesDraft
from consent.rules.written import write_minute
from web.templatetags.parado import number, pct


class DetailsForm(CarForm):
    """
    The details of a car to be corrected, judged against what its owner agreed to.

    :ivar page: what it began with.
    :ivar is_refused: the rules in force could not hold with what was sent.
    """

    expected_revision = forms.IntegerField(widget=forms.HiddenInput)
    expected_number = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, page: DetailsPage, places: tuple[Place, ...]
    ) -> None:
        super().__init__(
            data, places=add_place_of(page.details, places), initial=make_initial(page)
        )
        self.page = page
        self.is_refused = False
        # At first a blank means what most have; later it would change what was said.
        for name in ("charge_power_kw", "charge_limit_pct"):
            self.fields[name].required = True

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            self.refuse(self.effect.faults)
        return self.cleaned_data

    @property
    def before(self) -> dict[str, str]:
        """
        Return what the page shows before anybody types, by field.
        """
        return {name: str(self.initial[name]) for name in list_facts(self)}

    @cached_property
    def details(self) -> CarDetails:
        """
        Return a valid form's details. A place that stays keeps what is known of it.
        """
        old, new = self.page.details, CarDetails(**self.read_facts())
        places = [(each.region_code, each.hardware_class_code) for each in (old, new)]
        if places[0] != places[1]:
            return new
        return replace(new, rated_power_w=old.rated_power_w, time_zone=old.time_zone)

    @cached_property
    def effect(self) -> Effect:
        page = self.page
        return judge_details(page.agreed, before=page.details, after=self.details, now=page.now)

    @property
    def is_changed(self) -> bool:
        return bool(list_changed(self.page.details, self.details))

    def write_saved(self, name: str) -> str:
        """
        Return what a field shows before anybody types, in words where it is a choice.
        """
        choices = dict(getattr(self.fields[name], "choices", ()))
        saved = str(self.initial[name])
        return str(choices.get(saved, saved))

    def refuse(self, faults: tuple[Fault, ...]) -> None:
        """
        Mark the fields with which the rules in force could not hold.
        """
        for fault in faults:
            self.is_refused = True
            assert self.page.agreed is not None, "rules refused it"
            write = _WRITERS.get(fault.code)
            if write is None:
                self.add_error(None, str(describe_fault(fault.code, fault.place)))
            else:
                field = find_field(fault, self.page.details, self.details)
                self.add_error(field, write(fault, self.page.agreed.draft, self.details))


def make_initial(page: DetailsPage) -> dict[str, Any]:
    details = page.details
    return {
        "plate": details.plate,
        "name": details.name,
        "region_code": details.region_code,
        "hardware_class_code": details.hardware_class_code,
        "battery_kwh": _write_thousandth(details.battery_wh),
        "charge_power_kw": _write_thousandth(details.charge_power_w),
        "charge_limit_pct": str(details.charge_limit_pct),
        "expected_revision": page.revision,
        "expected_number": page.number,
    }


def _write_thousandth(value: int) -> str:
    return f"{Decimal(value) / 1000:f}"


def list_facts(form: DetailsForm) -> tuple[str, ...]:
    """
    Return the names of the fields that a person fills in.
    """
    return tuple(name for name in form.fields if not name.startswith("expected_"))


def add_place_of(details: CarDetails, places: tuple[Place, ...]) -> tuple[Place, ...]:
    """
    Return where work is bought, and where the car is also if none is bought there any more.
    """
    pairs = {(place.region_code, place.hardware_class_code) for place in places}
    if (details.region_code, details.hardware_class_code) in pairs:
        return places
    regions = {place.region_code: place.region_name for place in places}
    computers = {place.hardware_class_code: place.hardware_class_name for place in places}
    own = Place(
        region_code=details.region_code,
        region_name=regions.get(details.region_code, details.region_code),
        time_zone=details.time_zone,
        hardware_class_code=details.hardware_class_code,
        hardware_class_name=computers.get(details.hardware_class_code, details.hardware_class_code),
        power_w=details.rated_power_w,
    )
    return (*places, own)


def merge_data(data: QueryDict, page: DetailsPage) -> tuple[QueryDict, frozenset[str]]:
    """
    Return what was typed into an older page as if it had begun from this one, and which fields
    were changed on both sides, to something else.

    What was not touched there takes what is saved now.
    """
    merged, both = data.copy(), set()
    for name, value in make_initial(page).items():
        saved, typed = str(value), data.get(name, "").strip()
        known = data.get(f"before_{name}")
        if name.startswith("expected_") or typed == known:
            merged[name] = saved
        elif known != saved != typed:
            both.add(name)
    return merged, frozenset(both)


# ------------------------------------------------------------------ what rules refuse
def find_field(fault: Fault, before: CarDetails, after: CarDetails) -> str:
    """
    Return the field that a fault is about: of several, the one that was changed.
    """
    if fault.code is FaultCode.READY_UNREACHABLE:
        is_slower = after.charge_power_w < before.charge_power_w
        return "charge_power_kw" if is_slower else "battery_kwh"
    if fault.code in {FaultCode.POWER_NEVER_BINDS, FaultCode.QUIET_NEVER_BINDS}:
        return "hardware_class_code"
    return "charge_limit_pct"


def _write_stop(_fault: Fault, draft: RulesDraft, _after: CarDetails) -> str:
    text = _(
        "Your rules stop work under %(level)s: a car that charges less far would never work."
        " Lower that floor first."
    )
    return text % {"level": pct(draft.battery_stop_pct)}


def _write_resume(_fault: Fault, draft: RulesDraft, _after: CarDetails) -> str:
    text = _(
        "Your rules start work again at %(level)s: a car that charges less far would not, once"
        " under the floor. Lower that level first."
    )
    return text % {"level": pct(draft.battery_resume_pct)}


def _write_ready(fault: Fault, draft: RulesDraft, _after: CarDetails) -> str:
    assert fault.place is not None, "it is about a line"
    rule = draft.ready_by[fault.place]
    values = {"level": pct(rule.level_pct), "time": write_minute(rule.minute)}
    if fault.code is FaultCode.READY_UNREACHABLE:
        text = _(
            "Your rules want %(level)s by %(time)s: with this battery and charger that would"
            " take more than a week from your floor."
        )
        return text % values
    text = _(
        "Your rules want %(level)s by %(time)s: a car that charges less far would never be"
        " ready. Lower that level first."
    )
    return text % values


def _write_power(_fault: Fault, draft: RulesDraft, after: CarDetails) -> str:
    text = _(
        "Your rules limit its power to %(limit)s W, and this computer draws %(drawn)s W at most:"
        " the limit would never bind. Change it first."
    )
    return text % {"limit": number(draft.power_limit_w), "drawn": number(after.rated_power_w)}


def _write_quiet(_fault: Fault, draft: RulesDraft, after: CarDetails) -> str:
    text = _(
        "Your quiet hours limit its power to %(limit)s W, and this computer draws %(drawn)s W at"
        " most: the limit would never bind. Change it first."
    )
    limit_w = draft.quiet_power_limit_w
    return text % {"limit": number(limit_w), "drawn": number(after.rated_power_w)}


_WRITERS: dict[FaultCode, Callable[[Fault, RulesDraft, CarDetails], str]] = {
    FaultCode.STOP_ABOVE_CHARGE: _write_stop,
    FaultCode.RESUME_ABOVE_CHARGE: _write_resume,
    FaultCode.READY_ABOVE_CHARGE: _write_ready,
    FaultCode.READY_UNREACHABLE: _write_ready,
    FaultCode.POWER_NEVER_BINDS: _write_power,
    FaultCode.QUIET_NEVER_BINDS: _write_quiet,
}
