"""
What is set aside, for the people who decide about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from accounts.queries import get_display_names
from billing.models import ACCEPTABLE_CODES, QuarantineCode, QuarantinedRecord, UsageRecord
from web.limits import PAGE_ROWS
from web.pagination import paginate
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """
    One quarantined record. `vehicle_id` is public, "" when not even that is known.
    """

    id: int
    code: str
    code_label: str
    state: str
    state_label: str
    event_id: str
    source: str
    batch_id: str
    vehicle_id: str
    pointer: str
    detail: str
    received_at: datetime
    seen_count: int
    resolved_by: str
    resolved_at: datetime | None
    resolution: str
    can_accept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """
    What the stored record says, for one that was set aside when it was settled.
    """

    starts_at: datetime
    ends_at: datetime
    energy_wh: int
    job_id: str
    booking_id: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineDetail:
    row: QuarantineRow
    body: str
    reading: MeterReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinePage:
    rows: tuple[QuarantineRow, ...]
    next_cursor: str | None
    counts_by_state: Mapping[str, int]
    open_by_code: Mapping[str, int]


def list_quarantine(
    *,
    state: str = "open",
    code: str = "",
    search: str = "",
    cursor: str | None = None,
    limit: int = PAGE_ROWS,
) -> QuarantinePage:
    """
    Return one page, newest first; `search` is an event id or a part of its beginning.
    """
    records = QuarantinedRecord.objects.select_related("source")
    if state:
        records = records.filter(state=state)
    if code:
        records = records.filter(code=code)
    if search:
        records = records.filter(event_id__startswith=search)
    page = paginate(
        records,
        scope=f"quarantine:{state}:{code}:{search}",
        order=("-id",),
        cursor=cursor,
        limit=limit,
    )
    names = get_display_names(user_ids={r.resolved_by_id for r in page.items if r.resolved_by_id})
    return QuarantinePage(
        rows=tuple(_to_row(record, names) for record in page.items),
        next_cursor=page.next_cursor,
        counts_by_state=_count("state"),
        open_by_code=_count("code", Q(state="open")),
    )


def get_quarantined(*, quarantined_id: int) -> QuarantineDetail | None:
    """
    Return one record with its text or its reading, None when there is none.
    """
    record = QuarantinedRecord.objects.select_related("source").filter(pk=quarantined_id).first()
    if record is None:
        return None
    names = get_display_names(user_ids={record.resolved_by_id} if record.resolved_by_id else set())
    return QuarantineDetail(
        row=_to_row(record, names), body=record.body, reading=_find_reading(record)
    )


def _count(field: str, condition: Q | None = None) -> dict[str, int]:
    rows = QuarantinedRecord.objects.filter(condition or Q())
    return dict(rows.values_list(field).annotate(count=Count("id")).order_by(field))


def _find_reading(record: QuarantinedRecord) -> MeterReading | None:
    if record.record_id is None or record.on_date is None:
        return None
    stored = UsageRecord.objects.get(on_date=record.on_date, id=record.record_id)
    return MeterReading(
        starts_at=stored.starts_at,
        ends_at=stored.ends_at,
        energy_wh=stored.energy_wh,
        job_id=stored.job_id,
        booking_id=encode("bkg", stored.booking_id),
        sequence=stored.sequence,
    )


def _to_row(record: QuarantinedRecord, names: Mapping[int, str]) -> QuarantineRow:
    return QuarantineRow(
        id=record.pk,
        code=record.code,
        code_label=str(QuarantineCode(record.code).label),
        state=record.state,
        state_label=record.get_state_display(),
        event_id=record.event_id,
        source=record.source.name,
        batch_id=encode("bat", record.batch_id),
        vehicle_id="" if record.vehicle_id is None else encode("veh", record.vehicle_id),
        pointer=record.pointer,
        detail=record.detail,
        received_at=record.received_at,
        seen_count=record.seen_count,
        resolved_by=names.get(record.resolved_by_id or 0, ""),
        resolved_at=record.resolved_at,
        resolution=record.resolution,
        can_accept=record.state == "open" and record.code in ACCEPTABLE_CODES,
    )
