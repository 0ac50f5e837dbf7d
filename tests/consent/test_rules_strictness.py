"""
Stricter takes effect at once, looser asks who is there: which one a change is, rule by rule.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules import (
    BuyersMode,
    Gate,
    Grace,
    ReadyBy,
    Window,
    WorkloadCategory,
)
from consent.rules.parts import PARTS, SAFETY_PARTS
from consent.rules.strictness import Move, is_looser, judge_moves, take_stricter
from tests.consent.terms import EVERY_DAY
from tests.consent.test_rules_faults import DRAFT, EVENING, WEEKDAY_MORNINGS, closed, opened


BOTH_LIMITS = {"quiet_windows": (EVENING,), "quiet_power_limit_w": 400}
LATE = Window(EVERY_DAY, 23 * 60, 24 * 60)
EARLY = Window(EVERY_DAY, 21 * 60, 22 * 60)
DUSK = Window(EVERY_DAY, 20 * 60, 21 * 60)


def judge(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Move]:
    moves = judge_moves(before=replace(DRAFT, **before), after=replace(DRAFT, **after))
    return {part: move for part, move in moves.items() if move is not Move.SAME}


# A rule, its old value, and one that is stricter.
PAIRS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("hours", {}, {"windows": (LATE,)}),
    ("dates", {}, {"exceptions": (closed(3),)}),
    ("dates", {"exceptions": (opened(3),)}, {}),
    ("dates", {}, {"holiday_country": "NO"}),
    ("battery", {}, {"battery_stop_pct": 45}),
    ("battery", {}, {"battery_resume_pct": 55}),
    ("ready_by", {}, {"ready_by": (WEEKDAY_MORNINGS,)}),
    ("ready_by", {"ready_by": (ReadyBy((0, 1), 450, 60),)}, {"ready_by": (WEEKDAY_MORNINGS,)}),
    ("plug", {"plugged_in_only": False}, {}),
    ("home", {"home_only": False}, {}),
    ("wear", {}, {"wear_cycles_milli_per_month_max": 500}),
    ("wear", {"wear_micros_per_month_max": 3}, {"wear_micros_per_month_max": 2}),
    ("temperature", {}, {"temp_high_c": 34}),
    ("temperature", {"temp_high_c": None}, {}),
    ("temperature", {}, {"temp_high_resume_c": 32}),
    ("temperature", {}, {"temp_low_c": 2}),
    ("temperature", {"temp_low_c": None}, {}),
    ("temperature", {}, {"temp_low_resume_c": 3}),
    ("temperature", {}, {"temp_hold_min": 10}),
    ("energy", {}, {"energy_wh_per_day_max": 5_000}),
    ("compute", {"compute_s_per_month_max": None}, {}),
    ("data", {}, {"mobile_data_mb_per_month_max": 500}),
    ("power", {}, {"power_limit_w": 800}),
    ("quiet", {}, BOTH_LIMITS),
    ("quiet", BOTH_LIMITS, BOTH_LIMITS | {"quiet_power_limit_w": 300}),
    ("quiet", BOTH_LIMITS, BOTH_LIMITS | {"quiet_windows": (EVENING, DUSK)}),
    ("reward", {}, {"reward_micros_per_h_min": 1}),
    ("buyers", {}, {"buyers_mode": BuyersMode.EXCEPT, "buyer_ids": (7,)}),
    (
        "buyers",
        {"buyers_mode": BuyersMode.EXCEPT, "buyer_ids": (7,)},
        {"buyers_mode": BuyersMode.ONLY, "buyer_ids": (8,)},
    ),
    (
        "buyers",
        {"buyers_mode": BuyersMode.ONLY, "buyer_ids": (7, 8)},
        {"buyers_mode": BuyersMode.ONLY, "buyer_ids": (8,)},
    ),
    ("categories", {"categories": tuple(WorkloadCategory)}, {}),
    ("grace", {"grace": (Grace(Gate.HOURS, 5),)}, {}),
    ("grace", {"grace": (Grace(Gate.HOURS, None),)}, {"grace": (Grace(Gate.HOURS, 240),)}),
]


@pytest.mark.parametrize(("part", "loose", "strict"), PAIRS)
def test_is_stricter_one_way_and_looser_the_other(
    part: str, loose: dict[str, Any], strict: dict[str, Any]
) -> None:
    assert judge(loose, strict) == {part: Move.STRICTER}
    assert judge(strict, loose) == {part: Move.LOOSER}


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("hours", {"windows": (LATE,)}, {"windows": (EARLY,)}),
        ("time_zone", {}, {"time_zone": "Europe/Lisbon"}),
        ("dates", {"holiday_country": "DE"}, {"holiday_country": "DE-BW"}),
        ("dates", {"exceptions": (closed(3),)}, {"exceptions": (closed(4),)}),
        ("battery", {}, {"battery_stop_pct": 30, "battery_resume_pct": 60}),
        (
            "ready_by",
            {"ready_by": (ReadyBy((0,), 450, 80),)},
            {"ready_by": (ReadyBy((0,), 465, 80),)},
        ),
        ("energy", {}, {"energy_wh_per_day_max": 1, "energy_wh_per_month_max": None}),
        ("quiet", BOTH_LIMITS, {"quiet_windows": (DUSK,), "quiet_power_limit_w": 400}),
        (
            "buyers",
            {"buyers_mode": BuyersMode.ONLY, "buyer_ids": (7,)},
            {"buyers_mode": BuyersMode.EXCEPT, "buyer_ids": (7,)},
        ),
        ("categories", {}, {"categories": (WorkloadCategory.OTHER,)}),
    ],
)
def test_what_does_both_is_looser(part: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert judge(before, after) == {part: Move.BOTH}
    assert Move.BOTH.is_looser


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"windows": (LATE, EARLY)}, {"windows": (EARLY, LATE)}),
        ({"buyer_ids": (7,)}, {"buyer_ids": ()}),
        ({"quiet_windows": (EVENING,)}, {}),
        ({"reward_micros_per_h_min": None}, {"kept": (("reward_micros_per_h_min", 5),)}),
    ],
)
def test_what_means_the_same_is_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert judge(before, after) == {}


def test_a_first_consent_loosens_everything() -> None:
    assert set(judge_moves(before=None, after=DRAFT).values()) == {Move.LOOSER}
    assert is_looser(before=None, after=DRAFT)


def test_only_the_stricter_rules_can_be_taken() -> None:
    after = replace(
        DRAFT,
        battery_stop_pct=45,
        home_only=False,
        temp_high_c=None,
        kept=(("energy_wh_per_day_max", 3), ("temp_high_c", 33)),
    )

    taken = take_stricter(before=DRAFT, after=after)

    assert taken == replace(DRAFT, battery_stop_pct=45)
    assert not is_looser(before=DRAFT, after=taken)


@given(data=st.data())
def test_what_is_not_looser_follows_from_the_parts(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(PAIRS), max_size=4, unique_by=lambda each: each[0]))
    loose, strict = DRAFT, DRAFT
    for _, before, after in chosen:
        loose, strict = replace(loose, **before), replace(strict, **after)

    taken = take_stricter(before=loose, after=strict)

    assert not is_looser(before=loose, after=taken)
    assert is_looser(before=loose, after=DRAFT) == any(
        move.is_looser for move in judge_moves(before=loose, after=DRAFT).values()
    )


class TestParts:
    def test_safety_is_made_of_rules(self) -> None:
        assert set(PARTS) >= SAFETY_PARTS
