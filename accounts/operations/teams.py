"""
Organisations that buy, and the people in them.
"""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Membership, Organization, User
from accounts.operations.people import insert_organization, insert_person
from accounts.operations.records import enqueue_mail, record_audit
from web.transactions import durable


class NotTeamAdmin(Exception):
    """
    The acting person may not change this organisation.
    """


class AlreadyMember(Exception):
    """
    The person is in the organisation.
    """


class MemberNotFound(Exception):
    """
    The organisation has no such member.
    """


class LastAdmin(Exception):
    """
    An organisation keeps at least one administrator.
    """


@durable
def create_organization(
    *, name: str, country: str, admin_id: int, now: datetime, currency: str = "EUR"
) -> Organization:
    """
    Create an organisation with its first administrator.
    """
    return insert_organization(
        name=name, country=country, admin_id=admin_id, now=now, currency=currency
    )


@durable
def add_member(
    *, organization_id: int, user_id: int, role: str, actor_id: int, now: datetime
) -> Membership:
    """
    Put a known person into an organisation.

    :raises NotTeamAdmin: the actor is no administrator there.
    :raises AlreadyMember: the person is in it.
    """
    lock_as_admin(organization_id=organization_id, actor_id=actor_id)
    return _insert_member(organization_id, user_id, role, actor_id, now)


@durable
def invite_member(
    *,
    organization_id: int,
    email: str,
    role: str,
    actor_id: int,
    sign_in_url: str,
    now: datetime,
) -> Membership:
    """
    Put whoever has this address into an organisation and write to them.

    An unknown address gets an account without a password: its owner signs in by a code
    sent there, so nobody can take over an invitation that was not theirs.

    :raises NotTeamAdmin: the actor is no administrator there.
    :raises AlreadyMember: the person is in it.
    """
    organization = lock_as_admin(organization_id=organization_id, actor_id=actor_id)
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        user = insert_person(email=email, password=None, created_at=now)
    elif not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
        # Somebody typed this address without owning it: their password must not open the team.
        user.set_unusable_password()
        user.save(update_fields=["password"])
    membership = _insert_member(organization_id, user.pk, role, actor_id, now)
    enqueue_mail(
        business_key=f"membership:{membership.pk}",
        to=user.email,
        subject=_("You can now buy compute for %(name)s") % {"name": organization.name},
        text=_(
            "Somebody at %(name)s gave you access to its bookings on Parado.\n"
            "Sign in with this address: %(url)s\n"
            "You need no password: ask for a code by e-mail."
        )
        % {"name": organization.name, "url": sign_in_url},
        now=now,
    )
    return membership


@durable
def change_member_role(
    *, organization_id: int, user_id: int, role: str, actor_id: int, now: datetime
) -> None:
    """
    Give a member another role.

    :raises NotTeamAdmin: the actor is no administrator there.
    :raises MemberNotFound: the person is not in it.
    :raises LastAdmin: nobody would be left to administer it.
    """
    lock_as_admin(organization_id=organization_id, actor_id=actor_id)
    membership = _get_member(organization_id, user_id)
    if role != Membership.Role.ADMIN:
        _refuse_last_admin(organization_id, user_id)
    membership.role = role
    membership.save(update_fields=["role"])
    _note(organization_id, user_id, actor_id, "member.role_changed", role, now)


@durable
def remove_member(*, organization_id: int, user_id: int, actor_id: int, now: datetime) -> None:
    """
    Take a member out of an organisation.

    :raises NotTeamAdmin: the actor is no administrator there.
    :raises MemberNotFound: the person is not in it.
    :raises LastAdmin: nobody would be left to administer it.
    """
    lock_as_admin(organization_id=organization_id, actor_id=actor_id)
    membership = _get_member(organization_id, user_id)
    _refuse_last_admin(organization_id, user_id)
    membership.delete()
    _note(organization_id, user_id, actor_id, "member.removed", "", now)


def lock_as_admin(*, organization_id: int, actor_id: int) -> Organization:
    """
    Lock the organisation, so that two administrators cannot remove each other at once.
    """
    organization = Organization.objects.select_for_update().filter(pk=organization_id).first()
    is_admin = Membership.objects.filter(
        organization_id=organization_id, user_id=actor_id, role=Membership.Role.ADMIN
    ).exists()
    if organization is None or not is_admin:
        raise NotTeamAdmin(organization_id, actor_id)
    return organization


def _insert_member(
    organization_id: int, user_id: int, role: str, actor_id: int, now: datetime
) -> Membership:
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                organization_id=organization_id, user_id=user_id, role=role, created_at=now
            )
    except IntegrityError as error:
        raise AlreadyMember(user_id) from error
    _note(organization_id, user_id, actor_id, "member.added", role, now)
    return membership


def _get_member(organization_id: int, user_id: int) -> Membership:
    found = Membership.objects.filter(organization_id=organization_id, user_id=user_id).first()
    if found is None:
        raise MemberNotFound(user_id)
    return found


def _refuse_last_admin(organization_id: int, user_id: int) -> None:
    others = Membership.objects.filter(
        organization_id=organization_id, role=Membership.Role.ADMIN
    ).exclude(user_id=user_id)
    if not others.exists():
        raise LastAdmin(organization_id)


def _note(
    organization_id: int, user_id: int, actor_id: int, action: str, role: str, now: datetime
) -> None:
    record_audit(
        actor_id=actor_id,
        action=action,
        subject=f"organization:{organization_id}",
        detail={"person_id": user_id, "role": role},
        now=now,
    )
