"""
The audit trail, and mail that leaves through the outbox.

The row is written with its cause; sending is a sweep: claim, commit, send, commit.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives

from accounts.models import AuditEvent, Outbox
from accounts.rules import retry_after_s
from web.limits import (
    OUTBOX_ATTEMPTS_MAX,
    OUTBOX_BATCH,
    OUTBOX_LEASE_S,
    OUTBOX_RETRY_S,
    OUTBOX_RETRY_S_MAX,
)
from web.transactions import durable


logger = logging.getLogger(__name__)

MAIL = "mail"


def record_audit(
    *,
    actor_id: int | None,
    action: str,
    subject: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """
    Note an act inside the transaction that performs it.

    `action` names it ("key.issued"), `subject` what it was done to ("organization:7").
    """
    AuditEvent.objects.create(
        actor_id=actor_id, action=action, subject=subject, at=now, detail=detail or {}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """
    One mail to send; `business_key` is the name of its cause.
    """

    business_key: str
    to: str
    subject: str
    text: str
    html: str = ""


def enqueue_mail(
    *, business_key: str, to: str, subject: str, text: str, now: datetime, html: str = ""
) -> None:
    """
    Put a mail into the outbox inside the caller's transaction; the same key never twice.
    """
    mail = Mail(business_key=business_key, to=to, subject=subject, text=text, html=html)
    enqueue_mails([mail], now=now)


def enqueue_mails(mails: Iterable[Mail], *, now: datetime) -> None:
    """
    Put many mails into the outbox at once, inside the caller's transaction.
    """
    Outbox.objects.bulk_create(
        [
            Outbox(
                kind=MAIL,
                business_key=mail.business_key,
                payload={
                    "to": mail.to,
                    "subject": mail.subject,
                    "text": mail.text,
                    "html": mail.html,
                },
                due_at=now,
                created_at=now,
            )
            for mail in mails
        ],
        ignore_conflicts=True,
    )


def send_due_mail(*, now: datetime, keep_text: bool) -> int:
    """
    Send what is due and return how many mails were tried.

    `keep_text` leaves the mail in the row for the demo's page of mail; otherwise all of it is
    taken out once sent: it may hold a sign-in code, and it names people.
    """
    claimed = claim_due_mail(now=now)
    for row in claimed:
        try:
            _send(row.payload)
        except Exception as error:  # noqa: BLE001 - any failure to send is tried again
            logger.warning("mail %s was not sent: %r", row.pk, error)
            _postpone(row, error, now)
        else:
            payload = row.payload if keep_text else {}
            Outbox.objects.filter(pk=row.pk).update(
                state=Outbox.State.SENT, sent_at=now, payload=payload, error=""
            )
    return len(claimed)


@durable
def claim_due_mail(*, now: datetime) -> list[Outbox]:
    """
    Take due rows for the length of a lease; a sender that dies leaves them due again.
    """
    due = Outbox.objects.select_for_update(skip_locked=True).filter(
        state=Outbox.State.PENDING, due_at__lte=now
    )
    rows = list(due.order_by("due_at")[:OUTBOX_BATCH])
    for row in rows:
        row.attempts += 1
        row.due_at = now + timedelta(seconds=OUTBOX_LEASE_S)
    Outbox.objects.bulk_update(rows, ["attempts", "due_at"])
    return rows


@durable
def replay_mails(*, outbox_ids: Collection[int], actor_id: int, now: datetime) -> int:
    """
    Try mails that were given up again, from the first try; return how many that were.

    What was not given up, or is being tried again already, is left as it is.
    """
    dead = Outbox.objects.filter(pk__in=outbox_ids, state=Outbox.State.DEAD)
    rows = list(dead.select_for_update().order_by("pk"))
    for row in rows:
        record_audit(
            actor_id=actor_id,
            action="mail.replayed",
            subject=f"outbox:{row.pk}",
            detail={"error": row.error},
            now=now,
        )
    again = Outbox.objects.filter(pk__in=[row.pk for row in rows])
    return again.update(state=Outbox.State.PENDING, attempts=0, due_at=now)


def _send(payload: dict[str, str]) -> None:
    message = EmailMultiAlternatives(payload["subject"], payload["text"], None, [payload["to"]])
    if payload.get("html"):
        message.attach_alternative(payload["html"], "text/html")
    message.send()


def _postpone(row: Outbox, error: Exception, now: datetime) -> None:
    is_over = row.attempts >= OUTBOX_ATTEMPTS_MAX
    wait_s = retry_after_s(attempts=row.attempts, first_s=OUTBOX_RETRY_S, max_s=OUTBOX_RETRY_S_MAX)
    Outbox.objects.filter(pk=row.pk).update(
        state=Outbox.State.DEAD if is_over else Outbox.State.PENDING,
        due_at=now + timedelta(seconds=wait_s),
        error=repr(error)[:2000],
    )
