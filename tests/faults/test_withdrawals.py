"""
Whatever an owner does to stop a car races decisions: none that begins after the commit permits
anything, to begin work or to renew a lease.

The naive twin keeps what it has read of a car for a while, as a scheduler of its own would; under
the same race it must permit, or this run shows nothing. PARADO_WITHDRAWALS says how many cars are
withdrawn (the long run: 10000).
"""

import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pgtrigger
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from consent import operations
from consent.models import Lease, TransferOffer, Vehicle
from consent.operations import NewOwnersWords, accept_offer, agreements, decisions
from consent.operations.decisions import Answer, Request
from consent.operations.events import tell_feed
from consent.operations.transfers import make_digest
from consent.queries import Question, standing
from consent.queries.decisions import load_places
from consent.rules import Window, WorkloadCategory
from tests.consent.terms import EVERY_DAY
from tests.factories import (
    NIGHTLY_RULES,
    create_consent,
    create_owner,
    create_person,
    create_vehicle,
    create_vehicle_state,
)


pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

CARS = int(os.environ.get("PARADO_WITHDRAWALS", "400"))
FEW_CARS = 48
OWNERS_AT_ONCE = 3
SCHEDULERS = 3
BATCH = 10
# Schedulers ask about cars around those that are being withdrawn now.
NEAR = 15

