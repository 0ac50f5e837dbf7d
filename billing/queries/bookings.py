"""
A buyer's money and what was delivered for it. Every function takes the organisation, or
bookings that were found through it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from billing.models import CREDITS_NO_BUYER, Account, BookingDelivery
from web.rows import fetch_rows


@dataclass(frozen=True, kw_only=True)
class BuyerBalance:
    """
    Micros: free to book with, and held for bookings until they are settled.
    """

    currency: str
    available_micros: int
    held_micros: int


@dataclass(frozen=True, kw_only=True)
class BalanceMove:
    """
    One event that changed the available balance; the amount is negative when it left.
    """

    entry_id: int
    code: str
    currency: str
    amount_micros: int
    booking_id: int | None
    effective_at: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """
    What was billed to a booking so far.
    """

    billed_wh: int = 0
    billed_jobs: int = 0
    charged_micros: int = 0


@dataclass(frozen=True, kw_only=True)
class DeliveredHour:
    starts_at: datetime
    energy_wh: int


@dataclass(frozen=True, kw_only=True)
class JobUsage:
    """
    What one job used of a booking. Reported after its end: it is complete once settled.
    """

    job_id: str
    energy_wh: int
    charged_micros: int
    starts_at: datetime
    ends_at: datetime
    is_completed: bool


NOTHING_DELIVERED = Delivery()


def get_balance(*, organization_id: int, currency: str) -> BuyerBalance:
    """
    Return the kept balances, in one SQL query; an account not opened yet holds nothing.
    """
    kept = dict(
        Account.objects.filter(
            organization_id=organization_id,
            currency=currency,
            kind__in=["buyer_prepaid", "buyer_held"],
        ).values_list("kind", "balance_micros")
    )
    return BuyerBalance(
        currency=currency,
        available_micros=kept.get("buyer_prepaid", 0),
        held_micros=kept.get("buyer_held", 0),
    )


def list_balances(*, organization_id: int) -> tuple[BuyerBalance, ...]:
    """
    Return the balances of every currency in which the organisation has had money.
    """
    currencies = (
        Account.objects.filter(organization_id=organization_id)
        .order_by("currency")
        .values_list("currency", flat=True)
        .distinct()
    )
    return tuple(
        get_balance(organization_id=organization_id, currency=currency) for currency in currencies
    )


# Only what touches the prepaid account: top-ups, holds, releases, refunds. What a booking
# was charged leaves its hold in a transfer per owner and day, and is told per booking.
BALANCE_MOVES = """
SELECT t.entry_id, min(t.code), a.currency,
       sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_micros ELSE -t.amount_micros END),
       CASE WHEN min(t.booking_id) = max(t.booking_id) THEN min(t.booking_id) END,
       min(t.effective_at)
FROM billing_account a
CROSS JOIN LATERAL (
    SELECT * FROM billing_transfer
    WHERE debit_account_id = a.id AND NOT (code IN %(credits_no_buyer)s AND booking_id IS NULL)
    UNION ALL
    SELECT * FROM billing_transfer
    WHERE credit_account_id = a.id AND NOT code IN %(credits_no_buyer)s
) t
WHERE coalesce(a.owner_id, 0) = 0 AND coalesce(a.organization_id, 0) = %(organization_id)s
  AND a.kind = 'buyer_prepaid' AND t.entry_id < %(before_id)s
