"""
What waits in billing, since when: the figures of the operators' page.
"""

from dataclasses import dataclass
from datetime import datetime

from web.rows import fetch_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """
    How many wait, and since when the first of them does (None: none waits).
    """

    count: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingHealth:
    """
    Parts of usage to settle (with their records, and those that the books refused), quarantine
    to decide, payouts without an answer, payouts on their way, and news of the provider that were
    given up.
    """

    usage: Waiting
    record_count: int
    refused_count: int
    quarantine: Waiting
    unknown: Waiting
    in_transit: Waiting
    dead_events: Waiting


# Every line reads a partial index or a few rows; none grows with what was settled long ago.
_HEALTH = """
SELECT u.count, u.oldest, u.records, u.refused, q.count, q.oldest,
    p.unknown_count, p.unknown_oldest, p.transit_count, p.transit_oldest, e.count, e.oldest
FROM (
    SELECT count(*) AS count, min(b.received_at) AS oldest,
        coalesce(sum(p.record_count), 0) AS records,
        coalesce(sum(p.record_count) FILTER (WHERE p.retry_at IS NOT NULL), 0) AS refused
    FROM billing_usagepart p JOIN billing_usagebatch b ON b.id = p.batch_id
    WHERE p.settlement_id IS NULL
) u, (
    SELECT count(*) AS count, min(received_at) AS oldest
    FROM billing_quarantinedrecord WHERE state = 'open'
) q, (
    SELECT count(*) FILTER (WHERE p.state = 'unknown') AS unknown_count,
        min(r.approved_at) FILTER (WHERE p.state = 'unknown') AS unknown_oldest,
        count(*) FILTER (WHERE p.state = 'in_transit') AS transit_count,
        min(r.approved_at) FILTER (WHERE p.state = 'in_transit') AS transit_oldest
    FROM billing_payout p JOIN billing_payoutrun r ON r.id = p.run_id
    WHERE p.state IN ('unknown', 'in_transit')
) p, (
    SELECT count(*) AS count, min(received_at) AS oldest
    FROM billing_providerevent WHERE state = 'dead'
) e
"""


def get_billing_health() -> BillingHealth:
    """
    Return everything in one query.
    """
    [(usage, oldest, records, refused, *rest)] = fetch_rows(_HEALTH)
    quarantine, unknown, in_transit, dead_events = (
        Waiting(count=count, oldest_at=since)
        for count, since in zip(rest[::2], rest[1::2], strict=True)
    )
    return BillingHealth(
        usage=Waiting(count=usage, oldest_at=oldest),
        record_count=int(records),
        refused_count=int(refused),
        quarantine=quarantine,
        unknown=unknown,
        in_transit=in_transit,
        dead_events=dead_events,
    )
