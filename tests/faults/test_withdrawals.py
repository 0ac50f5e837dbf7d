"""
Withdrawals race decisions: none that begins after the commit permits anything.

The naive twin keeps what it has read of a car for a while, as a scheduler of its own would; under
the same race it must permit, or this run shows nothing. PARADO_WITHDRAWALS says how many cars
(the long run: 10000).
"""

import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from consent import operations
from consent.models import Vehicle
from consent.operations import decisions
from consent.operations.decisions import Request
from consent.queries import Question
from consent.queries.decisions import load_places
from consent.rules import Window, WorkloadCategory
from tests.consent.terms import EVERY_DAY
from tests.factories import create_consent, create_owner, create_vehicle, create_vehicle_state


pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

CARS = int(os.environ.get("PARADO_WITHDRAWALS", "400"))
OWNERS_AT_ONCE = 3
SCHEDULERS = 3
BATCH = 10
# Schedulers ask about cars around those that are being withdrawn now.
NEAR = 15

COPY_CARS = """
INSERT INTO consent_vehicle (owner_id, name, plate, region_code, hardware_class_code,
    rated_power_w, battery_wh, time_zone)
SELECT owner_id, name, 'C ' || i, region_code, hardware_class_code, rated_power_w, battery_wh,
    time_zone
FROM consent_vehicle, generate_series(2, %(cars)s) i WHERE id = %(id)s
"""
# All but the key, for every car that has none yet.
COPY_ROWS = """
INSERT INTO {table} (vehicle_id, {columns})
SELECT car, {columns} FROM {table} one, (SELECT id AS car FROM consent_vehicle) fleet
WHERE one.vehicle_id = %(id)s AND car <> %(id)s
"""


@dataclass
class Race:
    """
    `withdrawn_at` by car, once its owner was told; `permits` and `denials` with when their
    question was put.
    """

    cars: list[int]
    owner_id: int
    withdrawn_at: dict[int, float] = field(default_factory=dict)
    permits: list[tuple[int, float]] = field(default_factory=list)
    denials: list[tuple[int, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    front: int = 0

    def take_next(self) -> int | None:
        with self.lock:
            if self.front == len(self.cars):
                return None
            self.front += 1
            return self.cars[self.front - 1]

    def withdraw_all(self) -> None:
        while (car := self.take_next()) is not None:
            operations.withdraw(vehicle_id=car, owner_id=self.owner_id, now=timezone.now())
            self.withdrawn_at[car] = time.monotonic()

    def ask_on(self, seed: int) -> None:
        chance = random.Random(seed)
        while len(self.withdrawn_at) < len(self.cars):
            first = self.front - chance.randrange(NEAR)
            self.ask([self.cars[max(0, min(first + n, len(self.cars) - 1))] for n in range(BATCH)])

    def ask(self, cars: list[int]) -> None:
        began = time.monotonic()
        answers = operations.answer(requests=[run(car) for car in cars], now=timezone.now())
        for car, answer in zip(cars, answers, strict=True):
            assert answer is not None
            (self.permits if answer.permit else self.denials).append((car, began))

    def count_late_permits(self) -> int:
        return sum(began > self.withdrawn_at[car] for car, began in self.permits)


def run(car: int) -> Request:
    return Request(Question(car, WorkloadCategory.INFERENCE, job_id=f"j-{car}"))


@pytest.fixture
def race(transactional_db: None) -> Race:
    """
    Give Olivia a fleet whose cars may all work now.
    """
    olivia = create_owner("Olivia")
    first = create_vehicle(olivia, plate="C 1")
    create_consent(first, windows=(Window(EVERY_DAY, 0, 1440),))
    create_vehicle_state(first, now=timezone.now(), heard_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(COPY_CARS, {"cars": CARS, "id": first.pk})
        for table in ("consent_consentversion", "consent_vehiclestate"):
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_name = %s AND column_name NOT IN ('id', 'vehicle_id')",
                [table],
            )
            [(columns,)] = cursor.fetchall()
            cursor.execute(COPY_ROWS.format(table=table, columns=columns), {"id": first.pk})
    cars = list(Vehicle.objects.order_by("id").values_list("pk", flat=True))
    assert len(cars) == CARS
    return Race(cars, olivia.pk)


def hold(race: Race) -> None:
    """
    Let owners and schedulers loose on each other until every car is withdrawn.
    """

    def close_after(work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(OWNERS_AT_ONCE + SCHEDULERS) as pool:
        asking = [pool.submit(close_after, race.ask_on, seed) for seed in range(SCHEDULERS)]
        owners = [pool.submit(close_after, race.withdraw_all) for _ in range(OWNERS_AT_ONCE)]
        for each in owners + asking:
            each.result()


def test_no_decision_begun_after_the_commit_permits(race: Race) -> None:
    hold(race)
    # As many decisions as withdrawals at least, however fast the owners were.
    while len(race.permits) + len(race.denials) < CARS:
        race.ask(random.Random(CARS).sample(race.cars, BATCH))

    assert race.permits
    assert any(began > race.withdrawn_at[car] for car, began in race.denials)
    assert race.count_late_permits() == 0
    for start in range(0, CARS, 1_000):
        answers = operations.answer(
            requests=[run(car) for car in race.cars[start : start + 1_000]], now=timezone.now()
        )
        assert not any(answer is not None and answer.permit for answer in answers)


def test_the_twin_that_remembers_cars_permits(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[int, Any] = {}

    def remember(*, questions: Any, now: Any, **_: Any) -> Any:
        unknown = [each for each in questions if each.vehicle_id not in remembered]
        if unknown:
            present, _past = load_places(questions=unknown, now=now)
            remembered.update(present)
        return {each.vehicle_id: remembered[each.vehicle_id] for each in questions}, []

    monkeypatch.setattr(decisions, "load_places", remember)

    hold(race)

    assert race.count_late_permits() > 0
