"""
The way to a vehicle: only ever together with the person who asks.
"""

from consent.models import Vehicle


class VehicleNotFound(Exception):
    """
    There is no such vehicle of this owner: absent and somebody else's look the same.
    """


def get_owned_vehicle(*, vehicle_id: int, owner_id: int) -> Vehicle:
    """
    Return an owner's vehicle.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    try:
        return Vehicle.objects.get(pk=vehicle_id, owner_id=owner_id, retired_at__isnull=True)
    except Vehicle.DoesNotExist as error:
        raise VehicleNotFound(vehicle_id) from error


def get_known_vehicle(*, vehicle_id: int, owner_id: int) -> Vehicle:
    """
    Return a vehicle that an owner has or had: its records stay theirs when it is gone.

    :raises VehicleNotFound: there never was such a vehicle of this owner.
    """
    try:
        return Vehicle.objects.get(pk=vehicle_id, owner_id=owner_id)
    except Vehicle.DoesNotExist as error:
        raise VehicleNotFound(vehicle_id) from error
