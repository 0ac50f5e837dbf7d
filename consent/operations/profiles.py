"""
Defaults for all cars of an owner: changed once, they change every car that follows them.

Locks are taken in one order: the owner, then cars by id. So a car cannot begin to follow what
is being replaced.
"""

from dataclasses import replace
from datetime import datetime

from accounts.operations import lock_person
from consent.models import ConsentVersion, ProfileVersion, Vehicle
from consent.operations.agreements import (
    RulesRefused,
    Source,
    StaleVersion,
    append_given,
    is_repeat,
)
from consent.operations.vehicles import find_current, lock_vehicle
from consent.queries.profiles import list_followers
from consent.rules import Fault, RulesDraft, find_faults
from consent.rules.profiles import Combined, combine_for_car
from consent.rules.written import read_rules, write_rules
from web.transactions import durable


class NoProfile(Exception):
    """
    The owner has no defaults to follow.
    """


class ProfileRefused(Exception):
    """
    With these defaults the rules of a car could never run or never bind.
    """

    def __init__(self, faults: dict[int, tuple[Fault, ...]]) -> None:
        super().__init__(faults)
        self.faults = faults


@durable
def save_profile(
    *,
    owner_id: int,
    rules: RulesDraft,
    expected_number: int | None,
    notice_language: str,
    notice_version: str = "",
    now: datetime,
) -> ProfileVersion:
    """
    Make new defaults, and in the same transaction a new version of every car that follows.

    `expected_number` as in `give_consent`, of the defaults. A car whose consent is withdrawn
    stays so. A repeat of the call that made the present defaults returns those.

    :raises StaleVersion: other defaults came first.
    :raises NoticeChanged: another notice came out since the owner read one.
    :raises ProfileRefused: a car could not agree to what would result; by vehicle id.
    """
    lock_person(user_id=owner_id)
    latest = ProfileVersion.objects.filter(owner_id=owner_id).order_by("-number").first()
    number = latest.number if latest else 0
    if expected_number is not None and number != expected_number:
        if latest and number == expected_number + 1 and latest.rules == write_rules(rules):
            return latest
        raise StaleVersion(number)
    profile = ProfileVersion.objects.create(
        owner_id=owner_id, number=number + 1, rules=write_rules(rules), created_at=now
    )
    notice = Source(notice_language=notice_language, notice_version=notice_version)
    _pass_on(profile, rules, notice=notice, now=now)
    return profile


@durable
def follow_profile(  # noqa: PLR0913 - nine facts, all by name
    *,
    vehicle_id: int,
    owner_id: int,
    own: RulesDraft,
    own_fields: frozenset[str],
    expected_number: int | None,
    expected_profile_number: int | None = None,
    notice_language: str,
    notice_version: str = "",
    now: datetime,
) -> ConsentVersion:
    """
    Put the defaults in force for a car, but for what it has of its own, by PARTS.

    `expected_number` is the version of the car that this began from, as in `give_consent`,
    `expected_profile_number` the defaults that its owner saw.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises NoProfile: the owner has no defaults.
    :raises RulesRefused: the result can never run or never bind.
    :raises StaleVersion: another version came first, or other defaults.
    :raises NoticeChanged: another notice came out since the owner read one.
    """
    lock_person(user_id=owner_id)
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    profile = ProfileVersion.objects.filter(owner_id=owner_id).order_by("-number").first()
    if profile is None:
        raise NoProfile(owner_id)
    combined = combine_for_car(
        profile=read_rules(profile.rules),
        own=own,
        own_fields=own_fields,
        car=vehicle.facts,
        now=now,
    )
    if faults := find_faults(draft=combined.draft, car=vehicle.facts, now=now):
        raise RulesRefused(faults)
    current = find_current(vehicle)
    if is_repeat(current=current, rules=combined.draft, expected_number=expected_number):
        assert current is not None, "nothing repeats what never was"
        return current
    if expected_profile_number not in {None, profile.number}:
        raise StaleVersion(current.number if current else 0)
    notice = Source(notice_language=notice_language, notice_version=notice_version)
    source = _make_source(profile, own, own_fields, notice)
    return append_given(
        vehicle=vehicle, rules=combined.draft, source=source, current=current, now=now
    )


def _pass_on(profile: ProfileVersion, rules: RulesDraft, *, notice: Source, now: datetime) -> None:
    """
    Make a new version of every car that follows an owner's defaults, by rising id.
    """
    vehicles = Vehicle.objects.select_for_update().filter(
        owner_id=profile.owner_id, retired_at__isnull=True
    )
    cars = {vehicle.pk: vehicle for vehicle in vehicles.order_by("pk")}
    followers = list_followers(cars)
    combined = {
        version.vehicle_id: _combine(rules, version, own, cars[version.vehicle_id], now)
        for version, own in followers
    }
    faults = {
        vehicle_id: found
        for vehicle_id, each in combined.items()
        if (found := find_faults(draft=each.draft, car=cars[vehicle_id].facts, now=now))
    }
    if faults:
        raise ProfileRefused(faults)
    for version, own in followers:
        source = _make_source(profile, own, frozenset(version.own_fields), notice)
        append_given(
            vehicle=cars[version.vehicle_id],
            rules=combined[version.vehicle_id].draft,
            source=source,
            current=version,
            now=now,
        )


def _combine(
    rules: RulesDraft, version: ConsentVersion, own: RulesDraft, vehicle: Vehicle, now: datetime
) -> Combined:
    return combine_for_car(
        profile=rules,
        own=own,
        own_fields=frozenset(version.own_fields),
        car=vehicle.facts,
        now=now,
    )


def _make_source(
    profile: ProfileVersion, own: RulesDraft, own_fields: frozenset[str], notice: Source
) -> Source:
    return replace(
        notice,
        profile_number=profile.number,
        own_fields=tuple(sorted(own_fields)),
        own_rules=write_rules(own),
    )
