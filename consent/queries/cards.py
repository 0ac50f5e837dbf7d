"""
An owner's cars as pages show them: where each stands, why, and until when.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from consent.models import ConsentVersion, Vehicle
from consent.queries.access import get_owned_vehicle
from consent.queries.standing import Standing, load_standings
from consent.queries.words import GateWords, describe_decision, describe_gates
from consent.rules import (
    Decision,
    Hours,
    Pause,
    Rules,
    State,
    Use,
    Workload,
    decide,
    find_wanted_work,
)
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleCard:
    """
    One car now. `title` is the sign's line; `closes_at` is the end of the present hours.

    `version_since` None: consent was never given. Times are instants, `time_zone` is that
    of the rules, else of the car. `running_jobs` hold a permit that has not ended.
    """

    vehicle_id: int
    public_id: str
    name: str
    plate: str
    time_zone: str
    region_code: str
    hardware_class_code: str
    rated_power_w: int
    battery_wh: int
    decision: Decision
    title: str | Promise
    gates: tuple[GateWords, ...]
    closes_at: datetime | None
    rules: Rules | None
    state: State
    use: Use
    version_since: datetime | None
    running_jobs: int = 0

    @property
    def has_consent(self) -> bool:
        return self.rules is not None and not self.rules.is_withdrawn

    @property
    def pause(self) -> Pause | None:
        return self.state.pause

    @property
    def skip(self) -> Pause | None:
        """
        Return the next night that is left out, also one that has begun.
        """
        return self.state.skip


def list_vehicles(*, owner_id: int, now: datetime) -> tuple[VehicleCard, ...]:
    """
    Return an owner's cars by plate, in six statements for any number of them.
    """
    vehicles = Vehicle.objects.filter(owner_id=owner_id, retired_at__isnull=True)
    return _make_cards(vehicles.order_by("plate", "id"), now)


def get_vehicle_card(*, vehicle_id: int, owner_id: int, now: datetime) -> VehicleCard:
    """
    Return one car of an owner.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    [card] = _make_cards([vehicle], now)
    return card


def _make_cards(vehicles: Iterable[Vehicle], now: datetime) -> tuple[VehicleCard, ...]:
    found = list(vehicles)
    ids = [vehicle.pk for vehicle in found]
    standings = load_standings(vehicle_ids=ids, now=now)
    current = ConsentVersion.objects.filter(vehicle__in=ids, in_force__upper_inf=True)
    since = {
        version.vehicle_id: version.starts_at for version in current.only("vehicle", "in_force")
    }
    return tuple(
        _make_card(vehicle, standings[vehicle.pk], since.get(vehicle.pk), now) for vehicle in found
    )


def _make_card(
    vehicle: Vehicle, standing: Standing, since: datetime | None, now: datetime
) -> VehicleCard:
    rules = standing.rules
    decision = decide_for_owner(standing=standing, now=now)
    zone = rules.zone.key if rules else vehicle.time_zone
    closes_at = Hours.of(rules).find_closing(after=now) if rules else None
    return VehicleCard(
        vehicle_id=vehicle.pk,
        public_id=encode("veh", vehicle.pk),
        name=vehicle.name,
        plate=vehicle.plate,
        time_zone=zone,
        region_code=vehicle.region_code,
        hardware_class_code=vehicle.hardware_class_code,
        rated_power_w=vehicle.rated_power_w,
        battery_wh=vehicle.battery_wh,
        decision=decision,
        title=describe_decision(decision),
        gates=describe_gates(decision, zone=zone, now=now, closes_at=closes_at),
        closes_at=closes_at,
        rules=rules,
        state=standing.state,
        use=standing.use,
        version_since=since,
        running_jobs=sum(lease.expires_at > now for lease in standing.leases),
    )


def decide_for_owner(*, standing: Standing, now: datetime) -> Decision:
    """
    Decide as if work came that the owner would take.
    """
    rules = standing.rules
    wanted = Workload(category=None) if rules is None else find_wanted_work(rules=rules)
    return decide(
        rules=rules,
        state=standing.state,
        use=standing.use,
        workload=wanted,
        now=now,
    )


def decide_now(*, vehicle_id: int, owner_id: int, now: datetime) -> Decision:
    """
    Decide for an owner's page: would this car take work of a kind its owner allows?

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    standing = load_standings(vehicle_ids=[vehicle.pk], now=now)[vehicle.pk]
    return decide_for_owner(standing=standing, now=now)
