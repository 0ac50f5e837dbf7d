from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consent.rules import (
    CHECKS,
    NO_USE,
    Gate,
    Pause,
    ReasonCode,
    State,
    Use,
    Workload,
    WorkloadCategory,
    decide,
)
from consent.rules.decide import LEASE_S, TELEMETRY_STALE_S
from consent.rules.week import FULL_WEEK, NO_HOURS
from tests.consent.terms import GOOD_STATE, INFERENCE, NIGHT, NIGHT_RULES, ask
from web import limits


# Wednesday, 18 November 2026, 13:00 in Oslo: outside the nights.
AFTERNOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


class TestPermit:
    def test_permits_a_car_that_meets_every_rule(self) -> None:
        decision = ask()

        assert decision.permit
        assert decision.codes == ()
        assert decision.consent_version == 3
        assert decision.power_limit_w == 900
        assert decision.next_open_at is None

    def test_lasts_no_longer_than_a_lease(self) -> None:
        assert ask().valid_until == NIGHT + timedelta(seconds=60)

    def test_ends_where_the_window_closes(self) -> None:
        last_seconds = datetime(2026, 11, 19, 5, 59, 30, tzinfo=UTC)

        assert ask(now=last_seconds).valid_until == datetime(2026, 11, 19, 6, 0, tzinfo=UTC)

    def test_runs_on_over_a_quarter_inside_the_window(self) -> None:
        now = datetime(2026, 11, 19, 5, 44, 30, tzinfo=UTC)

        assert ask(now=now).valid_until == now + timedelta(seconds=60)

    def test_ends_where_the_telemetry_grows_stale(self) -> None:
        decision = ask(state={"observed_at": NIGHT - timedelta(seconds=270)})

        assert decision.valid_until == NIGHT + timedelta(seconds=30)

    def test_names_every_gate_in_the_fixed_order(self) -> None:
        assert [finding.gate for finding in ask().findings] == list(Gate)
        assert len(CHECKS) == len(Gate)


class TestConsent:
    def test_refuses_without_any_consent(self) -> None:
        decision = decide(rules=None, state=GOOD_STATE, use=NO_USE, workload=INFERENCE, now=NIGHT)

        assert decision.codes == (ReasonCode.NO_CONSENT,)
        assert decision.consent_version is None
        assert decision.valid_until is None

    def test_refuses_after_a_withdrawal_and_says_nothing_else(self) -> None:
        decision = ask(rules={"is_withdrawn": True, "week_mask": NO_HOURS})

        assert decision.codes == (ReasonCode.CONSENT_WITHDRAWN,)
        assert decision.consent_version == 3
        assert decision.next_open_at is None


