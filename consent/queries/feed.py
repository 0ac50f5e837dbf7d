"""
Where every vehicle stands, for a reader of the feed who begins.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web.rows import fetch_rows


FEED_TABLE = "consent_consentevent"


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """
    All that is true of one vehicle; version 0 and an empty state: consent was never given.
    """

    kind: str
    vehicle_id: int
    number: int
    state: str
    effective_at: datetime
    is_paused: bool
    pause_ends_at: datetime | None


FEED_COLUMNS = tuple(ConsentRow.__dataclass_fields__)

_SNAPSHOT = """
SELECT 'snapshot', c.vehicle_id, c.number, c.state, lower(c.in_force),
       p.during IS NOT NULL, upper(p.during)
FROM consent_consentversion c
JOIN consent_vehicle v ON v.id = c.vehicle_id AND v.retired_at IS NULL
LEFT JOIN consent_pause p ON p.vehicle_id = c.vehicle_id AND NOT isempty(p.during)
     AND coalesce(upper(p.during), 'infinity') > %(now)s AND p.kind <> 'skip'
WHERE upper_inf(c.in_force) AND c.vehicle_id > %(after)s
ORDER BY c.vehicle_id
LIMIT %(limit)s
"""


def get_oldest_running_transaction() -> int:
    """
    Return the transaction below which everything is decided and visible.
    """
    [[transaction_id]] = fetch_rows("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return int(transaction_id)


def list_snapshot(*, after_vehicle_id: int, limit: int, now: datetime) -> tuple[ConsentRow, ...]:
    """
    Return the next vehicles that ever had a consent, by rising id.
    """
    values: dict[str, Any] = {"after": after_vehicle_id, "limit": limit, "now": now}
    return tuple(ConsentRow(*row) for row in fetch_rows(_SNAPSHOT, values))
