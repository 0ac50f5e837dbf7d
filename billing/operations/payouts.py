"""
One owner's money leaving: claim, commit, call, commit.

An attempt's key and body are committed before the call. A definite refusal ends the
attempt; anything else makes it unknown, and an unknown attempt is looked up before it is
sent again under its own key, or, once the provider may have forgotten that, replaced.
"""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection

from billing.gateways import stripe_connect
from billing.gateways.provider import ProviderRefused, ProviderTransfer, ProviderUnknown
from billing.models import (
    Component,
    Entry,
    Payout,
    PayoutAttempt,
    PayoutRun,
)
from billing.operations.ledger import AccountKey, Leg, Links, post_entry
from web.limits import PROVIDER_LOOK_UP_FIRST_H
from web.transactions import durable


logger = logging.getLogger(__name__)

# Longer than one call with its retries can take: until then nobody else touches it.
CALL_LEASE = timedelta(minutes=3)
CALL_WITHIN_S = 60.0
LOOK_UP_AFTER = timedelta(seconds=15)
LOOK_UP_AFTER_MAX = timedelta(hours=1)
CONFIRM_AFTER = timedelta(minutes=1)
RETRY_AFTER = timedelta(minutes=30)
ATTEMPTS_MAX = 8
CALLS_AT_ONCE = 8
# What the provider says when the platform, not the owner, is short of something.
RETRYABLE = frozenset({"balance_insufficient", "rate_limit", "lock_timeout", "insufficient_funds"})
# Our own word: a look-up found nothing, and nothing can come any more.
NOT_MADE = "not_made"
RETRYABLE_STATUS = frozenset({"http_401", "http_403", "http_429"})

State = PayoutAttempt.State
IN_TRANSIT = AccountKey(kind="payout_in_transit")
AT_PROVIDER = AccountKey(kind="stripe_available")


class AttemptRevived(Exception):
    """
    An attempt that was settled as not made turns out to have been made: money is out twice.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """
    One attempt that this worker may call the provider for, until its lease ends.
    """

    attempt_id: int
    key: str
    request: dict[str, Any]
    sent_at: datetime
    is_answer_final: bool
    # On this machine's clock that never jumps: a worker that slept past it must not call.
    call_before_s: float


# ------------------------------------------------------------------ sending
def execute_payouts(*, now: datetime) -> int:
    """
    Send a handful of due attempts side by side; return how many were sent.
    """
    claimed = claim_attempts(limit=CALLS_AT_ONCE, now=now)
    _call_all(claimed, now=now)
    return len(claimed)


@durable
def claim_attempts(*, limit: int, now: datetime) -> list[Claimed]:
    """
    Take due attempts for sending. What is committed here is sent, or looked up later.
    """
    claimed = _claim(states=[State.CREATED], limit=limit, now=now)
    ids = [attempt.attempt_id for attempt in claimed]
    payouts = Payout.objects.filter(attempts__in=ids)
    payouts.update(state=Payout.State.SUBMITTING)
    PayoutRun.objects.filter(
        pk__in=payouts.values("run_id"), state=PayoutRun.State.APPROVED
    ).update(state=PayoutRun.State.EXECUTING, started_at=now)
    return claimed


def _claim(*, states: list[State], limit: int, now: datetime) -> list[Claimed]:
    """
    Lease due attempts. sent_at keeps the first sending: the provider's memory starts there.
    """
    claimed_s = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE billing_payoutattempt a
            SET state = CASE WHEN state = 'created' THEN 'submitting' ELSE state END,
                sent_at = coalesce(sent_at, %(now)s), due_at = %(until)s,
                look_ups = look_ups + CASE WHEN state = 'created' THEN 0 ELSE 1 END
            WHERE id IN (
                SELECT id FROM billing_payoutattempt
                WHERE state = ANY(%(states)s) AND due_at <= %(now)s
                ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            RETURNING id, idempotency_key, request, sent_at, is_answer_final
            """,
            {
                "now": now,
                "until": now + CALL_LEASE,
                "states": [str(state.value) for state in states],
                "limit": limit,
            },
        )
        rows = sorted(cursor.fetchall())
    return [
        Claimed(
            attempt_id=attempt_id,
            key=key,
            request=json.loads(request),
            sent_at=sent_at,
            is_answer_final=is_final,
            call_before_s=claimed_s + CALL_WITHIN_S,
        )
        for attempt_id, key, request, sent_at, is_final in rows
    ]


