"""
The hold window: earnings wait, then become available to be paid out.
"""

import logging
from datetime import datetime

from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.models import Entry
from billing.operations.ledger import BOOKS_REFUSE, open_posting, post_staged, read_sql
from billing.operations.settle import try_lane
from web.limits import SETTLEMENT_LANES
from web.rows import fetch_rows
from web.transactions import durable


logger = logging.getLogger(__name__)

DAYS_AT_ONCE = 200


def release_due(*, now: datetime) -> int:
    """
    Release the earnings of one lane whose window is over; return how many days it took.

    A debt from a correction is set off first, against rewards and jobs only. A lane that the
    books refuse is left for the next time and keeps no other waiting.
    """
    for lane in _list_lanes(now=now):
        try:
            if days := _release_lane(lane, now=now):
                return days
        except BOOKS_REFUSE:
            logger.exception("the earnings of lane %s cannot be released", lane)
    return 0


@durable
def _release_lane(lane: int, *, now: datetime) -> int:
    """
    Return how many days were released; 0: another worker has the lane, or was quicker.
    """
    with connection.cursor() as cursor:
        if not try_lane(cursor, lane):
            return 0
        open_posting(cursor=cursor)
        days = _stage(cursor, lane=lane, now=now)
        cursor.execute("DROP TABLE releasing_day, releasing, releasing_offset")
    return days


def _stage(cursor: CursorWrapper, *, lane: int, now: datetime) -> int:
    cursor.execute(
        "SELECT min(id) FROM billing_settlementday"
        " WHERE lane = %s AND released_at IS NULL AND release_due_at <= %s",
        [lane, now],
    )
    key = f"release:{cursor.fetchone()[0]}"
    cursor.execute(read_sql("release.sql"), {"lane": lane, "now": now, "days": DAYS_AT_ONCE})
    days = int(cursor.rowcount)
    cursor.execute("SELECT EXISTS (SELECT FROM posting)")
    if cursor.fetchone()[0]:
        entry = Entry.objects.create(
            code="earnings_released", effective_at=now, booked_at=now, business_key=key
        )
        post_staged(cursor=cursor, effective_at=now, booked_at=now, entry_id=entry.pk)
    return days


def _list_lanes(*, now: datetime) -> list[int]:
    """
    Return the lanes that have days to release.
    """
    rows = fetch_rows(
        "SELECT lane FROM generate_series(0, %s - 1) AS lane WHERE EXISTS ("
        " SELECT FROM billing_settlementday d WHERE d.lane = lane.lane"
        " AND d.released_at IS NULL AND d.release_due_at <= %s)",
        [SETTLEMENT_LANES, now],
    )
    return [lane for (lane,) in rows]
