"""
The gates of consent, breaks, dates, readiness, temperature and telemetry, one class for each.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent.rules import (
    Gate,
    Pause,
    ReasonCode,
)
from consent.rules.week import FULL_WEEK, QUARTERS_PER_WEEK, Window, mask_from_windows
from tests.consent.terms import EVERY_DAY, INFERENCE, NIGHT, ask


MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# The night of Wednesday, 18 November 2026 is open from 22:00 to 07:00 in Oslo.
MIDNIGHT = datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
NEXT_EVENING = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
RUNNING = replace(INFERENCE, is_running=True)


class TestConsent:
    def test_expires_to_the_second_and_says_nothing_else(self) -> None:
        expired = ask(rules={"expires_at": NIGHT}, state={"is_moving": True})

        assert expired.codes == (ReasonCode.CONSENT_EXPIRED,)
        assert expired.reasons[0].limit == NIGHT
        assert expired.consent_version == 3
        assert expired.next_open_at is None
        assert ask(rules={"expires_at": NIGHT + timedelta(seconds=1)}).permit

    def test_a_permit_ends_with_it(self) -> None:
        expires_at = NIGHT + timedelta(seconds=20)

        assert ask(rules={"expires_at": expires_at}).valid_until == expires_at

    def test_nothing_opens_after_it(self) -> None:
        decision = ask(
            now=MORNING, rules={"expires_at": NEXT_EVENING}, state={"state_of_charge_permille": 900}
        )

        assert decision.codes == (ReasonCode.OUTSIDE_HOURS,)
        assert decision.next_open_at is None


class TestBreaks:
    def test_a_skipped_night_refuses_inside_its_span_only(self) -> None:
        skip = Pause(NIGHT, MORNING)

        assert ask(state={"skip": skip}).codes == (ReasonCode.PAUSED,)
        assert ask(now=NIGHT - MINUTE, state={"skip": skip}).permit
        assert ask(state={"skip": skip}).next_open_at == NEXT_EVENING

    def test_a_permit_ends_where_a_break_begins(self) -> None:
        soon = NIGHT + timedelta(seconds=7)

        assert ask(state={"skip": Pause(soon, MORNING)}).valid_until == soon
        assert ask(state={"pause": Pause(soon, None)}).valid_until == soon
        assert ask(state={"pause": Pause(NIGHT + HOUR, None)}).valid_until == NIGHT + MINUTE

    def test_a_pause_that_runs_into_a_skipped_night_ends_with_it(self) -> None:
        decision = ask(
            state={"pause": Pause(NIGHT, NIGHT + HOUR), "skip": Pause(MIDNIGHT, MORNING)}
        )

        assert decision.codes == (ReasonCode.PAUSED,)
        assert decision.reasons[0].opens_at == MORNING
        assert decision.next_open_at == NEXT_EVENING

    def test_nothing_opens_before_a_pause_without_end_that_is_to_come(self) -> None:
        decision = ask(
            now=MORNING, state={"pause": Pause(MORNING + HOUR, None)}, rules={"home_only": False}
        )

        assert decision.codes == (ReasonCode.OUTSIDE_HOURS,)
        assert decision.next_open_at is None


class TestDates:
    CLOSED = ((NIGHT - HOUR, MIDNIGHT),)

    def test_a_closed_date_refuses_by_its_own_name(self) -> None:
        decision = ask(rules={"closed": self.CLOSED})

        assert decision.codes == (ReasonCode.CLOSED_DATE,)
        assert decision.reasons[0].gate is Gate.HOURS
        assert decision.next_open_at == MIDNIGHT

    def test_an_opening_out_of_turn_wins_over_it_and_over_the_week(self) -> None:
        opened = ((NIGHT - MINUTE, NIGHT + HOUR),)

        assert ask(rules={"closed": self.CLOSED, "opened": opened}).permit
        assert ask(rules={"week_mask": 0, "opened": opened}).permit

    def test_outside_the_week_is_no_closed_date(self) -> None:
        decision = ask(now=MORNING, rules={"closed": self.CLOSED})

        assert decision.codes == (ReasonCode.OUTSIDE_HOURS,)

    def test_a_permit_ends_where_a_closed_date_begins(self) -> None:
        now = MIDNIGHT - timedelta(seconds=10)

        decision = ask(now=now, rules={"closed": ((MIDNIGHT, MORNING),)})

        assert decision.valid_until == MIDNIGHT


class TestReadyBy:
    # 70 % is asked from midnight to one o'clock on Thursday, nothing at any other time.
    FLOORS = tuple(700 if quarter in range(288, 292) else 0 for quarter in range(QUARTERS_PER_WEEK))

    def test_refuses_below_the_charge_that_the_quarter_asks_for(self) -> None:
        rules = {"ready_floors_permille": self.FLOORS}

        decision = ask(now=MIDNIGHT, rules=rules, state={"state_of_charge_permille": 699})

        assert decision.codes == (ReasonCode.READY_BY,)
        assert (decision.reasons[0].value, decision.reasons[0].limit) == (699, 700)
        assert decision.reasons[0].opens_at == MIDNIGHT + HOUR
        assert decision.next_open_at == MIDNIGHT + HOUR
        assert ask(now=MIDNIGHT, rules=rules, state={"state_of_charge_permille": 700}).permit

    def test_a_permit_ends_where_the_charge_no_longer_suffices(self) -> None:
        now = MIDNIGHT - timedelta(seconds=10)

        decision = ask(now=now, rules={"ready_floors_permille": self.FLOORS})

        assert decision.permit
        assert decision.valid_until == MIDNIGHT

    def test_no_clock_helps_a_charge_that_never_suffices(self) -> None:
        decision = ask(rules={"ready_floors_permille": (900,) * QUARTERS_PER_WEEK})

        assert decision.codes == (ReasonCode.READY_BY,)
        assert decision.next_open_at is None

    def test_what_opens_first_may_be_needed_for_the_morning(self) -> None:
        night = mask_from_windows((Window(EVERY_DAY, 0, 2 * 60),))

        decision = ask(rules={"week_mask": night, "ready_floors_permille": self.FLOORS})

        assert decision.codes == (ReasonCode.OUTSIDE_HOURS,)
        assert decision.next_open_at == MIDNIGHT + HOUR

    def test_an_unknown_charge_is_refused_once(self) -> None:
        decision = ask(
            rules={"ready_floors_permille": self.FLOORS}, state={"state_of_charge_permille": None}
        )

        assert decision.codes == (ReasonCode.BATTERY_UNKNOWN,)


class TestTemperature:
    HELD = {"temp_high_resume_c": 31, "temp_low_resume_c": 4, "temp_hold_s": 1_800}

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            ({"is_cooling": True, "battery_temp_max_decic": 311}, ReasonCode.COOLING_DOWN),
            ({"is_warming": True, "battery_temp_min_decic": 39}, ReasonCode.WARMING_UP),
            ({"is_cooling": True, "battery_temp_max_decic": 351}, ReasonCode.TOO_HOT),
            ({"is_warming": True, "battery_temp_min_decic": -1}, ReasonCode.TOO_COLD),
        ],
    )
    def test_a_latch_holds_to_the_resume_level_and_no_clock_helps(
        self, state: dict[str, Any], code: ReasonCode
    ) -> None:
        decision = ask(rules=self.HELD, state=state)

        assert decision.codes == (code,)
        assert decision.next_open_at is None

    @pytest.mark.parametrize(
        ("latch", "since", "code"),
        [
            ("is_cooling", "hot_at", ReasonCode.COOLING_DOWN),
            ("is_warming", "cold_at", ReasonCode.WARMING_UP),
        ],
    )
    def test_a_hold_ends_by_the_clock_to_the_second(
        self, latch: str, since: str, code: ReasonCode
    ) -> None:
        held = {latch: True, since: NIGHT - timedelta(seconds=1_799)}

        decision = ask(rules=self.HELD, state=held)

        assert decision.codes == (code,)
        assert decision.reasons[0].opens_at == NIGHT + timedelta(seconds=1)
        assert decision.next_open_at == NIGHT + timedelta(seconds=1)
        assert ask(
            rules=self.HELD, state={latch: True, since: NIGHT - timedelta(seconds=1_800)}
        ).permit

    def test_a_latch_of_an_unknown_hour_waits_for_the_temperature_only(self) -> None:
        assert ask(rules=self.HELD, state={"is_cooling": True, "is_warming": True}).permit


class TestTelemetry:
    @pytest.mark.parametrize(
        ("state", "code"),
        [
            ({"heard_at": NIGHT - timedelta(seconds=300)}, ReasonCode.CONNECTION_LOST),
            (
                {
                    "heard_at": NIGHT - timedelta(seconds=300),
                    "observed_at": NIGHT - timedelta(seconds=300),
                },
                ReasonCode.CONNECTION_LOST,
            ),
            (
                {"heard_at": NIGHT, "observed_at": NIGHT - timedelta(seconds=300)},
                ReasonCode.TELEMETRY_STALE,
            ),
            (
                {"faulty_samples": 1, "fault": ReasonCode.TELEMETRY_IN_FUTURE},
                ReasonCode.TELEMETRY_IN_FUTURE,
            ),
            (
                {"faulty_samples": 2, "fault": ReasonCode.TELEMETRY_OUT_OF_RANGE},
                ReasonCode.TELEMETRY_OUT_OF_RANGE,
            ),
            ({"faulty_samples": 1}, ReasonCode.TELEMETRY_CONTRADICTORY),
        ],
    )
    def test_every_unknown_refuses_by_its_own_name(
        self, state: dict[str, Any], code: ReasonCode
    ) -> None:
        assert ask(state=state).codes == (code,)

    @pytest.mark.parametrize(("samples", "permit"), [(1, True), (2, False)])
    def test_one_faulty_sample_kills_no_running_job_and_two_do(
        self, samples: int, *, permit: bool
    ) -> None:
        state = {"faulty_samples": samples, "fault": ReasonCode.TELEMETRY_CONTRADICTORY}

        assert ask(state=state, workload=RUNNING).permit is permit

    def test_a_permit_ends_where_the_connection_counts_as_lost(self) -> None:
        decision = ask(state={"heard_at": NIGHT - timedelta(seconds=270)})

        assert decision.valid_until == NIGHT + timedelta(seconds=30)


def test_a_whole_week_of_hours_is_cut_by_nothing() -> None:
    now = MIDNIGHT - timedelta(seconds=10)

    assert ask(now=now, rules={"week_mask": FULL_WEEK}).valid_until == now + MINUTE