def _call_all(claimed: list[Claimed], *, now: datetime) -> None:
    """
    Call the provider in threads; write what came of it here, one transaction each.
    """
    with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as pool:
        for attempt, write in zip(claimed, pool.map(_call, claimed), strict=True):
            write(attempt_id=attempt.attempt_id, now=now)


def _call(attempt: Claimed) -> Callable[..., None]:
    """
    Make one call and return what is to be written about it. Touches no database.
    """
    if time.monotonic() > attempt.call_before_s:
        return partial(record_unknown, detail="not called in time", is_final=False)
    try:
        transfer = stripe_connect.create_transfer(request=attempt.request, key=attempt.key)
    except ProviderRefused as error:
        return partial(record_refusal, code=error.code, detail=error.detail)
    except ProviderUnknown as error:
        return partial(record_unknown, detail=error.detail, is_final=error.is_final)
    return partial(record_success, transfer=transfer)


# ------------------------------------------------------------------ what came of it
@durable
def record_success(*, attempt_id: int, transfer: ProviderTransfer, now: datetime) -> None:
    """
    Book that the money has left for the owner's account; a repeat changes nothing.

    :raises AttemptRevived: the attempt had been settled as not made.
    """
    attempt = PayoutAttempt.objects.select_for_update().get(pk=attempt_id)
    if attempt.state == State.SUCCEEDED:
        return
    if attempt.state == State.FAILED:
        raise AttemptRevived(attempt.idempotency_key)
    assert transfer.amount_cents == attempt.request["amount"], "the key answers with its own body"
    attempt.state, attempt.provider_id = State.SUCCEEDED, transfer.id
    attempt.finished_at, attempt.due_at = now, None
    attempt.save()
    payout = Payout.objects.select_for_update().get(pk=attempt.payout_id)
    payout.state, payout.provider_id = Payout.State.IN_TRANSIT, transfer.id
    payout.sent_at = payout.read_at = now
    payout.save()
    leg = Leg(debit=IN_TRANSIT, credit=AT_PROVIDER, amount_micros=payout.amount_micros)
    post_payout_event(payout, code="payout_transferred", event="transferred", leg=leg, now=now)


@durable
def record_unknown(*, attempt_id: int, detail: str, is_final: bool, now: datetime) -> None:
    """
    Note that nobody knows whether the money left. A look-up will tell.
    """
    attempt = PayoutAttempt.objects.select_for_update().get(pk=attempt_id)
    if attempt.state not in {State.SUBMITTING, State.UNKNOWN}:
        return
    attempt.state, attempt.error_code, attempt.error_detail = State.UNKNOWN, "unknown", detail
    attempt.is_answer_final = attempt.is_answer_final or is_final
    attempt.due_at = now + min(LOOK_UP_AFTER * 2**attempt.look_ups, LOOK_UP_AFTER_MAX)
    attempt.save()
    Payout.objects.filter(pk=attempt.payout_id).update(state=Payout.State.UNKNOWN)