GROUP BY t.entry_id, a.currency
ORDER BY t.entry_id DESC
LIMIT %(limit)s
"""


def list_balance_moves(
    *, organization_id: int, before_id: int | None = None, limit: int
) -> tuple[BalanceMove, ...]:
    """
    Return what changed the available balance, newest first, entries with a smaller id.
    """
    rows = fetch_rows(
        BALANCE_MOVES,
        {
            "organization_id": organization_id,
            "credits_no_buyer": CREDITS_NO_BUYER,
            "before_id": 2**63 - 1 if before_id is None else before_id,
            "limit": limit,
        },
    )
    return tuple(
        BalanceMove(
            entry_id=entry_id,
            code=code,
            currency=currency,
            amount_micros=int(amount_micros),
            booking_id=booking_id,
            effective_at=effective_at,
        )
        for entry_id, code, currency, amount_micros, booking_id, effective_at in rows
    )


def get_deliveries(*, booking_ids: Collection[int]) -> dict[int, Delivery]:
    """
    Return what was billed to each booking, in one SQL query; nothing for those not begun.
    """
    rows = BookingDelivery.objects.filter(booking_id__in=booking_ids)
    return {
        row.booking_id: Delivery(
            billed_wh=row.billed_wh,
            billed_jobs=row.billed_jobs,
            charged_micros=row.charged_micros,
        )
        for row in rows
    }


SPENT = """
SELECT coalesce(sum(d.charged_micros), 0)
FROM marketplace_booking_terms_v b
JOIN billing_bookingdelivery d ON d.booking_id = b.booking_id
WHERE b.organization_id = %s AND b.currency = %s AND b.starts_at >= %s AND b.starts_at < %s
"""


def sum_spent(
    *, organization_id: int, currency: str, starts_at: datetime, ends_at: datetime
) -> int:
    """
    Return what was charged so far for bookings that began in [starts_at, ends_at), in micros.
    """
    ((spent_micros,),) = fetch_rows(SPENT, [organization_id, currency, starts_at, ends_at])
    return int(spent_micros)


# The days let the planner skip every other partition.
DELIVERED_HOURS = """
SELECT date_trunc('hour', starts_at, 'UTC'), sum(energy_wh)
FROM billing_ratedline
WHERE booking_id = %(booking_id)s AND on_date BETWEEN %(first_date)s AND %(last_date)s
  AND is_billed
GROUP BY 1
"""


def get_delivered_hours(
    *, booking_id: int, starts_at: datetime, ends_at: datetime
) -> tuple[DeliveredHour, ...]:
    """
    Return what was billed to the booking by hour of UTC; hours without delivery are left out.
    """
    days = _days_of(starts_at=starts_at, ends_at=ends_at)
    rows = fetch_rows(DELIVERED_HOURS, {"booking_id": booking_id, **days})
    return tuple(DeliveredHour(starts_at=hour, energy_wh=int(energy)) for hour, energy in rows)


JOBS = """
SELECT u.job_id, sum(l.energy_wh), sum(l.charge_micros + l.job_charge_micros),
       min(l.starts_at), max(l.ends_at), bool_or(u.job_completed)
FROM billing_ratedline l
JOIN billing_usagerecord u ON u.on_date = l.on_date AND u.id = l.record_id
WHERE l.booking_id = %(booking_id)s AND l.on_date BETWEEN %(first_date)s AND %(last_date)s
  AND l.is_billed AND u.job_id > %(after)s
GROUP BY u.job_id
ORDER BY u.job_id
LIMIT %(limit)s
"""


def list_job_usage(
    *, booking_id: int, starts_at: datetime, ends_at: datetime, after: str = "", limit: int
) -> tuple[JobUsage, ...]:
    """
    Return what each job used of the booking, by job id, those after the given one.
    """
    days = _days_of(starts_at=starts_at, ends_at=ends_at)
    rows = fetch_rows(JOBS, {"booking_id": booking_id, "after": after, "limit": limit, **days})
    return tuple(
        JobUsage(
            job_id=job_id,
            energy_wh=int(energy_wh),
            charged_micros=int(charged_micros),
            starts_at=first,
            ends_at=last,
            is_completed=is_completed,
        )
        for job_id, energy_wh, charged_micros, first, last, is_completed in rows
    )


def _days_of(*, starts_at: datetime, ends_at: datetime) -> dict[str, date]:
    last_moment = ends_at - timedelta(microseconds=1)
    return {"first_date": starts_at.date(), "last_date": last_moment.date()}
