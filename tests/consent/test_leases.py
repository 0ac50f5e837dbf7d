"""
Permits that bind: leases, and the record of each answer.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import User
from consent import operations
from consent.models import DayUse, DecisionRecord, GraceGrant, Lease, Vehicle
from consent.operations.decisions import Action, Request, Stop
from consent.queries import Telemetry
from consent.rules import Gate, Grace, ReasonCode, WorkloadCategory
from tests.consent.asking import (
    DAWN,
    MINUTE,
    SECOND,
    SEVEN,
    ask,
    ask_one,
    make_ready,
    run,
    stop,
)
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle


@pytest.fixture
def ready_car(car: Vehicle) -> Vehicle:
    return make_ready(car)


class TestLease:
    def test_of_a_permit_lasts_as_long_as_it(self, ready_car: Vehicle) -> None:
        decision = ask_one(run(ready_car, booking_id=7))

        lease = Lease.objects.get()
        assert (lease.vehicle_id, lease.job_id, lease.booking_id) == (ready_car.pk, "j-1", 7)
        assert (lease.started_at, lease.expires_at) == (NIGHT, decision.valid_until)
        assert decision.valid_until == NIGHT + MINUTE

    def test_is_renewed_from_where_it_stands(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car))

        decision = ask_one(run(ready_car), NIGHT + 40 * SECOND)

        lease = Lease.objects.get()
        assert lease.started_at == NIGHT
        assert lease.expires_at == decision.valid_until == NIGHT + 100 * SECOND

    def test_begins_anew_after_it_ended(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car))

        ask_one(run(ready_car), NIGHT + 76 * SECOND)

        assert Lease.objects.get().started_at == NIGHT + 76 * SECOND

    def test_is_not_given_with_a_deny(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car, category=None))

        assert not Lease.objects.exists()

    def test_ends_with_a_deny(self, ready_car: Vehicle, olivia: User) -> None:
        ask_one(run(ready_car))
        operations.withdraw(vehicle_id=ready_car.pk, owner_id=olivia.pk, now=NIGHT + SECOND)

        decision = ask_one(run(ready_car), NIGHT + 20 * SECOND)

        assert decision.codes == (ReasonCode.CONSENT_WITHDRAWN,)
        assert Lease.objects.get().expires_at == NIGHT + 20 * SECOND

    def test_ends_when_its_job_says_so(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car))

        assert ask(stop(ready_car), now=NIGHT + 20 * SECOND) == [Stop(permit=True)]

        lease = Lease.objects.get()
        assert lease.expires_at == NIGHT + 20 * SECOND
        # 20 s at 900 W: what it can have used counts until it is metered.
        assert (lease.reserved_energy_wh, lease.reserved_compute_s) == (5, 20)

    def test_can_be_ended_though_its_consent_is_gone(
        self, ready_car: Vehicle, olivia: User
    ) -> None:
        ask_one(run(ready_car))
        operations.withdraw(vehicle_id=ready_car.pk, owner_id=olivia.pk, now=NIGHT + SECOND)

        assert ask(stop(ready_car), now=NIGHT + 2 * SECOND) == [Stop(permit=True)]

    def test_that_a_job_does_not_hold_is_not_ended(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car))

        assert ask(stop(ready_car, "another"), stop(Vehicle(pk=10**12))) == [
            Stop(permit=False),
            None,
        ]

    def test_is_forgotten_once_it_counts_for_nothing(self, ready_car: Vehicle) -> None:
        ask_one(run(ready_car))
        ends_at = NIGHT + MINUTE

        assert operations.forget_leases(now=ends_at + timedelta(minutes=119)) == 0
        assert operations.forget_leases(now=ends_at + timedelta(hours=2)) == 1

    def test_of_a_dry_run_is_neither_taken_nor_ended(self, ready_car: Vehicle) -> None:
        question = run(ready_car).question
        assert ask(Request(question, is_dry_run=True))[0].permit
        assert not Lease.objects.exists()

        ask_one(Request(question))
        before = Lease.objects.values().get()
        ask(Request(question, Action.STOP, is_dry_run=True), now=NIGHT + SECOND)
        ask(Request(run(ready_car, category=None).question, is_dry_run=True), now=NIGHT + SECOND)

        assert Lease.objects.values().get() == before
        assert DecisionRecord.objects.count() == 1


class TestRecord:
    def test_is_kept_of_every_answer_with_what_it_was_made_from(self, ready_car: Vehicle) -> None:
        DayUse.objects.create(
            vehicle=ready_car, on_date=date(2026, 11, 18), energy_wh=300, compute_s=60
        )
        ask(
            run(ready_car, "tab\tline\nback\\slash", booking_id=7, expected_wh=50),
            run(ready_car, "j-2", category=None),
            None,
            run(Vehicle(pk=10**12)),
        )

        permitted, denied = DecisionRecord.objects.order_by("id")
        assert permitted.job_id == "tab\tline\nback\\slash"
        assert (permitted.permit, permitted.booking_id, permitted.number) == (True, 7, 1)
        assert permitted.asked_at == permitted.decided_for == NIGHT
        assert permitted.valid_until == NIGHT + MINUTE
        assert permitted.category_bit == WorkloadCategory.INFERENCE.bit
        assert permitted.use == [300, 60, 300, 60, 0, 0, 0, 0]
        assert (denied.permit, denied.valid_until, denied.category_bit) == (False, None, 0)
        assert denied.reasons_mask == ReasonCode.WORKLOAD_UNLABELLED.bit
        # What the first was granted counted for the second.
        assert denied.use == [300, 60, 300, 60, 0, 0, 50, 60]

    def test_of_a_past_moment_says_which(self, ready_car: Vehicle) -> None:
        ask(run(ready_car, at=NIGHT - timedelta(hours=1)))

        record = DecisionRecord.objects.get()
        assert (record.asked_at, record.decided_for) == (NIGHT, NIGHT - timedelta(hours=1))
        assert record.reasons_mask == ReasonCode.TELEMETRY_MISSING.bit

    def test_keeps_the_sample_that_came_with_the_question(self, ready_car: Vehicle) -> None:
        said = Telemetry(
            observed_at=NIGHT + SECOND,
            state_of_charge_permille=421,
            plugged_in=True,
            is_home=False,
            battery_temp_decic=-15,
        )
        ask(run(ready_car, telemetry=said), run(ready_car, "j-2"))

        with_sample, without = DecisionRecord.objects.order_by("id")
        assert with_sample.telemetry == [
            said.observed_at.timestamp(),
            421,
            True,
            False,
            None,
            -15,
            None,
        ]
        assert without.telemetry is None

    def test_holds_bits_that_only_a_live_decision_meets(self, car: Vehicle) -> None:
        create_consent(car)

        ask(run(car))

        mask = DecisionRecord.objects.get().reasons_mask
        assert mask == ReasonCode.TELEMETRY_MISSING.bit > 2**31


def test_a_batch_of_many_cars_takes_a_constant_number_of_statements(
    olivia: User, django_assert_num_queries: Any
) -> None:
    cars = [create_vehicle(olivia, plate=f"N {n:02}") for n in range(20)]
    for car in cars:
        make_ready(car, now=DAWN, grace=(Grace(Gate.HOURS, 10),))
    ask(*(run(car) for car in cars), now=DAWN)

    # The savepoint's two; rules and state, the lock, whether rules changed meanwhile, breaks, use,
    # leases, bookings; then leases, grants and records.
    with django_assert_num_queries(12):
        decisions = ask(*(run(car, booking_id=n) for n, car in enumerate(cars)), now=SEVEN)

    assert all(decision.permit for decision in decisions)
    assert GraceGrant.objects.count() == 20
