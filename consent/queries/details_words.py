"""
What a car is, and what became of it, in words: for its owner's pages, receipts and history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.queries.details import Agreed, CarDetails, list_changed
from consent.queries.figures import FIGURES, write_battery, write_charger
from consent.queries.places import Place, name_places
from consent.queries.words import Text
from consent.rules.cautions import find_kept_mask
from consent.rules.strictness import Move
from consent.rules.wear import find_wear_wh_max
from consent.rules.week import QUARTER_S
from web.templatetags.parado import SPACE, energy, number, pct


# Each is a sentence of its own: one pattern for all would fit no other language.
_SENTENCES: dict[str, Text] = {
    "plate": gettext_lazy("The number plate is now %(new)s, was %(old)s."),
    "name": gettext_lazy("You call it %(new)s now, before %(old)s."),
    "region_code": gettext_lazy("It is parked in %(new)s now, before in %(old)s."),
    "hardware_class_code": gettext_lazy("The computer is now %(new)s, was %(old)s."),
    **FIGURES,
    "charge_limit_pct": gettext_lazy("It charges up to %(new)s now, before up to %(old)s."),
}


def tell_details(
    before: CarDetails, after: CarDetails, *, places: tuple[Place, ...]
) -> tuple[str, ...]:
    """
    Return what became of a car's details, a sentence for each.
    """
    names = name_places(places)
    changed = list_changed(before, after)
    return tuple(_tell(name, *changed[name], names) for name in _SENTENCES if name in changed)


def _tell(name: str, old: int | str, new: int | str, names: Mapping[str, str]) -> str:
    values = {"old": _write(name, old, names), "new": _write(name, new, names)}
    return str(_SENTENCES[name]) % values


def _write(name: str, value: int | str, names: Mapping[str, str]) -> str:
    if name == "battery_wh":
        return write_battery(int(value))
    if name == "charge_power_w":
        return write_charger(int(value))
    if name == "charge_limit_pct":
        return pct(int(value))
    return names.get(str(value), str(value))


@dataclass(frozen=True, slots=True)
class MovedRule:
    """
    A rule that allows more or less by other figures of the car, with its label and why.
    """

    move: Move
    label: str
    text: str


def describe_moves(
    agreed: Agreed, after: CarDetails, moves: Mapping[str, Move]
) -> tuple[MovedRule, ...]:
    """
    Return what becomes of the rules in force by other figures of the car.
    """
    told = {
        "ready_by": (_("Ready to drive"), _describe_ready),
        "wear": (_("Wear"), _describe_wear),
    }
    return tuple(
        MovedRule(move, told[part][0], told[part][1](agreed, after))
        for part, move in moves.items()
        if move is not Move.SAME
    )


def _describe_ready(agreed: Agreed, after: CarDetails) -> str:
    version = agreed.version
    before = replace(
        after.facts, battery_wh=version.battery_wh, charge_power_w=version.charge_power_w
    )
    level_pct = agreed.draft.battery_resume_pct
    old, new = (
        find_kept_mask(draft=agreed.draft, car=car, charge_pct=level_pct).bit_count() * QUARTER_S
        for car in (before, after.facts)
    )
    text = _(
        "With %(level)s in the battery, charging keeps %(new)s of your hours a week free, before"
        " %(old)s."
    )
    values = {"level": pct(level_pct), "new": _write_hours(new), "old": _write_hours(old)}
    return text % values


def _write_hours(length_s: int) -> str:
    return f"{number(length_s / 3600, 2)}{SPACE}h"


def _describe_wear(agreed: Agreed, after: CarDetails) -> str:
    wear_wh = find_wear_wh_max(draft=agreed.draft, battery_wh=after.battery_wh)
    text = _("Your limit of a month comes to %(new)s of work, before to %(old)s.")
    old_wh = agreed.frozen.wear_wh_per_month_max
    return text % {"new": energy(wear_wh, 0), "old": energy(old_wh, 0)}
