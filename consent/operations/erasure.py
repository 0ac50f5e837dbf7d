"""
An owner leaves: their cars stop at once, and later what names them or tells of them goes.

Consent versions, events, breaks and grants stay as evidence: they hold numbers and rules, and
the digests of the chain cover nothing else.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from consent.models import (
    DecisionRecord,
    Lease,
    StateSample,
    TransferOffer,
    Vehicle,
    VehicleState,
)
from consent.operations.transfers import retire_vehicle
from web.public_ids import encode


@transaction.atomic
def stop_all_cars(*, owner_id: int, now: datetime) -> int:
    """
    Withdraw and retire every car of an owner inside the caller's transaction; return how many.
    """
    cars = list(
        Vehicle.objects.select_for_update()
        .filter(owner_id=owner_id, retired_at__isnull=True)
        .order_by("id")
    )
    for car in cars:
        retire_vehicle(vehicle=car, now=now)
    return len(cars)


@transaction.atomic
def erase_traces(*, owner_id: int, addresses: Collection[str]) -> None:
    """
    Delete what an owner's retired cars reported and were asked, and what names them.

    Offers that were made to these addresses by others lose them too.
    """
    cars = Vehicle.objects.filter(owner_id=owner_id)
    for model in (StateSample, VehicleState, DecisionRecord, Lease):
        model.objects.filter(vehicle__in=cars).delete()
    cars.update(plate="", name="")
    for offer in TransferOffer.objects.filter(Q(vehicle__in=cars) | Q(email__in=addresses)):
        offer.email = f"{encode('off', offer.pk)}@erased.invalid"
        offer.save(update_fields=["email"])


def list_audit_subjects(*, owner_id: int) -> Iterator[str]:
    """
    Yield the names that the audit trail has for an owner's cars.
    """
    for vehicle_id in Vehicle.objects.filter(owner_id=owner_id).values_list("id", flat=True):
        yield f"vehicle:{vehicle_id}"


def list_mail_keys(*, owner_id: int) -> Iterator[str]:
    """
    Yield the business keys of mails that name an owner to others.
    """
    offers = TransferOffer.objects.filter(vehicle__owner_id=owner_id)
    for offer_id in offers.values_list("id", flat=True):
        yield f"transfer-offer:{offer_id}"
