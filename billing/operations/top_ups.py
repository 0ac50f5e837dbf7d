"""
Buyers pay in through the provider's hosted checkout.

The books follow what the provider's balance says: the amount, its actual fee, and the day
on which the money can be used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.operations.records import record_audit
from billing.gateways import stripe_connect
from billing.gateways.provider import Checkout, Payment, ProviderRefused, ProviderUnknown
from billing.models import MICROS_PER_CENT, PAYOUT_MINIMUM_MICROS, TopUp
from billing.operations.disputes import book_dispute
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.operations.refunds import book_refund
from web.rows import fetch_rows
from web.transactions import durable


TOP_UP_MIN_MICROS = 10_000_000
TOP_UP_MAX_MICROS = 100_000_000_000
# A checkout of which no webhook has told is read again so often; the provider ends it
# after a day.
READ_AGAIN_AFTER = timedelta(minutes=10)
TOP_UPS_AT_ONCE = 8

PENDING = AccountKey(kind="stripe_pending")
AVAILABLE = AccountKey(kind="stripe_available")
FEES = AccountKey(kind="processor_fees")


class AmountOutOfRange(Exception):
    """
    A top-up must be whole cents between TOP_UP_MIN_MICROS and TOP_UP_MAX_MICROS.
    """


class CurrencyNotAccepted(Exception):
    """
    No pool is priced in this currency, or its smallest unit is not a hundredth.
    """


class RequestKeyReused(Exception):
    """
    The buyer gave the same key for a top-up of another amount.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What a buyer wants to pay in, and where the provider shall send them back to.
    """

    organization_id: int
    amount_micros: int
    currency: str
    title: str
    return_url: str
    request_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedTopUp:
    """
    A top-up and the provider's page where it is paid ("" once it is).
    """

    top_up_id: int
    checkout_url: str


def start_top_up(*, wish: Wish, actor_id: int | None, now: datetime) -> StartedTopUp:
    """
    Start a payment; nothing is in the books until the provider says that it was made.

    The same request_key again returns the same top-up.

    :raises AmountOutOfRange: :raises CurrencyNotAccepted: :raises RequestKeyReused:
    :raises ProviderRefused: :raises ProviderUnknown: nothing was charged; start again.
    """
    if wish.currency not in PAYOUT_MINIMUM_MICROS:
        raise CurrencyNotAccepted(wish.currency)
    is_in_range = TOP_UP_MIN_MICROS <= wish.amount_micros <= TOP_UP_MAX_MICROS
    if not is_in_range or wish.amount_micros % MICROS_PER_CENT:
        raise AmountOutOfRange(wish.amount_micros)
    top_up = _intend(wish=wish, actor_id=actor_id, now=now)
    if top_up.checkout_session_id:
        checkout = stripe_connect.retrieve_checkout(session_id=top_up.checkout_session_id)
    else:
        checkout = stripe_connect.create_checkout(
            reference=f"buyer:{wish.organization_id}:{top_up.pk}",
            amount_cents=wish.amount_micros // MICROS_PER_CENT,
            currency=wish.currency,
            title=wish.title,
            return_url=wish.return_url,
            key=f"topup:{top_up.pk}",
        )
        _keep_checkout(top_up_id=top_up.pk, session_id=checkout.id, now=now)
    return StartedTopUp(top_up_id=top_up.pk, checkout_url=checkout.url)


@durable
def _intend(*, wish: Wish, actor_id: int | None, now: datetime) -> TopUp:
    fields = {
        "started_by_id": actor_id,
        "amount_micros": wish.amount_micros,
        "currency": wish.currency,
        "created_at": now,
        "read_at": now,
    }
    if wish.request_key is None:
        top_up, is_new = TopUp.objects.create(organization_id=wish.organization_id, **fields), True
    else:
        top_up, is_new = TopUp.objects.get_or_create(
            organization_id=wish.organization_id, request_key=wish.request_key, defaults=fields
        )
    if (top_up.amount_micros, top_up.currency) != (wish.amount_micros, wish.currency):
        raise RequestKeyReused(wish.request_key)
    if is_new:
        record_audit(
            actor_id=actor_id,
            action="top_up.started",
            subject=f"organization:{wish.organization_id}",
            detail={"top_up_id": top_up.pk, "amount_micros": wish.amount_micros},
            now=now,
        )
    return top_up


@durable
def _keep_checkout(*, top_up_id: int, session_id: str, now: datetime) -> None:
    TopUp.objects.filter(pk=top_up_id, state=TopUp.State.CREATED).update(
        state=TopUp.State.OPEN, checkout_session_id=session_id, read_at=now
    )


# ------------------------------------------------------------------ what the provider says
def refresh_checkout(*, session_id: str, now: datetime) -> bool:
    """
    Read a checkout again and book what it says; False when it is none of ours.

    :raises ProviderRefused: :raises ProviderUnknown:
    """
    if not TopUp.objects.filter(checkout_session_id=session_id).exists():
        return False
    apply_checkout(checkout=stripe_connect.retrieve_checkout(session_id=session_id), now=now)
    return True


def refresh_payment(*, payment_intent_id: str, now: datetime) -> bool:
    """
    As refresh_checkout, for events that name the payment.
    """
    top_up = TopUp.objects.filter(payment_intent_id=payment_intent_id).first()
    if top_up is None or top_up.checkout_session_id is None:
        return False
    return refresh_checkout(session_id=top_up.checkout_session_id, now=now)


def refresh_refund(*, refund_id: str, now: datetime) -> bool:
    """
    As refresh_checkout, for events that name a refund.

    One of a payment that is not booked yet is of no concern now: booking the payment reads
    its refunds as well.
    """
    refund = stripe_connect.retrieve_refund(refund_id=refund_id)
    return refresh_payment(payment_intent_id=refund.payment_intent_id, now=now)


def refresh_dispute(*, dispute_id: str, now: datetime) -> bool:
    """
    As refresh_refund, for events that name a dispute.
    """
    dispute = stripe_connect.retrieve_dispute(dispute_id=dispute_id)
    return refresh_payment(payment_intent_id=dispute.payment_intent_id, now=now)


@durable
def apply_checkout(*, checkout: Checkout, now: datetime) -> None:
    """
    Book a payment that has arrived; a repeat or an older reading changes nothing.
    """
    top_up = TopUp.objects.select_for_update().get(checkout_session_id=checkout.id)
    if checkout.payment is not None:
        _capture(top_up, payment=checkout.payment, now=now)
        _make_available(top_up, payment=checkout.payment, now=now)
        for refund in checkout.refunds:
            book_refund(top_up=top_up, refund=refund, now=now)
        for dispute in checkout.disputes:
            book_dispute(top_up=top_up, dispute=dispute, now=now)
    elif checkout.is_expired and top_up.state == TopUp.State.OPEN:
        top_up.state = TopUp.State.EXPIRED
        top_up.save()


def _capture(top_up: TopUp, *, payment: Payment, now: datetime) -> None:
    if top_up.state not in {TopUp.State.OPEN, TopUp.State.EXPIRED}:
        return
    fee_micros = payment.fee_cents * MICROS_PER_CENT
    amount_micros = payment.amount_cents * MICROS_PER_CENT
    assert amount_micros == top_up.amount_micros, "the checkout asked for exactly this"
    prepaid = AccountKey(kind="buyer_prepaid", organization_id=top_up.organization_id)
    legs = [Leg(debit=PENDING, credit=prepaid, amount_micros=amount_micros - fee_micros)]
    if fee_micros:
        legs.append(Leg(debit=FEES, credit=prepaid, amount_micros=fee_micros))
    _post(top_up, code="top_up_captured", event="captured", legs=legs, now=now)
    top_up.state, top_up.captured_at = TopUp.State.CAPTURED, now
    top_up.fee_micros, top_up.available_on = fee_micros, payment.available_on
    top_up.payment_intent_id = payment.payment_intent_id
    top_up.balance_transaction_id = payment.balance_transaction_id
    top_up.save()


def _make_available(top_up: TopUp, *, payment: Payment, now: datetime) -> None:
    if not payment.is_available or top_up.state != TopUp.State.CAPTURED:
        return
    assert top_up.fee_micros is not None
    net_micros = top_up.amount_micros - top_up.fee_micros
    leg = Leg(debit=AVAILABLE, credit=PENDING, amount_micros=net_micros)
    _post(top_up, code="funds_available", event="available", legs=[leg], now=now)
    top_up.state, top_up.available_at = TopUp.State.AVAILABLE, now
    top_up.save()


def _post(top_up: TopUp, *, code: str, event: str, legs: list[Leg], now: datetime) -> None:
    post_entry(
        code=code,
        business_key=f"top_up:{top_up.pk}:{event}",
        effective_at=now,
        booked_at=now,
        currency=top_up.currency,
        legs=legs,
    )


# ------------------------------------------------------------------ without a webhook
def refresh_top_ups(*, now: datetime) -> int:
    """
    Read again a handful of checkouts that should have news; return how many.
    """
    session_ids = _claim_due(now=now)
    for session_id in session_ids:
        try:
            refresh_checkout(session_id=session_id, now=now)
        except (ProviderRefused, ProviderUnknown):
            # Its turn comes again after READ_AGAIN_AFTER.
            continue
    return len(session_ids)


@durable
def _claim_due(*, now: datetime) -> list[str]:
    """
    Take open checkouts, and captured ones whose money is due to be available.
    """
    rows = fetch_rows(
        """
        UPDATE billing_topup SET read_at = %(now)s WHERE id IN (
            SELECT id FROM billing_topup
            WHERE checkout_session_id IS NOT NULL AND (
                state = 'open' AND read_at <= %(before)s
                OR state = 'captured' AND available_on <= %(now)s
                    AND (read_at < available_on OR read_at <= %(before)s)
            )
            ORDER BY read_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) RETURNING checkout_session_id
        """,
        {"now": now, "before": now - READ_AGAIN_AFTER, "limit": TOP_UPS_AT_ONCE},
    )
    return [str(row[0]) for row in rows]