class TestReasons:
    @pytest.mark.parametrize(
        ("state", "code"),
        [
            ({"observed_at": None}, ReasonCode.TELEMETRY_MISSING),
            ({"observed_at": NIGHT - timedelta(minutes=5)}, ReasonCode.TELEMETRY_STALE),
            ({"is_moving": True}, ReasonCode.DRIVING),
            ({"plugged_in": False}, ReasonCode.NOT_PLUGGED_IN),
            ({"plugged_in": None}, ReasonCode.PLUG_UNKNOWN),
            ({"is_home": False}, ReasonCode.NOT_HOME),
            ({"is_home": None}, ReasonCode.HOME_UNKNOWN),
            ({"state_of_charge_permille": 399}, ReasonCode.BATTERY_LOW),
            ({"state_of_charge_permille": None}, ReasonCode.BATTERY_UNKNOWN),
            (
                {"state_of_charge_permille": 499, "is_recovering": True},
                ReasonCode.BATTERY_RECOVERING,
            ),
            ({"battery_temp_max_decic": 351}, ReasonCode.TOO_HOT),
            ({"battery_temp_min_decic": -1}, ReasonCode.TOO_COLD),
            ({"battery_temp_max_decic": None}, ReasonCode.TEMPERATURE_UNKNOWN),
            ({"battery_temp_min_decic": None}, ReasonCode.TEMPERATURE_UNKNOWN),
            ({"pause": Pause(NIGHT, None)}, ReasonCode.PAUSED),
        ],
    )
    def test_refuses_for_the_state_of_the_car(
        self, state: dict[str, object], code: ReasonCode
    ) -> None:
        decision = ask(state=state)

        assert not decision.permit
        assert decision.codes == (code,)
        assert decision.valid_until is None

    @pytest.mark.parametrize(
        "state",
        [
            {"observed_at": NIGHT - timedelta(seconds=299)},
            {"state_of_charge_permille": 400},
            {"state_of_charge_permille": 500, "is_recovering": True},
            {"battery_temp_max_decic": 350},
            {"battery_temp_min_decic": 0},
            {"is_moving": None},
            {"pause": Pause(NIGHT - timedelta(hours=1), NIGHT)},
            {"pause": Pause(NIGHT + timedelta(seconds=1), None)},
        ],
    )
    def test_permits_on_the_limit_itself(self, state: dict[str, object]) -> None:
        assert ask(state=state).permit

    @pytest.mark.parametrize(
        ("use", "code"),
        [
            (Use(day_energy_wh=6_000), ReasonCode.DAY_ENERGY_SPENT),
            (Use(month_energy_wh=90_000), ReasonCode.MONTH_ENERGY_SPENT),
            (Use(day_compute_s=36_000), ReasonCode.DAY_COMPUTE_SPENT),
            (Use(month_compute_s=720_000), ReasonCode.MONTH_COMPUTE_SPENT),
        ],
    )
    def test_refuses_when_a_budget_is_spent(self, use: Use, code: ReasonCode) -> None:
        assert ask(use=use).codes == (code,)

    def test_permits_one_below_each_budget(self) -> None:
        assert ask(use=Use(5_999, 35_999, 89_999, 719_999)).permit

    @pytest.mark.parametrize(
        ("category", "code"),
        [
            (None, ReasonCode.WORKLOAD_UNLABELLED),
            (WorkloadCategory.TRAINING, ReasonCode.WORKLOAD_REFUSED),
        ],
    )
    def test_refuses_work_that_is_unlabelled_or_not_wanted(
        self, category: WorkloadCategory | None, code: ReasonCode
    ) -> None:
        assert ask(workload=Workload(category=category)).codes == (code,)

    def test_gives_every_reason_in_gate_order(self) -> None:
        decision = ask(
            now=AFTERNOON,
            state={
                "is_moving": True,
                "plugged_in": False,
                "is_home": None,
                "state_of_charge_permille": 100,
                "battery_temp_min_decic": -50,
                "battery_temp_max_decic": 400,
                "pause": Pause(AFTERNOON, None),
            },
            use=Use(10_000, 100_000, 100_000, 1_000_000),
            workload=Workload(None, metered_energy_wh=300, metered_duration_s=900),
        )

        assert decision.codes == (
            ReasonCode.PAUSED,
            ReasonCode.DRIVING,
            ReasonCode.NOT_PLUGGED_IN,
            ReasonCode.HOME_UNKNOWN,
            ReasonCode.OUTSIDE_HOURS,
            ReasonCode.BATTERY_LOW,
            ReasonCode.TOO_HOT,
            ReasonCode.TOO_COLD,
            ReasonCode.DAY_ENERGY_SPENT,
            ReasonCode.MONTH_ENERGY_SPENT,
            ReasonCode.DAY_COMPUTE_SPENT,
            ReasonCode.MONTH_COMPUTE_SPENT,
            ReasonCode.POWER_EXCEEDED,
            ReasonCode.WORKLOAD_UNLABELLED,
        )

    def test_a_car_never_heard_from_gives_one_reason_not_five(self) -> None:
        decision = decide(
            rules=NIGHT_RULES, state=State(), use=NO_USE, workload=INFERENCE, now=NIGHT
        )

        assert decision.codes == (ReasonCode.TELEMETRY_MISSING,)

    def test_rules_that_are_off_ask_nothing(self) -> None:
        off: dict[str, Any] = {
            "plugged_in_only": False,
            "home_only": False,
            "temp_high_c": None,
            "temp_low_c": None,
            "energy_wh_per_day_max": None,
            "energy_wh_per_month_max": None,
            "compute_s_per_day_max": None,
            "compute_s_per_month_max": None,
            "power_limit_w": None,
        }
        silent = State(observed_at=NIGHT, state_of_charge_permille=900)

        decision = decide(
            rules=replace(NIGHT_RULES, **off),
            state=silent,
            use=Use(10**9, 10**9, 10**9, 10**9),
            workload=Workload(WorkloadCategory.INFERENCE, 10**6, 1.0),
            now=NIGHT,
        )

        assert decision.permit

    def test_shows_value_and_limit_of_a_refusal(self) -> None:
        [reason] = ask(state={"state_of_charge_permille": 312}).reasons

        assert (reason.gate, reason.value, reason.limit) == (Gate.BATTERY, 312, 400)


