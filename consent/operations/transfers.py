"""
A car changes hands: the old owner's consent ends with it, and nothing of theirs goes along.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateTimeTZRange

from accounts.operations import become_owner, enqueue_mail, record_audit
from accounts.queries import get_readers, holds_address
from consent.models import ConsentVersion, Pause, TransferOffer, Vehicle
from consent.operations.agreements import append_withdrawn
from consent.operations.vehicles import PlateTaken, find_current, lock_vehicle
from web.limits import OFFER_LIFE_DAYS, OFFERS_PER_DAY_MAX
from web.transactions import durable


class OfferRefused(Exception):
    """
    The car cannot be offered like this: to oneself, or too often in a day; `code` says which.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OfferNotFound(Exception):
    """
    No offer goes by this link, or it is meant for somebody else; nobody can tell which.
    """


class OfferOver(Exception):
    """
    The offer was taken back or has run out.
    """


@dataclass(frozen=True, slots=True)
class NewOwnersWords:
    """
    What the new owner calls the car.
    """

    plate: str
    name: str


def make_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@durable
def offer_vehicle(
    *, vehicle_id: int, owner_id: int, email: str, link: str, now: datetime
) -> TransferOffer:
    """
    Offer a car to whoever holds an address, and write to them; an earlier offer is taken back.

    `link` is the address of the offer with `{token}` in the place of its secret.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises OfferRefused: "own" address, or "often": too many offers in a day.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    email = email.strip().lower()
    if holds_address(user_id=owner_id, email=email):
        raise OfferRefused("own")
    since = now - timedelta(days=1)
    recent = TransferOffer.objects.filter(vehicle__owner_id=owner_id, offered_at__gt=since)
    if recent.count() >= OFFERS_PER_DAY_MAX:
        raise OfferRefused("often")
    _take_back(vehicle, now)
    token = secrets.token_urlsafe(32)
    offer = TransferOffer.objects.create(
        vehicle=vehicle,
        email=email,
        digest=make_digest(token),
        offered_at=now,
        expires_at=now + timedelta(days=OFFER_LIFE_DAYS),
    )
    _write_to(offer, name=get_readers(user_ids=[owner_id])[owner_id].name, url=link, token=token)
    _note("vehicle.offered", vehicle, owner_id, now)
    return offer


@durable
def take_offer_back(*, vehicle_id: int, owner_id: int, now: datetime) -> bool:
    """
    End the open offer of a car; False: there is none.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    is_open = _take_back(vehicle, now)
    if is_open:
        _note("vehicle.offer_taken_back", vehicle, owner_id, now)
    return is_open


@durable
def accept_offer(*, token: str, user_id: int, words: NewOwnersWords, now: datetime) -> Vehicle:
    """
    Take over an offered car: the old owner's consent is withdrawn, their car retired, and the
    new owner has a car of the same make that has agreed to nothing. A repeat returns it.

    :raises OfferNotFound: there is no such offer for an address of this person.
    :raises OfferOver: it was taken back or has run out.
    :raises PlateTaken: the new owner has a car of that plate.
    """
    found = TransferOffer.objects.filter(digest=make_digest(token)).first()
    if found is None or not holds_address(user_id=user_id, email=found.email):
        raise OfferNotFound
    # Whoever ends an offer locks its car first, so what is read after this stays true.
    old = Vehicle.objects.select_for_update().get(pk=found.vehicle_id)
    offer = TransferOffer.objects.select_related("new_vehicle").get(pk=found.pk)
    if offer.new_vehicle is not None and offer.new_vehicle.owner_id == user_id:
        return offer.new_vehicle
    if offer.taken_back_at or offer.accepted_at or offer.expires_at <= now or old.retired_at:
        raise OfferOver
    offer.new_vehicle = _register_anew(old, user_id, words, now)
    offer.accepted_at = now
    offer.save(update_fields=["new_vehicle", "accepted_at"])
    retire_vehicle(vehicle=old, now=now)
    become_owner(user_id=user_id, now=now)
    _note("vehicle.left", old, old.owner_id, now)
    _note("vehicle.came", offer.new_vehicle, user_id, now)
    return offer.new_vehicle


def retire_vehicle(*, vehicle: Vehicle, now: datetime) -> None:
    """
    Withdraw what was agreed for a locked vehicle and let it do nothing any more.
    """
    current = find_current(vehicle)
    if current is not None and current.state == ConsentVersion.State.GIVEN:
        append_withdrawn(vehicle=vehicle, current=current, now=now)
    ahead = Pause.objects.filter(vehicle=vehicle, kind=Pause.Kind.SKIP, during__startswith__gt=now)
    for pause in ahead:
        pause.during, pause.resumed_at = DateTimeTZRange(empty=True), now
        pause.save(update_fields=["during", "resumed_at"])
    _take_back(vehicle, now)
    vehicle.retired_at = now
    vehicle.save(update_fields=["retired_at"])


def _register_anew(old: Vehicle, user_id: int, words: NewOwnersWords, now: datetime) -> Vehicle:
    """
    Make the new owner's row from technical facts only.
    """
    try:
        with transaction.atomic():
            return Vehicle.objects.create(
                owner_id=user_id,
                plate=words.plate,
                name=words.name,
                region_code=old.region_code,
                hardware_class_code=old.hardware_class_code,
                rated_power_w=old.rated_power_w,
                battery_wh=old.battery_wh,
                charge_power_w=old.charge_power_w,
                charge_limit_pct=old.charge_limit_pct,
                time_zone=old.time_zone,
                created_at=now,
            )
    except IntegrityError as error:
        raise PlateTaken(words.plate) from error


def _take_back(vehicle: Vehicle, now: datetime) -> bool:
    open_offers = TransferOffer.objects.filter(
        vehicle=vehicle, taken_back_at__isnull=True, accepted_at__isnull=True
    )
    return bool(open_offers.update(taken_back_at=now))


def _write_to(offer: TransferOffer, *, name: str, url: str, token: str) -> None:
    enqueue_mail(
        business_key=f"transfer-offer:{offer.pk}",
        to=offer.email,
        subject=_("%(name)s offers you a car on Parado") % {"name": name},
        text=_(
            "%(name)s gives the car %(plate)s away and names you as its new owner.\n"
            "Take it over within %(days)s days: %(url)s\n"
            "Sign in with this address, or sign up with it. The car does nothing for you before"
            " you have set rules of your own. If you did not expect this, do nothing."
        )
        % {
            "name": name,
            "plate": offer.vehicle.plate,
            "days": OFFER_LIFE_DAYS,
            "url": url.replace("{token}", token),
        },
        now=offer.offered_at,
    )


def _note(action: str, vehicle: Vehicle, actor_id: int, now: datetime) -> None:
    record_audit(actor_id=actor_id, action=action, subject=f"vehicle:{vehicle.pk}", now=now)
