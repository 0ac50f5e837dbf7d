"""
Two jobs never both fit the last of a budget, however close they come.

The naive twin reads what is left without the lock; it must hand the same rest out twice, or
this run shows nothing.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from consent import operations
from consent.models import DayUse, Lease, Vehicle
from consent.operations import decisions
from consent.operations.decisions import Request
from consent.queries import Question
from consent.queries.decisions import load_places
from consent.rules import WorkloadCategory
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_owner, create_vehicle, create_vehicle_state


pytestmark = pytest.mark.django_db(transaction=True)
JOBS = 4
CARS = 12
# The day's budget is 6,000 Wh.
USED_WH = 5_900
LEFT_WH = 100


@pytest.fixture
def cars(transactional_db: None) -> list[Vehicle]:
    olivia = create_owner("Olivia")
    made = []
    for number in range(CARS):
        car = create_vehicle(olivia, plate=f"R {number:02}")
        create_consent(car)
        create_vehicle_state(car, now=NIGHT, heard_at=NIGHT)
        DayUse.objects.create(
            vehicle=car, on_date=date(2026, 11, 18), energy_wh=USED_WH, compute_s=60
        )
        made.append(car)
    return made


def race(cars: list[Vehicle]) -> int:
    """
    Let jobs ask for all cars at once, each for the whole rest; return how many permits came.
    """
    together = threading.Barrier(JOBS)

    def ask(number: int) -> int:
        # Each in an order of its own: locks that were not taken by id would meet in a ring.
        order = cars if number % 2 else cars[::-1]
        requests = [
            Request(
                Question(
                    car.pk,
                    WorkloadCategory.INFERENCE,
                    job_id=f"j-{number}",
                    expected_wh=LEFT_WH,
                )
            )
            for car in order
        ]
        try:
            together.wait()
            answers = operations.answer(requests=requests, now=NIGHT)
        finally:
            connection.close()
        return sum(each is not None and each.permit for each in answers)

    with ThreadPoolExecutor(JOBS) as pool:
        return sum(pool.map(ask, range(JOBS)))


def count_overspent() -> int:
    """
    Return the cars of which more is reserved than was left.
    """
    held: dict[int, int] = {}
    for lease in Lease.objects.all():
        held[lease.vehicle_id] = held.get(lease.vehicle_id, 0) + lease.reserved_energy_wh
    return sum(reserved > LEFT_WH for reserved in held.values())


def test_the_rest_of_a_budget_goes_to_one_job(cars: list[Vehicle]) -> None:
    assert race(cars) == CARS
    assert count_overspent() == 0


def test_the_twin_without_the_lock_overspends(
    cars: list[Vehicle], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_all = threading.Barrier(JOBS)

    def read_and_wait(**arguments: object) -> object:
        # Everyone has read before anyone writes: what a lock forbids, and chance allows.
        found = load_places(**arguments)  # type: ignore[arg-type]
        read_all.wait()
        return found

    monkeypatch.setattr(decisions, "lock_vehicles", lambda **_: None)
    monkeypatch.setattr(decisions, "load_places", read_and_wait)

    assert race(cars) == CARS * JOBS
    assert count_overspent() == CARS
