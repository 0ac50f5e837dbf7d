"""
How full the car must still be: charging is kept free before the hour named, with an hour more.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import ReadyBy
from consent.rules.calendar import _instant
from consent.rules.readiness import (
    find_charge_floors,
    find_charge_minutes,
    find_gain_permille,
    find_ready_mask,
    pack_floors,
)
from consent.rules.week import (
    FULL_WEEK,
    QUARTER,
    QUARTERS_PER_WEEK,
    quarter_of_week,
)
from tests.consent.terms import EVERY_DAY, OSLO


# 75 kWh at 3.68 kW, of which 88 % arrive: 4.3 percent an hour.
CAR = {"battery_wh": 75_000, "charge_power_w": 3_680}


def floors_at(*ready_by: ReadyBy) -> dict[str, int]:
    """
    Return the floors of Monday by the clock's time.
    """
    floors = find_charge_floors(ready_by=ready_by, **CAR)
    assert floors is not None
    return {f"{q // 4:02d}:{q % 4 * 15:02d}": floors[q] for q in range(96)}


class TestFloors:
    def test_there_are_none_without_a_rule(self) -> None:
        assert find_charge_floors(ready_by=(), **CAR) is None

    def test_the_level_is_asked_for_in_the_last_hour(self) -> None:
        floors = floors_at(ReadyBy((0,), 7 * 60, 80))

        assert [floors[time] for time in ("05:45", "06:00", "06:45")] == [800, 800, 800]

    def test_before_that_what_charging_gives_is_not_asked_for(self) -> None:
        floors = floors_at(ReadyBy((0,), 7 * 60, 80))

        # 15 minutes give 10 permille, 30 give 21, four hours 172.
        assert [floors[time] for time in ("05:30", "05:15", "01:45")] == [790, 779, 628]

    def test_nothing_is_asked_for_from_the_hour_on(self) -> None:
        floors = floors_at(ReadyBy((0,), 7 * 60, 80))

        assert floors["07:00"] == 0
        assert floors["23:45"] == 0

    def test_the_night_before_the_first_day_of_the_week_is_sundays(self) -> None:
        floors = find_charge_floors(ready_by=(ReadyBy((0,), 60, 80),), **CAR)

        assert floors is not None
        # Sunday 23:45 and Monday 00:45.
        assert (floors[QUARTERS_PER_WEEK - 1], floors[3]) == (800, 800)

    def test_the_highest_of_several_counts(self) -> None:
        floors = floors_at(ReadyBy((0,), 7 * 60, 50), ReadyBy((0,), 9 * 60, 80))

        assert floors["06:45"] == 800 - find_gain_permille(minutes=60, **CAR)
        assert floors["07:00"] > 0

    def test_a_charger_that_needs_more_than_a_week_asks_at_every_hour(self) -> None:
        slow = {"battery_wh": 400_000, "charge_power_w": 1_000}

        floors = find_charge_floors(ready_by=(ReadyBy((0,), 0, 100),), **slow)

        assert floors is not None
        # Its own quarter is a whole week before the next Monday.
        assert floors[0] == 0
        assert min(floors[1:]) > 0


class TestCharging:
    @given(
        permille=st.integers(0, 1_000),
        battery_wh=st.integers(5_000, 400_000),
        charge_power_w=st.integers(1_000, 400_000),
    )
    def test_as_long_as_it_takes_gives_as_much_and_a_minute_less_does_not(
        self, permille: int, battery_wh: int, charge_power_w: int
    ) -> None:
        car = {"battery_wh": battery_wh, "charge_power_w": charge_power_w}

        minutes = find_charge_minutes(permille=permille, **car)

        assert find_gain_permille(minutes=minutes, **car) >= permille
        if minutes:
            assert find_gain_permille(minutes=minutes - 1, **car) < permille

    @settings(max_examples=300, deadline=None)
    @given(
        minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
        level_pct=st.integers(40, 100),
        # At times the days on which the clocks of Oslo change.
        day=st.integers(0, 364) | st.sampled_from([87, 297]),
    )
    def test_who_stops_where_it_says_is_ready_on_every_night_of_the_year(
        self, minute: int, level_pct: int, day: int
    ) -> None:
        floors = find_charge_floors(ready_by=(ReadyBy(EVERY_DAY, minute, level_pct),), **CAR)
        assert floors is not None
        on_date = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
        ready_at = _instant(on_date, minute, OSLO)
        for steps in range(1, 80):
            # A quarter in which work was allowed ends here, at the least charge that it asks.
            ends_at = ready_at - (steps - 1) * QUARTER
            quarter = quarter_of_week((ends_at - QUARTER).astimezone(OSLO))
            floor = floors[quarter]
            left = int((ready_at - ends_at).total_seconds()) // 60
            assert floor + find_gain_permille(minutes=left, **CAR) >= level_pct * 10


class TestReadyMask:
    @pytest.mark.parametrize(("charge", "mask"), [(0, FULL_WEEK ^ 0b110), (500, FULL_WEEK ^ 0b100)])
    def test_has_the_quarters_in_which_the_charge_suffices(self, charge: int, mask: int) -> None:
        floors = (0, 500, 501) + (0,) * (QUARTERS_PER_WEEK - 3)

        assert find_ready_mask(packed_floors=pack_floors(floors), charge_permille=charge) == mask
