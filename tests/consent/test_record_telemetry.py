import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from consent import operations
from consent.models import Vehicle, VehicleState
from consent.operations import SampleOutcome
from consent.queries import Telemetry
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle


SECOND = timedelta(seconds=1)


def say(at: datetime = NIGHT, **facts: Any) -> Telemetry:
    return Telemetry(observed_at=at, **({"state_of_charge_permille": 600} | facts))


def record(*samples: tuple[Vehicle, Telemetry], now: datetime = NIGHT) -> list[SampleOutcome]:
    pairs = [(vehicle.pk, sample) for vehicle, sample in samples]
    return list(operations.record_telemetry(samples=pairs, now=now).outcomes)


class TestRecordTelemetry:
    def test_stores_what_the_car_says(self, car: Vehicle) -> None:
        sample = say(
            plugged_in=True,
            is_home=False,
            is_moving=False,
            battery_temp_decic=-15,
            charge_power_w=3_700,
        )

        assert record((car, sample)) == [SampleOutcome.STORED]

        state = VehicleState.objects.get(vehicle=car)
        assert state.observed_at == NIGHT
        assert (state.plugged_in, state.is_home, state.is_moving) == (True, False, False)
        assert (state.battery_temp_decic, state.charge_power_w) == (-15, 3_700)

    def test_older_and_repeated_samples_change_nothing(self, car: Vehicle) -> None:
        record((car, say()))

        outcomes = record(
            (car, say(NIGHT - SECOND, state_of_charge_permille=100)),
            (car, say(NIGHT, state_of_charge_permille=200)),
        )

        assert outcomes == [SampleOutcome.OLDER, SampleOutcome.OLDER]
        assert VehicleState.objects.get().state_of_charge_permille == 600

    def test_newest_of_a_batch_wins_in_whatever_order(self, car: Vehicle) -> None:
        samples = [say(NIGHT + n * SECOND, state_of_charge_permille=500 + n) for n in range(20)]
        random.Random(7).shuffle(samples)

        outcomes = record(*((car, sample) for sample in samples))

        assert set(outcomes) == {SampleOutcome.STORED}
        state = VehicleState.objects.get()
        assert (state.state_of_charge_permille, state.observed_at) == (519, NIGHT + 19 * SECOND)

    @pytest.mark.parametrize(
        ("ahead_s", "outcome"), [(120, SampleOutcome.STORED), (121, SampleOutcome.IN_FUTURE)]
    )
    def test_refuses_more_than_two_minutes_of_future(
        self, car: Vehicle, ahead_s: int, outcome: SampleOutcome
    ) -> None:
        assert record((car, say(NIGHT + ahead_s * SECOND))) == [outcome]

    def test_one_bad_sample_never_fails_the_rest(self, car: Vehicle) -> None:
        absent = Vehicle(pk=10**9)

        outcomes = record((absent, say()), (car, say(NIGHT + timedelta(days=1))), (car, say()))

        assert outcomes == [
            SampleOutcome.UNKNOWN_VEHICLE,
            SampleOutcome.IN_FUTURE,
            SampleOutcome.STORED,
        ]

    def test_what_is_not_said_is_unknown_and_not_what_was_said_before(self, car: Vehicle) -> None:
        record((car, say(plugged_in=True)))
        record((car, say(NIGHT + SECOND)))

        assert VehicleState.objects.get().plugged_in is None


class TestRecovery:
    """
    The rules stop at 40 % and resume at 50 %.
    """

    def latch(self, car: Vehicle, *charges: int | None) -> bool:
        samples = [
            (car, say(NIGHT + n * SECOND, state_of_charge_permille=charge))
            for n, charge in enumerate(charges)
        ]
        record(*samples, now=NIGHT + timedelta(minutes=1))
        return VehicleState.objects.get(vehicle=car).is_recovering

    @pytest.mark.parametrize(
        ("charges", "expected"),
        [
            ((400,), False),
            ((399,), True),
            ((399, 499), True),
            ((399, 500), False),
            ((399, 500, 450), False),
            ((399, None), True),
        ],
    )
    def test_follows_every_sample_of_a_batch(
        self, car: Vehicle, charges: tuple[int | None, ...], *, expected: bool
    ) -> None:
        create_consent(car)

        assert self.latch(car, *charges) is expected

    def test_lasts_from_batch_to_batch(self, car: Vehicle) -> None:
        create_consent(car)
        self.latch(car, 399)
        record((car, say(NIGHT + timedelta(minutes=1), state_of_charge_permille=450)))

        assert VehicleState.objects.get().is_recovering

    def test_does_not_happen_without_consent(self, car: Vehicle) -> None:
        assert not self.latch(car, 10)


def test_five_thousand_samples_take_a_constant_number_of_statements(
    olivia: User, django_assert_num_queries: Any
) -> None:
    cars = [create_vehicle(olivia, plate=f"T {n}") for n in range(5)]
    samples = [(cars[n % 5], say(NIGHT - n * SECOND)) for n in range(5_000)]

    # Room for the new, the lock, the storing, and the savepoint around them.
    with django_assert_num_queries(5):
        outcomes = record(*samples)

    assert outcomes.count(SampleOutcome.STORED) == 5_000
