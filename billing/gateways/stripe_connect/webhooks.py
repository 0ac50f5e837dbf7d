"""
News of the provider: verified over the raw bytes, read as hints.
"""

import time

import stripe
from django.conf import settings

from billing.gateways.provider import BadSignature, EventHint, NotAnEvent
from billing.gateways.stripe_connect.client import get_client
from web.limits import WEBHOOK_TOLERANCE_S


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
