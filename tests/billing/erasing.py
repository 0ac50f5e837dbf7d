"""
What tests of erasure share: the sweeps that carry it out, and the books afterwards.
"""

from datetime import datetime, timedelta

import time_machine

from accounts import tasks as accounts_tasks
from accounts.models import ErasureRequest, User
from billing.operations.erasure import complete_erasures
from billing.operations.ledger_checks import check_ledger
from tests.billing.meters import NOON


DAY = timedelta(days=1)
CLEARED = NOON + 5 * DAY


def complete(owner: User, *, now: datetime = CLEARED) -> ErasureRequest:
    """
    Do what the sweeps of both apps do, until nothing changes.
    """
    for step in range(4):
        with time_machine.travel(now + step * timedelta(minutes=6), tick=False):
            complete_erasures(now=now + step * timedelta(minutes=6))
            accounts_tasks.sweep()
    return ErasureRequest.objects.get(user=owner)


def read_breaks() -> list[str]:
    """
    Return the checks of the ledger that fail; the top-up of a test has no payment behind it.
    """
    lines = check_ledger(now=CLEARED, with_provider=False).lines
    names = [line["name"] for line in lines if not line["is_ok"]]
    return [name for name in names if name != "pending_is_captured"]
