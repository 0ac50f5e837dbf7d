"""
Offers of cars, for the owner who makes one and for whoever it is meant for.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.queries import get_display_names, holds_address
from consent.models import TransferOffer
from consent.queries.access import get_owned_vehicle
from consent.queries.figures import write_battery, write_charger
from consent.queries.places import list_places, name_places
from web.public_ids import encode


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """
    An offer that can still be accepted, as the owner sees it.
    """

    email: str
    offered_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedOffer:
    """
    A car that is offered, as the person sees it for whom it is meant.

    `is_over`: it was taken back, ran out, or somebody has it; `new_public_id` is the car as this
    very person has it, "" while they do not.
    """

    plate: str
    giver: str
    region_name: str
    computer_name: str
    battery: str
    charger: str
    expires_at: datetime
    is_over: bool
    new_public_id: str


def find_open_offer(*, vehicle_id: int, owner_id: int, now: datetime) -> OpenOffer | None:
    """
    Return the offer of a car that has not ended.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    offer = TransferOffer.objects.filter(
        vehicle=vehicle, taken_back_at__isnull=True, accepted_at__isnull=True, expires_at__gt=now
    ).first()
    return OpenOffer(offer.email, offer.offered_at, offer.expires_at) if offer else None


def list_open_offers(*, owner_id: int, now: datetime) -> dict[int, OpenOffer]:
    """
    Return the offers of an owner's cars that have not ended, by vehicle. One SQL query.
    """
    offers = TransferOffer.objects.filter(
        vehicle__owner_id=owner_id,
        vehicle__retired_at__isnull=True,
        taken_back_at__isnull=True,
        accepted_at__isnull=True,
        expires_at__gt=now,
    )
    return {
        each.vehicle_id: OpenOffer(each.email, each.offered_at, each.expires_at) for each in offers
    }


def find_received_offer(*, digest: bytes, user_id: int, now: datetime) -> ReceivedOffer | None:
    """
    Return the offer of a link, None when it is not meant for an address of this person.
    """
    offer = (
        TransferOffer.objects.select_related("vehicle", "new_vehicle").filter(digest=digest).first()
    )
    if offer is None or not holds_address(user_id=user_id, email=offer.email):
        return None
    vehicle, names = offer.vehicle, name_places(list_places())
    is_open = (
        offer.taken_back_at is None
        and offer.accepted_at is None
        and offer.expires_at > now
        and vehicle.retired_at is None
    )
    return ReceivedOffer(
        plate=vehicle.plate,
        giver=get_display_names(user_ids=[vehicle.owner_id])[vehicle.owner_id],
        region_name=names.get(vehicle.region_code, vehicle.region_code),
        computer_name=names.get(vehicle.hardware_class_code, vehicle.hardware_class_code),
        battery=write_battery(vehicle.battery_wh),
        charger=write_charger(vehicle.charge_power_w),
        expires_at=offer.expires_at,
        is_over=not is_open,
        new_public_id=_find_theirs(offer, user_id),
    )


def _find_theirs(offer: TransferOffer, user_id: int) -> str:
    """
    Return the car that came of an offer while this person has it, else "".
    """
    car = offer.new_vehicle
    is_theirs = car is not None and car.owner_id == user_id and car.retired_at is None
    return encode("veh", car.pk) if car is not None and is_theirs else ""
