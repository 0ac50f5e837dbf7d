"""
Regions, hardware classes, pools and their prices. Done by operators, and by the demo.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from marketplace.models import Booking, HardwareClass, Pool, RateCard, Region
from web.transactions import durable


class RateCardOverlaps(Exception):
    """
    The new rate card would begin at or before the one in force began.
    """


class RewardPromised(Exception):
    """
    Hours sold beyond the start of the new rate card promised owners more than it gives.
    """


@dataclass(frozen=True, kw_only=True)
class Rates:
    """
    The figures of a rate card, in micros. buyer_micros_per_kwh is a multiple of 1,000.
    """

    buyer_micros_per_kwh: int
    buyer_micros_per_job: int
    reward_micros_per_kwh: int
    reward_micros_per_job: int
    wear_micros_per_kwh: int


def create_region(*, code: str, name: str, country: str, time_zone: str) -> Region:
    """
    Create the region, or give an existing one these names.

    :raises ZoneInfoNotFoundError: the time zone is not an IANA name.
    """
    ZoneInfo(time_zone)
    region, _ = Region.objects.update_or_create(
        code=code, defaults={"name": name, "country": country, "time_zone": time_zone}
    )
    return region


def create_hardware_class(
    *, code: str, name: str, power_w: int, wear_micros_per_kwh: int
) -> HardwareClass:
    """
    Create the hardware class, or give an existing one these figures.
    """
    hardware_class, _ = HardwareClass.objects.update_or_create(
        code=code,
        defaults={"name": name, "power_w": power_w, "wear_micros_per_kwh": wear_micros_per_kwh},
    )
    return hardware_class


def create_pool(*, region_code: str, hardware_class_code: str, currency: str = "EUR") -> Pool:
    """
    Create the pool, or return the one that is there.
    """
    pool, _ = Pool.objects.get_or_create(
        region_id=region_code,
        hardware_class_id=hardware_class_code,
        defaults={"currency": currency},
    )
    return pool


@durable
def set_rate_card(*, pool_id: int, rates: Rates, starts_at: datetime, now: datetime) -> RateCard:
    """
    Put new prices in force from starts_at; the version before ends there.

    Bookings keep the price they were made at, and what they promised owners: rewards fall
    only after the last hour that is sold. starts_at may lie in the past only before the first
    version, since what was in force once stays so.

    :raises RateCardOverlaps: starts_at is not after the start of the latest version.
    :raises RewardPromised: a booking that ends later promised a higher reward.
    """
    # Two operators changing prices at once would both see the same latest version.
    Pool.objects.select_for_update().get(pk=pool_id)
    _check_promises(pool_id=pool_id, rates=rates, starts_at=starts_at)
    latest = RateCard.objects.filter(pool_id=pool_id).order_by("version").last()
    if latest:
        _close(latest, at=starts_at)
    return RateCard.objects.create(
        pool_id=pool_id,
        version=latest.version + 1 if latest else 1,
        in_force=DateTimeTZRange(starts_at, None),
        created_at=now,
        buyer_micros_per_kwh=rates.buyer_micros_per_kwh,
        buyer_micros_per_job=rates.buyer_micros_per_job,
        reward_micros_per_kwh=rates.reward_micros_per_kwh,
        reward_micros_per_job=rates.reward_micros_per_job,
        wear_micros_per_kwh=rates.wear_micros_per_kwh,
    )


def _check_promises(*, pool_id: int, rates: Rates, starts_at: datetime) -> None:
    sold = Booking.objects.filter(
        pool_id=pool_id, state=Booking.State.HELD, ends_at__gt=starts_at
    ).filter(
        Q(rate_card__reward_micros_per_kwh__gt=rates.reward_micros_per_kwh)
        | Q(rate_card__reward_micros_per_job__gt=rates.reward_micros_per_job)
    )
    if sold.exists():
        raise RewardPromised


def _close(card: RateCard, *, at: datetime) -> None:
    started_at = card.in_force.lower
    assert started_at is not None, "a rate card has a start, by constraint"
    if started_at >= at:
        raise RateCardOverlaps
    card.in_force = DateTimeTZRange(started_at, at)
    card.save(update_fields=["in_force"])
