"""
The sweep of this app: what nobody needs any more is forgotten, who must agree again is told.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from consent import operations


logger = logging.getLogger(__name__)

# A reminder may come an hour later, and every look reads an index.
REMIND_EVERY = timedelta(hours=1)


@dataclass
class Pace:
    """
    When this process looked last. Each process looks for itself; what was written stands in
    the database, so none writes twice.
    """

    looked_at: datetime | None = None


_reminders = Pace()


def remind_hourly(*, now: datetime) -> int:
    if _reminders.looked_at and now - _reminders.looked_at < REMIND_EVERY:
        return 0
    total = 0
    while count := operations.remind_of_expiry(now=now):
        total += count
    _reminders.looked_at = now
    return total


STEPS: tuple[Callable[..., int], ...] = (operations.forget_leases, remind_hourly)


def sweep() -> None:
    """
    Do what is due. A step that fails is logged and does not keep the others from theirs.
    """
    for step in STEPS:
        try:
            step(now=timezone.now())
        except Exception:
            logger.exception("step %s of the consent sweep failed", step.__name__)
