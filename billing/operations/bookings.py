"""
Booking capacity: the power leaves the bucket and the money its balance, together or not at all.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from accounts import operations as accounts_operations
from billing.operations.ledger import BOOKS_REFUSE, AccountKey, Leg, post_entry
from billing.queries.bookings import get_balance
from consent import operations as consent_operations
from marketplace.operations import bookings as marketplace_operations
from marketplace.operations.bookings import Wish
from marketplace.queries import bookings as marketplace_queries
from marketplace.queries.bookings import BookingRow
from marketplace.rules import RELEASE_GRACE
from web.public_ids import encode
from web.transactions import durable


logger = logging.getLogger(__name__)

NOT_OVERDRAWN = "billing_account_not_overdrawn"


@dataclass
class InsufficientBalance(Exception):
    """
    The prepaid balance is smaller than what has to be held. Nothing was taken.
    """

    currency: str
    required_micros: int
    available_micros: int


class PriceRose(Exception):
    """
    The booking would cost more than the buyer was shown. Nothing was taken.
    """


class RequestReused(Exception):
    """
    The same request key was given for another wish.
    """


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """
    For whom a booking is made; actor_id is None when a key of the organisation acts.

    held_micros_max is the price that the buyer was shown, None when they asked for none.
    """

    organization_id: int
    actor_id: int | None
    held_micros_max: int | None = None


@durable
def place_booking(
    *, buyer: Buyer, wish: Wish, request_key: str, now: datetime, allow_past: bool = False
) -> BookingRow:
    """
    Take the capacity and hold the most that it can cost, exactly once per request key.

    The same key again returns the booking that the first call made. allow_past serves
    imports and the demo, which book what has been delivered already.

    :raises CapacityShort: some hours have less left; they are named.
    :raises InsufficientBalance: the balance does not cover the hold.
    :raises PriceRose: it would cost more than the buyer was shown.
    :raises RequestReused: the key belongs to another wish.
    :raises PoolNotFound, NotOnSale, PowerOutOfRange, JobsOutOfRange, WindowInPast,
        WindowNotWholeHours, WindowTooLong, WindowOutOfReach: see reserve_capacity.
    """
    if existing := _find_same_request(buyer=buyer, wish=wish, request_key=request_key, now=now):
        return existing
    booking = marketplace_operations.reserve_capacity(
        organization_id=buyer.organization_id,
        placed_by_id=buyer.actor_id,
        wish=wish,
        now=now,
        request_key=request_key,
        allow_past=allow_past,
    )
    if buyer.held_micros_max is not None and booking.held_micros > buyer.held_micros_max:
        raise PriceRose
    _hold(
        organization_id=buyer.organization_id,
        booking_id=booking.pk,
        amount_micros=booking.held_micros,
        currency=booking.currency,
        now=now,
    )
    # Who buys and what owners get of it are rules of theirs, asked before every minute of work.
    consent_operations.record_work_terms(
        booking_id=booking.pk,
        buyer_id=buyer.organization_id,
        reward_micros_per_kwh=booking.rate_card.reward_micros_per_kwh,
    )
    accounts_operations.record_audit(
        actor_id=buyer.actor_id,
        action="booking.placed",
        subject=f"booking:{booking.pk}",
        now=now,
    )
    row = marketplace_queries.get_booking(
        organization_id=buyer.organization_id, booking_id=booking.pk, now=now
    )
    assert row is not None, "it was written above"
    return row


def release_finished_bookings(
    *, now: datetime, grace: timedelta = RELEASE_GRACE, limit: int = 200
) -> int:
    """
    Give back what was not used of bookings that ended more than `grace` ago.

    Returns how many were released, in transactions of their own; at most `limit`, so call
    it until it returns 0. One that the books refuse is left and keeps no other waiting.
    """
    due = marketplace_queries.list_to_release(before=now - grace, limit=limit)
    return sum(_try_to_release(booking_id, now=now) for booking_id in due)


def _try_to_release(booking_id: int, *, now: datetime) -> bool:
    try:
        return release_booking(booking_id=booking_id, now=now)
    except BOOKS_REFUSE:
        logger.exception("booking %s cannot be released", booking_id)
        return False


@durable
def release_booking(*, booking_id: int, now: datetime) -> bool:
    """
    Close the booking to further charges and return the rest of its hold to the balance.

    Return False when it was released before.
    """
    terms = marketplace_operations.release_booking(booking_id=booking_id, now=now)
    if terms is None:
        return False
    rest_micros = terms.held_micros - _close_delivery(booking_id=booking_id, now=now)
    if rest_micros > 0:
        post_entry(
            code="booking_released",
            business_key=f"booking_released:{booking_id}",
            effective_at=now,
            booked_at=now,
            currency=terms.currency,
            legs=[
                Leg(
                    debit=_account("buyer_held", terms.organization_id),
                    credit=_account("buyer_prepaid", terms.organization_id),
                    amount_micros=rest_micros,
                    booking_id=booking_id,
                )
            ],
        )
    return True


def _account(kind: str, organization_id: int) -> AccountKey:
    return AccountKey(kind=kind, organization_id=organization_id)


def _find_same_request(
    *, buyer: Buyer, wish: Wish, request_key: str, now: datetime
) -> BookingRow | None:
    # A repeat that overtakes the first call would find its own capacity gone, so it
    # waits here until the first has committed.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"booking:{buyer.organization_id}:{request_key}"],
        )
    found = marketplace_queries.find_by_request(
        organization_id=buyer.organization_id, request_key=request_key, now=now
    )
    if found and not _is_for(found, wish):
        raise RequestReused
    return found


def _is_for(booking: BookingRow, wish: Wish) -> bool:
    return (
        booking.pool_id,
        booking.starts_at,
        booking.ends_at,
        booking.power_w,
        booking.workload_category,
        booking.jobs_max,
    ) == (
        wish.pool_id,
        wish.starts_at,
        wish.ends_at,
        wish.power_w,
        wish.workload_category,
        wish.job_limit,
    )


def _hold(
    *, organization_id: int, booking_id: int, amount_micros: int, currency: str, now: datetime
) -> None:
    prepaid = _account("buyer_prepaid", organization_id)
    held = _account("buyer_held", organization_id)
    try:
        with transaction.atomic():
            post_entry(
                code="booking_held",
                business_key=f"booking_held:{booking_id}",
                effective_at=now,
                booked_at=now,
                currency=currency,
                legs=[
                    Leg(
                        debit=prepaid,
                        credit=held,
                        amount_micros=amount_micros,
                        booking_id=booking_id,
                    )
                ],
                description=encode("bkg", booking_id),
            )
    except IntegrityError as error:
        if NOT_OVERDRAWN not in str(error):
            raise
        balance = get_balance(organization_id=organization_id, currency=currency)
        raise InsufficientBalance(
            currency=currency,
            required_micros=amount_micros,
            available_micros=balance.available_micros,
        ) from error


def _close_delivery(*, booking_id: int, now: datetime) -> int:
    """
    Refuse every later charge, also of a settlement that runs right now; return what was charged.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO billing_bookingdelivery AS d
                (booking_id, booked_wh, jobs_max, billed_wh, billed_jobs, charged_micros, closed_at)
            SELECT booking_id, energy_wh, jobs_max, 0, 0, 0, %(now)s
            FROM marketplace_booking_terms_v WHERE booking_id = %(booking_id)s
            ON CONFLICT (booking_id) DO UPDATE SET closed_at = EXCLUDED.closed_at
            RETURNING d.charged_micros
            """,
            {"booking_id": booking_id, "now": now},
        )
        (charged_micros,) = cursor.fetchone()
    return int(charged_micros)
