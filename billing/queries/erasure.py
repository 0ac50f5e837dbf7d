"""
What is still owed to an owner who wants to be forgotten.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.models import MICROS_PER_CENT
from web.limits import SETTLEMENT_LANES
from web.rows import fetch_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMoney:
    """
    An owner's money in one currency, in micros. `is_moving`: a payout run has some of it.
    """

    currency: str
    pending_micros: int
    available_micros: int
    receivable_micros: int
    is_moving: bool

    @property
    def has_rest(self) -> bool:
        """
        Return whether there is anything to pay out: less than a cent can not be.
        """
        return self.available_micros >= MICROS_PER_CENT


_OPEN = """
SELECT a.currency,
    coalesce(sum(a.balance_micros) FILTER (WHERE a.kind = 'owner_pending'), 0)::bigint,
    coalesce(sum(a.balance_micros) FILTER (WHERE a.kind = 'owner_available'), 0)::bigint,
    coalesce(-sum(a.balance_micros) FILTER (WHERE a.kind = 'owner_receivable'), 0)::bigint,
    EXISTS (
        SELECT FROM billing_payout p
        JOIN billing_payoutrun r ON r.id = p.run_id
        WHERE p.owner_id = %(owner_id)s AND p.currency = a.currency
          AND (p.state IN ('created', 'submitting', 'unknown', 'in_transit')
               OR p.state = 'ready' AND r.state IN ('calculated', 'submitted'))
    )
FROM billing_account a
WHERE coalesce(a.owner_id, 0) = %(owner_id)s
GROUP BY a.currency
ORDER BY a.currency
"""

_UNSETTLED = """
SELECT EXISTS (
    SELECT FROM billing_usagepart p
    JOIN billing_usagebatch b ON b.id = p.batch_id
    WHERE p.settlement_id IS NULL AND p.lane = %(lane)s AND b.received_at <= %(until)s
)
"""


def list_open_money(*, owner_id: int) -> tuple[OpenMoney, ...]:
    """
    Return what an owner has in each currency, as far as it is in the books.
    """
    values: dict[str, Any] = {"owner_id": owner_id}
    names = OpenMoney.__dataclass_fields__
    return tuple(
        OpenMoney(**dict(zip(names, row, strict=True))) for row in fetch_rows(_OPEN, values)
    )


def has_unsettled_usage(*, owner_id: int, until: datetime) -> bool:
    """
    Return whether usage that came by then waits for settlement and may be of this owner.
    """
    values: dict[str, Any] = {"lane": owner_id % SETTLEMENT_LANES, "until": until}
    [[is_waiting]] = fetch_rows(_UNSETTLED, values)
    return bool(is_waiting)
