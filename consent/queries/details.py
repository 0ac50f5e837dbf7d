"""
What a car is: the facts that its owner gave when it was added, and what a change of them does
to the consent in force.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from consent.models import ConsentVersion, Vehicle
from consent.queries.access import get_owned_vehicle
from consent.queries.evidence import get_draft, get_frozen
from consent.queries.notices import with_end
from consent.queries.transfers import find_open_offer
from consent.rules import CarFacts, Fault, RulesDraft, find_faults
from consent.rules.frozen import FrozenRules
from consent.rules.refitting import judge_refit, refit
from consent.rules.strictness import Move
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class CarDetails:
    """
    All that is asked when a car is added, and what follows from its place and computer.
    """

    plate: str
    name: str
    region_code: str
    hardware_class_code: str
    rated_power_w: int
    battery_wh: int
    charge_power_w: int
    charge_limit_pct: int
    time_zone: str

    @property
    def facts(self) -> CarFacts:
        return CarFacts(
            rated_power_w=self.rated_power_w,
            battery_wh=self.battery_wh,
            charge_power_w=self.charge_power_w,
            charge_limit_pct=self.charge_limit_pct,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """
    The version in force of a consent that still holds, and until when it does.
    """

    version: ConsentVersion
    draft: RulesDraft
    frozen: FrozenRules
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    What other facts of the car do to the consent in force.

    `faults` are only those that the facts bring: what was wrong before stays the rules' affair.
    `moves` are the rules, by PARTS, that allow more or less with them.
    """

    makes_version: bool
    faults: tuple[Fault, ...]
    moves: dict[str, Move]

    @property
    def is_looser(self) -> bool:
        return any(move.is_looser for move in self.moves.values())


NO_EFFECT = Effect(makes_version=False, faults=(), moves={})


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsPage:
    """
    A car to be corrected. `number` is the version in force, 0 before the first; `agreed` None:
    there is none, or it was withdrawn or has ended. `offered_to` is "" when nobody is.
    """

    vehicle_id: int
    revision: int
    number: int
    is_over: bool
    details: CarDetails
    agreed: Agreed | None
    offered_to: str
    now: datetime

    @property
    def public_id(self) -> str:
        return encode("veh", self.vehicle_id)

    @property
    def plate(self) -> str:
        return self.details.plate


def get_details_page(*, vehicle_id: int, owner_id: int, now: datetime) -> DetailsPage:
    """
    Return an owner's car as it can be corrected.

    :raises VehicleNotFound: there is no such vehicle of this owner, or no longer.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    current = ConsentVersion.objects.filter(vehicle=vehicle, in_force__upper_inf=True).first()
    agreed = find_agreed(vehicle, now=now)
    offer = find_open_offer(vehicle_id=vehicle_id, owner_id=owner_id, now=now)
    is_given = current is not None and current.state == ConsentVersion.State.GIVEN
    return DetailsPage(
        vehicle_id=vehicle.pk,
        revision=vehicle.revision,
        number=current.number if current else 0,
        is_over=is_given and agreed is None,
        details=get_details(vehicle),
        agreed=agreed,
        offered_to=offer.email if offer else "",
        now=now,
    )


def get_details(vehicle: Vehicle) -> CarDetails:
    return CarDetails(**{each.name: getattr(vehicle, each.name) for each in fields(CarDetails)})


def find_agreed(vehicle: Vehicle, *, now: datetime) -> Agreed | None:
    """
    Return the consent that holds for a vehicle, None when nothing does.
    """
    given = ConsentVersion.objects.filter(
        vehicle=vehicle, in_force__upper_inf=True, state=ConsentVersion.State.GIVEN
    )
    version, ends_at = next(with_end(given), (None, now))
    if version is None or ends_at <= now:
        return None
    return Agreed(
        version=version, draft=get_draft(version), frozen=get_frozen(version), ends_at=ends_at
    )


def judge_details(
    agreed: Agreed | None, *, before: CarDetails, after: CarDetails, now: datetime
) -> Effect:
    """
    Return what a change of a car's facts does to its consent.

    A version says by which battery and charger the car is judged, so these make a new one.
    """
    if agreed is None:
        return NO_EFFECT
    judged_by = (agreed.version.battery_wh, agreed.version.charge_power_w)
    makes_version = judged_by != (after.battery_wh, after.charge_power_w)
    known = frozenset(find_faults(draft=agreed.draft, car=before.facts, now=now))
    faults = find_faults(draft=agreed.draft, car=after.facts, now=now)
    return Effect(
        makes_version=makes_version,
        faults=tuple(fault for fault in faults if fault not in known),
        moves=_judge_moves(agreed, after) if makes_version else {},
    )


def _judge_moves(agreed: Agreed, after: CarDetails) -> dict[str, Move]:
    frozen = refit(
        frozen=agreed.frozen,
        draft=agreed.draft,
        battery_wh=after.battery_wh,
        charge_power_w=after.charge_power_w,
    )
    return judge_refit(before=agreed.frozen, after=frozen)


def list_changed(before: CarDetails, after: CarDetails) -> dict[str, tuple[Any, Any]]:
    """
    Return the facts in which two differ, as (before, after) by name.
    """
    old, new = asdict(before), asdict(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}
