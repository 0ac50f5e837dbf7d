"""
Taking capacity out of the buckets, and noting when a booking is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F

from consent.rules import WorkloadCategory
from marketplace import rules
from marketplace.models import Booking, BookingEvent, BookingHour, CapacityBucket, Pool, RateCard


@dataclass(frozen=True, kw_only=True)
class ShortHour:
    """
    An hour of the wish, and the watts that are left in it.
    """

    starts_at: datetime
    available_w: int


class PoolNotFound(LookupError):
    """
    There is no such pool.
    """


class NotOnSale(Exception):
    """
    The pool has no rate card for the start of the window.
    """


class WindowInPast(ValueError):
    """
    The window has begun already.
    """


class PowerOutOfRange(ValueError):
    """
    The power is not in [BOOKING_POWER_W_MIN, BOOKING_POWER_W_MAX].
    """


class JobsOutOfRange(ValueError):
    """
    The number of jobs is not in [0, JOBS_MAX].
    """


class CapacityShort(Exception):
    """
    At least one hour has less left than was asked for. Nothing was taken.
    """

    def __init__(self, *, hours: tuple[ShortHour, ...]) -> None:
        super().__init__(f"{len(hours)} hours are short")
        self.hours = hours


@dataclass(frozen=True, kw_only=True)
class Wish:
    """
    What a buyer wants: watts of a pool for whole hours. jobs_max None: the usual number.
    """

    pool_id: int
    starts_at: datetime
    ends_at: datetime
    power_w: int
    workload_category: WorkloadCategory
    jobs_max: int | None = None

    @property
    def energy_wh(self) -> int:
        return rules.energy_of(power_w=self.power_w, starts_at=self.starts_at, ends_at=self.ends_at)

    @property
    def job_limit(self) -> int:
        if self.jobs_max is None:
            return rules.default_jobs_max(energy_wh=self.energy_wh)
        return self.jobs_max


@dataclass(frozen=True, kw_only=True)
class ReleasedTerms:
    """
    Whose money was held for a booking, and how much.
    """

    organization_id: int
    held_micros: int
    currency: str


def check_wish(*, wish: Wish, now: datetime, allow_past: bool = False) -> None:
    """
    Check everything about a wish that needs no look at capacity.

    :raises WindowNotWholeHours, WindowTooLong, WindowOutOfReach, WindowInPast: the window
        cannot be booked.
    :raises PowerOutOfRange, JobsOutOfRange: a figure is out of range.
    """
    rules.check_window(starts_at=wish.starts_at, ends_at=wish.ends_at)
    if wish.starts_at < rules.floor_to_hour(now) and not allow_past:
        raise WindowInPast
    if not rules.BOOKING_POWER_W_MIN <= wish.power_w <= rules.BOOKING_POWER_W_MAX:
        raise PowerOutOfRange
    if not 0 <= wish.job_limit <= rules.JOBS_MAX:
        raise JobsOutOfRange


def reserve_capacity(
    *,
    organization_id: int,
    placed_by_id: int | None,
    wish: Wish,
    now: datetime,
    request_key: str | None = None,
    allow_past: bool = False,
) -> Booking:
    """
    Take the capacity and write the booking, inside the caller's transaction.

    Whoever moves the money calls this and posts the hold in the same transaction: the
    rows of the hours stay locked until then.

    :raises PoolNotFound: no such pool.
    :raises NotOnSale: no rate card for the start of the window.
    :raises CapacityShort: nothing was taken.
    :raises WindowNotWholeHours, WindowTooLong, WindowOutOfReach, WindowInPast, PowerOutOfRange,
        JobsOutOfRange: see check_wish.
    """
    assert connection.in_atomic_block, "a reservation without its money would be a gift"
    check_wish(wish=wish, now=now, allow_past=allow_past)
    pool = _get_pool(pool_id=wish.pool_id)
    card = get_rate_card(pool_id=pool.pk, at=wish.starts_at)
    _take(wish=wish)
    booking = _write_booking(
        wish=wish,
        card=card,
        pool=pool,
        organization_id=organization_id,
        placed_by_id=placed_by_id,
        request_key=request_key,
        now=now,
    )
    BookingEvent.objects.create(booking=booking, kind=BookingEvent.Kind.PLACED, occurred_at=now)
    return booking


def release_booking(*, booking_id: int, now: datetime) -> ReleasedTerms | None:
    """
    Note that the booking is over and no more is charged to it, inside the caller's
    transaction. Return what was held, None when that had been noted before.
    """
    assert connection.in_atomic_block, "a release without its money would lose it"
    booking = (
        Booking.objects.select_for_update(no_key=True)
        .filter(pk=booking_id, state=Booking.State.HELD)
        .first()
    )
    if booking is None:
        return None
    booking.state = Booking.State.RELEASED
    booking.released_at = now
    booking.save(update_fields=["state", "released_at"])
    BookingEvent.objects.create(booking=booking, kind=BookingEvent.Kind.RELEASED, occurred_at=now)
    return ReleasedTerms(
        organization_id=booking.organization_id,
        held_micros=booking.held_micros,
        currency=booking.currency,
    )


def get_rate_card(*, pool_id: int, at: datetime) -> RateCard:
    """
    Return the prices in force at a time.

    :raises NotOnSale: the pool has no rate card at that time.
    """
    cards = RateCard.objects.filter(pool_id=pool_id, in_force__contains=at)
    card = cards.select_related("pool").first()
    if card is None:
        raise NotOnSale
    return card


def _get_pool(*, pool_id: int) -> Pool:
    # The lock that the booking's reference takes anyway, before the prices are read: whoever
    # sets a rate card meanwhile is waited for, and the next one waits for this booking.
    query = "SELECT * FROM marketplace_pool WHERE id = %s FOR KEY SHARE"
    for pool in Pool.objects.raw(query, [pool_id]):
        return pool
    raise PoolNotFound


def _take(*, wish: Wish) -> None:
    hours = CapacityBucket.objects.filter(
        pool_id=wish.pool_id, starts_at__gte=wish.starts_at, starts_at__lt=wish.ends_at
    )
    # All sales lock the hours in the same order, then look. READ COMMITTED shows the
    # newest row after the wait, so the look cannot be stale and nobody can deadlock.
    locked = hours.select_for_update().order_by("pool_id", "starts_at")
    if short := _find_short_hours(wish=wish, buckets=locked):
        raise CapacityShort(hours=short)
    hours.update(reserved_w=F("reserved_w") + wish.power_w)


def _find_short_hours(*, wish: Wish, buckets: Iterable[CapacityBucket]) -> tuple[ShortHour, ...]:
    left = {bucket.starts_at: bucket.sellable_w - bucket.reserved_w for bucket in buckets}
    return tuple(
        ShortHour(starts_at=hour, available_w=left.get(hour, 0))
        for hour in rules.hours_of(starts_at=wish.starts_at, ends_at=wish.ends_at)
        if left.get(hour, 0) < wish.power_w
    )


def _write_booking(
    *,
    wish: Wish,
    card: RateCard,
    pool: Pool,
    organization_id: int,
    placed_by_id: int | None,
    request_key: str | None,
    now: datetime,
) -> Booking:
    price = card.buyer_price()
    booking = Booking.objects.create(
        organization_id=organization_id,
        pool=pool,
        rate_card=card,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        power_w=wish.power_w,
        energy_wh=wish.energy_wh,
        workload_category=wish.workload_category.value,
        category_bit=wish.workload_category.bit,
        price_micros_per_kwh=price.micros_per_kwh,
        price_micros_per_job=price.micros_per_job,
        jobs_max=wish.job_limit,
        held_micros=rules.hold_of(price=price, energy_wh=wish.energy_wh, jobs_max=wish.job_limit),
        currency=price.currency,
        placed_by_id=placed_by_id,
        request_key=request_key,
        created_at=now,
    )
    BookingHour.objects.bulk_create(
        BookingHour(booking=booking, starts_at=hour, power_w=wish.power_w)
        for hour in rules.hours_of(starts_at=wish.starts_at, ends_at=wish.ends_at)
    )
    return booking
