"""
Reading what was reported, batch by batch.
"""

from dataclasses import dataclass
from datetime import date, datetime

from billing.models import UsageBatch
from billing.rules import OUTCOMES_BY_NUMBER
from web.rows import fetch_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """
    One event or record of a batch that is or was in quarantine.
    """

    index: int
    id: str
    state: str
    code: str
    pointer: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStatus:
    """
    What became of one batch: `outcomes` counts its settled records by outcome.
    """

    batch_id: int
    received_at: datetime
    event_count: int
    accepted_count: int
    duplicate_count: int
    quarantined_count: int
    is_settled: bool
    outcomes: dict[str, int]
    quarantine: tuple[SetAside, ...]


def get_batch(*, source: str, batch_id: int) -> BatchStatus | None:
    """
    Return one batch of this source, None when the source has no such batch.
    """
    batch = UsageBatch.objects.filter(pk=batch_id, source__name=source).first()
    if batch is None:
        return None
    parts = list(batch.parts.values_list("first_date", "last_date", "settlement_id"))
    return BatchStatus(
        batch_id=batch.pk,
        received_at=batch.received_at,
        event_count=batch.event_count,
        accepted_count=batch.accepted_count,
        duplicate_count=batch.duplicate_count,
        quarantined_count=batch.quarantined_count,
        is_settled=all(settlement_id is not None for *_days, settlement_id in parts),
        outcomes=_count_outcomes(batch_id, [day for part in parts for day in part[:2]]),
        quarantine=tuple(
            SetAside(index=index, id=event_id, state=state, code=code, pointer=at, detail=detail)
            for index, event_id, state, code, at, detail in batch.quarantined.order_by(
                "position", "id"
            ).values_list("position", "event_id", "state", "code", "pointer", "detail")
        ),
    )


def _count_outcomes(batch_id: int, days: list[date]) -> dict[str, int]:
    if not days:
        return {}
    rows = fetch_rows(
        "SELECT outcome, count(*) FROM billing_ratedline"
        " WHERE on_date BETWEEN %s AND %s AND record_id BETWEEN %s AND %s AND kind = 0"
        " GROUP BY outcome ORDER BY outcome",
        [min(days), max(days), batch_id * 10_000, batch_id * 10_000 + 9_999],
    )
    return {str(OUTCOMES_BY_NUMBER[number]): count for number, count in rows}
