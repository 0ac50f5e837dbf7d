"""
Giving, changing and withdrawing consent: each appends a version, none edits one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extras import DateTimeTZRange

from consent.models import ConsentEvent, ConsentVersion, OwnRules, Vehicle
from consent.operations.events import tell_feed
from consent.operations.vehicles import find_current, lock_vehicle
from consent.queries.evidence import get_content, get_draft, get_frozen
from consent.queries.notices import choose_language, find_notice
from consent.rules import FIRST_PREVIOUS_DIGEST, Fault, RulesDraft, chain_digest, find_faults
from consent.rules.frozen import FrozenRules, freeze
from consent.rules.refitting import refit
from consent.rules.written import RULE_FIELDS, write_lists
from web.transactions import durable


class RulesRefused(Exception):
    """
    The draft can never run or never bind; `faults` say where.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults


class StaleVersion(Exception):
    """
    The rules were changed since the draft was begun; `current_number` is in force now.
    """

    def __init__(self, current_number: int) -> None:
        super().__init__(current_number)
        self.current_number = current_number


class NoConsent(Exception):
    """
    There is no consent to withdraw.
    """


class NoticeChanged(Exception):
    """
    Another notice came out since the owner read one; nothing was agreed.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    Where the rules of a version come from; see `ConsentVersion.profile_number` and `OwnRules`.

    `notice_version`: the notice that the owner read, "" when nobody asked which.
    """

    notice_language: str
    notice_version: str = ""
    profile_number: int | None = None
    own_fields: tuple[str, ...] = ()
    own_rules: Mapping[str, Any] | None = None


@durable
def give_consent(
    *,
    vehicle_id: int,
    owner_id: int,
    rules: RulesDraft,
    expected_number: int | None,
    notice_language: str,
    notice_version: str = "",
    now: datetime,
) -> ConsentVersion:
    """
    Put a draft in force from now on: the first consent of a vehicle or a change of it.

    `expected_number` is the version that the draft began from, 0 before the first, None to
    skip the check. A repeat of the call that made the present version returns that one.
    `notice_version` is the notice that the owner has read, "" to skip that check.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises RulesRefused: the draft can never run or never bind.
    :raises StaleVersion: another version came first.
    :raises NoticeChanged: another notice came out since the owner read one.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    if faults := find_faults(draft=rules, car=vehicle.facts, now=now):
        raise RulesRefused(faults)
    current = find_current(vehicle)
    if is_repeat(current=current, rules=rules, expected_number=expected_number):
        assert current is not None, "nothing repeats what never was"
        return current
    source = Source(notice_language=notice_language, notice_version=notice_version)
    return append_given(vehicle=vehicle, rules=rules, source=source, current=current, now=now)


@durable
def withdraw(*, vehicle_id: int, owner_id: int, now: datetime) -> ConsentVersion:
    """
    End the consent of a vehicle: no decision after the commit permits anything.

    A second call returns what the first one made.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises NoConsent: none was ever given.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    current = find_current(vehicle)
    if current is None:
        raise NoConsent(vehicle_id)
    if current.state == ConsentVersion.State.WITHDRAWN:
        return current
    return append_withdrawn(vehicle=vehicle, current=current, now=now)


def is_repeat(
    *, current: ConsentVersion | None, rules: RulesDraft, expected_number: int | None
) -> bool:
    """
    Return whether the version in force is what this very call made the last time.

    :raises StaleVersion: it is another one, and not the one that the draft began from.
    """
    number = current.number if current else 0
    if expected_number is None or number == expected_number:
        return False
    if (
        current is not None
        and number == expected_number + 1
        # Its rules are the ones of before, but nobody agreed to them again.
        and current.carries_on_number is None
        and current.state == ConsentVersion.State.GIVEN
        and get_draft(current) == rules
    ):
        return True
    raise StaleVersion(number)


def append_given(
    *,
    vehicle: Vehicle,
    rules: RulesDraft,
    source: Source,
    current: ConsentVersion | None,
    now: datetime,
) -> ConsentVersion:
    """
    Put rules in force for a locked vehicle, whose current version this is, and tell the feed.

    :raises NoticeChanged: the owner read another notice than the present one.
    """
    notice = find_notice(now=now)
    if source.notice_version not in {"", notice.version}:
        raise NoticeChanged(notice.version)
    source = replace(
        source,
        notice_version=notice.version,
        notice_language=choose_language(notice, source.notice_language),
    )
    version = _make_version(vehicle, rules, ConsentVersion.State.GIVEN, source)
    is_change = current is not None and current.state == ConsentVersion.State.GIVEN
    kind = ConsentEvent.Kind.CHANGED if is_change else ConsentEvent.Kind.GIVEN
    return _append(version, source=source, current=current, kind=kind, now=now)


