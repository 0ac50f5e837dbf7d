"""
Never oversold: 64 buyers at once, and the twin that reads before it locks, which must fail.
"""

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from accounts.models import Organization
from consent.rules import WorkloadCategory
from marketplace.models import BookingHour, CapacityBucket, Pool
from marketplace.operations.bookings import CapacityShort, Wish, reserve_capacity
from tests.factories import create_capacity, create_pool


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BUYERS = 64
ATTEMPTS = int(os.environ.get("OVERSELL_ATTEMPTS", "12"))  # of each buyer
HOURS = 12
SELLABLE_W = 50_000
pytestmark = pytest.mark.django_db(transaction=True)


def random_wish(pool: Pool, chance: random.Random) -> Wish:
    start = chance.randrange(HOURS)
    return Wish(
        pool_id=pool.pk,
        starts_at=NOON + timedelta(hours=start),
        ends_at=NOON + timedelta(hours=chance.randint(start + 1, min(start + 4, HOURS))),
        power_w=chance.choice([1000, 2000, 5000]),
        workload_category=WorkloadCategory.INFERENCE,
        jobs_max=0,
    )


def buy_at_once(pool: Pool, buy: Callable[[Wish], object]) -> None:
    def shop(buyer: int) -> None:
        chance = random.Random(buyer)
        try:
            for _ in range(ATTEMPTS):
                buy(random_wish(pool, chance))
        finally:
            connection.close()

    with ThreadPoolExecutor(BUYERS) as threads:
        list(threads.map(shop, range(BUYERS)))


@pytest.fixture
def scarce_pool() -> Pool:
    """
    Far less than the buyers together ask for, in every hour.
    """
    pool = create_pool()
    create_capacity(pool=pool, starts_at=NOON, hours=HOURS, sellable_w=SELLABLE_W)
    return pool


def test_never_oversold_and_nearly_all_sold(scarce_pool: Pool, bens_company: Organization) -> None:
    def buy(wish: Wish) -> None:
        try:
            with transaction.atomic():
                reserve_capacity(
                    organization_id=bens_company.pk, placed_by_id=None, wish=wish, now=NOON
                )
        except CapacityShort:
            return

    buy_at_once(scarce_pool, buy)

    buckets = CapacityBucket.objects.filter(pool=scarce_pool)
    assert not buckets.filter(reserved_w__gt=F("sellable_w")).exists()
    sold = buckets.aggregate(sold=Sum("reserved_w"), offered=Sum("sellable_w"))
    assert sold["sold"] >= 0.99 * sold["offered"]
    per_hour = dict(BookingHour.objects.values_list("starts_at").annotate(power=Sum("power_w")))
    assert per_hour == dict(buckets.values_list("starts_at", "reserved_w"))


def test_the_twin_that_looks_before_it_locks_oversells(scarce_pool: Pool) -> None:
    # Negative control: were this to pass the check above, the check would prove nothing.
    sold: list[Wish] = []

    def buy_naively(wish: Wish) -> None:
        hours = CapacityBucket.objects.filter(
            pool_id=wish.pool_id, starts_at__gte=wish.starts_at, starts_at__lt=wish.ends_at
        )
        if all(hour.sellable_w - hour.reserved_w >= wish.power_w for hour in hours):
            for hour in hours:
                hour.reserved_w += wish.power_w
                hour.save()
            sold.append(wish)

    buy_at_once(scarce_pool, buy_naively)

    hours = [NOON + timedelta(hours=hour) for hour in range(HOURS)]
    sold_w = [
        sum(wish.power_w for wish in sold if wish.starts_at <= hour < wish.ends_at)
        for hour in hours
    ]
    assert max(sold_w) > SELLABLE_W
