"""
The only module that knows Stripe. Answers and errors are those of `provider`.

Every function that calls out raises ProviderRefused or ProviderUnknown.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast


# The library writes notices and a telemetry id into the home folder unless told not to.
os.environ.setdefault("STRIPE_SUPPRESS_NOTICES", "true")

import stripe
from django.conf import settings

from billing.gateways.provider import (
    BadSignature,
    Checkout,
    EventHint,
    NotAnEvent,
    Payment,
    ProviderAccount,
    ProviderRefused,
    ProviderTransfer,
    ProviderUnknown,
    Refund,
)
from web.limits import WEBHOOK_TOLERANCE_S


API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 20
NETWORK_RETRIES = 2
PAGE = 100

stripe.enable_telemetry = False
assert stripe.api_version == API_VERSION, "the calls below were written against one version"


def get_client() -> stripe.StripeClient:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _client(secret_key: str, api_base: str) -> stripe.StripeClient:
    """
    Return the client: Stripe itself with a key, the stand-in at api_base without.
    """
    addresses = dict.fromkeys(("api", "connect", "files", "meter_events"), api_base)
    return stripe.StripeClient(
        secret_key or "sk_test_standin",
        stripe_version=API_VERSION,
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        base_addresses=cast("Any", {} if secret_key else addresses),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """
    Turn the library's errors into this module's.

    409 means that the same key is being worked on; 429 that the request was not taken up.
    """
    try:
        yield
    except (stripe.APIConnectionError, stripe.IdempotencyError) as error:
        # A key that was used with another body says nothing about what that body did.
        raise ProviderUnknown(detail=str(error)[:500]) from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        detail = str(error.user_message or error)[:500]
        if status >= 500 or status == 409:
            is_final = _is_replayed(error.headers)
            raise ProviderUnknown(detail=detail, is_final=is_final) from error
        raise ProviderRefused(code=error.code or f"http_{status}", detail=detail) from error


def _is_replayed(headers: Mapping[str, str] | None) -> bool:
    folded = {name.lower(): value for name, value in (headers or {}).items()}
    return folded.get("idempotent-replayed") == "true"


# ------------------------------------------------------------------ owners' accounts
def create_account(
    *, owner_ref: str, email: str, country: str, currency: str, key: str
) -> ProviderAccount:
    with _translated():
        account = get_client().v2.core.accounts.create(
            {
                "dashboard": "express",
                "contact_email": email,
                "identity": {"country": country.lower(), "entity_type": "individual"},
                "configuration": {
                    "recipient": {
                        "capabilities": {
                            "stripe_balance": {"stripe_transfers": {"requested": True}}
                        }
                    }
                },
                "defaults": {
                    "currency": currency.lower(),
                    "responsibilities": {
                        "fees_collector": "application",
                        "losses_collector": "application",
                    },
                },
                "include": ["configuration.recipient", "requirements", "defaults"],
                "metadata": {"owner": owner_ref},
            },
            {"idempotency_key": key},
        )
    return _to_account(account)


def retrieve_account(*, provider_account_id: str) -> ProviderAccount:
    with _translated():
        account = get_client().v2.core.accounts.retrieve(
            provider_account_id, {"include": ["configuration.recipient", "requirements"]}
        )
    return _to_account(account)


def create_onboarding_link(
    *, provider_account_id: str, return_url: str, refresh_url: str, key: str
) -> str:
    """
    Return a single-use address at the provider; never store or mail it.
    """
    with _translated():
        link = get_client().v2.core.account_links.create(
            {
                "account": provider_account_id,
                "use_case": {
                    "type": "account_onboarding",
                    "account_onboarding": {
                        "refresh_url": refresh_url,
                        "return_url": return_url,
                        "collection_options": {"fields": "eventually_due"},
                    },
                },
            },
            {"idempotency_key": key},
        )
    return link.url


def _to_account(account: Any) -> ProviderAccount:  # noqa: ANN401 - v2 objects are deep and untyped here
    body = account.to_dict()
    recipient = (body.get("configuration") or {}).get("recipient") or {}
    balance = (recipient.get("capabilities") or {}).get("stripe_balance") or {}
    status = (balance.get("stripe_transfers") or {}).get("status") or "restricted"
    requirements = body.get("requirements") or {}
    deadline = (requirements.get("summary") or {}).get("minimum_deadline") or {}
    return ProviderAccount(
        id=body["id"],
        status="closed" if body.get("closed") else status,
        requirements=tuple(
            entry["description"]
            for entry in requirements.get("entries") or []
            if entry["awaiting_action_from"] == "user"
        ),
        requirements_due_at=(
            datetime.fromisoformat(deadline["time"]) if deadline.get("time") else None
        ),
    )


# ------------------------------------------------------------------ money out
def create_transfer(*, request: Mapping[str, Any], key: str) -> ProviderTransfer:
    """
    Send the stored request of an attempt under its stored key.
    """
    with _translated():
        transfer = get_client().v1.transfers.create(
            cast("Any", dict(request)), {"idempotency_key": key}
        )
    return _to_transfer(transfer)


def retrieve_transfer(*, transfer_id: str) -> ProviderTransfer:
    with _translated():
        return _to_transfer(get_client().v1.transfers.retrieve(transfer_id))


def find_transfer(
    *, transfer_group: str, destination: str, attempt_key: str
) -> ProviderTransfer | None:
    """
    Return the transfer that an attempt made, looked up by its group and metadata.
    """
    with _translated():
        pages = get_client().v1.transfers.list(
            {"transfer_group": transfer_group, "destination": destination, "limit": PAGE}
        )
        for transfer in pages.auto_paging_iter():
            found = _to_transfer(transfer)
            if found.attempt_key == attempt_key:
                return found
    return None


def _to_transfer(transfer: stripe.Transfer) -> ProviderTransfer:
    return ProviderTransfer(
        id=transfer.id,
        amount_cents=transfer.amount,
        reversed_cents=transfer.amount_reversed,
        attempt_key=getattr(transfer.metadata, "attempt", "") or "",
    )


# ------------------------------------------------------------------ money in
def create_checkout(
    *, reference: str, amount_cents: int, currency: str, title: str, return_url: str, key: str
) -> Checkout:
    with _translated():
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
    with _translated():
        session = client.v1.checkout.sessions.retrieve(session_id)
        if session.payment_status == "paid" and session.payment_intent:
            payment = _read_payment(client, _id_of(session.payment_intent))
            refunds = _list_refunds(client, _id_of(session.payment_intent))
    return Checkout(
        id=session.id,
        url=session.url or "",
        is_expired=session.status == "expired",
        payment=payment,
        refunds=refunds,
    )


def retrieve_refund(*, refund_id: str) -> Refund:
    with _translated():
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
    with _translated():
        booked = get_client().v1.balance_transactions.retrieve(balance_transaction_id)
    return Payment(
        payment_intent_id=payment_intent_id,
        balance_transaction_id=booked.id,
        amount_cents=booked.amount,
        fee_cents=booked.fee,
        available_on=datetime.fromtimestamp(booked.available_on, tz=UTC),
        is_available=booked.status == "available",
    )


# ------------------------------------------------------------------ reading back
def retrieve_balance_cents(*, currency: str) -> int:
    """
    Return what the provider holds for us in cents, pending and available together.
    """
    with _translated():
        balance = get_client().v1.balance.retrieve()
    parts = [*balance.available, *balance.pending]
    return sum(part["amount"] for part in parts if part["currency"] == currency.lower())


# ------------------------------------------------------------------ webhooks
def read_snapshot_event(*, body: bytes, signature: str) -> EventHint:
    """
    Verify and read an event of v1, which carries an object.

    :raises BadSignature: :raises NotAnEvent:
    """
    _check_signature(body=body, signature=signature, secret=settings.STRIPE_WEBHOOK_SECRET)
    try:
        event = get_client().construct_event_without_verification(body).to_dict()
        return EventHint(
            event_id=event["id"],
            event_type=event["type"],
            object_id=str(event["data"]["object"].get("id") or ""),
            provider_account_id=event.get("account") or "",
            api_version=event.get("api_version") or "",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnEvent from error


def read_thin_event(*, body: bytes, signature: str) -> EventHint:
    """
    Verify and read an event of v2, which only names an object.

    :raises BadSignature: :raises NotAnEvent:
    """
    _check_signature(body=body, signature=signature, secret=settings.STRIPE_THIN_WEBHOOK_SECRET)
    try:
        event = get_client().parse_event_notification_without_verification(body)
        related = getattr(event, "related_object", None)
        return EventHint(
            event_id=event.id,
            event_type=event.type,
            object_id=related.id if related else "",
            provider_account_id=str(getattr(event, "context", None) or ""),
            api_version="",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnEvent from error


def _check_signature(*, body: bytes, signature: str, secret: str) -> None:
    """
    Hold the signature against the raw body and our clock.

    :raises BadSignature: also for a time ahead of ours, which the library lets pass.
    """
    if not secret:
        raise BadSignature
    try:
        stripe.WebhookSignature.verify_header(
            body.decode("utf-8"), signature, secret, WEBHOOK_TOLERANCE_S
        )
        signed_at = int(dict(part.split("=", 1) for part in signature.split(","))["t"])
    except (stripe.SignatureVerificationError, ValueError, KeyError) as error:
        raise BadSignature from error
    if signed_at > time.time() + WEBHOOK_TOLERANCE_S:
        raise BadSignature
