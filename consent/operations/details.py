"""
An owner corrects what a car is: its plate and name, where it is parked, what is built into it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from psycopg2.extras import DateTimeTZRange

from accounts.operations import record_audit
from consent.models import ConsentVersion, FormerPlace, Vehicle
from consent.operations.agreements import RulesRefused, append_carried
from consent.operations.vehicles import PlateTaken, find_current, lock_vehicle
from consent.queries.details import (
    CarDetails,
    find_agreed,
    get_details,
    judge_details,
    list_changed,
)
from web.transactions import durable


class StaleDetails(Exception):
    """
    The car, or the consent that the change would go on with, was changed since it was read.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsChange:
    """
    What was changed, and the version that came of it; None: none was needed.
    """

    vehicle: Vehicle
    version: ConsentVersion | None


@durable
def change_details(
    *,
    vehicle_id: int,
    owner_id: int,
    details: CarDetails,
    expected_revision: int,
    expected_number: int,
    now: datetime,
) -> DetailsChange:
    """
    Correct what a car is. Another battery or charger makes a new version of the consent that
    holds, with the same rules until the same day; of all else no version speaks.

    `expected_revision` is that of the car, `expected_number` the consent version, that the
    owner saw. A repeat of the call that made the present revision returns what it made.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises StaleDetails: the car or its consent was changed in between.
    :raises RulesRefused: the rules in force could never run or never bind with these facts.
    :raises PlateTaken: this owner has another vehicle with this plate.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    before = get_details(vehicle)
    if vehicle.revision != expected_revision:
        if vehicle.revision == expected_revision + 1 and before == details:
            return DetailsChange(vehicle=vehicle, version=_find_made(vehicle, expected_number))
        raise StaleDetails(vehicle.revision)
    if before == details:
        return DetailsChange(vehicle=vehicle, version=None)
    agreed = find_agreed(vehicle, now=now)
    effect = judge_details(agreed, before=before, after=details, now=now)
    if effect.faults:
        raise RulesRefused(effect.faults)
    if effect.makes_version and agreed and agreed.version.number != expected_number:
        raise StaleDetails(agreed.version.number)
    _save(vehicle, details)
    if before.region_code != details.region_code:
        _leave(vehicle, before.region_code, now)
    _note(vehicle, before, details, now)
    if agreed is None or not effect.makes_version:
        return DetailsChange(vehicle=vehicle, version=None)
    version = append_carried(
        vehicle=vehicle, current=agreed.version, ends_at=agreed.ends_at, now=now
    )
    return DetailsChange(vehicle=vehicle, version=version)


def _find_made(vehicle: Vehicle, expected_number: int) -> ConsentVersion | None:
    """
    Return the version that the first of two equal calls made.
    """
    current = find_current(vehicle)
    is_made = (
        current is not None
        and current.carries_on_number is not None
        and current.number == expected_number + 1
    )
    return current if is_made else None


def _save(vehicle: Vehicle, details: CarDetails) -> None:
    values = asdict(details)
    for name, value in values.items():
        setattr(vehicle, name, value)
    vehicle.revision += 1
    try:
        with transaction.atomic():
            vehicle.save(update_fields=[*values, "revision"])
    except IntegrityError as error:
        raise PlateTaken(details.plate) from error


def _leave(vehicle: Vehicle, region_code: str, now: datetime) -> None:
    """
    Keep until when a car stood in a region, for what is settled of that time later.
    """
    last = FormerPlace.objects.filter(vehicle=vehicle).order_by("-during").first()
    since = last.during.upper if last else None
    # Clocks of web servers differ: a stay never ends before it began.
    until = now if since is None else max(now, since + timedelta(microseconds=1))
    FormerPlace.objects.create(
        vehicle=vehicle, region_code=region_code, during=DateTimeTZRange(since, until, "[)")
    )


def _note(vehicle: Vehicle, before: CarDetails, after: CarDetails, now: datetime) -> None:
    changed = list_changed(before, after)
    record_audit(
        actor_id=vehicle.owner_id,
        action="vehicle.changed",
        subject=f"vehicle:{vehicle.pk}",
        detail={name: list(values) for name, values in changed.items()},
        now=now,
    )
