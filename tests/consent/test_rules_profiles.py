"""
Defaults for all cars and what one car has of its own: which counts, and where it comes from.
"""

from dataclasses import replace
from typing import Any

import pytest

from consent.rules import CarFacts, ReadyBy, RulesDraft
from consent.rules.parts import PARTS
from consent.rules.profiles import Combined, Origin, combine, find_own_fields, fit_to_car
from tests.consent.test_rules_faults import CAR, DRAFT, EVENING


def mix(own: dict[str, Any], *own_fields: str, **profile: Any) -> Combined:
    return combine(
        profile=replace(DRAFT, **profile),
        own=replace(DRAFT, **own),
        own_fields=frozenset(own_fields),
    )


def test_a_car_without_rules_of_its_own_has_the_defaults() -> None:
    combined = mix({"battery_stop_pct": 90, "power_limit_w": 100}, energy_wh_per_day_max=1)

    assert combined.draft == replace(DRAFT, energy_wh_per_day_max=1)
    assert set(combined.origins.values()) == {Origin.DEFAULTS}
    assert combined.origins.keys() == PARTS.keys()


def test_a_rule_of_its_own_counts_instead() -> None:
    combined = mix({"windows": (EVENING,), "power_limit_w": 950}, "hours", "power")

    assert combined.draft == replace(DRAFT, windows=(EVENING,), power_limit_w=950)
    assert combined.origins["hours"] is Origin.CAR
    assert combined.origins["power"] is Origin.CAR
    assert combined.origins["battery"] is Origin.DEFAULTS


@pytest.mark.parametrize(
    ("part", "own", "profile", "effective", "origin"),
    [
        (
            "battery",
            {"battery_stop_pct": 30, "battery_resume_pct": 35},
            {},
            {"battery_stop_pct": 40, "battery_resume_pct": 50},
            Origin.STRICTER,
        ),
        (
            "battery",
            {"battery_stop_pct": 60, "battery_resume_pct": 70},
            {},
            {"battery_stop_pct": 60, "battery_resume_pct": 70},
            Origin.CAR,
        ),
        (
            "battery",
            {"battery_stop_pct": 30, "battery_resume_pct": 70},
            {},
            {"battery_stop_pct": 40, "battery_resume_pct": 70},
            Origin.STRICTER,
        ),
        ("plug", {"plugged_in_only": False}, {}, {"plugged_in_only": True}, Origin.STRICTER),
        ("plug", {}, {"plugged_in_only": False}, {"plugged_in_only": True}, Origin.CAR),
        ("home", {"home_only": False}, {}, {"home_only": True}, Origin.STRICTER),
        (
            "temperature",
            {"temp_high_c": 45, "temp_low_c": 5, "temp_low_resume_c": 8},
            {"temp_high_resume_c": 30, "temp_hold_min": 10},
            {
                "temp_high_c": 35,
                "temp_high_resume_c": 30,
                "temp_low_c": 5,
                "temp_low_resume_c": 8,
                "temp_hold_min": 10,
            },
            Origin.STRICTER,
        ),
        (
            "temperature",
            {"temp_high_c": None, "temp_low_c": None},
            {"temp_low_c": None},
            {"temp_high_c": 35, "temp_high_resume_c": None, "temp_low_c": None},
            Origin.STRICTER,
        ),
    ],
)
def test_of_two_rules_of_safety_the_stricter_counts(
    part: str,
    own: dict[str, Any],
    profile: dict[str, Any],
    effective: dict[str, Any],
    origin: Origin,
) -> None:
    combined = mix(own, part, **profile)

    assert combined.draft == replace(DRAFT, **profile | effective)
    assert combined.origins[part] is origin


def test_values_that_are_switched_off_stay_with_their_rule() -> None:
    own = replace(DRAFT, kept=(("power_limit_w", 700), ("temp_high_c", 30)))
    profile = replace(DRAFT, kept=(("energy_wh_per_day_max", 5), ("power_limit_w", 600)))

    combined = combine(profile=profile, own=own, own_fields=frozenset({"power"}))

    assert combined.draft.kept == (("energy_wh_per_day_max", 5), ("power_limit_w", 700))


def test_a_car_leaves_out_the_power_that_it_never_draws() -> None:
    small = CarFacts(rated_power_w=500, battery_wh=40_000, charge_power_w=3_680)
    draft = replace(DRAFT, quiet_windows=(EVENING,), quiet_power_limit_w=500)

    assert fit_to_car(draft=draft, car=CAR) == draft
    fitted = fit_to_car(draft=draft, car=small)
    assert (fitted.power_limit_w, fitted.quiet_power_limit_w) == (None, None)


def test_a_car_leaves_out_a_level_that_its_own_floor_is_above() -> None:
    low, high = ReadyBy((0,), 450, 60), ReadyBy((1,), 450, 80)
    draft = replace(DRAFT, battery_stop_pct=70, battery_resume_pct=75, ready_by=(low, high))

    assert fit_to_car(draft=draft, car=CAR).ready_by == (high,)


def test_what_was_changed_in_the_form_becomes_the_cars_own() -> None:
    sent: RulesDraft = replace(DRAFT, battery_stop_pct=45, home_only=False)

    assert find_own_fields(
        shown=DRAFT,
        sent=sent,
        own_fields=frozenset({"hours", "power"}),
        given_up=frozenset({"power", "home"}),
    ) == {"hours", "battery"}
