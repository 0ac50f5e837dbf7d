"""
Defaults for all cars of an owner, and what one car has of its own: the rules that result.

A rule that the car has of its own counts instead of the default, but for rules that protect the
car and its owner: there the stricter of both counts, figure by figure.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from consent.rules.drafts import CarFacts, RulesDraft
from consent.rules.faults import drop_past
from consent.rules.parts import PARTS, SAFETY_PARTS, get_part, take_parts


class Origin(StrEnum):
    """
    Where the rule of a car comes from.
    """

    DEFAULTS = "defaults"
    CAR = "car"
    STRICTER = "stricter"


@dataclass(frozen=True, slots=True)
class Combined:
    """
    The rules that result for one car, and where each comes from, by PARTS.
    """

    draft: RulesDraft
    origins: dict[str, Origin]


def combine(*, profile: RulesDraft, own: RulesDraft, own_fields: frozenset[str]) -> Combined:
    """
    Return the rules of a car with defaults; `own_fields` are the rules (PARTS) of its own.
    """
    own_fields &= PARTS.keys()
    draft = take_parts(base=profile, other=own, parts=own_fields)
    origins = {part: Origin.CAR if part in own_fields else Origin.DEFAULTS for part in PARTS}
    for part in own_fields & SAFETY_PARTS:
        strictest = replace(draft, **_restrict(part, profile, own))
        values = get_part(strictest, part)
        if values == get_part(own, part):
            draft = strictest
        elif values == get_part(profile, part):
            draft = take_parts(base=draft, other=profile, parts=frozenset({part}))
            origins[part] = Origin.STRICTER
        else:
            draft, origins[part] = strictest, Origin.STRICTER
    return Combined(draft, origins)


def combine_for_car(
    *,
    profile: RulesDraft,
    own: RulesDraft,
    own_fields: frozenset[str],
    car: CarFacts,
    now: datetime,
) -> Combined:
    """
    Return the rules that one car would agree to now: combined, without what is over or never
    reached.
    """
    combined = combine(profile=profile, own=own, own_fields=own_fields)
    fitted = fit_to_car(draft=combined.draft, car=car)
    return replace(combined, draft=drop_past(draft=fitted, now=now))


def fit_to_car(*, draft: RulesDraft, car: CarFacts) -> RulesDraft:
    """
    Return combined rules without what this car never reaches: power above what its computer
    draws, and levels to be ready with below its own floor.
    """
    ready_by = tuple(rule for rule in draft.ready_by if rule.level_pct > draft.battery_stop_pct)
    power_w = draft.power_limit_w
    if power_w is not None and power_w > car.rated_power_w:
        power_w = None
    quiet_w = draft.quiet_power_limit_w
    if quiet_w is not None and quiet_w >= min(car.rated_power_w, power_w or car.rated_power_w):
        quiet_w = None
    return replace(draft, power_limit_w=power_w, quiet_power_limit_w=quiet_w, ready_by=ready_by)


def find_own_fields(
    *, shown: RulesDraft, sent: RulesDraft, own_fields: frozenset[str], given_up: frozenset[str]
) -> frozenset[str]:
    """
    Return the rules that a car has of its own after its form came back.

    Those that it had and did not give up, and those that were changed from what was shown.
    """
    changed = {part for part in PARTS if get_part(shown, part) != get_part(sent, part)}
    return frozenset((own_fields | changed) - given_up)


def _restrict(part: str, one: RulesDraft, other: RulesDraft) -> dict[str, Any]:
    if part == "battery":
        return {
            "battery_stop_pct": max(one.battery_stop_pct, other.battery_stop_pct),
            "battery_resume_pct": max(one.battery_resume_pct, other.battery_resume_pct),
        }
    if part == "plug":
        return {"plugged_in_only": one.plugged_in_only or other.plugged_in_only}
    if part == "home":
        return {"home_only": one.home_only or other.home_only}
    return _restrict_temperature(one, other)


def _restrict_temperature(one: RulesDraft, other: RulesDraft) -> dict[str, Any]:
    high = _lower(one.temp_high_c, other.temp_high_c)
    low = _higher(one.temp_low_c, other.temp_low_c)
    warm = _lower(one.heat_resume_c, other.heat_resume_c)
    mild = _higher(one.cold_resume_c, other.cold_resume_c)
    return {
        "temp_high_c": high,
        "temp_low_c": low,
        # A resume level at the limit is none.
        "temp_high_resume_c": None if warm == high else warm,
        "temp_low_resume_c": None if mild == low else mild,
        "temp_hold_min": max(one.temp_hold_min, other.temp_hold_min),
    }


def _lower(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _higher(one: int | None, other: int | None) -> int | None:
    return max((each for each in (one, other) if each is not None), default=None)
