"""
Whether the meters are heard, and which vehicles' records never came.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import F, Sum

from billing.models import VehicleMeter
from web.limits import METERING_SILENT_S
from web.pagination import paginate
from web.rows import fetch_rows


class MeteringState(StrEnum):
    """
    HEARD: usage came lately. NO_USE: none came, and none had to, as nothing is booked now.
    SILENT: bookings run and yet nothing came. NEVER: nothing ever came, and nothing is booked.
    """

    HEARD = "heard"
    NO_USE = "no_use"
    SILENT = "silent"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """
    What was heard, and whether it had to be. `missing_count` records of `gap_count` vehicles.
    """

    state: MeteringState
    last_batch_at: datetime | None
    running_bookings: int
    gap_count: int
    missing_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """
    A vehicle whose sequence has holes: the numbers it has used, and how many records came.
    """

    vehicle_id: int
    first_sequence: int
    last_sequence: int
    record_count: int
    latest_ends_at: datetime

    @property
    def missing_count(self) -> int:
        return self.last_sequence - self.first_sequence + 1 - self.record_count


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPage:
    rows: tuple[GapRow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """
    Numbers that a vehicle left out, both included, and the readings on either side of them.
    """

    first_sequence: int
    last_sequence: int
    metered_until: datetime
    metered_from: datetime

    @property
    def missing_count(self) -> int:
        return self.last_sequence - self.first_sequence + 1


# Every stored record has a line or was set aside, and both are kept by vehicle.
_HOLES = """
WITH heard AS (
    SELECT u.sequence, u.starts_at, u.ends_at
    FROM (
        SELECT on_date, record_id FROM billing_ratedline
        WHERE vehicle_id = %(vehicle_id)s AND kind = 0
        UNION
        SELECT on_date, record_id FROM billing_quarantinedrecord
        WHERE vehicle_id = %(vehicle_id)s AND record_id IS NOT NULL
    ) r
    JOIN billing_usagerecord u ON u.on_date = r.on_date AND u.id = r.record_id
), step AS (
    SELECT sequence, ends_at, lead(sequence) OVER by_sequence AS next_sequence,
        lead(starts_at) OVER by_sequence AS next_starts_at
    FROM heard
    WINDOW by_sequence AS (ORDER BY sequence)
)
SELECT sequence + 1, next_sequence - 1, ends_at, next_starts_at
FROM step
WHERE next_sequence > sequence + 1
ORDER BY sequence DESC
LIMIT %(limit)s
"""
_HEARD = """
SELECT (SELECT received_at FROM billing_usagebatch ORDER BY id DESC LIMIT 1),
    (SELECT count(*) FROM marketplace_booking_terms_v
     WHERE is_live AND starts_at <= %(since)s AND ends_at > %(now)s)
"""


def get_metering(*, now: datetime) -> Metering:
    """
    Return the state of metering. Two queries.

    A booking that began within the patience with which we wait does not count as running:
    its first usage may still be on its way.
    """
    patience = timedelta(seconds=METERING_SILENT_S)
    [(last_batch_at, running_bookings)] = fetch_rows(_HEARD, {"now": now, "since": now - patience})
    holes: dict[str, Any] = VehicleMeter.objects.filter(has_hole=True).aggregate(
        count=Sum(1),
        missing=Sum(F("last_sequence") - F("first_sequence") + 1 - F("record_count")),
    )
    is_recent = last_batch_at is not None and now - last_batch_at <= patience
    return Metering(
        state=_find_state(last_batch_at, is_recent=is_recent, is_due=running_bookings > 0),
        last_batch_at=last_batch_at,
        running_bookings=running_bookings,
        gap_count=holes["count"] or 0,
        missing_count=int(holes["missing"] or 0),
    )


def list_gaps(*, cursor: str | None, limit: int) -> GapPage:
    """
    Return vehicles whose sequence has holes, those heard from last first.

    :raises Problem: 400, the cursor is not one of this list.
    """
    page = paginate(
        VehicleMeter.objects.filter(has_hole=True),
        scope="meter-gaps",
        order=("-latest_ends_at", "-vehicle_id"),
        cursor=cursor,
        limit=limit,
    )
    return GapPage(
        rows=tuple(
            GapRow(
                vehicle_id=meter.vehicle_id,
                first_sequence=meter.first_sequence,
                last_sequence=meter.last_sequence,
                record_count=meter.record_count,
                latest_ends_at=meter.latest_ends_at,
            )
            for meter in page.items
        ),
        next_cursor=page.next_cursor,
    )


def list_holes(*, vehicle_id: int, limit: int) -> tuple[Hole, ...]:
    """
    Return the numbers that one vehicle left out, the latest first: what to ask for again.
    """
    return tuple(
        Hole(
            first_sequence=first,
            last_sequence=last,
            metered_until=before,
            metered_from=after,
        )
        for first, last, before, after in fetch_rows(
            _HOLES, {"vehicle_id": vehicle_id, "limit": limit}
        )
    )


def _find_state(last_batch_at: datetime | None, *, is_recent: bool, is_due: bool) -> MeteringState:
    if is_recent:
        return MeteringState.HEARD
    if is_due:
        return MeteringState.SILENT
    return MeteringState.NO_USE if last_batch_at else MeteringState.NEVER
