"""
What a running job is let do that a new one is not, and what is known of its work.
"""

import pytest

from accounts.models import User
from consent.models import DecisionRecord, GraceGrant, Lease, Vehicle, WorkTerms
from consent.rules import BuyersMode, Gate, Grace, Obligation, ReasonCode, Window
from tests.consent.asking import DAWN, MINUTE, SECOND, SEVEN, ask, ask_one, hear, make_ready, run
from tests.consent.terms import EVERY_DAY, NIGHT
from tests.factories import create_consent, create_organization


@pytest.fixture
def ready_car(car: Vehicle) -> Vehicle:
    return make_ready(car)


class TestGrace:
    @pytest.fixture
    def kind_car(self, car: Vehicle) -> Vehicle:
        """
        Give Olivia's car rules that let a running job go on for ten minutes after the hours.
        """
        return make_ready(car, now=DAWN, grace=(Grace(Gate.HOURS, 10),))

    def test_lets_a_running_job_go_on_and_says_until_when(self, kind_car: Vehicle) -> None:
        first = ask_one(run(kind_car), DAWN)
        later = ask_one(run(kind_car), SEVEN + SECOND)

        assert first.valid_until == SEVEN
        assert later.permit
        assert [finding.code for finding in later.graced] == [ReasonCode.OUTSIDE_HOURS]
        assert later.grace_ends_at == SEVEN + 10 * MINUTE
        assert Obligation("finish_by", SEVEN + 10 * MINUTE) in later.obligations

    def test_is_written_down_without_a_gap(self, kind_car: Vehicle) -> None:
        ask_one(run(kind_car), DAWN)
        for turn in range(3):
            now = SEVEN + SECOND + turn * 30 * SECOND
            hear(kind_car, now)
            ask_one(run(kind_car), now)

        grant = GraceGrant.objects.get()
        assert (grant.job_id, grant.reasons_mask) == ("j-1", ReasonCode.OUTSIDE_HOURS.bit)
        # From the end of the lease that the hours cut short to the end of the last one.
        assert grant.starts_at == SEVEN
        assert grant.ends_at == SEVEN + (1 + 60 + 60) * SECOND

    def test_ends_when_it_is_over(self, kind_car: Vehicle) -> None:
        ask_one(run(kind_car), DAWN)
        now = SEVEN
        while (decision := ask_one(run(kind_car), now)).permit:
            assert decision.valid_until is not None
            now = decision.valid_until
            hear(kind_car, now)

        assert now == SEVEN + 10 * MINUTE
        assert decision.codes == (ReasonCode.OUTSIDE_HOURS,)
        assert GraceGrant.objects.get().ends_at == SEVEN + 10 * MINUTE

    def test_is_not_for_a_new_job(self, kind_car: Vehicle) -> None:
        ask_one(run(kind_car), DAWN)

        decision = ask_one(run(kind_car, "j-2"), SEVEN + SECOND)

        assert decision.codes == (ReasonCode.OUTSIDE_HOURS,)
        assert not GraceGrant.objects.exists()

    def test_is_not_for_a_job_whose_lease_ended_long_ago(self, kind_car: Vehicle) -> None:
        ask_one(run(kind_car), DAWN)

        assert not ask_one(run(kind_car), SEVEN + 15 * SECOND).permit

    def test_ends_with_the_refusal(self, kind_car: Vehicle) -> None:
        """
        The owner opens the hours while the grace runs: the next refusal has its own ten minutes.
        """
        ask_one(run(kind_car), DAWN)
        ask_one(run(kind_car), SEVEN + SECOND)
        create_consent(
            kind_car,
            now=SEVEN + 2 * SECOND,
            windows=(Window(EVERY_DAY, 0, 1440),),
            grace=(Grace(Gate.HOURS, 10),),
        )

        decision = ask_one(run(kind_car), SEVEN + 3 * SECOND)

        assert decision.graced == ()
        assert Lease.objects.get().refused_since is None

    def test_is_named_in_the_record_of_the_answer(self, car: Vehicle) -> None:
        make_ready(car, now=DAWN, grace=(Grace(Gate.HOURS, None),))
        ask_one(run(car), DAWN)

        ask_one(run(car), SEVEN)

        record = DecisionRecord.objects.order_by("id").last()
        assert record is not None
        assert (record.permit, record.reasons_mask) == (True, 0)
        assert record.graced_mask == ReasonCode.OUTSIDE_HOURS.bit


class TestFaultySamples:
    def test_one_does_not_stop_a_job_and_two_do(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car))
        hear(ready_car, NIGHT + SECOND, is_moving=True)
        one = ask_one(run(ready_car), NIGHT + 2 * SECOND)
        other = ask_one(run(ready_car, "j-2"), NIGHT + 2 * SECOND)
        hear(ready_car, NIGHT + 3 * SECOND, is_moving=True)
        two = ask_one(run(ready_car), NIGHT + 4 * SECOND)

        assert one.permit
        # A job that does not run yet is not begun on a doubt.
        assert other.codes == two.codes == (ReasonCode.TELEMETRY_CONTRADICTORY,)


class TestWork:
    def test_buyer_and_reward_come_from_the_booking(self, ready_car: Vehicle, ben: User) -> None:
        """
        The reward is per hour at rated power: 80,000 micros/kWh at 1 kW.
        """
        batch, other = create_organization(ben), create_organization(ben, name="Other")
        WorkTerms.objects.create(booking_id=7, buyer=batch, reward_micros_per_kwh=80_000)
        WorkTerms.objects.create(booking_id=8, buyer=other, reward_micros_per_kwh=80_000)
        WorkTerms.objects.create(booking_id=9, buyer=batch, reward_micros_per_kwh=79_999)
        create_consent(
            ready_car,
            buyers_mode=BuyersMode.ONLY,
            buyer_ids=(batch.pk,),
            reward_micros_per_h_min=80_000,
        )

        decisions = ask(*(run(ready_car, f"j-{n}", booking_id=n) for n in (7, 8, 9, 10)))

        assert [decision.codes for decision in decisions] == [
            (),
            (ReasonCode.BUYER_REFUSED,),
            (ReasonCode.REWARD_TOO_LOW,),
            (ReasonCode.BUYER_UNKNOWN, ReasonCode.REWARD_UNKNOWN),
        ]
