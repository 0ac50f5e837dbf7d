"""
A person is forgotten: everything that names them goes, the number that stands for them stays.

What stays and why is listed in docs/operations.md; the other apps erase what they hold
themselves, in the same transaction.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pgtrigger
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import AuditEvent, ErasureRequest, Membership, Outbox, User
from accounts.operations.records import enqueue_mail, record_audit
from accounts.queries import Erasure, list_addresses, read_erasure
from web.public_ids import encode


class CannotBeErased(Exception):
    """
    Somebody else depends on this person: "staff" of the house, or a "team" that buys.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def request_erasure(*, user_id: int, gives_up_money: bool, now: datetime) -> None:
    """
    Note inside the caller's transaction that a person asked; asked again it changes its mind
    about money only.

    :raises CannotBeErased: the person has to leave the house or their teams first.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if user.staff_role or user.is_staff:
        raise CannotBeErased("staff")
    if Membership.objects.filter(user=user).exists():
        raise CannotBeErased("team")
    changed = {"gives_up_money": gives_up_money, "due_at": now}
    _request, is_new = ErasureRequest.objects.update_or_create(
        user=user, defaults=changed, create_defaults={**changed, "asked_at": now}
    )
    if is_new:
        record_audit(actor_id=user_id, action="erasure.asked", subject=f"person:{user_id}", now=now)


@transaction.atomic
def forget_request(*, user_id: int, now: datetime) -> bool:
    """
    Take a request back inside the caller's transaction; False: there is none, or it is done.
    """
    open_requests = ErasureRequest.objects.filter(user_id=user_id, told_at__isnull=True)
    count, _by_model = open_requests.delete()
    if count:
        record_audit(
            actor_id=user_id, action="erasure.taken_back", subject=f"person:{user_id}", now=now
        )
    return bool(count)


@transaction.atomic
def take_due_erasure(*, now: datetime, look_again_at: datetime) -> Erasure | None:
    """
    Lock the request that waits longest for a look, and put the next look off; None: none is due.
    """
    due = ErasureRequest.objects.select_for_update(skip_locked=True).filter(
        erased_at__isnull=True, due_at__lte=now
    )
    request = due.order_by("due_at").first()
    if request is None:
        return None
    request.due_at = look_again_at
    request.save(update_fields=["due_at"])
    return read_erasure(request)


def put_erasure_off(*, user_id: int, until: datetime) -> None:
    """
    Look at a request again at that time.
    """
    ErasureRequest.objects.filter(user_id=user_id).update(due_at=until)


@transaction.atomic
def say_goodbye(*, user_id: int, now: datetime) -> None:
    """
    Write to a person for the last time; they are erased once the mail has left.
    """
    user = User.objects.get(pk=user_id)
    with override(user.language):
        enqueue_mail(
            business_key=_name_goodbye(user.pk),
            to=user.email,
            subject=_("Your account on Parado is being erased"),
            text=_(
                "Your name, addresses, number plates and what your cars reported are being"
                " deleted now, and nobody can undo it. The books and the digests of what you"
                " agreed to stay, under a number that names nobody.\n"
                "This is the last that we write to you."
            ),
            now=now,
        )
    ErasureRequest.objects.filter(user=user).update(told_at=now, due_at=now)


def has_goodbye_left(*, user_id: int) -> bool:
    """
    Return whether the last mail was sent, or was given up after all tries.
    """
    waiting = Outbox.objects.filter(business_key=_name_goodbye(user_id), state=Outbox.State.PENDING)
    return not waiting.exists()


@transaction.atomic
def erase_person(
    *, user_id: int, subjects: Iterable[str], mail_keys: Iterable[str], now: datetime
) -> None:
    """
    Replace all that names a person, inside the caller's transaction.

    `subjects` are what else the audit trail says of theirs ("vehicle:7"); `mail_keys` the
    business keys of mails to others that speak of them.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    addresses = list_addresses(user_id=user_id)
    _erase_mail(user, addresses, mail_keys)
    _erase_audit(user_id, addresses, subjects)
    _erase_sign_in(user, addresses)
    user.email = f"{encode('prs', user_id)}@erased.invalid"
    user.display_name = ""
    user.set_unusable_password()
    user.is_active = user.is_owner = False
    user.last_login = None
    plain = User()
    user.language, user.time_zone, user.theme = plain.language, plain.time_zone, plain.theme
    user.save()
    ErasureRequest.objects.filter(user=user).update(erased_at=now)
    record_audit(actor_id=None, action="erasure.done", subject=f"person:{user_id}", now=now)


def _erase_mail(user: User, addresses: Iterable[str], mail_keys: Iterable[str]) -> None:
    theirs = Q(payload__to__in=list(addresses)) | Q(business_key__in=list(mail_keys))
    Outbox.objects.filter(theirs | Q(business_key=_name_goodbye(user.pk))).delete()


def _erase_audit(user_id: int, addresses: Iterable[str], subjects: Iterable[str]) -> None:
    about = Q(actor_id=user_id) | Q(subject__in=[f"person:{user_id}", *subjects])
    # What a mail server said when it refused a mail names the address, under the mail's number.
    for address in addresses:
        about |= Q(detail__iregex=rf"(?<![\w.%+-]){re.escape(address)}(?![\w-]|\.\w)")
    # The one act that may edit the trail: who did what and when stays, what was said goes.
    with pgtrigger.ignore("accounts.AuditEvent:accounts_audit_append_only"):
        AuditEvent.objects.filter(about).exclude(detail={}).update(detail={})


def _erase_sign_in(user: User, addresses: Iterable[str]) -> None:
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    # Sessions carry the person inside their text only: who is signed in, and the address of
    # who asked for a code and never entered it.
    marks = [f'"{address.lower()}"' for address in addresses]
    own = [
        session.pk
        for session in Session.objects.iterator(chunk_size=2_000)
        if _is_about(session.get_decoded(), user, marks)
    ]
    Session.objects.filter(pk__in=own).delete()


def _is_about(data: dict[str, Any], user: User, marks: Iterable[str]) -> bool:
    text = json.dumps(data, ensure_ascii=False, default=str).lower()
    return data.get("_auth_user_id") == str(user.pk) or any(mark in text for mark in marks)


def _name_goodbye(user_id: int) -> str:
    return f"erasure:{user_id}"
