"""
Whatever is reported, corrected, settled and taken back from quarantine, in whatever order: no
minute of a car is paid twice, and every record ends as a line or in quarantine.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from billing.models import (
    Account,
    BookingDelivery,
    LineKind,
    Outcome,
    QuarantineCode,
    QuarantinedRecord,
    RatedLine,
    UsageRecord,
)
from billing.operations.bookings import release_booking
from billing.operations.quarantine import accept, replay
from billing.operations.releases import release_due
from consent.models import DayUse
from tests.billing.buyers import Company, create_company
from tests.billing.meters import EVENING, NOON, World, find_breaks, settle_all
from tests.billing.people import create_fiona
from tests.factories import RATES
from tests.properties.test_settlement_pricing import create_example


pytestmark = pytest.mark.django_db
# Each run draws others; PARADO_PROPERTY_CASES=20000 is the long run.
CASES = int(os.environ.get("PARADO_PROPERTY_CASES", "20"))
IMPLAUSIBLE_WH = 9_000
_numbers = count(1)
# Start and end in minutes of one quarter-hour, often of the same one.
stretches = st.sampled_from([(0, 15), (0, 15), (0, 5), (5, 15), (3, 10), (15, 30), (15, 20)])
events = st.fixed_dictionaries(
    {
        "stretch": stretches,
        "energy_wh": st.sampled_from([0, 50, 80, IMPLAUSIBLE_WH]),
        "job": st.sampled_from([None, "a", "b"]),
        # Which of the events before it this one replaces; None: none.
        "replaces": st.none() | st.integers(0, 9),
    }
)
steps = st.deferred(
    lambda: st.lists(
        st.lists(events, min_size=1, max_size=4) | st.sampled_from([*ACTS]),
        min_size=1,
        max_size=9,
    )
)


@pytest.fixture
def ben() -> Company:
    return create_company(prepaid_micros=500_000_000_000)


@pytest.fixture
def fiona() -> User:
    return create_fiona()


@given(steps=steps)
@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_minute_is_paid_twice(ben: Company, fiona: User, steps: list[Any]) -> None:
    # Back to here after each case: what settlements lock is kept to the transaction's end.
    before = transaction.savepoint()
    play(ben, fiona, steps)
    transaction.savepoint_rollback(before)


def play(ben: Company, fiona: User, steps: list[Any]) -> None:
    number = next(_numbers)
    world = create_example(ben, number, rates=RATES, starts_at=EVENING)
    names: list[str] = []
    for step in [*steps, "settle"]:
        if isinstance(step, str):
            ACTS[step](world, fiona)
        else:
            report(world, f"{number}-", names, step)

    check_lines(world)
    check_sums(world)
    assert find_breaks() == []


def report(world: World, prefix: str, names: list[str], drawn: list[Any]) -> None:
    made = []
    for event in drawn:
        start, end = (EVENING + timedelta(minutes=minute) for minute in event["stretch"])
        replaces = event["replaces"]
        made.append(
            world.event(
                id=f"{prefix}{len(names)}",
                starts_at=start,
                ends_at=end,
                energy_wh=event["energy_wh"],
                battery_temp_max_c=20,
                job_id=f"{prefix}{event['job']}",
                job_completed=event["job"] is not None,
                supersedes=names[replaces] if replaces is not None and names[replaces:] else None,
            )
        )
        names.append(made[-1]["id"])
    world.report(*made)


def settle(_world: World, _fiona: User) -> None:
    settle_all()


def replay_all(world: World, fiona: User) -> None:
    for kept in list_set_aside(world):
        replay(quarantined_id=kept.pk, actor_id=fiona.pk, now=NOON)


def accept_implausible(world: World, fiona: User) -> None:
    for kept in list_set_aside(world).filter(code=QuarantineCode.ENERGY_IMPLAUSIBLE):
        accept(quarantined_id=kept.pk, actor_id=fiona.pk, reason="Seen.", now=NOON)


def end_hold_window(_world: World, _fiona: User) -> None:
    release_due(now=NOON + timedelta(days=6))


def end_booking(world: World, _fiona: User) -> None:
    release_booking(booking_id=world.booking.id, now=NOON)


def list_set_aside(world: World) -> QuerySet[QuarantinedRecord]:
    kept = QuarantinedRecord.objects.filter(vehicle_id=world.vehicle.pk, state="open")
    return kept.exclude(record_id=None).order_by("id")


def net_lines(world: World) -> list[RatedLine]:
    """
    Return the lines that stand, in the order of time.
    """
    lines = RatedLine.objects.filter(vehicle_id=world.vehicle.pk)
    reversed_ids = lines.filter(kind=LineKind.REVERSAL).values("record_id")
    standing = lines.filter(kind=LineKind.USAGE).exclude(outcome=Outcome.SUPERSEDED)
    return list(standing.exclude(record_id__in=reversed_ids).order_by("starts_at", "ends_at"))


def check_lines(world: World) -> None:
    for line, following in pairwise(net_lines(world)):
        assert line.ends_at <= following.starts_at
    lines = RatedLine.objects.filter(vehicle_id=world.vehicle.pk, kind=LineKind.USAGE)
    priced = set(lines.values_list("record_id", flat=True))
    kept = QuarantinedRecord.objects.filter(vehicle_id=world.vehicle.pk).exclude(record_id=None)
    set_aside = set(kept.filter(state="open").values_list("record_id", flat=True))
    replaced = set(kept.filter(state="superseded").values_list("record_id", flat=True))
    stored = UsageRecord.objects.filter(vehicle_id=world.vehicle.pk)
    assert priced | set_aside | replaced == set(stored.values_list("id", flat=True))
    assert not priced & set_aside


def check_sums(world: World) -> None:
    lines = net_lines(world)
    use = DayUse.objects.filter(vehicle=world.vehicle)
    assert sum(day.energy_wh for day in use) == sum(line.energy_wh for line in lines)
    billed = [line for line in lines if line.is_billed]
    delivery = BookingDelivery.objects.filter(booking_id=world.booking.id).first()
    assert (delivery.billed_wh if delivery else 0) == sum(line.energy_wh for line in billed)
    done = UsageRecord.objects.filter(id__in=[line.record_id for line in lines if line.job_micros])
    assert done.count() == done.values("job_id").distinct().count()
    accounts = Account.objects.filter(owner=world.olivia)
    assert sum(account.balance_micros for account in accounts) == sum(
        line.electricity_micros + line.wear_micros + line.reward_micros + line.job_micros
        for line in lines
    )


# What may come between reports.
ACTS: dict[str, Callable[[World, User], None]] = {
    "settle": settle,
    "replay": replay_all,
    "accept": accept_implausible,
    "release": end_hold_window,
    "end booking": end_booking,
}
