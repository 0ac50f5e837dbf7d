"""
Offers of cars, for the owner who makes one and for whoever it is meant for.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.queries import get_display_names, holds_address
from consent.models import TransferOffer
from consent.queries.access import get_owned_vehicle


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

    `is_over`: it was taken back, ran out, or somebody else has it.
    """

    plate: str
    giver: str
    hardware_class_code: str
    rated_power_w: int
    battery_wh: int
    region_code: str
    expires_at: datetime
    is_over: bool


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


def find_received_offer(*, digest: bytes, user_id: int, now: datetime) -> ReceivedOffer | None:
    """
    Return the offer of a link, None when it is not meant for an address of this person.
    """
    offer = TransferOffer.objects.select_related("vehicle").filter(digest=digest).first()
    if offer is None or not holds_address(user_id=user_id, email=offer.email):
        return None
    vehicle = offer.vehicle
    is_open = (
        offer.taken_back_at is None
        and offer.accepted_at is None
        and offer.expires_at > now
        and vehicle.retired_at is None
    )
    return ReceivedOffer(
        plate=vehicle.plate,
        giver=get_display_names(user_ids=[vehicle.owner_id])[vehicle.owner_id],
        hardware_class_code=vehicle.hardware_class_code,
        rated_power_w=vehicle.rated_power_w,
        battery_wh=vehicle.battery_wh,
        region_code=vehicle.region_code,
        expires_at=offer.expires_at,
        is_over=not is_open,
    )
