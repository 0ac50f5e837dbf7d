"""
Taking in metered usage: what is answered as accepted is committed, what is refused is kept.

The way of a batch: read, resolve ids in two queries, check, sort by lane and vehicle, copy keys
and records straight into their tables. Only when a key is already there does the batch pay for
finding out which, so the common case has no staging table and a repeat is cheaper than the
first time.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

import msgspec
from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.models import UsageSource
from billing.operations.usage_events import Reading, Refused, UsageEvent
from billing.operations.usage_rows import (
    EPOCH_ORDINAL,
    Candidate,
    Place,
    make_window,
    to_candidate,
)
from billing.operations.usage_store import Sorted, copy_new, quarantine, set_apart, write_batch
from web.public_ids import decode
from web.transactions import durable


class Result(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """
    One event that was not accepted: a repeat, or set aside with a reason.
    """

    index: int
    id: str
    status: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """
    What became of a batch. Every event is accepted, a duplicate or quarantined.
    """

    batch_id: int
    accepted_count: int
    duplicate_count: int
    quarantined_count: int
    results: tuple[Result, ...]


@durable
def ingest(*, source: str, reading: Reading, now: datetime) -> BatchResult:
    """
    Store the events of one request, exactly once each.
    """
    return take_in(source=source, reading=reading, now=now)


def take_in(*, source: str, reading: Reading, now: datetime) -> BatchResult:
    """
    Do the same inside the caller's transaction.
    """
    with connection.cursor() as cursor, collection_paused():
        source_id = _find_source(source)
        batch = _check(cursor, reading, source=source, source_id=source_id, now=now)
        _drop_repeats(batch)
        batch_id = _next_batch_id(cursor)
        superseded = _find_superseded(cursor, batch, source_id=source_id)
        copy_new(cursor, batch, source_id=source_id, batch_id=batch_id, superseded=superseded)
        write_batch(cursor, batch, reading, source_id=source_id, batch_id=batch_id, now=now)
        quarantine(cursor, batch, reading, source_id=source_id, batch_id=batch_id, now=now)
    return _to_result(batch, batch_id=batch_id)


@contextmanager
def collection_paused() -> Iterator[None]:
    """
    Keep the collector of cycles from walking thousands of tuples again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _find_source(source: str) -> int:
    found = UsageSource.objects.filter(name=source).values_list("pk", flat=True).first()
    if found is None:
        found = UsageSource.objects.get_or_create(name=source)[0].pk
    return found


def _check(
    cursor: CursorWrapper, reading: Reading, *, source: str, source_id: int, now: datetime
) -> Sorted:
    events = [event for event in reading.events if isinstance(event, UsageEvent)]
    window = make_window(
        source=source,
        source_id=source_id,
        places=_find_places(cursor, {event.subject for event in events}),
        bookings=_find_bookings(cursor, {event.data.booking_id for event in events}),
        now=now,
    )
    batch = Sorted(candidates=[])
    for index, event in enumerate(reading.events):
        verdict = (
            event if isinstance(event, Refused) else to_candidate(event, index=index, window=window)
        )
        if isinstance(verdict, Candidate):
            batch.candidates.append(verdict)
        else:
            batch.refused[index] = verdict
    return batch


def _find_places(cursor: CursorWrapper, subjects: set[str]) -> dict[str, Place]:
    numbers = {number: text for text in subjects if (number := decode("veh", text)) is not None}
    cursor.execute(
        "SELECT vehicle_id, owner_id FROM consent_vehicle_v WHERE vehicle_id = ANY(%s::bigint[])",
        [_to_array(numbers)],
    )
    return {
        numbers[vehicle_id]: Place(vehicle_id, owner_id)
        for vehicle_id, owner_id in cursor.fetchall()
    }


def _find_bookings(cursor: CursorWrapper, texts: set[str]) -> dict[str, int]:
    numbers = {number: text for text in texts if (number := decode("bkg", text)) is not None}
    cursor.execute(
        "SELECT booking_id FROM marketplace_booking_terms_v WHERE booking_id = ANY(%s::bigint[])",
        [_to_array(numbers)],
    )
    return {numbers[booking_id]: booking_id for (booking_id,) in cursor.fetchall()}


def _to_array(numbers: Iterable[int]) -> str:
    """
    Return an array as one text: quicker than thousands of parameters.
    """
    return "{" + ",".join(map(str, numbers)) + "}"


def _drop_repeats(batch: Sorted) -> None:
    """
    Keep the first of the events that have one id; a later one is a duplicate or a conflict.
    """
    first: dict[str, Candidate] = {}
    for candidate in batch.candidates:
        kept = first.setdefault(candidate.event_id, candidate)
        if kept is not candidate:
            set_apart(batch, candidate, is_same=kept.digest == candidate.digest)
    if len(first) < len(batch.candidates):
        batch.candidates = list(first.values())
    batch.candidates.sort()


def _next_batch_id(cursor: CursorWrapper) -> int:
    cursor.execute("SELECT nextval(pg_get_serial_sequence('billing_usagebatch', 'id'))")
    return int(cursor.fetchone()[0])


def _find_superseded(
    cursor: CursorWrapper, batch: Sorted, *, source_id: int
) -> dict[str, tuple[int, int]]:
    """
    Return (record id, day) of the events that corrections name, where they are stored.
    """
    names = [c.supersedes for c in batch.candidates if c.supersedes is not None]
    if not names:
        return {}
    cursor.execute(
        "SELECT event_id, record_id, on_date FROM billing_usagekey"
        " WHERE source_id = %s AND event_id = ANY(%s)",
        [source_id, names],
    )
    return {
        event_id: (record_id, on_date.toordinal() - EPOCH_ORDINAL)
        for event_id, record_id, on_date in cursor.fetchall()
    }


def _to_result(batch: Sorted, *, batch_id: int) -> BatchResult:
    results = [
        Result(
            index=candidate.position,
            id=candidate.event_id,
            status="duplicate",
            code="duplicate",
            detail="Stored before with the same content.",
        )
        for candidate in batch.duplicates
    ]
    results += [
        Result(
            index=index,
            id=refused.event_id,
            status="quarantined",
            code=refused.code,
            detail=refused.detail,
        )
        for index, refused in batch.refused.items()
    ]
    return BatchResult(
        batch_id=batch_id,
        accepted_count=len(batch.candidates),
        duplicate_count=len(batch.duplicates),
        quarantined_count=len(batch.refused),
        results=tuple(sorted(results, key=attrgetter("index"))),
    )
