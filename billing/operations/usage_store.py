"""
Storing a checked batch: keys and records are copied, what was refused is kept with its text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from io import BytesIO
from itertools import groupby
from operator import attrgetter

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from psycopg2.errors import UniqueViolation

from billing.operations.usage_events import Reading, Refused
from billing.operations.usage_rows import (
    COPY_HEADER,
    COPY_TRAILER,
    KEY_COLUMNS,
    RECORD_COLUMNS,
    Candidate,
    pack_key,
    pack_record,
    to_date,
)


RECORD_IDS_PER_BATCH = 10_000
# Two clients that post the same events at once may each find the other's keys once.
COPY_ATTEMPTS_MAX = 5

Superseded = Mapping[str, tuple[int, int]]


@dataclass(slots=True, kw_only=True)
class Sorted:
    """
    The events of one batch by what becomes of them; `refused` by index.
    """

    candidates: list[Candidate]
    duplicates: list[Candidate] = field(default_factory=list)
    refused: dict[int, Refused] = field(default_factory=dict)


def set_apart(batch: Sorted, candidate: Candidate, *, is_same: bool) -> None:
    if is_same:
        batch.duplicates.append(candidate)
        return
    batch.refused[candidate.position] = Refused(
        code="conflict",
        detail="The same source and id came before with other content.",
        pointer="/id",
        event_id=candidate.event_id,
    )


def copy_new(
    cursor: CursorWrapper,
    batch: Sorted,
    *,
    source_id: int,
    batch_id: int,
    superseded: dict[str, tuple[int, int]],
) -> None:
    """
    Copy what is new. Optimistic: nobody asks which keys exist until one of them does.
    """
    _ensure_days(cursor, batch)
    first = batch_id * RECORD_IDS_PER_BATCH
    for _attempt in range(COPY_ATTEMPTS_MAX):
        originals = _resolve_corrections(batch, superseded, first=first)
        if not batch.candidates:
            return
        try:
            with transaction.atomic():
                _copy_keys(cursor, batch.candidates, source_id=source_id, first=first)
        except UniqueViolation:
            _drop_stored(cursor, batch, source_id=source_id)
            continue
        _copy_records(cursor, batch.candidates, originals, first=first)
        return
    raise AssertionError("keys kept appearing")  # pragma: no cover


def _resolve_corrections(batch: Sorted, superseded: Superseded, *, first: int) -> Superseded:
    """
    Return what corrections replace, stored or in this batch; refuse those of unknown records.
    """
    while any(candidate.supersedes for candidate in batch.candidates):
        here = {c.event_id: (n, c.on_day) for n, c in enumerate(batch.candidates, first)}
        known = {**here, **superseded}
        unknown = [
            c
            for c in batch.candidates
            if c.supersedes and (c.supersedes == c.event_id or c.supersedes not in known)
        ]
        if not unknown:
            return known
        for candidate in unknown:
            batch.candidates.remove(candidate)
            batch.refused[candidate.position] = Refused(
                code="malformed",
                detail="It corrects a record that this source has not reported.",
                pointer="/data/supersedes",
                event_id=candidate.event_id,
            )
    return superseded


def _copy_keys(
    cursor: CursorWrapper, candidates: Sequence[Candidate], *, source_id: int, first: int
) -> None:
    # In the order of the key, so that two requests with the same events cannot deadlock.
    order = sorted(range(len(candidates)), key=[c.event_id for c in candidates].__getitem__)
    rows = [pack_key(candidates[n], source_id, first + n) for n in order]
    _copy_rows(cursor, "billing_usagekey", KEY_COLUMNS, rows)


def _copy_records(
    cursor: CursorWrapper, candidates: Iterable[Candidate], originals: Superseded, *, first: int
) -> None:
    rows = [
        pack_record(candidate, number, originals[candidate.supersedes])
        if candidate.supersedes
        else pack_record(candidate, number)
        for number, candidate in enumerate(candidates, first)
    ]
    _copy_rows(cursor, "billing_usagerecord", RECORD_COLUMNS, rows)


def _copy_rows(cursor: CursorWrapper, table: str, columns: str, rows: Sequence[bytes]) -> None:
    cursor.copy_expert(
        f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)",
        BytesIO(b"".join((COPY_HEADER, *rows, COPY_TRAILER))),
        size=1 << 18,
    )


def _drop_stored(cursor: CursorWrapper, batch: Sorted, *, source_id: int) -> None:
    """
    Take out the candidates whose key is stored: repeats, or conflicts.
    """
    cursor.execute(
        "SELECT event_id, digest FROM billing_usagekey WHERE source_id = %s"
        " AND event_id = ANY(ARRAY(SELECT json_array_elements_text(%s)))",
        [source_id, json.dumps([candidate.event_id for candidate in batch.candidates])],
    )
    stored = dict(cursor.fetchall())
    new = []
    for candidate in batch.candidates:
        digest = stored.get(candidate.event_id)
        if digest is None:
            new.append(candidate)
        else:
            set_apart(batch, candidate, is_same=digest == candidate.digest)
    batch.candidates = new


def _ensure_days(cursor: CursorWrapper, batch: Sorted) -> None:
    """
    Make the partitions of days that are reported for the first time.
    """
    days = [to_date(day) for day in sorted({candidate.on_day for candidate in batch.candidates})]
    cursor.execute(
        "SELECT billing_ensure_days(day, day) FROM unnest(%s::date[]) AS day"
        " WHERE to_regclass('billing_usagerecord_' || to_char(day, 'YYYYMMDD')) IS NULL",
        [days],
    )


def write_batch(
    cursor: CursorWrapper,
    batch: Sorted,
    reading: Reading,
    *,
    source_id: int,
    batch_id: int,
    now: datetime,
) -> None:
    cursor.execute(
        "INSERT INTO billing_usagebatch (id, source_id, received_at, event_count,"
        " accepted_count, duplicate_count, quarantined_count) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            batch_id,
            source_id,
            now,
            len(reading.events),
            len(batch.candidates),
            len(batch.duplicates),
            len(batch.refused),
        ],
    )
    first = batch_id * RECORD_IDS_PER_BATCH
    parts = []
    for lane, group in groupby(batch.candidates, key=attrgetter("lane")):
        days = [candidate.on_day for candidate in group]
        last = first + len(days) - 1
        parts.append(
            (batch_id, lane, first, last, to_date(min(days)), to_date(max(days)), len(days))
        )
        first = last + 1
    if parts:
        cursor.execute(
            "INSERT INTO billing_usagepart (batch_id, lane, first_record_id, last_record_id,"
            " first_date, last_date, record_count, is_requeued, is_energy_cleared,"
            " is_overlap_cleared) SELECT p.*, false, false, false FROM unnest(%s::bigint[],"
            " %s::integer[], %s::bigint[], %s::bigint[], %s::date[], %s::date[],"
            " %s::integer[]) AS p",
            [list(column) for column in zip(*parts, strict=True)],
        )


def quarantine(
    cursor: CursorWrapper,
    batch: Sorted,
    reading: Reading,
    *,
    source_id: int,
    batch_id: int,
    now: datetime,
) -> None:
    """
    Keep every refused event with its text. The same text again is counted, not kept twice.
    """
    if not batch.refused:
        return
    rows = []
    for index, refused in sorted(batch.refused.items()):
        body = reading.text_of(index)
        digest = blake2b(body.encode(), digest_size=8).digest()
        rows.append(
            (
                index,
                refused.event_id,
                int.from_bytes(digest, "big", signed=True),
                refused.code,
                refused.pointer,
                refused.detail,
                body,
            )
        )
    cursor.execute(
        """
        INSERT INTO billing_quarantinedrecord AS kept (source_id, batch_id, received_at, position,
            event_id, digest, code, pointer, detail, body, seen_count, state, resolution)
        SELECT %s, %s, %s, r.position, r.event_id, r.digest, r.code, r.pointer, r.detail, r.body,
            r.seen_count, 'open', ''
        FROM (
            SELECT DISTINCT ON (event_id, digest) *,
                count(*) OVER (PARTITION BY event_id, digest) AS seen_count
            FROM unnest(%s::integer[], %s::text[], %s::bigint[], %s::text[], %s::text[],
                %s::text[], %s::text[])
                AS r (position, event_id, digest, code, pointer, detail, body)
            ORDER BY event_id, digest, position
        ) r
        ON CONFLICT (source_id, event_id, digest) WHERE record_id IS NULL DO UPDATE
        SET seen_count = kept.seen_count + excluded.seen_count, code = excluded.code,
            pointer = excluded.pointer, detail = excluded.detail
        """,
        [source_id, batch_id, now, *(list(column) for column in zip(*rows, strict=True))],
    )
