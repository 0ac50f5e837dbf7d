from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from consent import operations, queries
from consent.models import ConsentEvent, Pause, Vehicle, VehicleState
from consent.operations import PauseOver, VehicleNotFound
from consent.rules import DateException, Gate, ReasonCode, Window
from tests.consent.asking import ask_one, run
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


NIGHT_AHEAD = (
    datetime(2026, 11, 19, 21, tzinfo=UTC),
    datetime(2026, 11, 20, 6, tzinfo=UTC),
)


def skip(car: Vehicle, now: datetime = NIGHT) -> Pause:
    starts_at, ends_at = NIGHT_AHEAD
    return operations.skip_night(
        vehicle_id=car.pk, owner_id=car.owner_id, starts_at=starts_at, ends_at=ends_at, now=now
    )


def report(car: Vehicle, at: datetime) -> None:
    VehicleState.objects.filter(vehicle=car).update(observed_at=at, heard_at=at)


class TestNextNight:
    def test_is_the_one_after_the_present(self, working_car: Vehicle) -> None:
        card = queries.get_vehicle_card(
            vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=NIGHT
        )

        night = queries.find_next_night(card=card, now=NIGHT)

        assert night is not None
        assert (night.starts_at, night.ends_at) == NIGHT_AHEAD

    def test_knows_dates_that_differ(self, car: Vehicle) -> None:
        closed = DateException(date(2026, 11, 19), is_open=False)
        create_consent(car, now=NIGHT, exceptions=(closed,))
        card = queries.get_vehicle_card(vehicle_id=car.pk, owner_id=car.owner_id, now=NIGHT)

        night = queries.find_next_night(card=card, now=NIGHT)

        assert night is not None
        assert night.starts_at == datetime(2026, 11, 20, 21, tzinfo=UTC)

    def test_is_none_where_every_hour_is_open(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT, windows=(Window((0, 1, 2, 3, 4, 5, 6), 0, 1440),))
        card = queries.get_vehicle_card(vehicle_id=car.pk, owner_id=car.owner_id, now=NIGHT)

        assert queries.find_next_night(card=card, now=NIGHT) is None


class TestSkip:
    def test_leaves_out_one_night_and_no_other(self, working_car: Vehicle) -> None:
        skip(working_car)
        starts_at, ends_at = NIGHT_AHEAD

        def ask(at: datetime) -> bool:
            report(working_car, at)
            return ReasonCode.PAUSED in codes(working_car, at)

        assert not ask(NIGHT)
        assert ask(starts_at)
        assert ask(ends_at - timedelta(seconds=1))
        assert not ask(starts_at + 24 * HOUR)

    def test_asked_twice_is_left_out_once(self, working_car: Vehicle) -> None:
        assert skip(working_car) == skip(working_car)

    def test_can_be_taken_back(self, working_car: Vehicle) -> None:
        skip(working_car)

        was = operations.unskip_night(
            vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=NIGHT + HOUR
        )

        assert was is not None
        assert (was.starts_at, was.until) == NIGHT_AHEAD
        report(working_car, NIGHT_AHEAD[0])
        assert codes(working_car, NIGHT_AHEAD[0]) == ()

    def test_that_has_begun_is_ended_by_resuming(self, working_car: Vehicle) -> None:
        skip(working_car)
        later = NIGHT_AHEAD[0] + HOUR

        was = operations.resume(vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=later)

        assert was is not None
        assert was.kind == "skip"
        report(working_car, later)
        assert codes(working_car, later) == ()

    def test_may_lie_beside_a_pause(self, working_car: Vehicle) -> None:
        skip(working_car)
        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=working_car.owner_id,
            until=NIGHT + HOUR,
            kind="hour",
            now=NIGHT,
        )
        operations.resume(
            vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=NIGHT + HOUR / 2
        )

        # The night is still left out.
        report(working_car, NIGHT_AHEAD[0])
        assert codes(working_car, NIGHT_AHEAD[0]) == (ReasonCode.PAUSED,)

    def test_is_no_pause_in_the_feed(self, working_car: Vehicle, scheduler: Client) -> None:
        skip(working_car)

        rows = scheduler.get("/api/v1/consents").json()["data"]

        assert [row["is_paused"] for row in rows] == [False]

    def test_needs_the_owner_and_a_night_to_come(self, working_car: Vehicle, mallory: User) -> None:
        with pytest.raises(VehicleNotFound):
            operations.skip_night(
                vehicle_id=working_car.pk,
                owner_id=mallory.pk,
                starts_at=NIGHT_AHEAD[0],
                ends_at=NIGHT_AHEAD[1],
                now=NIGHT,
            )
        with pytest.raises(PauseOver):
            skip(working_car, now=NIGHT_AHEAD[1])


