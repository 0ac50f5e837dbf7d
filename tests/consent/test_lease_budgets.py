"""
What running jobs reserve of a budget until it is metered.
"""

from datetime import date, timedelta

import pytest

from consent.models import DayUse, DecisionRecord, Lease, Vehicle
from consent.queries import Telemetry
from consent.rules import ReasonCode
from tests.consent.asking import SECOND, ask, ask_one, hear, make_ready, run, stop
from tests.consent.terms import NIGHT


@pytest.fixture
def ready_car(car: Vehicle) -> Vehicle:
    return make_ready(car)


class TestBudgets:
    """
    The day's budget is 6,000 Wh; 100 Wh are left. The car draws 900 W: 15 Wh a minute.
    """

    @pytest.fixture
    def tight_car(self, ready_car: Vehicle) -> Vehicle:
        DayUse.objects.create(
            vehicle=ready_car, on_date=date(2026, 11, 18), energy_wh=5_900, compute_s=3_600
        )
        return ready_car

    def test_two_jobs_of_one_batch_do_not_both_fit_the_rest(self, tight_car: Vehicle) -> None:
        first, second = ask(
            run(tight_car, "j-1", expected_wh=100), run(tight_car, "j-2", expected_wh=100)
        )

        assert first.permit
        assert second.codes == (ReasonCode.DAY_ENERGY_SPENT,)

    def test_nor_do_two_of_two_requests(self, tight_car: Vehicle) -> None:
        assert ask_one(run(tight_car, "j-1", expected_wh=60)).permit

        assert not ask_one(run(tight_car, "j-2", expected_wh=41), NIGHT + SECOND).permit
        assert ask_one(run(tight_car, "j-3", expected_wh=40), NIGHT + SECOND).permit

    def test_a_job_that_is_over_gives_back_what_it_cannot_have_used(
        self, tight_car: Vehicle
    ) -> None:
        ask(run(tight_car, "j-1", expected_wh=100))

        [stopped, decision] = ask(
            stop(tight_car, "j-1"),
            run(tight_car, "j-2", expected_wh=95),
            now=NIGHT + 20 * SECOND,
        )

        assert stopped.permit
        assert decision.permit

    def test_a_job_runs_into_the_end_of_a_budget_before_anything_is_metered(
        self, tight_car: Vehicle
    ) -> None:
        permits = 0
        for turn in range(20):
            now = NIGHT + turn * 45 * SECOND
            hear(tight_car, now + SECOND)
            permits += ask_one(run(tight_car), now + SECOND).permit

        # 15 Wh for the first minute, then 45 s or 12 Wh (rounded up) a renewal:
        # 15 + 7 x 12 = 99.
        assert permits == 8

    def test_what_was_metered_is_taken_off_and_not_put_back(self, tight_car: Vehicle) -> None:
        """
        Settlement meters between two renewals; the second must not write over it.
        """
        ask_one(run(tight_car))
        Lease.objects.update(reserved_energy_wh=4, reserved_compute_s=10)

        ask_one(run(tight_car), NIGHT + 20 * SECOND)

        lease = Lease.objects.get()
        assert (lease.reserved_energy_wh, lease.reserved_compute_s) == (4 + 5, 10 + 20)

    def test_without_a_budget_nothing_is_reserved(self, car: Vehicle) -> None:
        make_ready(
            car,
            energy_wh_per_day_max=None,
            energy_wh_per_month_max=None,
            compute_s_per_day_max=None,
            compute_s_per_month_max=None,
        )

        ask_one(run(car, expected_wh=100))

        assert Lease.objects.get().reserved_energy_wh == 0
        assert DecisionRecord.objects.get().use is None

    def test_a_past_question_needs_and_reserves_nothing(self, tight_car: Vehicle) -> None:
        heard = Telemetry(
            observed_at=NIGHT,
            state_of_charge_permille=600,
            plugged_in=True,
            is_home=True,
            battery_temp_decic=200,
        )

        past = ask_one(
            run(tight_car, at=NIGHT, telemetry=heard, expected_wh=500), NIGHT + timedelta(hours=1)
        )

        assert past.permit
        assert past.valid_until is None
        assert not Lease.objects.exists()
