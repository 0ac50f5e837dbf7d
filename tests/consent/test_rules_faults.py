"""
What can never run, never bind or never be meant is refused with its reason.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from consent.rules import (
    BuyersMode,
    CarFacts,
    DateException,
    Fault,
    FaultCode,
    Gate,
    Grace,
    ReadyBy,
    Window,
    WorkloadCategory,
    find_faults,
)
from tests.consent.terms import EVERY_DAY
from tests.factories import NIGHTLY_RULES


# Sunday, 22 November 2026, 13:00 in Oslo.
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CAR = CarFacts(rated_power_w=1_000, battery_wh=75_000, charge_power_w=3_680)
DRAFT = replace(NIGHTLY_RULES, categories=(WorkloadCategory.INFERENCE,))
WEEKDAY_MORNINGS = ReadyBy((0, 1, 2, 3, 4), 7 * 60 + 30, 80)
EVENING = Window(EVERY_DAY, 21 * 60, 24 * 60)


def find(highest: int | None = None, car: CarFacts = CAR, **changes: Any) -> tuple[Fault, ...]:
    return find_faults(
        draft=replace(DRAFT, **changes), car=car, now=NOW, reward_micros_per_h_highest=highest
    )


def closed(days: int) -> DateException:
    return DateException(TODAY + timedelta(days=days), is_open=False)


def opened(days: int, starts_minute: int = 600, ends_minute: int = 900) -> DateException:
    on_date = TODAY + timedelta(days=days)
    return DateException(
        on_date, is_open=True, starts_minute=starts_minute, ends_minute=ends_minute
    )


def test_a_sound_draft_has_no_faults() -> None:
    assert find() == ()


def test_every_new_rule_may_be_set_at_once() -> None:
    assert not find(
        highest=200_000,
        exceptions=(closed(0), closed(30), opened(31)),
        holiday_country="DE-BW",
        ready_by=(WEEKDAY_MORNINGS, ReadyBy((5, 6), 10 * 60, 60)),
        temp_high_resume_c=32,
        temp_low_resume_c=3,
        temp_hold_min=20,
        wear_cycles_milli_per_month_max=1_000,
        wear_distance_km_per_month_max=400,
        wear_micros_per_month_max=5_000_000,
        reward_micros_per_h_min=150_000,
        buyers_mode=BuyersMode.EXCEPT,
        buyer_ids=(7,),
        mobile_data_mb_per_month_max=2_000,
        quiet_windows=(EVENING,),
        quiet_power_limit_w=400,
        grace=(Grace(Gate.HOURS, 15), Grace(Gate.REWARD, None)),
    )


def test_limits_may_all_be_left_out() -> None:
    assert not find(
        temp_high_c=None,
        temp_low_c=None,
        energy_wh_per_day_max=None,
        energy_wh_per_month_max=None,
        compute_s_per_day_max=None,
        compute_s_per_month_max=None,
        power_limit_w=None,
    )


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"windows": ()}, "windows", FaultCode.NO_HOURS),
        (
            {"windows": tuple(Window((0,), n * 15, n * 15 + 15) for n in range(43))},
            "windows",
            FaultCode.TOO_MANY_WINDOWS,
        ),
        ({"time_zone": "Europe/Atlantis"}, "time_zone", FaultCode.ZONE_UNKNOWN),
        ({"holiday_country": "XX"}, "holiday_country", FaultCode.COUNTRY_UNKNOWN),
        ({"holiday_country": "NO-99"}, "holiday_country", FaultCode.COUNTRY_UNKNOWN),
        ({"holiday_country": "FR-Zone D"}, "holiday_country", FaultCode.COUNTRY_UNKNOWN),
        ({"battery_stop_pct": 19}, "battery_stop_pct", FaultCode.STOP_OUT_OF_RANGE),
        ({"battery_resume_pct": 101}, "battery_resume_pct", FaultCode.RESUME_OUT_OF_RANGE),
        ({"battery_resume_pct": 39}, "battery_resume_pct", FaultCode.RESUME_BELOW_STOP),
        ({"temp_high_c": 51}, "temp_high_c", FaultCode.HIGH_OUT_OF_RANGE),
        ({"temp_low_c": -21}, "temp_low_c", FaultCode.LOW_OUT_OF_RANGE),
        ({"temp_high_resume_c": 36}, "temp_high_resume_c", FaultCode.HIGH_RESUME_OUT_OF_RANGE),
        ({"temp_high_resume_c": 14}, "temp_high_resume_c", FaultCode.HIGH_RESUME_OUT_OF_RANGE),
        (
            {"temp_high_c": None, "temp_high_resume_c": 30},
            "temp_high_resume_c",
            FaultCode.HIGH_RESUME_OUT_OF_RANGE,
        ),
        ({"temp_low_resume_c": -1}, "temp_low_resume_c", FaultCode.LOW_RESUME_OUT_OF_RANGE),
        ({"temp_low_resume_c": 26}, "temp_low_resume_c", FaultCode.LOW_RESUME_OUT_OF_RANGE),
        (
            {"temp_high_resume_c": 18, "temp_low_resume_c": 19},
            "temp_low_resume_c",
            FaultCode.RESUMES_CROSS,
        ),
        ({"temp_hold_min": 241}, "temp_hold_min", FaultCode.HOLD_OUT_OF_RANGE),
        (
            {"temp_high_c": None, "temp_low_c": None, "temp_hold_min": 10},
            "temp_hold_min",
            FaultCode.HOLD_NEVER_BINDS,
        ),
        (
            {"energy_wh_per_day_max": 0},
            "energy_wh_per_day_max",
            FaultCode.LIMIT_NOT_POSITIVE,
        ),
        (
            {"wear_cycles_milli_per_month_max": 0},
            "wear_cycles_milli_per_month_max",
            FaultCode.LIMIT_NOT_POSITIVE,
        ),
        (
            {"compute_s_per_day_max": 720_001},
            "compute_s_per_day_max",
            FaultCode.DAY_OVER_MONTH,
        ),
        ({"power_limit_w": 0}, "power_limit_w", FaultCode.LIMIT_NOT_POSITIVE),
        ({"power_limit_w": 1_001}, "power_limit_w", FaultCode.POWER_NEVER_BINDS),
        ({"quiet_power_limit_w": 400}, "quiet_windows", FaultCode.QUIET_NO_HOURS),
        (
            {"quiet_windows": (EVENING,), "quiet_power_limit_w": 900},
            "quiet_power_limit_w",
            FaultCode.QUIET_NEVER_BINDS,
        ),
        (
            {"quiet_windows": (EVENING,), "quiet_power_limit_w": 1_000, "power_limit_w": None},
            "quiet_power_limit_w",
            FaultCode.QUIET_NEVER_BINDS,
        ),
        ({"categories": ()}, "categories", FaultCode.NO_CATEGORIES),
        ({"buyers_mode": BuyersMode.ONLY}, "buyer_ids", FaultCode.NO_BUYERS),
        ({"buyers_mode": BuyersMode.EXCEPT}, "buyer_ids", FaultCode.NO_BUYERS),
        (
            {"reward_micros_per_h_min": 100_001, "highest": 100_000},
            "reward_micros_per_h_min",
            FaultCode.REWARD_ABOVE_ALL,
        ),
    ],
)
def test_names_the_field_and_the_fault(
    changes: dict[str, Any], field: str, code: FaultCode
) -> None:
    assert find(**changes) == (Fault(field, code),)


def test_a_price_floor_is_fine_while_nobody_knows_what_is_paid() -> None:
    assert not find(reward_micros_per_h_min=9_000_000)


@pytest.mark.parametrize(
    ("window", "code"),
    [
        (Window((0,), 600, 600), FaultCode.WINDOW_EMPTY),
        (Window((), 600, 660), FaultCode.WINDOW_EMPTY),
        (Window((0,), 607, 660), FaultCode.WINDOW_NOT_QUARTER),
        (Window((0,), 600, 661), FaultCode.WINDOW_NOT_QUARTER),
        (Window((0,), 1440, 60), FaultCode.WINDOW_NOT_QUARTER),
        (Window((0,), 600, 1455), FaultCode.WINDOW_NOT_QUARTER),
    ],
)
@pytest.mark.parametrize("field", ["windows", "quiet_windows"])
def test_names_the_window_that_is_wrong(field: str, window: Window, code: FaultCode) -> None:
    changes: dict[str, Any] = {field: (DRAFT.windows[0], window)}

    assert find(**changes) == (Fault(field, code, 1),)


class TestDates:
    def test_the_same_date_twice_contradicts_itself(self) -> None:
        assert find(exceptions=(closed(3), opened(3))) == (
            Fault("exceptions", FaultCode.DATE_TWICE, 0),
            Fault("exceptions", FaultCode.DATE_TWICE, 1),
        )

    def test_a_past_date_changes_nothing(self) -> None:
        assert find(exceptions=(closed(-2),)) == (Fault("exceptions", FaultCode.DATE_PAST, 0),)

    def test_yesterdays_night_may_still_run(self) -> None:
        assert not find(exceptions=(closed(-1),))

    def test_a_date_after_the_consent_ends_never_binds(self) -> None:
        assert find(exceptions=(closed(400),)) == (
            Fault("exceptions", FaultCode.DATE_AFTER_CONSENT, 0),
        )
        assert not find(exceptions=(closed(390),))

    def test_an_opening_needs_a_length_and_quarter_hours(self) -> None:
        assert find(exceptions=(opened(1, 600, 600), opened(2, 601, 700))) == (
            Fault("exceptions", FaultCode.WINDOW_EMPTY, 0),
            Fault("exceptions", FaultCode.WINDOW_NOT_QUARTER, 1),
        )

    def test_an_opening_is_enough_without_any_hours_of_the_week(self) -> None:
        assert not find(windows=(), exceptions=(opened(1),))

    def test_closing_every_date_leaves_nothing(self) -> None:
        christmas = (Window((4,), 600, 660),)
        fridays = tuple(closed(5 + 7 * week) for week in range(57))

        assert find(windows=christmas, exceptions=fridays[:56]) == (
            Fault("exceptions", FaultCode.ALL_DATES_CLOSED),
        )
        assert not find(windows=christmas, exceptions=fridays[:55])
        assert not find(windows=christmas, exceptions=(*fridays[:56], opened(1)))

    def test_closing_dates_of_a_week_without_hours_is_one_fault(self) -> None:
        assert find(windows=(), exceptions=(closed(1),)) == (Fault("windows", FaultCode.NO_HOURS),)

    def test_there_is_an_end_to_dates(self) -> None:
        dates = tuple(closed(day) for day in range(101))
        assert Fault("exceptions", FaultCode.TOO_MANY_DATES) in find(exceptions=dates)


class TestReadyBy:
    @pytest.mark.parametrize(
        ("rule", "code"),
        [
            (ReadyBy((), 450, 80), FaultCode.READY_NO_DAYS),
            (ReadyBy((0,), 457, 80), FaultCode.READY_NOT_QUARTER),
            (ReadyBy((0,), 1440, 80), FaultCode.READY_NOT_QUARTER),
            (ReadyBy((5,), 450, 101), FaultCode.READY_OUT_OF_RANGE),
            (ReadyBy((5,), 450, 40), FaultCode.READY_NEVER_BINDS),
        ],
    )
    def test_names_the_line_that_is_wrong(self, rule: ReadyBy, code: FaultCode) -> None:
        assert find(ready_by=(WEEKDAY_MORNINGS, rule)) == (Fault("ready_by", code, 1),)

    def test_two_levels_for_one_time_contradict(self) -> None:
        assert find(ready_by=(WEEKDAY_MORNINGS, ReadyBy((4,), 450, 90))) == (
            Fault("ready_by", FaultCode.READY_TWICE, 0),
            Fault("ready_by", FaultCode.READY_TWICE, 1),
        )

    def test_a_level_that_a_week_of_charging_cannot_reach(self) -> None:
        # 400 kWh x 60 % at 1 kW x 88 % takes 273 hours.
        slow = CarFacts(rated_power_w=1_000, battery_wh=400_000, charge_power_w=1_000)

        assert find(car=slow, ready_by=(ReadyBy((0,), 450, 100),)) == (
            Fault("ready_by", FaultCode.READY_UNREACHABLE, 0),
        )
        assert not find(car=slow, ready_by=(ReadyBy((0,), 450, 75),))

    def test_nothing_is_asked_of_a_battery_that_its_car_does_not_charge_to(self) -> None:
        careful = replace(CAR, charge_limit_pct=80)
        levels = {"battery_stop_pct": 81, "battery_resume_pct": 82}

        assert find(car=careful, **levels, ready_by=(ReadyBy((0,), 450, 90),)) == (
            Fault("battery_stop_pct", FaultCode.STOP_ABOVE_CHARGE),
            Fault("battery_resume_pct", FaultCode.RESUME_ABOVE_CHARGE),
            Fault("ready_by", FaultCode.READY_ABOVE_CHARGE, 0),
        )
        levels = {"battery_stop_pct": 79, "battery_resume_pct": 80}
        assert find(car=careful, **levels, ready_by=(ReadyBy((0,), 450, 80),)) == ()


class TestGrace:
    def test_there_is_none_where_waiting_could_hurt(self) -> None:
        assert find(grace=(Grace(Gate.HEAT, 5),)) == (
            Fault("grace", FaultCode.GRACE_NOT_ALLOWED, 0),
        )

    @pytest.mark.parametrize("minutes", [0, 241])
    def test_it_has_a_length(self, minutes: int) -> None:
        assert find(grace=(Grace(Gate.HOURS, minutes),)) == (
            Fault("grace", FaultCode.GRACE_OUT_OF_RANGE, 0),
        )

    def test_each_gate_has_one(self) -> None:
        assert find(grace=(Grace(Gate.HOURS, 5), Grace(Gate.HOURS, None))) == (
            Fault("grace", FaultCode.GRACE_TWICE, 0),
            Fault("grace", FaultCode.GRACE_TWICE, 1),
        )
