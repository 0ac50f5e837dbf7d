import threading
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import User
from consent import operations, queries
from consent.models import ConsentEvent, ConsentVersion, Vehicle
from consent.operations import NoConsent, VehicleNotFound
from consent.queries import Question
from consent.rules import ReasonCode, WorkloadCategory
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_owner, create_vehicle, create_vehicle_state


MINUTE = timedelta(minutes=1)


def ask(vehicle: Vehicle) -> bool:
    question = Question(vehicle.pk, WorkloadCategory.INFERENCE)
    [decision] = queries.evaluate(questions=[question], now=NIGHT)
    assert decision is not None
    return decision.permit


class TestWithdraw:
    def test_no_decision_afterwards_permits(self, car: Vehicle, olivia: User) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)
        assert ask(car)

        version = operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT)

        assert not ask(car)
        assert (version.number, version.state) == (2, "withdrawn")

    def test_binds_servers_whose_clock_is_behind(self, car: Vehicle, olivia: User) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)

        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + MINUTE)

        question = Question(car.pk, WorkloadCategory.INFERENCE)
        [decision] = queries.evaluate(questions=[question], now=NIGHT)
        assert decision is not None
        assert decision.codes == (ReasonCode.CONSENT_WITHDRAWN,)

    def test_is_told_to_the_feed_once_however_often_it_is_asked(
        self, car: Vehicle, olivia: User
    ) -> None:
        create_consent(car)
        first = operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT)
        again = operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + MINUTE)

        assert again == first
        assert ConsentEvent.objects.filter(kind="withdrawn").count() == 1

    def test_needs_a_consent(self, car: Vehicle, olivia: User) -> None:
        with pytest.raises(NoConsent):
            operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT)

    def test_needs_the_owner(self, car: Vehicle, mallory: User) -> None:
        create_consent(car)

        with pytest.raises(VehicleNotFound):
            operations.withdraw(vehicle_id=car.pk, owner_id=mallory.pk, now=NIGHT)

        assert ConsentVersion.objects.get().state == "given"


@dataclass
class Askers:
    """
    Threads that ask about all cars without a break, and note permits that came too late.
    """

    cars: list[Vehicle]
    withdrawn: set[int] = field(default_factory=set)
    permitted: set[int] = field(default_factory=set)
    too_late: list[int] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        questions = [Question(car.pk, WorkloadCategory.INFERENCE) for car in self.cars]
        while not self.done.is_set():
            known = frozenset(self.withdrawn)
            answers = queries.evaluate(questions=questions, now=NIGHT)
            permitted = {
                question.vehicle_id
                for question, answer in zip(questions, answers, strict=True)
                if answer and answer.permit
            }
            self.permitted |= permitted
            self.too_late += permitted & known
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_no_decision_begun_after_the_commit_permits() -> None:
    olivia = create_owner("Olivia")
    cars = [create_vehicle(olivia, plate=f"RC {n:03}") for n in range(40)]
    for car in cars:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)
    askers = Askers(cars)
    threads = [threading.Thread(target=askers.ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not askers.permitted:
        askers.done.wait(0.01)

    for car in cars:
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT)
        askers.withdrawn.add(car.pk)

    askers.done.wait(0.1)
    askers.done.set()
    for thread in threads:
        thread.join()
    assert askers.permitted == {car.pk for car in cars}, "the race was never on"
    assert askers.too_late == []
