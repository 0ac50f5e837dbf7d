"""
What contradicts or never matters is said before it is saved, and stands in nobody's way.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consent.rules import DateException, ReadyBy, Window, find_faults
from consent.rules.cautions import Caution, CautionCode, find_cautions, find_kept_mask
from tests.consent.terms import EVERY_DAY
from tests.consent.test_rules_faults import (
    CAR,
    DRAFT,
    EVENING,
    NOW,
    TODAY,
    WEEKDAY_MORNINGS,
    closed,
    opened,
)


def find(**changes: Any) -> tuple[Caution, ...]:
    # Ten hours a day are more than the nights have, which is a caution of its own.
    draft = replace(DRAFT, **{"compute_s_per_day_max": None} | changes)
    assert find_faults(draft=draft, car=CAR, now=NOW) == ()
    return find_cautions(draft=draft, car=CAR, now=NOW)


def test_an_ordinary_draft_raises_none() -> None:
    assert find() == ()


class TestReadyBy:
    def test_says_how_much_of_which_nights_charging_takes(self) -> None:
        # From 50 to 80 % of 75 kWh at 3.68 kW x 88 % is 6 h 57 min; with the margin of an hour
        # and whole quarters 23:30 to 07:00 of the nights before Monday to Friday are taken.
        [caution] = find(ready_by=(WEEKDAY_MORNINGS,))

        assert (caution.field, caution.code) == ("ready_by", CautionCode.READY_TAKES_HOURS)
        assert caution.days == (0, 1, 2, 3, 4)
        assert (caution.minutes, caution.of_minutes) == (7 * 60 + 30, 9 * 60)
        assert caution.level_pct == 50

    def test_says_when_nothing_is_left(self) -> None:
        [caution] = find(ready_by=(ReadyBy((2,), 7 * 60, 100),))

        assert caution.code == CautionCode.READY_TAKES_ALL
        assert caution.minutes == caution.of_minutes == 540

    def test_is_silent_about_a_little(self) -> None:
        assert find(ready_by=(ReadyBy((2,), 7 * 60, 55),)) == ()

    def test_groups_days_that_differ(self) -> None:
        weekend = Window((5,), 0, 24 * 60)
        cautions = find(
            windows=(*DRAFT.windows, weekend),
            ready_by=(ReadyBy((0, 6), 7 * 60 + 30, 80),),
            battery_resume_pct=55,
        )

        # Before Sunday the whole Saturday is open too, so charging takes less than half of it.
        assert [caution.days for caution in cautions] == [(0,)]

    def test_marks_the_quarters_that_are_kept(self) -> None:
        draft = replace(DRAFT, ready_by=(ReadyBy((0,), 7 * 60, 60),))

        kept = find_kept_mask(draft=draft, car=CAR, charge_pct=50)

        # 10 % take 2 h 19 min, and the margin an hour: Monday 03:30 to 07:00.
        assert kept == sum(1 << quarter for quarter in range(14, 28))
        assert find_kept_mask(draft=draft, car=CAR, charge_pct=60) == 0


class TestCaps:
    @pytest.mark.parametrize(
        ("changes", "field", "most"),
        [
            # Nine hours a night, seven of them on the day that follows: nine a day; 900 W.
            ({"energy_wh_per_day_max": 8_101}, "energy_wh_per_day_max", 8_100),
            ({"compute_s_per_day_max": 32_401}, "compute_s_per_day_max", 32_400),
            (
                {"energy_wh_per_month_max": 251_101},
                "energy_wh_per_month_max",
                251_100,
            ),
            ({"compute_s_per_month_max": 1_004_401}, "compute_s_per_month_max", 1_004_400),
        ],
    )
    def test_a_cap_above_what_the_hours_hold(
        self, changes: dict[str, int], field: str, most: int
    ) -> None:
        assert find(**changes) == (Caution(field, CautionCode.CAP_ABOVE_HOURS, limit=most),)
        assert find(**{field: most}) == ()

    def test_an_opening_out_of_turn_may_need_it(self) -> None:
        assert find(energy_wh_per_day_max=9_000, exceptions=(opened(1),)) == ()

    def test_of_two_wear_limits_one_counts(self) -> None:
        # A cycle of 75 kWh is 416 km of 180 Wh.
        assert find(wear_cycles_milli_per_month_max=1_000, wear_distance_km_per_month_max=500) == (
            Caution("wear_distance_km_per_month_max", CautionCode.WEAR_LIMIT_SHADOWED, limit=416),
        )
        assert find(wear_cycles_milli_per_month_max=1_000, wear_distance_km_per_month_max=100) == (
            Caution("wear_cycles_milli_per_month_max", CautionCode.WEAR_LIMIT_SHADOWED, limit=240),
        )
        # 0.96 cycles are 72 kWh, as are 400 km: both count.
        assert find(wear_cycles_milli_per_month_max=960, wear_distance_km_per_month_max=400) == ()


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"temp_high_c": 27}, "temp_high_c", CautionCode.HEAT_BELOW_USUAL),
        ({"temp_low_c": 6}, "temp_low_c", CautionCode.COLD_ABOVE_USUAL),
        ({"plugged_in_only": False}, "plugged_in_only", CautionCode.NIGHT_WITHOUT_PLUG),
        (
            {"quiet_windows": (Window(EVERY_DAY, 720, 840),), "quiet_power_limit_w": 400},
            "quiet_windows",
            CautionCode.QUIET_OUTSIDE_HOURS,
        ),
    ],
)
def test_names_the_field_and_what_is_odd(
    changes: dict[str, Any], field: str, code: CautionCode
) -> None:
    assert [(each.field, each.code) for each in find(**changes)] == [(field, code)]


def test_quiet_hours_that_meet_the_hours_are_fine() -> None:
    assert find(quiet_windows=(EVENING,), quiet_power_limit_w=400) == ()


def test_by_day_no_plug_is_needed() -> None:
    noon = (Window(EVERY_DAY, 720, 840),)
    caps = {"energy_wh_per_day_max": None, "energy_wh_per_month_max": None}
    caps |= {"compute_s_per_month_max": None}
    assert find(windows=noon, plugged_in_only=False, **caps) == ()


def test_a_date_that_changes_nothing() -> None:
    weekdays = (Window((0, 1, 2, 3, 4), 600, 900),)
    sunday, monday = TODAY + timedelta(days=7), TODAY + timedelta(days=8)
    caps = {"energy_wh_per_day_max": None, "energy_wh_per_month_max": None}
    caps |= {"compute_s_per_month_max": None}

    cautions = find(
        windows=weekdays,
        exceptions=(
            DateException(sunday, is_open=False),
            DateException(monday, is_open=True, starts_minute=600, ends_minute=660),
            closed(9),
            opened(10, 540, 660),
        ),
        **caps,
    )

    assert [(each.code, each.place) for each in cautions] == [
        (CautionCode.DATE_CHANGES_NOTHING, 0),
        (CautionCode.DATE_CHANGES_NOTHING, 1),
    ]
