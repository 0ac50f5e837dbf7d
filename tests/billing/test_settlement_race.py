"""
Workers side by side: every record once, no booking over its size.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum

from billing.models import (
    Account,
    BookingDelivery,
    Outcome,
    RatedLine,
    Settlement,
    Transfer,
    UsagePart,
    UsageRecord,
)
from billing.operations.bookings import release_booking
from billing.operations.settle import Chain, settle_next
from tests.billing.meters import (
    NOON,
    World,
    create_car,
    create_world,
    find_breaks,
    leave_room,
)
from tests.factories import create_owner


WORKERS = 4
OWNERS = 12
QUARTERS = 6
_run = Chain.run
pytestmark = pytest.mark.django_db(transaction=True)


def report_for_many(world: World) -> int:
    """
    Report a quarter-hour of every car per batch; return the number of records.
    """
    cars = [
        create_car(create_owner(f"Owner{number}"), plate=f"CAR {number}")
        for number in range(OWNERS)
    ]
    for quarter in range(QUARTERS):
        world.report(*[world.event(quarter, vehicle=car) for car in cars])
    return OWNERS * QUARTERS


def run_workers(work: Callable[[], object]) -> None:
    barrier = threading.Barrier(WORKERS)

    def run(_number: int) -> None:
        try:
            barrier.wait()
            while UsagePart.objects.filter(settlement__isnull=True).exists():
                work()
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(run, range(WORKERS)))


def assert_each_record_once(count: int) -> None:
    assert UsageRecord.objects.count() == RatedLine.objects.count() == count
    assert Settlement.objects.aggregate(n=Sum("record_count"))["n"] == count
    lines = RatedLine.objects.aggregate(
        charge=Sum("charge_micros"),
        electricity=Sum("electricity_micros"),
        wear=Sum("wear_micros"),
        reward=Sum("reward_micros"),
    )
    pending = Account.objects.filter(kind="owner_pending").aggregate(sum=Sum("balance_micros"))
    assert pending["sum"] == lines["electricity"] + lines["wear"] + lines["reward"]
    charged = Transfer.objects.filter(debit_account__kind="buyer_held").exclude(
        code="booking_released"
    )
    assert charged.aggregate(sum=Sum("amount_micros"))["sum"] == lines["charge"]
    assert find_breaks() == []


def test_four_workers_settle_every_record_once() -> None:
    world = create_world()
    count = report_for_many(world)

    run_workers(lambda: settle_next(now=NOON, limit=10))

    assert_each_record_once(count)


def test_four_workers_never_bill_more_than_was_booked() -> None:
    world = create_world()
    leave_room(world, energy_wh=252 * 30)
    report_for_many(world)

    run_workers(lambda: settle_next(now=NOON, limit=3))

    delivery = BookingDelivery.objects.get()
    assert delivery.billed_wh == delivery.booked_wh
    assert RatedLine.objects.filter(outcome=Outcome.ACCEPTED).count() == 30
    assert find_breaks() == []


def test_a_booking_that_closes_meanwhile_is_charged_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = create_world()
    world.report(world.event())

    def close_in_between(chain: Chain, *names: str) -> None:
        if names[0] == "40_rate" and not BookingDelivery.objects.exists():
            with ThreadPoolExecutor(1) as thread:
                thread.submit(_close, world).result()
        _run(chain, *names)

    monkeypatch.setattr("billing.operations.settle.Chain.run", close_in_between)
    settle_next(now=NOON)

    assert RatedLine.objects.get().is_billed is False
    assert world.ben.balance[1] == 0
    assert find_breaks() == []


def _close(world: World) -> None:
    try:
        release_booking(booking_id=world.booking.id, now=NOON + timedelta(minutes=1))
    finally:
        connection.close()


def test_many_requests_may_be_the_first_of_a_day() -> None:
    barrier = threading.Barrier(WORKERS)

    def ensure(_number: int) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass('billing_usagerecord_20250601')")
                barrier.wait()
                cursor.execute("SELECT billing_ensure_days('2025-06-01', '2025-06-03')")
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(ensure, range(WORKERS)))

    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_ensure_days('2025-06-01', '2025-06-03')")
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT format('DROP TABLE %s', inhrelid::regclass) FROM pg_inherits"
            " WHERE inhrelid::regclass::text LIKE 'billing_%%_202506__'"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
