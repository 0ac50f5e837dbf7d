"""
Rows of the shared edge that nobody needs any more.
"""

from datetime import datetime, timedelta

from web import throttling
from web.limits import IDEMPOTENCY_KEPT_H
from web.models import IdempotencyRecord


def forget_old_rows(*, now: datetime) -> None:
    """
    Delete answers older than the time for which they are promised, and idle counters.
    """
    kept_since = now - timedelta(hours=IDEMPOTENCY_KEPT_H)
    IdempotencyRecord.objects.filter(created_at__lt=kept_since).delete()
    throttling.forget_idle(now=now - timedelta(minutes=10))