@durable
def record_refusal(*, attempt_id: int, code: str, detail: str, now: datetime) -> None:
    """
    End an attempt that the provider refused, or that a look-up showed was never made.

    A refusal that is about us leads to another attempt with a new key; one that is about
    the owner's account gives the money back to the balance.
    """
    attempt = PayoutAttempt.objects.select_for_update().get(pk=attempt_id)
    if attempt.state not in {State.SUBMITTING, State.UNKNOWN}:
        return
    attempt.state, attempt.error_code, attempt.error_detail = State.FAILED, code, detail
    attempt.finished_at, attempt.due_at = now, None
    attempt.save()
    payout = Payout.objects.select_for_update().get(pk=attempt.payout_id)
    is_retryable = code in RETRYABLE | RETRYABLE_STATUS | {NOT_MADE}
    if is_retryable and attempt.number < ATTEMPTS_MAX:
        due_at = now if code == NOT_MADE else now + RETRY_AFTER
        _add_attempt(payout, after=attempt, due_at=due_at, now=now)
        return
    _fail(payout, code=code, now=now)
    leg = return_leg(payout, debit=IN_TRANSIT, amount_micros=payout.amount_micros)
    post_payout_event(payout, code="payout_refused", event="refused", leg=leg, now=now)


def _add_attempt(
    payout: Payout, *, after: PayoutAttempt, due_at: datetime, now: datetime
) -> PayoutAttempt:
    number = after.number + 1
    key = f"tr:{payout.pk}:{number}"
    metadata = {**after.request["metadata"], "attempt": key}
    Payout.objects.filter(pk=payout.pk).update(state=Payout.State.CREATED)
    return PayoutAttempt.objects.create(
        payout=payout,
        number=number,
        idempotency_key=key,
        request={**after.request, "metadata": metadata},
        created_at=now,
        due_at=due_at,
    )


def _fail(payout: Payout, *, code: str, now: datetime) -> None:
    payout.state, payout.failure_code, payout.finished_at = Payout.State.FAILED, code[:64], now
    payout.save()


def return_leg(payout: Payout, *, debit: AccountKey, amount_micros: int) -> Leg:
    returned = AccountKey(
        kind="owner_available", component=Component.RETURNED, owner_id=payout.owner_id
    )
    return Leg(debit=debit, credit=returned, amount_micros=amount_micros)


def post_payout_event(
    payout: Payout, *, code: str, event: str, leg: Leg, now: datetime, links: Links | None = None
) -> Entry:
    return post_entry(
        code=code,
        business_key=f"payout:{payout.pk}:{event}",
        effective_at=now,
        booked_at=now,
        currency=payout.currency,
        legs=[leg],
        links=links or Links(),
    )


# ------------------------------------------------------------------ looking up
def look_up_unknown(*, now: datetime) -> int:
    """
    Settle a handful of attempts whose answer never came; return how many were looked at.
    """
    claimed = _claim_unknown(now=now)
    for attempt in claimed:
        _look_up(attempt, now=now)
    return len(claimed)


@durable
def _claim_unknown(*, now: datetime) -> list[Claimed]:
    # An attempt still "submitting" after its lease belonged to a worker that died.
    return _claim(states=[State.UNKNOWN, State.SUBMITTING], limit=CALLS_AT_ONCE, now=now)


def _look_up(attempt: Claimed, *, now: datetime) -> None:
    try:
        transfer = stripe_connect.find_transfer(
            transfer_group=attempt.request["transfer_group"],
            destination=attempt.request["destination"],
            attempt_key=attempt.key,
        )
    except (ProviderRefused, ProviderUnknown) as error:
        record_unknown(attempt_id=attempt.attempt_id, detail=error.detail, is_final=False, now=now)
        return
    if transfer is not None:
        record_success(attempt_id=attempt.attempt_id, transfer=transfer, now=now)
    elif attempt.is_answer_final or _may_be_forgotten(attempt, now=now):
        record_refusal(
            attempt_id=attempt.attempt_id,
            code=NOT_MADE,
            detail="The provider has no transfer of this attempt.",
            now=now,
        )
    else:
        _call_all([attempt], now=now)


def _may_be_forgotten(attempt: Claimed, *, now: datetime) -> bool:
    """
    Tell whether the key is too old to be sent again: the provider might pay a second time.
    """
    return now - attempt.sent_at >= timedelta(hours=PROVIDER_LOOK_UP_FIRST_H)
