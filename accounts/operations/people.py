"""
People come, become owners, and change what they said about themselves.
"""

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts.models import Membership, Organization, User
from accounts.operations.records import record_audit
from web.transactions import durable


class EmailTaken(Exception):
    """
    Somebody already has this address.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    display_name: str
    time_zone: str
    language: str
    theme: str


@durable
def create_person(
    *,
    email: str,
    display_name: str,
    password: str | None = None,
    time_zone: str = "Europe/Oslo",
    is_owner: bool = False,
    staff_role: str = "",
    now: datetime,
) -> User:
    """
    Create a person whose address is known to be theirs; without a password they use a code.

    :raises EmailTaken: the address, without regard to case, is in use.
    """
    return insert_person(
        email=email,
        password=password,
        display_name=display_name,
        time_zone=time_zone,
        is_owner=is_owner,
        staff_role=staff_role,
        created_at=now,
    )


def insert_person(*, email: str, password: str | None, **fields: object) -> User:
    """
    Write a person and the verified address inside the caller's transaction.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, **fields)
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    except IntegrityError as error:
        raise EmailTaken(email) from error
    return user


@durable
def complete_sign_up(
    *,
    user_id: int,
    display_name: str,
    is_owner: bool,
    organization_name: str = "",
    country: str = "",
    now: datetime,
) -> None:
    """
    Give a new person a name and a part: owner of a car, or administrator of a new buyer.
    """
    User.objects.filter(pk=user_id).update(display_name=display_name)
    if is_owner:
        become_owner(user_id=user_id, now=now)
    else:
        insert_organization(name=organization_name, country=country, admin_id=user_id, now=now)


def lock_person(*, user_id: int) -> None:
    """
    Let nobody else change what hangs together for a person until the transaction ends.

    Comes before any lock on what the person owns.
    """
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user_id)


@transaction.atomic
def become_owner(*, user_id: int, now: datetime) -> None:
    """
    Note that a person owns a car, also inside the caller's transaction; again is no change.
    """
    changed = User.objects.filter(pk=user_id, is_owner=False).update(is_owner=True)
    if changed:
        record_audit(actor_id=user_id, action="owner.joined", subject=f"person:{user_id}", now=now)


@durable
def update_profile(*, user_id: int, profile: Profile, now: datetime) -> None:
    """
    Store what a person says about themselves (all of it at once).
    """
    User.objects.filter(pk=user_id).update(
        display_name=profile.display_name,
        time_zone=profile.time_zone,
        language=profile.language,
        theme=profile.theme,
    )
    record_audit(actor_id=user_id, action="profile.changed", subject=f"person:{user_id}", now=now)


def insert_organization(
    *, name: str, country: str, admin_id: int, now: datetime, currency: str = "EUR"
) -> Organization:
    """
    Write an organisation and its first administrator inside the caller's transaction.
    """
    organization = Organization.objects.create(
        name=name, country=country.upper(), currency=currency, created_at=now
    )
    Membership.objects.create(
        user_id=admin_id, organization=organization, role=Membership.Role.ADMIN, created_at=now
    )
    record_audit(
        actor_id=admin_id,
        action="organization.created",
        subject=f"organization:{organization.pk}",
        now=now,
    )
    return organization
