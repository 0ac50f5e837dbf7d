"""
Signs of life of the workers: each sweep leaves a mark in its queue's row.

The broker may be silent for many reasons; a row that grows old says that nothing is being
done, whatever the reason.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import connection

from web.limits import HEARTBEAT_LATE_S, HEARTBEAT_STUCK_S
from web.rows import fetch_rows


# Those of config.celery, which no app may import; a test holds both equal.
QUEUES: Final = ("money", "notify", "bulk")

# Of several failures in a row the first keeps its time.
BEGIN: Final = """
INSERT INTO web_heartbeat (queue, busy_since) VALUES (%s, clock_timestamp())
ON CONFLICT (queue) DO UPDATE
SET busy_since = coalesce(web_heartbeat.busy_since, excluded.busy_since)
"""
END: Final = """
UPDATE web_heartbeat SET beat_at = clock_timestamp(), busy_since = NULL WHERE queue = %s
"""


class Pulse(StrEnum):
    """
    ALIVE swept lately, WORKING is at a long one, LATE was not heard, STUCK began and never ended.
    """

    ALIVE = "alive"
    WORKING = "working"
    LATE = "late"
    STUCK = "stuck"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueBeat:
    """
    One queue: when a sweep last ended, and since when one has been at work.
    """

    queue: str
    beat_at: datetime | None
    busy_since: datetime | None
    pulse: Pulse

    @property
    def is_well(self) -> bool:
        return self.pulse in {Pulse.ALIVE, Pulse.WORKING}


@contextmanager
def beating(*, queue: str) -> Iterator[None]:
    """
    Mark that a sweep of the queue begins, and that it ended. One that fails leaves its start.
    """
    _execute(BEGIN, queue)
    yield
    _execute(END, queue)


def list_beats(*, now: datetime) -> tuple[QueueBeat, ...]:
    """
    Return every queue in order, also those whose worker never came.
    """
    rows = fetch_rows("SELECT queue, beat_at, busy_since FROM web_heartbeat")
    marks = {queue: (beat_at, busy_since) for queue, beat_at, busy_since in rows}
    return tuple(
        QueueBeat(
            queue=queue,
            beat_at=beat_at,
            busy_since=busy_since,
            pulse=_read_pulse(beat_at, busy_since, now),
        )
        for queue in QUEUES
        for beat_at, busy_since in [marks.get(queue, (None, None))]
    )


def _read_pulse(beat_at: datetime | None, busy_since: datetime | None, now: datetime) -> Pulse:
    if busy_since is not None:
        busy_s = (now - busy_since).total_seconds()
        if busy_s > HEARTBEAT_STUCK_S:
            return Pulse.STUCK
        return Pulse.ALIVE if busy_s <= HEARTBEAT_LATE_S else Pulse.WORKING
    if beat_at is None:
        return Pulse.NEVER
    is_late = (now - beat_at).total_seconds() > HEARTBEAT_LATE_S
    return Pulse.LATE if is_late else Pulse.ALIVE


def _execute(statement: str, queue: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [queue])
