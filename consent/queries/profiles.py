"""
Which cars follow an owner's defaults, and what new defaults would change for each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from consent.models import ConsentVersion, OwnRules, Vehicle
from consent.queries.evidence import get_draft
from consent.rules import Fault, RulesDraft, find_faults
from consent.rules.faults import drop_past
from consent.rules.profiles import combine_for_car
from consent.rules.written import read_rules
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class CarEffect:
    """
    One car and what defaults would make of its rules. `before` None: nothing is in force.

    `follows` false: the car has rules of its own, and nothing happens to it.
    """

    vehicle_id: int
    public_id: str
    plate: str
    name: str
    follows: bool
    before: RulesDraft | None
    after: RulesDraft | None
    faults: tuple[Fault, ...]


def list_followers(vehicle_ids: Iterable[int]) -> list[tuple[ConsentVersion, RulesDraft]]:
    """
    Return the versions in force that follow defaults, with what each car asked for itself.
    """
    versions = ConsentVersion.objects.filter(
        vehicle_id__in=list(vehicle_ids),
        in_force__upper_inf=True,
        state=ConsentVersion.State.GIVEN,
        profile_number__isnull=False,
    ).order_by("vehicle_id")
    own = dict(OwnRules.objects.filter(version__in=versions).values_list("version_id", "rules"))
    return [
        (version, read_rules(own[version.pk]) if version.pk in own else get_draft(version))
        for version in versions
    ]


def list_profile_effects(
    *, owner_id: int, rules: RulesDraft, now: datetime
) -> tuple[CarEffect, ...]:
    """
    Return all cars of an owner by plate, with what these defaults would change.
    """
    vehicles = Vehicle.objects.filter(owner_id=owner_id, retired_at__isnull=True)
    cars = {vehicle.pk: vehicle for vehicle in vehicles.order_by("plate", "pk")}
    followers = {version.vehicle_id: (version, own) for version, own in list_followers(cars)}
    return tuple(
        _make_effect(vehicle, followers.get(vehicle.pk), rules, now) for vehicle in cars.values()
    )


def _make_effect(
    vehicle: Vehicle,
    follower: tuple[ConsentVersion, RulesDraft] | None,
    rules: RulesDraft,
    now: datetime,
) -> CarEffect:
    before = after = None
    faults: tuple[Fault, ...] = ()
    if follower is not None:
        version, own = follower
        before = drop_past(draft=get_draft(version), now=now)
        after = combine_for_car(
            profile=rules,
            own=own,
            own_fields=frozenset(version.own_fields),
            car=vehicle.facts,
            now=now,
        ).draft
        faults = find_faults(draft=after, car=vehicle.facts, now=now)
    return CarEffect(
        vehicle_id=vehicle.pk,
        public_id=encode("veh", vehicle.pk),
        plate=vehicle.plate,
        name=vehicle.name,
        follows=follower is not None,
        before=before,
        after=after,
        faults=faults,
    )
