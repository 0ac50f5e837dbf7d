"""
What the other apps and the pages may know about people, teams and keys.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db.models import Max, Q

from accounts import rules
from accounts.models import ApiKey, ErasureRequest, Membership, Organization, Outbox, User


ROLE_RANKS = {"viewer": 0, "member": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class MembershipSummary:
    organization_id: int
    organization_name: str
    currency: str
    role: str

    def is_at_least(self, role: str) -> bool:
        return ROLE_RANKS[self.role] >= ROLE_RANKS[role]


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """
    Everything that decides which pages a person has.
    """

    user_id: int
    display_name: str
    is_owner: bool
    staff_role: str
    memberships: tuple[MembershipSummary, ...]

    @property
    def is_finance(self) -> bool:
        return self.staff_role in {"finance_preparer", "finance_approver"}

    @property
    def is_staff(self) -> bool:
        return self.staff_role != ""

    @property
    def is_buyer(self) -> bool:
        return bool(self.memberships)


@dataclass(frozen=True, slots=True)
class TeamMember:
    user_id: int
    name: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class KeyCard:
    """
    One key as a page shows it; `state` is live, ending (rotated), expired or revoked.
    """

    key_id: int
    name: str
    kind: str
    prefix: str
    source: str
    scopes: tuple[str, ...]
    state: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class LiveKey:
    """
    What a presented key may do, from one look-up.
    """

    key_id: int
    kind: str
    organization_id: int | None
    source: str
    scopes: frozenset[str]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    A message that was given up. Its text may hold a sign-in code and is left out.
    """

    outbox_id: int
    to: str
    subject: str
    error: str
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MailCard:
    to: str
    subject: str
    text: str
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Whom a mail goes to, and how they read: their address, name, language and clock.
    """

    email: str
    name: str
    language: str
    time_zone: str


def holds_address(*, user_id: int, email: str) -> bool:
    """
    Return whether a person has shown that this address is theirs.
    """
    held = EmailAddress.objects.filter(user_id=user_id, email__iexact=email.strip(), verified=True)
    return bool(held.exists())


def list_addresses(*, user_id: int) -> tuple[str, ...]:
    """
    Return every address that a person has given, in lower case.
    """
    given = EmailAddress.objects.filter(user_id=user_id).values_list("email", flat=True)
    kept = User.objects.filter(pk=user_id).values_list("email", flat=True)
    return tuple({email.lower() for email in (*given, *kept)})


def get_readers(*, user_ids: Collection[int]) -> dict[int, Reader]:
    """
    Return how to write to each of these people who can be written to.
    """
    rows = User.objects.filter(pk__in=user_ids, is_active=True)
    return {
        row.pk: Reader(row.email, row.get_short_name(), row.language, row.time_zone)
        for row in rows.only("email", "display_name", "language", "time_zone")
    }


@dataclass(frozen=True, slots=True)
class Erasure:
    """
    A person's wish to be forgotten. `is_told`: the last mail is out, nobody can stop it now.
    """

    user_id: int
    asked_at: datetime
    gives_up_money: bool
    is_told: bool


def find_erasure(*, user_id: int) -> Erasure | None:
    request = ErasureRequest.objects.filter(user_id=user_id).first()
    return None if request is None else read_erasure(request)


def read_erasure(request: ErasureRequest) -> Erasure:
    return Erasure(
        request.user_id, request.asked_at, request.gives_up_money, request.told_at is not None
    )


def get_memberships(*, user_id: int) -> tuple[MembershipSummary, ...]:
    rows = (
        Membership.objects.filter(user_id=user_id)
        .order_by("id")
        .values_list("organization_id", "organization__name", "organization__currency", "role")
    )
    return tuple(MembershipSummary(*row) for row in rows)


def get_role_summary(*, user_id: int) -> RoleSummary:
    """
    Return a person's roles in two queries.

    :raises User.DoesNotExist: there is no such person.
    """
    user = User.objects.only("id", "display_name", "email", "is_owner", "staff_role").get(
        pk=user_id
    )
    return RoleSummary(
        user_id=user.pk,
        display_name=user.display_name or user.email,
        is_owner=user.is_owner,
        staff_role=user.staff_role,
        memberships=get_memberships(user_id=user_id),
    )


def get_display_names(*, user_ids: Collection[int]) -> dict[int, str]:
    """
    Return the name, or failing that the address, of each person that exists.
    """
    rows = User.objects.filter(pk__in=user_ids).values_list("id", "display_name", "email")
    return {user_id: name or email for user_id, name, email in rows}


def list_organizations() -> dict[int, str]:
    """
    Return the name of every organisation that buys, by name.
    """
    return dict(Organization.objects.order_by("name", "id").values_list("id", "name"))


def list_team(*, organization_id: int) -> tuple[TeamMember, ...]:
    rows = Membership.objects.filter(organization_id=organization_id).select_related("user")
    return tuple(
        TeamMember(
            user_id=row.user_id,
            name=str(row.user),
            email=row.user.email,
            role=row.role,
        )
        for row in rows.order_by("created_at", "id")
    )


def list_keys(*, organization_id: int | None, now: datetime) -> tuple[KeyCard, ...]:
    """
    Return an organisation's keys, newest first; None lists those of machines of the house.
    """
    rows = ApiKey.objects.owned_by(organization_id=organization_id).order_by("-id")
    return tuple(_make_card(row, now) for row in rows)


def get_live_key(*, secret: str, now: datetime) -> LiveKey | None:
    """
    Return what a presented secret may do; None when it is malformed, unknown or over.
    """
    if not rules.is_well_formed(secret):
        return None
    row = ApiKey.objects.filter(
        Q(revoked_at__isnull=True), digest=rules.make_digest(secret), expires_at__gt=now
    ).first()
    if row is None:
        return None
    return LiveKey(
        key_id=row.pk,
        kind=row.kind,
        organization_id=row.organization_id,
        source=row.source,
        scopes=frozenset(row.scopes),
        last_used_at=row.last_used_at,
    )


def list_mail(*, limit: int) -> tuple[MailCard, ...]:
    """
    Return the newest mails with their text, as far as it was kept.
    """
    return tuple(
        MailCard(
            to=row.payload.get("to", ""),
            subject=row.payload.get("subject", ""),
            text=row.payload.get("text", ""),
            state=row.state,
            created_at=row.created_at,
        )
        for row in Outbox.objects.order_by("-id")[:limit]
    )


def count_dead_letters() -> int:
    """
    Return how many messages were given up after too many tries.
    """
    return Outbox.objects.filter(state=Outbox.State.DEAD).count()


def list_dead_letters(*, limit: int) -> tuple[DeadLetter, ...]:
    """
    Return messages that were given up, the oldest first; never their text.
    """
    return tuple(
        DeadLetter(
            outbox_id=row.pk,
            to=row.payload.get("to", ""),
            subject=row.payload.get("subject", ""),
            error=row.error,
            attempts=row.attempts,
            created_at=row.created_at,
        )
        for row in Outbox.objects.filter(state=Outbox.State.DEAD).order_by("id")[:limit]
    )


def find_scheduler_heard_at() -> datetime | None:
    """
    Return when a scheduler last used a key, None when none ever did.
    """
    used = ApiKey.objects.filter(kind="scheduler").aggregate(last=Max("last_used_at"))
    heard_at: datetime | None = used["last"]
    return heard_at


def _make_card(row: ApiKey, now: datetime) -> KeyCard:
    return KeyCard(
        key_id=row.pk,
        name=row.name,
        kind=row.kind,
        prefix=row.prefix,
        source=row.source,
        scopes=tuple(row.scopes),
        state=_name_state(row, now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _name_state(row: ApiKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= now:
        return "expired"
    return "ending" if row.replaced_by_id is not None else "live"
