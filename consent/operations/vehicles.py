from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.operations import become_owner
from consent.models import ConsentVersion, Vehicle
from consent.models.vehicles import CHARGE_LIMIT_PCT, CHARGE_POWER_W
from consent.queries.access import VehicleNotFound
from web.transactions import durable


class PlateTaken(Exception):
    """
    Its owner already has a vehicle with this plate.
    """


@durable
def register_vehicle(  # noqa: PLR0913 - eleven facts about a car, all by name
    *,
    owner_id: int,
    name: str,
    plate: str,
    region_code: str,
    hardware_class_code: str,
    rated_power_w: int,
    battery_wh: int,
    charge_power_w: int = CHARGE_POWER_W,
    charge_limit_pct: int = CHARGE_LIMIT_PCT,
    time_zone: str,
    now: datetime,
) -> Vehicle:
    """
    Add a car to an owner, or make a person an owner by it. It may do nothing yet.

    :raises PlateTaken: this owner already has it.
    """
    try:
        with transaction.atomic():
            vehicle = Vehicle.objects.create(
                owner_id=owner_id,
                name=name,
                plate=plate,
                region_code=region_code,
                hardware_class_code=hardware_class_code,
                rated_power_w=rated_power_w,
                battery_wh=battery_wh,
                charge_power_w=charge_power_w,
                charge_limit_pct=charge_limit_pct,
                time_zone=time_zone,
                created_at=now,
            )
    except IntegrityError as error:
        raise PlateTaken(plate) from error
    become_owner(user_id=owner_id, now=now)
    return vehicle


def lock_vehicle(*, vehicle_id: int, owner_id: int) -> Vehicle:
    """
    Lock an owner's vehicle until the transaction ends: every writer of its consent does.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicles = Vehicle.objects.select_for_update()
    try:
        return vehicles.get(pk=vehicle_id, owner_id=owner_id, retired_at__isnull=True)
    except Vehicle.DoesNotExist as error:
        raise VehicleNotFound(vehicle_id) from error


def find_current(vehicle: Vehicle) -> ConsentVersion | None:
    """
    Return the version that nothing has ended.
    """
    return ConsentVersion.objects.filter(vehicle=vehicle, in_force__upper_inf=True).first()
