"""
Keys of machine clients: issued once, rotated with an overlap, revoked at once.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from accounts import rules
from accounts.models import ApiKey, Organization
from accounts.operations.records import record_audit
from web.limits import (
    KEY_LIFE_DAYS_MAX,
    KEY_OVERLAP_H,
    KEY_USE_NOTED_EVERY_S,
    KEYS_PER_ORGANIZATION_MAX,
)
from web.transactions import durable


class BadKeyTerms(Exception):
    """
    The scopes do not belong to this kind of key, or it would live too long or not at all.
    """


class TooManyKeys(Exception):
    """
    The organisation has as many live keys as it may have.
    """


class KeyNotFound(Exception):
    """
    There is no such live key in the hands of whoever asks.
    """


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """
    The only moment at which the secret is known.
    """

    key_id: int
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    name: str
    kind: str
    scopes: frozenset[str]
    organization_id: int | None
    source: str
    expires_at: datetime


@durable
def issue_api_key(
    *,
    name: str,
    kind: str,
    scopes: frozenset[str],
    organization_id: int | None = None,
    source: str = "",
    expires_at: datetime,
    actor_id: int | None,
    now: datetime,
) -> IssuedKey:
    """
    Issue a key for an organisation (buyer) or a source of events (scheduler, finance).

    :raises BadKeyTerms: foreign or no scopes, or an expiry outside (now, now + 366 days].
    :raises TooManyKeys: the organisation has enough.
    """
    terms = KeyTerms(
        name=name,
        kind=kind,
        scopes=frozenset(scopes),
        organization_id=organization_id,
        source=source,
        expires_at=expires_at,
    )
    _check_terms(terms, now)
    _check_count(terms, now)
    key, issued = _insert_key(terms, actor_id, now)
    _note(key, actor_id, "key.issued", now)
    return issued


@durable
def rotate_api_key(
    *, key_id: int, actor_id: int, now: datetime, organization_id: int | None = None
) -> IssuedKey:
    """
    Issue a successor with the same rights and length of life; the old key works 24 h more.

    :raises KeyNotFound: no such live key, or it was rotated already.
    """
    key = _lock_live_key(key_id, organization_id, now)
    if key.replaced_by_id is not None:
        raise KeyNotFound(key_id)
    terms = KeyTerms(
        name=key.name,
        kind=key.kind,
        scopes=frozenset(key.scopes),
        organization_id=key.organization_id,
        source=key.source,
        expires_at=now + (key.expires_at - key.created_at),
    )
    successor, issued = _insert_key(terms, actor_id, now)
    key.replaced_by = successor
    key.expires_at = min(key.expires_at, now + timedelta(hours=KEY_OVERLAP_H))
    key.save(update_fields=["replaced_by", "expires_at"])
    _note(key, actor_id, "key.rotated", now)
    return issued


@durable
def revoke_api_key(
    *, key_id: int, actor_id: int, now: datetime, organization_id: int | None = None
) -> None:
    """
    End a key at once.

    :raises KeyNotFound: no such live key.
    """
    key = _lock_live_key(key_id, organization_id, now)
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    _note(key, actor_id, "key.revoked", now)


def note_key_use(*, key_id: int, now: datetime) -> None:
    """
    Store when a key was last used, at most once a minute: the row must not become hot.
    """
    stale = now - timedelta(seconds=KEY_USE_NOTED_EVERY_S)
    ApiKey.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=stale), pk=key_id
    ).update(last_used_at=now)


def _check_terms(terms: KeyTerms, now: datetime) -> None:
    unknown = rules.find_unknown_scopes(kind=terms.kind, scopes=terms.scopes)
    latest = now + timedelta(days=KEY_LIFE_DAYS_MAX)
    if unknown or not terms.scopes or not now < terms.expires_at <= latest:
        raise BadKeyTerms(terms.kind, unknown, terms.expires_at)


def _check_count(terms: KeyTerms, now: datetime) -> None:
    if terms.organization_id is None:
        return
    Organization.objects.select_for_update().get(pk=terms.organization_id)
    live = ApiKey.objects.filter(
        organization_id=terms.organization_id, revoked_at__isnull=True, expires_at__gt=now
    )
    if live.count() >= KEYS_PER_ORGANIZATION_MAX:
        raise TooManyKeys(terms.organization_id)


def _insert_key(terms: KeyTerms, actor_id: int | None, now: datetime) -> tuple[ApiKey, IssuedKey]:
    random = "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.RANDOM_LENGTH))
    secret = rules.make_secret(kind=terms.kind, random=random)
    key = ApiKey.objects.create(
        name=terms.name,
        kind=terms.kind,
        organization_id=terms.organization_id,
        source=terms.source,
        prefix=rules.make_prefix(kind=terms.kind, secret=secret),
        digest=rules.make_digest(secret),
        scopes=sorted(terms.scopes),
        expires_at=terms.expires_at,
        created_by_id=actor_id,
        created_at=now,
    )
    return key, IssuedKey(key_id=key.pk, secret=secret)


def _lock_live_key(key_id: int, organization_id: int | None, now: datetime) -> ApiKey:
    """
    Lock a live key of this organisation; None means the keys that belong to no buyer.
    """
    owned = ApiKey.objects.owned_by(organization_id=organization_id)
    key = owned.select_for_update().filter(pk=key_id).first()
    if key is None or not key.is_live(now=now):
        raise KeyNotFound(key_id)
    return key


def _note(key: ApiKey, actor_id: int | None, action: str, now: datetime) -> None:
    record_audit(
        actor_id=actor_id,
        action=action,
        subject=f"key:{key.pk}",
        detail={"prefix": key.prefix, "organization_id": key.organization_id},
        now=now,
    )
