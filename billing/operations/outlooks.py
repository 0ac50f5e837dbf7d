"""
How much work comes, by hour of the week: counted anew now and then, for forecasts.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.operations.ledger import read_sql
from web.transactions import durable


DAYS: Final = 28
# Enough cars that one more changes no share by a hundredth, few enough for a sweep.
CARS_MAX: Final = 200
REFRESH_EVERY: Final = timedelta(hours=1)
# A pool in which nothing was metered yet: its first work should show soon.
REFRESH_EMPTY_EVERY: Final = timedelta(minutes=2)

# First key of the advisory locks; the second is the pool.
POOL_LOCK: Final = 5_373

DUE = """
SELECT p.pool_id
FROM marketplace_pool_v p
LEFT JOIN (
    SELECT pool_id, min(refreshed_at) AS refreshed_at,
        bool_or(EXISTS (SELECT FROM unnest(worked) AS hour (n) WHERE hour.n > 0)) AS has_work
    FROM billing_workoutlook GROUP BY pool_id
) o ON o.pool_id = p.pool_id
WHERE o.pool_id IS NULL
    OR o.refreshed_at <= %(now)s - CASE WHEN o.has_work THEN %(every)s ELSE %(empty_every)s END
ORDER BY o.refreshed_at NULLS FIRST, p.pool_id
"""


@durable
def refresh_due_outlook(*, now: datetime) -> int:
    """
    Count the work of one pool whose outlook is due and which nobody else counts; 0: none is.
    """
    values: dict[str, Any] = {
        "now": now,
        "every": REFRESH_EVERY,
        "empty_every": REFRESH_EMPTY_EVERY,
    }
    with connection.cursor() as cursor:
        cursor.execute(DUE, values)
        for (pool_id,) in cursor.fetchall():
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [POOL_LOCK, pool_id])
            if cursor.fetchone()[0]:
                _refresh(cursor, pool_id=pool_id, now=now)
                return 1
    return 0


@durable
def refresh_outlooks(*, now: datetime) -> int:
    """
    Count the work of every pool now; return how many there are.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pool_id FROM marketplace_pool_v ORDER BY pool_id")
        pool_ids = [pool_id for (pool_id,) in cursor.fetchall()]
        for pool_id in pool_ids:
            _refresh(cursor, pool_id=pool_id, now=now)
    return len(pool_ids)


def _refresh(cursor: CursorWrapper, *, pool_id: int, now: datetime) -> None:
    ends_at = now.replace(minute=0, second=0, microsecond=0)
    cursor.execute(
        read_sql("work_outlook.sql"),
        {
            "pool_id": pool_id,
            "starts_at": ends_at - timedelta(days=DAYS),
            "ends_at": ends_at,
            "now": now,
            "cars": CARS_MAX,
        },
    )
