"""
What ran outside an owner's consent, how it was made good, and how much was checked for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web.rows import fetch_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """
    One metered interval that the owner's rules refused. Amounts are micros.

    `refusals` is a mask of consent's reasons. The compensation of a settlement's intervals
    of one day is one transfer: number `transfer_number` of entry `entry_id`, of that amount
    in all; None: nothing was due. `is_superseded`: a corrected reading took its place.
    """

    record_id: int
    vehicle_id: int
    version_id: int | None
    version_number: int | None
    starts_at: datetime
    ends_at: datetime
    refusals: int
    energy_wh: int
    compensation_micros: int
    currency: str
    is_superseded: bool
    settled_at: datetime
    entry_id: int | None
    transfer_number: int | None
    transfer_micros: int | None


_BREACHES = """
WITH breach AS (
    SELECT l.record_id, l.vehicle_id, l.consent_version_id, l.starts_at, l.ends_at, l.refusals,
        l.energy_wh, l.compensation_micros, l.currency, l.settlement_id, l.owner_id, l.on_date,
        l.organization_id
    FROM billing_ratedline l
    WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = ANY(%(vehicle_ids)s)
      AND l.kind = 0 AND l.outcome = 1
      AND l.starts_at >= %(starts_at)s AND l.starts_at < %(ends_at)s
      AND l.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
          AND (%(ends_at)s AT TIME ZONE 'UTC')::date
    ORDER BY l.starts_at DESC, l.record_id DESC
    LIMIT %(limit)s
), paid AS (
    SELECT t.settlement_id, t.on_date, t.organization_id, t.currency, t.entry_id, t.number,
        t.amount_micros
    FROM (SELECT DISTINCT settlement_id FROM breach WHERE compensation_micros > 0) s
    JOIN billing_entry e ON e.settlement_id = s.settlement_id
    JOIN billing_transfer t ON t.entry_id = e.id
    WHERE t.code = 'consent_breach' AND t.owner_id = %(owner_id)s
)
SELECT b.record_id, b.vehicle_id, b.consent_version_id, v.number, b.starts_at, b.ends_at,
    b.refusals, b.energy_wh, b.compensation_micros, b.currency,
    EXISTS (SELECT FROM billing_supersession x WHERE x.old_record_id = b.record_id),
    s.booked_at, p.entry_id, p.number, p.amount_micros
FROM breach b
JOIN billing_settlement s ON s.id = b.settlement_id
LEFT JOIN consent_terms_v v ON v.version_id = b.consent_version_id
LEFT JOIN paid p ON p.settlement_id = b.settlement_id AND p.on_date = b.on_date
    AND p.organization_id = b.organization_id AND p.currency = b.currency
    AND b.compensation_micros > 0
ORDER BY b.starts_at DESC, b.record_id DESC
"""


def list_breaches(
    *,
    owner_id: int,
    vehicle_ids: Collection[int],
    starts_at: datetime,
    ends_at: datetime,
    limit: int,
) -> tuple[Breach, ...]:
    """
    Return breaches that begin in [starts_at, ends_at), newest first, in one SQL query.
    """
    values: dict[str, Any] = {
        "owner_id": owner_id,
        "vehicle_ids": list(vehicle_ids),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "limit": limit,
    }
    names = Breach.__dataclass_fields__
    rows = fetch_rows(_BREACHES, values)
    return tuple(Breach(**dict(zip(names, row, strict=True))) for row in rows)


@dataclass(frozen=True, slots=True)
class Checked:
    """
    How many metered intervals were compared with the consent in force, and what came of it.
    """

    interval_count: int
    breach_count: int
    compensation_micros: int


_CHECKED = """
SELECT count(*), count(*) FILTER (WHERE outcome = 1),
    coalesce(sum(compensation_micros), 0)::bigint
FROM billing_ratedline
WHERE owner_id = %(owner_id)s AND vehicle_id = ANY(%(vehicle_ids)s) AND kind = 0
  AND starts_at >= %(starts_at)s AND starts_at < %(ends_at)s
  AND on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
      AND (%(ends_at)s AT TIME ZONE 'UTC')::date
"""


def count_checked(
    *, owner_id: int, vehicle_ids: Collection[int], starts_at: datetime, ends_at: datetime
) -> Checked:
    """
    Return how many intervals of these cars were checked in [starts_at, ends_at).
    """
    values = {
        "owner_id": owner_id,
        "vehicle_ids": list(vehicle_ids),
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    [row] = fetch_rows(_CHECKED, values)
    return Checked(*row)
