"""
Giving, changing and withdrawing consent: each appends a version, none edits one.
"""

from datetime import datetime, timedelta

from psycopg2.extras import DateTimeTZRange

from consent.models import ConsentEvent, ConsentVersion, Vehicle
from consent.operations.events import tell_feed
from consent.operations.vehicles import find_current, lock_vehicle
from consent.queries.evidence import RULE_FIELDS, get_content, get_draft, write_windows
from consent.rules import FIRST_PREVIOUS_DIGEST, Fault, RulesDraft, chain_digest, find_faults
from web.transactions import durable


# The text that owners agree to. A new text is a new version here.
NOTICE_VERSION = "2026-11"


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


@durable
def give_consent(
    *,
    vehicle_id: int,
    owner_id: int,
    rules: RulesDraft,
    expected_number: int | None,
    notice_language: str,
    now: datetime,
) -> ConsentVersion:
    """
    Put a draft in force from now on: the first consent of a vehicle or a change of it.

    `expected_number` is the version that the draft began from, 0 before the first, None to
    skip the check. A repeat of the call that made the present version returns that one.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises RulesRefused: the draft can never run or never bind.
    :raises StaleVersion: another version came first.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    if faults := find_faults(draft=rules, rated_power_w=vehicle.rated_power_w):
        raise RulesRefused(faults)
    current = find_current(vehicle)
    current_number = current.number if current else 0
    if expected_number is not None and current_number != expected_number:
        if current and _is_repeat(current, rules, expected_number):
            return current
        raise StaleVersion(current_number)
    version = _make_version(vehicle, rules, ConsentVersion.State.GIVEN, notice_language)
    is_change = current is not None and current.state == ConsentVersion.State.GIVEN
    kind = ConsentEvent.Kind.CHANGED if is_change else ConsentEvent.Kind.GIVEN
    return _append(version, current=current, kind=kind, now=now)


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
    version = _make_version(
        vehicle, get_draft(current), ConsentVersion.State.WITHDRAWN, current.notice_language
    )
    return _append(version, current=current, kind=ConsentEvent.Kind.WITHDRAWN, now=now)


def _is_repeat(current: ConsentVersion, rules: RulesDraft, expected_number: int) -> bool:
    is_next = current.number == expected_number + 1
    return is_next and current.state == ConsentVersion.State.GIVEN and get_draft(current) == rules


def _make_version(
    vehicle: Vehicle, rules: RulesDraft, state: ConsentVersion.State, notice_language: str
) -> ConsentVersion:
    return ConsentVersion(
        vehicle=vehicle,
        owner_id=vehicle.owner_id,
        actor_id=vehicle.owner_id,
        state=state,
        notice_version=NOTICE_VERSION,
        notice_language=notice_language,
        windows=write_windows(rules.windows),
        week_mask=rules.week_mask,
        categories_mask=rules.categories_mask,
        **{name: getattr(rules, name) for name in RULE_FIELDS},
    )


def _append(
    version: ConsentVersion,
    *,
    current: ConsentVersion | None,
    kind: ConsentEvent.Kind,
    now: datetime,
) -> ConsentVersion:
    starts_at = now
    if current is not None:
        # Clocks of web servers differ: a version never begins before the one it ends.
        starts_at = max(now, current.starts_at + timedelta(microseconds=1))
        ended = DateTimeTZRange(current.starts_at, starts_at, "[)")
        ConsentVersion.objects.filter(pk=current.pk).update(in_force=ended)
    version.number = current.number + 1 if current else 1
    version.in_force = DateTimeTZRange(starts_at, None, "[)")
    version.previous_digest = bytes(current.digest) if current else FIRST_PREVIOUS_DIGEST
    version.digest = chain_digest(
        previous_digest=version.previous_digest, content=get_content(version)
    )
    version.save(force_insert=True)
    tell_feed(vehicle=version.vehicle, kind=kind, current=version, effective_at=starts_at)
    return version