ALWAYS = (Window(EVERY_DAY, 0, 1440),)
# Cars with a budget are locked while they are judged, the others are not.
BUDGETS = {
    "energy_wh_per_day_max": 6_000,
    "energy_wh_per_month_max": 90_000,
    "compute_s_per_day_max": 36_000,
    "compute_s_per_month_max": 720_000,
}

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
    question was put. `act` is what the owner does to one car, the name of a method.
    """

    cars: list[int]
    owner_id: int
    act: str = "withdraw"
    withdrawn_at: dict[int, float] = field(default_factory=dict)
    permits: list[tuple[int, float]] = field(default_factory=list)
    denials: list[tuple[int, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_on: threading.Event = field(default_factory=threading.Event)
    front: int = 0

    def take_next(self) -> int | None:
        with self.lock:
            if self.front == len(self.cars):
                return None
            self.front += 1
            return self.cars[self.front - 1]

    def withdraw_all(self) -> None:
        # Against nobody whom anything was permitted there is no race.
        assert self.is_on.wait(timeout=60)
        while (car := self.take_next()) is not None:
            getattr(self, self.act)(car)
            self.withdrawn_at[car] = time.monotonic()

    def ask_on(self, seed: int) -> None:
        chance = random.Random(seed)
        while len(self.withdrawn_at) < len(self.cars):
            first = self.front - chance.randrange(NEAR)
            self.ask([self.cars[max(0, min(first + n, len(self.cars) - 1))] for n in range(BATCH)])
        # However fast the owners were, somebody asks after them.
        self.ask(self.cars[-BATCH:])

    def ask(self, cars: list[int]) -> None:
        began = time.monotonic()
        answers = operations.answer(requests=[run(car) for car in cars], now=timezone.now())
        for car, answer in zip(cars, answers, strict=True):
            # A car that changed hands is not there any more.
            is_permit = answer is not None and answer.permit
            (self.permits if is_permit else self.denials).append((car, began))
        if self.permits:
            self.is_on.set()

    def withdraw(self, car: int) -> None:
        operations.withdraw(vehicle_id=car, owner_id=self.owner_id, now=timezone.now())

    def pause(self, car: int) -> None:
        operations.pause(
            vehicle_id=car,
            owner_id=self.owner_id,
            until=None,
            kind="until_resumed",
            now=timezone.now(),
        )

    def agree_to_less(self, car: int) -> None:
        """
        Allow another kind of work only.
        """
        rules = replace(NIGHTLY_RULES, windows=ALWAYS, categories=(WorkloadCategory.RENDERING,))
        operations.give_consent(
            vehicle_id=car,
            owner_id=self.owner_id,
            rules=rules,
            expected_number=1,
            notice_language="en",
            now=timezone.now(),
        )

    def hand_over(self, car: int) -> None:
        """
        Let Nina take over the car, who was offered it.
        """
        now, token = timezone.now(), f"offer-{car}"
        nina = User.objects.get(email="nina@example.com")
        TransferOffer.objects.create(
            vehicle_id=car,
            email=nina.email,
            digest=make_digest(token),
            offered_at=now,
            expires_at=now + timedelta(days=1),
        )
        words = NewOwnersWords(f"N {car}", "New")
        accept_offer(token=token, user_id=nina.pk, words=words, now=timezone.now())

    def leave(self, car: int) -> None:
        """
        Let the owner of the car be erased, which stops all that they have.
        """
        owner_id = Vehicle.objects.values_list("owner_id", flat=True).get(pk=car)
        operations.stop_all_cars(owner_id=owner_id, now=timezone.now())

    def count_late_permits(self) -> int:
        return sum(began > self.withdrawn_at[car] for car, began in self.permits)


def run(car: int) -> Request:
    return Request(Question(car, WorkloadCategory.INFERENCE, job_id=f"j-{car}"))


def create_fleet(count: int, *, has_budgets: bool = True) -> Race:
    """
    Give Olivia a fleet whose cars may all work now.
    """
    olivia = create_owner("Olivia")
    first = create_vehicle(olivia, plate="C 1")
    create_consent(first, **(BUDGETS if has_budgets else dict.fromkeys(BUDGETS)), windows=ALWAYS)
    create_vehicle_state(first, now=timezone.now(), heard_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(COPY_CARS, {"cars": count, "id": first.pk})
        for table in ("consent_consentversion", "consent_vehiclestate"):
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_name = %s AND column_name NOT IN ('id', 'vehicle_id')",
                [table],
            )
            [(columns,)] = cursor.fetchall()
            cursor.execute(COPY_ROWS.format(table=table, columns=columns), {"id": first.pk})
    cars = list(Vehicle.objects.order_by("id").values_list("pk", flat=True))
    assert len(cars) == count
    return Race(cars, olivia.pk)


@pytest.fixture
def race(transactional_db: None) -> Race:
    return create_fleet(CARS)


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


def check(race: Race) -> None:
    """
    See that jobs ran, that none was let go on after the commit, and that no renewal is now.
    """
    assert race.permits
    assert any(began > race.withdrawn_at[car] for car, began in race.denials)
    assert race.count_late_permits() == 0
    assert Lease.objects.exists()
    for start in range(0, len(race.cars), 1_000):
        race.ask(race.cars[start : start + 1_000])
    assert race.count_late_permits() == 0


def test_no_decision_begun_after_the_commit_permits(race: Race) -> None:
    hold(race)
    # As many decisions as withdrawals at least, however fast the owners were.
    while len(race.permits) + len(race.denials) < CARS:
        race.ask(random.Random(CARS).sample(race.cars, BATCH))

    check(race)


@pytest.mark.parametrize("has_budgets", [True, False])
@pytest.mark.parametrize("act", ["withdraw", "pause", "agree_to_less", "hand_over"])
def test_whatever_stops_a_car_stops_it_with_the_commit(*, act: str, has_budgets: bool) -> None:
    create_person("Nina")
    race = create_fleet(FEW_CARS, has_budgets=has_budgets)
    race.act = act

    hold(race)

    check(race)


def test_an_owner_who_is_erased_stops_all_cars_with_the_commit() -> None:
    race = create_fleet(FEW_CARS)
    race.act = "leave"
    for number in range(FEW_CARS // 4):
        owner = create_person(f"Owner{number}")
        mine = race.cars[number * 4 : number * 4 + 4]
        with pgtrigger.ignore("consent.Vehicle:consent_vehicle_keeps_its_owner"):
            Vehicle.objects.filter(pk__in=mine).update(owner_id=owner.pk)

    hold(race)

    check(race)


def withdraw_while_asked(race: Race, monkeypatch: pytest.MonkeyPatch) -> Answer | None:
    """
    Put a question that reads the rules before a withdrawal commits and waits for its lock;
    return the answer.
    """
    [car] = race.cars
    is_written = threading.Event()

    def tell_late(**told: Any) -> None:
        tell_feed(**told)
        is_written.set()
        wait_for_a_lock()

    monkeypatch.setattr(agreements, "tell_feed", tell_late)

    def ask() -> Answer | None:
        try:
            assert is_written.wait(timeout=20)
            [answer] = operations.answer(requests=[run(car)], now=timezone.now())
        finally:
            connection.close()
        return answer

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        race.withdraw(car)
        return asked.result()


def wait_for_a_lock() -> None:
    """
    Wait until another transaction waits for what this one has locked.
    """
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_whoever_waited_for_a_withdrawal_sees_it(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = withdraw_while_asked(create_fleet(1), monkeypatch)

    assert answer is not None
    assert not answer.permit


def test_the_twin_that_reads_before_the_lock_only_permits(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_refresh", lambda rows, _locked, _now: rows)

    answer = withdraw_while_asked(create_fleet(1), monkeypatch)

    assert answer is not None
    assert answer.permit


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
