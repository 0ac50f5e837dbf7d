"""
What the two buyers of the demo booked: a base load, and the nights on top of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from billing.operations.bookings import Buyer, place_booking
from consent.rules import WorkloadCategory
from marketplace import rules as marketplace_rules
from marketplace.operations.bookings import Wish
from marketplace.queries import bookings as booking_queries
from marketplace.queries import capacity
from portal.demo.places import RATES, TIME_ZONE


WEEK = timedelta(days=7)
ZONE = ZoneInfo(TIME_ZONE)
NIGHT_STARTS = time(22)
NIGHT_HOURS = 7
POWER_STEP_W = 100
# Of what is on sale: cars that are allowed to work are often not there.
BASE_SHARE_PERMILLE = 450
NIGHT_SHARE_PERMILLE = 400


@dataclass(frozen=True, slots=True)
class Order:
    """
    One booking to be made. The key is the same at every load of the same world.
    """

    organization_id: int
    key: str
    wish: Wish

    @property
    def request_key(self) -> str:
        return f"demo:{self.key}"

    @property
    def held_micros(self) -> int:
        price = marketplace_rules.Price(
            currency="EUR",
            micros_per_kwh=RATES.buyer_micros_per_kwh,
            micros_per_job=RATES.buyer_micros_per_job,
        )
        return marketplace_rules.hold_of(
            price=price, energy_wh=self.wish.energy_wh, jobs_max=self.wish.job_limit
        )


def plan_base(
    *, organization_id: int, pool_ids: dict[str, int], starts_at: datetime, ends_at: datetime
) -> Iterator[Order]:
    """
    Yield one booking of inference per pool and week.
    """
    for region_code, pool_id in pool_ids.items():
        start = starts_at
        while start < ends_at:
            # Whole weeks, so that a later load finds the bookings of an earlier one.
            end = start + WEEK
            power_w = find_power(pool_id, start, end, share_permille=BASE_SHARE_PERMILLE)
            if power_w:
                wish = Wish(
                    pool_id=pool_id,
                    starts_at=start,
                    ends_at=end,
                    power_w=power_w,
                    workload_category=WorkloadCategory.INFERENCE,
                )
                yield Order(organization_id, f"base:{region_code}:{start:%Y%m%d}", wish)
            start = end


def plan_nights(
    *, organization_id: int, pool_ids: dict[str, int], starts_at: datetime, ends_at: datetime
) -> Iterator[Order]:
    """
    Yield one booking of research per pool and local night.
    """
    for region_code, pool_id in pool_ids.items():
        for start in list_nights(starts_at, ends_at):
            end = start + timedelta(hours=NIGHT_HOURS)
            power_w = find_power(pool_id, start, end, share_permille=NIGHT_SHARE_PERMILLE)
            if power_w:
                wish = Wish(
                    pool_id=pool_id,
                    starts_at=start,
                    ends_at=end,
                    power_w=power_w,
                    workload_category=WorkloadCategory.RESEARCH,
                )
                yield Order(organization_id, f"night:{region_code}:{start:%Y%m%d}", wish)


def list_nights(starts_at: datetime, ends_at: datetime) -> Iterator[datetime]:
    """
    Yield the start of each local night that lies in the period as a whole.
    """
    day = starts_at.astimezone(ZONE).date()
    while True:
        start = datetime.combine(day, NIGHT_STARTS, tzinfo=ZONE)
        if start + timedelta(hours=NIGHT_HOURS) > ends_at:
            return
        if start >= starts_at:
            yield start.astimezone(starts_at.tzinfo)
        day += timedelta(days=1)


def find_power(pool_id: int, starts_at: datetime, ends_at: datetime, *, share_permille: int) -> int:
    """
    Return a share of the power that is free in every hour of the period, in whole steps.
    """
    hours = capacity.get_hours(pool_id=pool_id, starts_at=starts_at, ends_at=ends_at)
    free_w = min(hour.available_w for hour in hours)
    return free_w * share_permille // 1000 // POWER_STEP_W * POWER_STEP_W


def find_booking(order: Order, *, now: datetime) -> int | None:
    """
    Return the booking that an earlier load made for this order.
    """
    found = booking_queries.find_by_request(
        organization_id=order.organization_id, request_key=order.request_key, now=now
    )
    return found.id if found else None


def place(order: Order, *, actor_id: int, now: datetime) -> int:
    """
    Place a booking, a past one too, and return its id.
    """
    booking = place_booking(
        buyer=Buyer(organization_id=order.organization_id, actor_id=actor_id),
        wish=order.wish,
        request_key=order.request_key,
        now=now,
        allow_past=True,
    )
    return booking.id