def append_withdrawn(*, vehicle: Vehicle, current: ConsentVersion, now: datetime) -> ConsentVersion:
    """
    End what is in force for a locked vehicle, and tell the feed.
    """
    source = find_source(current)
    version = _make_version(vehicle, get_draft(current), ConsentVersion.State.WITHDRAWN, source)
    kind = ConsentEvent.Kind.WITHDRAWN
    return _append(version, source=source, current=current, kind=kind, now=now)


def append_carried(
    *, vehicle: Vehicle, current: ConsentVersion, ends_at: datetime, now: datetime
) -> ConsentVersion:
    """
    Go on with what is in force for a locked vehicle whose figures changed, and tell the feed.

    Nobody agrees to anything by it: notice, calendar and `ends_at` stay those of `current`.
    """
    source = find_source(current)
    version = _make_version(vehicle, get_draft(current), ConsentVersion.State.GIVEN, source)
    version.carries_on_number = current.carries_on_number or current.number
    frozen = refit(
        frozen=replace(get_frozen(current), expires_at=ends_at),
        draft=get_draft(current),
        battery_wh=vehicle.battery_wh,
        charge_power_w=vehicle.charge_power_w,
    )
    kind = ConsentEvent.Kind.CHANGED
    return _append(version, source=source, current=current, kind=kind, now=now, frozen=frozen)


def find_source(version: ConsentVersion) -> Source:
    """
    Return where the rules of a version came from, for another with the same rules.
    """
    return Source(
        notice_language=version.notice_language,
        notice_version=version.notice_version,
        profile_number=version.profile_number,
        own_fields=tuple(version.own_fields),
        own_rules=OwnRules.objects.filter(version=version).values_list("rules", flat=True).first(),
    )


def _make_version(
    vehicle: Vehicle, rules: RulesDraft, state: ConsentVersion.State, source: Source
) -> ConsentVersion:
    return ConsentVersion(
        vehicle=vehicle,
        owner_id=vehicle.owner_id,
        actor_id=vehicle.owner_id,
        state=state,
        notice_version=source.notice_version,
        notice_language=source.notice_language,
        profile_number=source.profile_number,
        own_fields=list(source.own_fields),
        week_mask=rules.week_mask,
        categories_mask=rules.categories_mask,
        battery_wh=vehicle.battery_wh,
        charge_power_w=vehicle.charge_power_w,
        **{name: getattr(rules, name) for name in RULE_FIELDS},
        **write_lists(rules),
    )


def _append(
    version: ConsentVersion,
    *,
    source: Source,
    current: ConsentVersion | None,
    kind: ConsentEvent.Kind,
    now: datetime,
    frozen: FrozenRules | None = None,
) -> ConsentVersion:
    starts_at = now
    if current is not None:
        # Clocks of web servers differ: a version never begins before the one it ends.
        starts_at = max(now, current.starts_at + timedelta(microseconds=1))
        ended = DateTimeTZRange(current.starts_at, starts_at, "[)")
        ConsentVersion.objects.filter(pk=current.pk).update(in_force=ended)
    _fill(version, frozen or _freeze(version, agreed_at=starts_at))
    version.number = current.number + 1 if current else 1
    version.in_force = DateTimeTZRange(starts_at, None, "[)")
    version.previous_digest = bytes(current.digest) if current else FIRST_PREVIOUS_DIGEST
    version.digest = chain_digest(
        previous_digest=version.previous_digest, content=get_content(version)
    )
    version.save(force_insert=True)
    if source.own_rules is not None:
        OwnRules.objects.create(version=version, rules=source.own_rules)
    tell_feed(vehicle=version.vehicle, kind=kind, current=version, effective_at=starts_at)
    return version


def _freeze(version: ConsentVersion, *, agreed_at: datetime) -> FrozenRules:
    """
    Return what follows from the rules on the day they are agreed.
    """
    return freeze(
        draft=get_draft(version),
        battery_wh=version.battery_wh,
        charge_power_w=version.charge_power_w,
        agreed_at=agreed_at,
    )


def _fill(version: ConsentVersion, frozen: FrozenRules) -> None:
    for field in fields(frozen):
        setattr(version, field.name, getattr(frozen, field.name))
