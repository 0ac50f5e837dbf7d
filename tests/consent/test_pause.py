from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from consent import operations, queries
from consent.models import ConsentEvent, Pause, Vehicle
from consent.operations import PauseOver, VehicleNotFound
from consent.rules import Gate, ReasonCode
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle_state


HOUR = timedelta(hours=1)


@pytest.fixture
def working_car(car: Vehicle) -> Vehicle:
    create_consent(car)
    create_vehicle_state(car, now=NIGHT)
    return car


def codes(car: Vehicle, now: datetime = NIGHT) -> tuple[ReasonCode, ...]:
    return queries.decide_now(vehicle_id=car.pk, owner_id=car.owner_id, now=now).codes


class TestPause:
    def test_stops_the_car_until_its_named_end(self, working_car: Vehicle, olivia: User) -> None:
        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=olivia.pk,
            until=NIGHT + HOUR,
            kind="hour",
            now=NIGHT,
        )

        assert codes(working_car) == (ReasonCode.PAUSED,)
        assert ReasonCode.PAUSED not in codes(working_car, NIGHT + HOUR)

    def test_binds_servers_whose_clock_is_behind(self, working_car: Vehicle, olivia: User) -> None:
        later = NIGHT + timedelta(seconds=2)
        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=olivia.pk,
            until=None,
            kind="until_resumed",
            now=later,
        )

        decision = queries.decide_now(vehicle_id=working_car.pk, owner_id=olivia.pk, now=NIGHT)
        [reason] = decision.reasons
        assert reason.gate is Gate.PAUSE
        assert decision.next_open_at is None

    def test_a_new_pause_replaces_the_running_one(self, working_car: Vehicle, olivia: User) -> None:
        for until, kind, now in (
            (NIGHT + HOUR, "hour", NIGHT),
            (None, "until_resumed", NIGHT + timedelta(minutes=5)),
        ):
            operations.pause(
                vehicle_id=working_car.pk, owner_id=olivia.pk, until=until, kind=kind, now=now
            )

        first, second = Pause.objects.order_by("id")
        assert first.ends_at == second.starts_at
        assert second.ends_at is None

    def test_refuses_an_end_that_is_over(self, working_car: Vehicle, olivia: User) -> None:
        with pytest.raises(PauseOver):
            operations.pause(
                vehicle_id=working_car.pk, owner_id=olivia.pk, until=NIGHT, kind="hour", now=NIGHT
            )

    def test_refuses_somebody_elses_vehicle(self, working_car: Vehicle, mallory: User) -> None:
        with pytest.raises(VehicleNotFound):
            operations.pause(
                vehicle_id=working_car.pk,
                owner_id=mallory.pk,
                until=None,
                kind="until_resumed",
                now=NIGHT,
            )

    def test_is_told_to_the_feed_with_its_end(self, working_car: Vehicle, olivia: User) -> None:
        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=olivia.pk,
            until=NIGHT + HOUR,
            kind="hour",
            now=NIGHT,
        )

        event = ConsentEvent.objects.latest("id")
        assert (event.kind, event.number, event.state) == ("paused", 1, "given")
        assert (event.is_paused, event.pause_ends_at) == (True, NIGHT + HOUR)


class TestResume:
    def test_lets_the_car_work_again(self, working_car: Vehicle, olivia: User) -> None:
        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=olivia.pk,
            until=None,
            kind="until_resumed",
            now=NIGHT,
        )

        was_paused = operations.resume(
            vehicle_id=working_car.pk, owner_id=olivia.pk, now=NIGHT + timedelta(seconds=30)
        )

        assert was_paused
        assert codes(working_car, NIGHT + timedelta(seconds=30)) == ()
        event = ConsentEvent.objects.latest("id")
        assert (event.kind, event.is_paused) == ("resumed", False)

    def test_at_the_very_moment_of_the_pause_leaves_nothing_paused(
        self, working_car: Vehicle, olivia: User
    ) -> None:
        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=olivia.pk,
            until=None,
            kind="until_resumed",
            now=NIGHT,
        )

        operations.resume(vehicle_id=working_car.pk, owner_id=olivia.pk, now=NIGHT)

        assert codes(working_car) == ()

    def test_without_a_pause_changes_nothing(self, working_car: Vehicle, olivia: User) -> None:
        events = ConsentEvent.objects.count()

        was_paused = operations.resume(vehicle_id=working_car.pk, owner_id=olivia.pk, now=NIGHT)

        assert not was_paused
        assert ConsentEvent.objects.count() == events


def test_database_refuses_two_pauses_at_once(working_car: Vehicle, olivia: User) -> None:
    operations.pause(
        vehicle_id=working_car.pk, owner_id=olivia.pk, until=None, kind="until_resumed", now=NIGHT
    )
    pause = Pause.objects.get()
    pause.pk = None

    with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
        pause.save(force_insert=True)
