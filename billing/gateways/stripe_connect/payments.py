"""
Money in: checkouts with their payment, and what becomes of it; the balance of it all.
"""

from datetime import UTC, datetime
from typing import Any

import stripe

from billing.gateways.provider import Checkout, Dispute, DisputeMove, Payment, Refund
from billing.gateways.stripe_connect.client import PAGE, get_client, translated


def create_checkout(
    *, reference: str, amount_cents: int, currency: str, title: str, return_url: str, key: str
) -> Checkout:
    with translated():
        session = get_client().v1.checkout.sessions.create(
            {
                "mode": "payment",
                "success_url": return_url,
                "cancel_url": return_url,
                "client_reference_id": reference,
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": currency.lower(),
                            "unit_amount": amount_cents,
                            "product_data": {"name": title},
                        },
                    }
                ],
                "payment_intent_data": {
                    "transfer_group": reference,
                    "metadata": {"topup_id": reference},
                },
                "metadata": {"topup_id": reference},
            },
            {"idempotency_key": key},
        )
    return Checkout(id=session.id, url=session.url or "", is_expired=False, payment=None)


def retrieve_checkout(*, session_id: str) -> Checkout:
    """
    Return the checkout with its payment once that has reached our balance.
    """
    client = get_client()
    payment: Payment | None = None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    with translated():
        session = client.v1.checkout.sessions.retrieve(session_id)
        if session.payment_status == "paid" and session.payment_intent:
            intent_id = _id_of(session.payment_intent)
            payment = _read_payment(client, intent_id)
            refunds = _list_refunds(client, intent_id)
            disputes = _list_disputes(client, intent_id)
    return Checkout(
        id=session.id,
        url=session.url or "",
        is_expired=session.status == "expired",
        payment=payment,
        refunds=refunds,
        disputes=disputes,
    )


def retrieve_refund(*, refund_id: str) -> Refund:
    with translated():
        return _to_refund(get_client().v1.refunds.retrieve(refund_id))


def _list_refunds(client: stripe.StripeClient, payment_intent_id: str) -> tuple[Refund, ...]:
    pages = client.v1.refunds.list({"payment_intent": payment_intent_id, "limit": PAGE})
    return tuple(_to_refund(refund) for refund in pages.auto_paging_iter())


def _to_refund(refund: stripe.Refund) -> Refund:
    return Refund(
        id=refund.id,
        payment_intent_id=_id_of(refund.payment_intent) if refund.payment_intent else "",
        amount_cents=refund.amount,
        is_taken=bool(refund.balance_transaction),
        is_over=refund.status in {"failed", "canceled"},
    )


def retrieve_dispute(*, dispute_id: str) -> Dispute:
    with translated():
        return _to_dispute(get_client().v1.disputes.retrieve(dispute_id))


def _list_disputes(client: stripe.StripeClient, payment_intent_id: str) -> tuple[Dispute, ...]:
    pages = client.v1.disputes.list({"payment_intent": payment_intent_id, "limit": PAGE})
    return tuple(_to_dispute(dispute) for dispute in pages.auto_paging_iter())


def _to_dispute(dispute: stripe.Dispute) -> Dispute:
    return Dispute(
        id=dispute.id,
        payment_intent_id=_id_of(dispute.payment_intent) if dispute.payment_intent else "",
        moves=tuple(
            DisputeMove(id=booked.id, amount_cents=booked.amount, fee_cents=booked.fee)
            for booked in dispute.balance_transactions
        ),
        is_lost=dispute.status == "lost",
    )


def _id_of(reference: Any) -> str:  # noqa: ANN401 - an id, or the object where it was expanded
    return reference if isinstance(reference, str) else str(reference.id)


def _read_payment(client: stripe.StripeClient, payment_intent_id: str) -> Payment | None:
    intent = client.v1.payment_intents.retrieve(payment_intent_id)
    if not intent.latest_charge:
        return None
    charge = client.v1.charges.retrieve(_id_of(intent.latest_charge))
    if not charge.balance_transaction:
        return None
    return retrieve_payment(
        payment_intent_id=payment_intent_id,
        balance_transaction_id=_id_of(charge.balance_transaction),
    )


def retrieve_payment(*, payment_intent_id: str, balance_transaction_id: str) -> Payment:
    with translated():
        booked = get_client().v1.balance_transactions.retrieve(balance_transaction_id)
    return Payment(
        payment_intent_id=payment_intent_id,
        balance_transaction_id=booked.id,
        amount_cents=booked.amount,
        fee_cents=booked.fee,
        available_on=datetime.fromtimestamp(booked.available_on, tz=UTC),
        is_available=booked.status == "available",
    )


def retrieve_balance_cents(*, currency: str) -> int:
    """
    Return what the provider holds for us in cents, pending and available together.
    """
    with translated():
        balance = get_client().v1.balance.retrieve()
    parts = [*balance.available, *balance.pending]
    return sum(part["amount"] for part in parts if part["currency"] == currency.lower())
