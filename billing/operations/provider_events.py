"""
Webhooks of the payment provider: stored by their id, answered, applied later.

An event is only a hint. What it names is read again, so events may come twice, late or in
any order and the end is the same.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.db import connection

from accounts.operations.records import record_audit
from billing.gateways.provider import EventHint, ProviderRefused, ProviderUnknown
from billing.models import ProviderEvent
from billing.operations.payout_accounts import refresh_account
from billing.operations.payout_returns import refresh_transfer
from billing.operations.top_ups import (
    refresh_checkout,
    refresh_dispute,
    refresh_payment,
    refresh_refund,
)
from web.transactions import durable


EVENTS_AT_ONCE = 20
APPLY_LEASE = timedelta(minutes=3)
RETRY_AFTER = timedelta(seconds=30)
RETRY_AFTER_MAX = timedelta(hours=1)
ATTEMPTS_MAX = 20

State = ProviderEvent.State


@durable
def store_event(*, hint: EventHint, kind: str, body: bytes, now: datetime) -> bool:
    """
    Keep an event as it came; False when it was here before.
    """
    row = ProviderEvent(
        event_id=hint.event_id[:100],
        kind=kind,
        event_type=hint.event_type[:100],
        object_id=hint.object_id[:100],
        provider_account_id=hint.provider_account_id[:64],
        api_version=hint.api_version[:40],
        body=body.decode("utf-8", "replace").replace("\0", ""),
        received_at=now,
        due_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [row.event_id])
    if ProviderEvent.objects.filter(event_id=row.event_id).exists():
        return False
    row.save(force_insert=True)
    return True


def apply_events(*, now: datetime) -> int:
    """
    Apply a handful of stored events; return how many were taken up.
    """
    claimed = _claim(now=now)
    for event in claimed:
        _apply(event, now=now)
    return len(claimed)


@durable
def _claim(*, now: datetime) -> list[ProviderEvent]:
    due = ProviderEvent.objects.filter(state=State.RECEIVED, due_at__lte=now)
    events = list(due.select_for_update(skip_locked=True).order_by("due_at", "id")[:EVENTS_AT_ONCE])
    for event in events:
        event.attempts += 1
        event.due_at = now + APPLY_LEASE
    ProviderEvent.objects.bulk_update(events, ["attempts", "due_at"])
    return events


def _apply(event: ProviderEvent, *, now: datetime) -> None:
    refresh = find_refresh(event_type=event.event_type)
    try:
        is_ours = refresh(event, now) if refresh else False
    except (ProviderRefused, ProviderUnknown) as error:
        _postpone(event, error=error.detail, now=now)
        return
    event.state = State.APPLIED if is_ours else State.IGNORED
    event.error, event.applied_at = "", now
    event.save(update_fields=["state", "error", "applied_at"])


def _postpone(event: ProviderEvent, *, error: str, now: datetime) -> None:
    event.error = error[:500]
    event.due_at = now + min(RETRY_AFTER * 2**event.attempts, RETRY_AFTER_MAX)
    if event.attempts >= ATTEMPTS_MAX:
        event.state = State.DEAD
    event.save(update_fields=["state", "error", "due_at"])


@durable
def replay_events(*, event_ids: Collection[int], actor_id: int, now: datetime) -> int:
    """
    Try events that were given up again, from the first try; return how many that were.

    What was not given up, or is being tried again already, is left as it is.
    """
    dead = ProviderEvent.objects.filter(pk__in=event_ids, state=State.DEAD)
    events = list(dead.select_for_update().order_by("pk"))
    for event in events:
        record_audit(
            actor_id=actor_id,
            action="provider_event.replayed",
            subject=f"provider_event:{event.pk}",
            detail={"error": event.error},
            now=now,
        )
    again = ProviderEvent.objects.filter(pk__in=[event.pk for event in events])
    return again.update(state=State.RECEIVED, attempts=0, due_at=now)


Refresh = Callable[[ProviderEvent, datetime], bool]


def _read_transfer(event: ProviderEvent, now: datetime) -> bool:
    return refresh_transfer(transfer_id=event.object_id, now=now)


def _read_checkout(event: ProviderEvent, now: datetime) -> bool:
    return refresh_checkout(session_id=event.object_id, now=now)


def _read_payment(event: ProviderEvent, now: datetime) -> bool:
    return refresh_payment(payment_intent_id=event.object_id, now=now)


def _read_refund(event: ProviderEvent, now: datetime) -> bool:
    return refresh_refund(refund_id=event.object_id, now=now)


def _read_dispute(event: ProviderEvent, now: datetime) -> bool:
    return refresh_dispute(dispute_id=event.object_id, now=now)


def _read_account(event: ProviderEvent, now: datetime) -> bool:
    account_id = event.object_id if event.object_id.startswith("acct_") else ""
    return refresh_account(provider_account_id=account_id or event.provider_account_id, now=now)


# By the longest beginning of the event's type.
REFRESHES: dict[str, Refresh] = {
    "transfer.": _read_transfer,
    "checkout.session.": _read_checkout,
    "payment_intent.": _read_payment,
    "refund.": _read_refund,
    "charge.dispute.": _read_dispute,
    "account.": _read_account,
    "capability.": _read_account,
    "v2.core.account.": _read_account,
    "v2.core.account[": _read_account,
    "v2.core.account_link.": _read_account,
}


def find_refresh(*, event_type: str) -> Refresh | None:
    """
    Return what reads again the thing that this type of event is about, None if we keep none.
    """
    matching = [prefix for prefix in REFRESHES if event_type.startswith(prefix)]
    return REFRESHES[max(matching, key=len)] if matching else None
