"""
Workers are killed with SIGKILL while they settle: every record is settled once, in full.

The naive twin, which pays first and marks the work as done afterwards, pays twice under the
same kills. Workers are forked from this process, since starting one takes longer than its work.
"""

import os
import random
import signal
import time
import uuid
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from billing.models import Account, Settlement, UsagePart
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.operations.settle import settle_next
from tests.billing.meters import NOON, create_world
from tests.billing.test_settlement_race import assert_each_record_once, report_for_many


pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

KILLS = int(os.environ.get("SETTLEMENT_KILLS", "60"))
PAID_MICROS = 1_000_000


def settle_all_pending() -> None:
    while UsagePart.objects.filter(settlement__isnull=True).exists():
        settle_next(now=NOON, limit=1)


def settle_naively(owner_id: int) -> None:
    """
    Do what one would without the rule: pay a few, commit, then note that they are done.
    """
    settlement = Settlement.objects.create(lane=0, booked_at=NOON)
    while parts := list(UsagePart.objects.filter(settlement__isnull=True).order_by("id")[:8]):
        for _part in parts:
            with transaction.atomic():
                pay_naively(owner_id)
        UsagePart.objects.filter(pk__in=[part.pk for part in parts]).update(settlement=settlement)


def pay_naively(owner_id: int) -> None:
    post_entry(
        code="usage_settled",
        business_key=f"naive:{uuid.uuid4()}",
        effective_at=NOON,
        booked_at=NOON,
        currency="EUR",
        legs=[
            Leg(
                debit=AccountKey(kind="unbilled_usage"),
                credit=AccountKey(kind="owner_pending", component="reward", owner_id=owner_id),
                amount_micros=PAID_MICROS,
            )
        ],
    )


def fork_worker(work: Callable[[], None]) -> int:
    # Both sides would speak on one connection otherwise.
    connection.close()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def kill_workers(work: Callable[[], None], *, kills: int, patience_s: float) -> int:
    """
    Kill one worker after the other somewhere in its work; return how many were still at it.
    """
    chance = random.Random(7)
    struck = 0
    for _ in range(kills):
        pid = fork_worker(work)
        time.sleep(0.02 + chance.random() * patience_s)
        os.kill(pid, signal.SIGKILL)
        _pid, status = os.waitpid(pid, 0)
        struck += os.WIFSIGNALED(status)
    return struck


def pending_micros() -> int:
    accounts = Account.objects.filter(kind="owner_pending")
    return sum(account.balance_micros for account in accounts)


def test_every_record_is_settled_once_under_kills() -> None:
    world = create_world()
    count = report_for_many(world)

    struck = kill_workers(settle_all_pending, kills=KILLS, patience_s=0.25)
    pid = fork_worker(settle_all_pending)
    assert os.waitpid(pid, 0)[1] == 0

    assert struck > KILLS // 3, "most workers had finished before they were killed"
    assert_each_record_once(count)


def test_the_naive_twin_pays_twice() -> None:
    world = create_world()
    report_for_many(world)
    parts = UsagePart.objects.count()

    def work() -> None:
        settle_naively(world.olivia.pk)

    kill_workers(work, kills=KILLS, patience_s=0.05)
    work()

    assert pending_micros() > parts * PAID_MICROS