class TestPower:
    @pytest.mark.parametrize(
        ("energy_wh", "is_refused"),
        [
            # 900 W for a quarter-hour are 225 Wh; the meter rounds to whole Wh.
            (225, False),
            (226, True),
        ],
    )
    def test_judges_the_mean_power_of_a_metered_interval(
        self, energy_wh: int, *, is_refused: bool
    ) -> None:
        metered = Workload(WorkloadCategory.INFERENCE, energy_wh, 900)

        assert (ReasonCode.POWER_EXCEEDED in ask(workload=metered).codes) is is_refused

    def test_forgives_the_rounding_of_a_short_interval(self) -> None:
        # 900 W for a minute are 15 Wh; 44 s are 11 Wh; 42 s are 10.5 Wh, reported as 11.
        assert ask(workload=Workload(WorkloadCategory.INFERENCE, 11, 42)).permit
        assert not ask(workload=Workload(WorkloadCategory.INFERENCE, 11, 41)).permit


class TestNextOpening:
    def test_is_the_start_of_the_next_window(self) -> None:
        assert ask(now=AFTERNOON).next_open_at == datetime(2026, 11, 18, 21, 0, tzinfo=UTC)

    def test_waits_for_the_end_of_a_pause_and_then_for_the_window(self) -> None:
        pause = Pause(NIGHT, datetime(2026, 11, 19, 12, 0, tzinfo=UTC))

        decision = ask(state={"pause": pause})

        assert decision.next_open_at == datetime(2026, 11, 19, 21, 0, tzinfo=UTC)

    def test_is_local_midnight_when_the_day_is_spent(self) -> None:
        decision = ask(use=Use(day_energy_wh=6_000))

        assert decision.next_open_at == datetime(2026, 11, 18, 23, 0, tzinfo=UTC)

    def test_is_the_first_of_the_month_when_the_month_is_spent(self) -> None:
        decision = ask(use=Use(month_energy_wh=90_000))

        assert decision.next_open_at == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("rules", "state"),
        [
            ({}, {"pause": Pause(NIGHT, None)}),
            ({"week_mask": NO_HOURS}, {}),
            ({}, {"plugged_in": False}),
        ],
    )
    def test_is_unknown_when_no_clock_lifts_the_refusal(
        self, rules: dict[str, object], state: dict[str, object]
    ) -> None:
        decision = ask(rules=rules, state=state)

        assert not decision.permit
        assert decision.next_open_at is None

    def test_day_cap_resets_at_local_midnight_of_a_23_hour_day(self) -> None:
        # Oslo, 29 March 2026, 12:00 summer time; midnight is at 22:00 UTC.
        noon = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)

        decision = ask(now=noon, rules={"week_mask": FULL_WEEK}, use=Use(day_energy_wh=6_000))

        assert decision.next_open_at == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)

    def test_day_begins_at_one_where_midnight_does_not_exist(self) -> None:
        # Beirut skips 00:00 to 01:00 on 29 March 2026: the day begins at 22:00 UTC.
        evening = datetime(2026, 3, 28, 18, 0, tzinfo=UTC)

        decision = ask(
            now=evening,
            rules={"week_mask": FULL_WEEK, "zone": ZoneInfo("Asia/Beirut")},
            use=Use(day_energy_wh=6_000),
        )

        assert decision.next_open_at == datetime(2026, 3, 28, 22, 0, tzinfo=UTC)


def test_limits_are_those_that_operators_are_shown() -> None:
    assert limits.LEASE_S == LEASE_S
    assert limits.TELEMETRY_STALE_S == TELEMETRY_STALE_S