class TestFinishFirst:
    def test_lets_what_runs_go_on_and_nothing_new_begin(self, working_car: Vehicle) -> None:
        assert ask_one(run(working_car, "j-1")).permit

        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=working_car.owner_id,
            until=NIGHT + HOUR,
            kind="hour",
            lets_jobs_finish=True,
            now=NIGHT + timedelta(seconds=10),
        )

        later = NIGHT + timedelta(seconds=50)
        assert ask_one(run(working_car, "j-1"), later).permit
        assert not ask_one(run(working_car, "j-2"), later).permit

    def test_is_the_owners_choice(self, working_car: Vehicle) -> None:
        assert ask_one(run(working_car, "j-1")).permit

        operations.pause(
            vehicle_id=working_car.pk,
            owner_id=working_car.owner_id,
            until=NIGHT + HOUR,
            kind="hour",
            now=NIGHT + timedelta(seconds=10),
        )

        assert not ask_one(run(working_car, "j-1"), NIGHT + timedelta(seconds=50)).permit


class TestUndo:
    def test_takes_a_pause_back(self, working_car: Vehicle) -> None:
        made, before = operations.pause(
            vehicle_id=working_car.pk,
            owner_id=working_car.owner_id,
            until=None,
            kind="until_resumed",
            now=NIGHT,
        )

        done = operations.undo_pause(
            vehicle_id=working_car.pk,
            owner_id=working_car.owner_id,
            pause_id=made.pk,
            before=before,
            now=NIGHT + timedelta(seconds=5),
        )

        assert done
        assert codes(working_car, NIGHT + timedelta(seconds=5)) == ()
        assert ConsentEvent.objects.latest("id").kind == "resumed"

    def test_puts_back_the_pause_that_was_replaced(self, working_car: Vehicle) -> None:
        whose: dict[str, Any] = {"vehicle_id": working_car.pk, "owner_id": working_car.owner_id}
        operations.pause(**whose, until=None, kind="until_resumed", now=NIGHT)
        made, before = operations.pause(
            **whose, until=NIGHT + HOUR, kind="hour", now=NIGHT + timedelta(minutes=5)
        )

        operations.undo_pause(
            **whose, pause_id=made.pk, before=before, now=NIGHT + timedelta(minutes=6)
        )

        running = Pause.objects.get(during__endswith__isnull=True, resumed_at__isnull=True)
        assert (running.kind, running.starts_at) == ("until_resumed", NIGHT + timedelta(minutes=6))
        event = ConsentEvent.objects.latest("id")
        assert (event.is_paused, event.pause_ends_at) == (True, None)

    def test_of_a_pause_that_is_over_changes_nothing(self, working_car: Vehicle) -> None:
        whose: dict[str, Any] = {"vehicle_id": working_car.pk, "owner_id": working_car.owner_id}
        made, before = operations.pause(**whose, until=None, kind="until_resumed", now=NIGHT)
        operations.resume(**whose, now=NIGHT + HOUR)

        assert not operations.undo_pause(**whose, pause_id=made.pk, before=before, now=NIGHT + HOUR)
