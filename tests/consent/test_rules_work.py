"""
What the work draws, whose it is, what it pays, and how long it may go on.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent.rules import (
    BuyersMode,
    Gate,
    Obligation,
    Pause,
    ReasonCode,
    Workload,
    WorkloadCategory,
    find_wanted_work,
)
from consent.rules.week import Window, mask_from_windows
from tests.consent.terms import EVERY_DAY, INFERENCE, NIGHT, NIGHT_RULES, ask


MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# The night of Wednesday, 18 November 2026 is open from 22:00 to 07:00 in Oslo.
MIDNIGHT = datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
RUNNING = replace(INFERENCE, is_running=True)


class TestQuietHours:
    # Quiet from midnight on, at 500 W; 900 W at any other time.
    QUIET = {
        "quiet_mask": mask_from_windows((Window(EVERY_DAY, 0, 6 * 60),)),
        "quiet_power_limit_w": 500,
    }

    def test_the_lowest_limit_is_an_obligation(self) -> None:
        day, night = ask(rules=self.QUIET), ask(now=MIDNIGHT, rules=self.QUIET)

        assert (day.power_limit_w, night.power_limit_w) == (900, 500)
        assert night.obligations == (Obligation("power_limit", 500),)
        only_quiet = self.QUIET | {"power_limit_w": None}
        assert ask(rules=only_quiet).obligations == ()
        assert ask(now=MIDNIGHT, rules=only_quiet).power_limit_w == 500

    @pytest.mark.parametrize("boundary", [MIDNIGHT, MORNING - HOUR])
    def test_a_permit_ends_where_the_limit_changes(self, boundary: datetime) -> None:
        now = boundary - timedelta(seconds=1)

        assert ask(now=now, rules=self.QUIET).valid_until == boundary

    @pytest.mark.parametrize(
        ("now", "energy_wh", "codes"),
        [
            # 500 W for a quarter-hour are 125 Wh, 900 W are 225 Wh.
            (MIDNIGHT, 125, ()),
            (MIDNIGHT, 126, (ReasonCode.QUIET_EXCEEDED,)),
            (MIDNIGHT, 226, (ReasonCode.POWER_EXCEEDED,)),
            (NIGHT, 126, ()),
        ],
    )
    def test_what_was_drawn_is_judged_by_the_hour(
        self, now: datetime, energy_wh: int, codes: tuple[ReasonCode, ...]
    ) -> None:
        metered = Workload(WorkloadCategory.INFERENCE, energy_wh, 900)

        assert ask(now=now, rules=self.QUIET, workload=metered).codes == codes

    def test_no_limit_judges_no_power(self) -> None:
        metered = Workload(WorkloadCategory.INFERENCE, 10**6, 900)

        assert ask(rules={"power_limit_w": None}, workload=metered).permit


class TestBuyers:
    @pytest.mark.parametrize(
        ("mode", "buyer_id", "codes"),
        [
            (BuyersMode.ALL, None, ()),
            (BuyersMode.ONLY, 7, ()),
            (BuyersMode.ONLY, 8, (ReasonCode.BUYER_REFUSED,)),
            (BuyersMode.ONLY, None, (ReasonCode.BUYER_UNKNOWN,)),
            (BuyersMode.EXCEPT, 7, (ReasonCode.BUYER_REFUSED,)),
            (BuyersMode.EXCEPT, 8, ()),
            (BuyersMode.EXCEPT, None, (ReasonCode.BUYER_UNKNOWN,)),
        ],
    )
    def test_allows_whom_the_owner_allows(
        self, mode: BuyersMode, buyer_id: int | None, codes: tuple[ReasonCode, ...]
    ) -> None:
        rules = {"buyers_mode": mode, "buyer_ids": frozenset({7})}

        assert ask(rules=rules, workload=replace(INFERENCE, buyer_id=buyer_id)).codes == codes


class TestReward:
    @pytest.mark.parametrize(
        ("reward", "codes"),
        [
            (200_000, ()),
            (199_999, (ReasonCode.REWARD_TOO_LOW,)),
            (None, (ReasonCode.REWARD_UNKNOWN,)),
        ],
    )
    def test_asks_for_the_least_that_the_owner_wants(
        self, reward: int | None, codes: tuple[ReasonCode, ...]
    ) -> None:
        workload = replace(INFERENCE, reward_micros_per_h=reward)

        decision = ask(rules={"reward_micros_per_h_min": 200_000}, workload=workload)

        assert decision.codes == codes


class TestWantedWork:
    @pytest.mark.parametrize("mode", list(BuyersMode))
    def test_is_taken_by_the_rules_it_was_made_for(self, mode: BuyersMode) -> None:
        changes: dict[str, Any] = {
            "buyers_mode": mode,
            "buyer_ids": frozenset({7, 8}),
            "reward_micros_per_h_min": 200_000,
        }

        wanted = find_wanted_work(rules=replace(NIGHT_RULES, **changes))

        assert ask(rules=changes, workload=wanted).permit

    def test_is_refused_where_nothing_is_wanted(self) -> None:
        nobody: dict[str, Any] = {"buyers_mode": BuyersMode.ONLY, "categories_mask": 0}

        wanted = find_wanted_work(rules=replace(NIGHT_RULES, **nobody))

        assert ask(rules=nobody, workload=wanted).codes == (
            ReasonCode.WORKLOAD_UNLABELLED,
            ReasonCode.BUYER_REFUSED,
        )


class TestGrace:
    GRACE = {"grace": ((Gate.HOURS, 15), (Gate.PLUG, None), (Gate.HOME, 0))}

    def test_lets_a_running_job_go_on_and_says_until_when(self) -> None:
        decision = ask(now=MORNING, rules=self.GRACE, workload=RUNNING)

        assert decision.permit
        assert decision.reasons == ()
        assert [finding.code for finding in decision.graced] == [ReasonCode.OUTSIDE_HOURS]
        assert decision.grace_ends_at == MORNING + timedelta(minutes=15)
        assert decision.obligations == (
            Obligation("power_limit", 900),
            Obligation("finish_by", MORNING + timedelta(minutes=15)),
        )
        assert decision.valid_until == MORNING + MINUTE
        assert decision.next_open_at is None

    def test_is_none_for_a_job_that_has_not_begun(self) -> None:
        assert ask(now=MORNING, rules=self.GRACE).codes == (ReasonCode.OUTSIDE_HOURS,)

    def test_ends_to_the_second_after_the_first_refusal(self) -> None:
        job = replace(RUNNING, refused_since=MORNING)
        ends_at = MORNING + timedelta(minutes=15)

        last = ask(now=ends_at - timedelta(seconds=1), rules=self.GRACE, workload=job)

        assert last.permit
        assert last.valid_until == ends_at
        assert ask(now=ends_at, rules=self.GRACE, workload=job).codes == (ReasonCode.OUTSIDE_HOURS,)

    def test_to_finish_the_job_has_an_end_too(self) -> None:
        job = replace(RUNNING, refused_since=NIGHT - 4 * HOUR)

        assert not ask(rules=self.GRACE, state={"plugged_in": False}, workload=job).permit
        job = replace(RUNNING, refused_since=NIGHT - 4 * HOUR + MINUTE)
        assert ask(rules=self.GRACE, state={"plugged_in": False}, workload=job).permit

    def test_the_shortest_grace_counts(self) -> None:
        decision = ask(now=MORNING, rules=self.GRACE, state={"plugged_in": False}, workload=RUNNING)

        assert len(decision.graced) == 2
        assert decision.grace_ends_at == MORNING + timedelta(minutes=15)

    @pytest.mark.parametrize(
        "state", [{"is_home": False}, {"is_moving": True}, {"state_of_charge_permille": 100}]
    )
    def test_a_refusal_without_grace_ends_the_job_for_every_reason(
        self, state: dict[str, Any]
    ) -> None:
        decision = ask(now=MORNING, rules=self.GRACE, state=state, workload=RUNNING)

        assert not decision.permit
        assert ReasonCode.OUTSIDE_HOURS in decision.codes
        assert decision.graced == ()
        assert decision.grace_ends_at is None

    def test_no_rule_gives_grace_where_it_could_hurt(self) -> None:
        generous = {"grace": tuple((gate, None) for gate in Gate)}

        assert not ask(rules=generous, state={"is_moving": True}, workload=RUNNING).permit
        assert ask(rules=generous, state={"is_home": False}, workload=RUNNING).permit

    @pytest.mark.parametrize(("lets_finish", "permit"), [(True, True), (False, False)])
    def test_a_pause_may_let_jobs_finish(self, *, lets_finish: bool, permit: bool) -> None:
        pause = Pause(NIGHT - MINUTE, None, lets_jobs_finish=lets_finish)
        job = replace(RUNNING, refused_since=NIGHT - MINUTE)

        assert ask(state={"pause": pause}, workload=job).permit is permit

    def test_every_break_must_let_jobs_finish(self) -> None:
        breaks = {
            "pause": Pause(NIGHT, None, lets_jobs_finish=True),
            "skip": Pause(NIGHT, MORNING, lets_jobs_finish=False),
        }

        assert not ask(state=breaks, workload=RUNNING).permit

    def test_a_graced_hour_is_not_cut_again_at_the_next_quarter(self) -> None:
        now = MORNING + timedelta(minutes=14, seconds=30)
        rules = {"grace": ((Gate.HOURS, 60),)}

        decision = ask(now=now, rules=rules, workload=replace(RUNNING, refused_since=MORNING))

        assert decision.valid_until == now + MINUTE
