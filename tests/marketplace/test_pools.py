"""
Prices are versions: superseded, never edited, one in force at a time.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Organization
from marketplace.models import Booking, Pool, RateCard
from marketplace.operations.pools import (
    RateCardOverlaps,
    RewardPromised,
    create_hardware_class,
    create_pool,
    create_region,
    set_rate_card,
)
from marketplace.queries.pools import get_pool, get_price, list_pools
from tests import factories
from tests.factories import RATES
from web.transactions import joined


pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def pool() -> Pool:
    return factories.create_pool()


def _make_pool(name: str) -> Pool:
    create_region(code="no-trd", name=name, country="NO", time_zone="Europe/Oslo")
    create_hardware_class(code="ai4", name="1 kW", power_w=1000, wear_micros_per_kwh=50_000)
    return create_pool(region_code="no-trd", hardware_class_code="ai4")


def wait_for_a_lock() -> None:
    """
    Return once another connection waits for what this one has locked.
    """
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            (waiting,) = cursor.fetchone()
        if waiting:
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


class TestCreatePool:
    def test_makes_each_thing_once(self) -> None:
        first = _make_pool("Trondheim")
        again = _make_pool("Trondheim city")

        assert again == first
        assert again.region.name == "Trondheim city"
        assert Pool.objects.count() == 1

    def test_refuses_a_zone_that_nobody_knows(self) -> None:
        with pytest.raises(ZoneInfoNotFoundError):
            create_region(code="no", name="Norway", country="NO", time_zone="Europe/Nowhere")


class TestSetRateCard:
    def test_ends_the_version_before(self, pool: Pool) -> None:
        dearer = replace(RATES, buyer_micros_per_kwh=600_000)

        card = set_rate_card(pool_id=pool.pk, rates=dearer, starts_at=NOON, now=NOON)

        assert card.version == 2
        before = get_price(pool_id=pool.pk, at=NOON - timedelta(microseconds=1))
        after = get_price(pool_id=pool.pk, at=NOON)
        assert before is not None
        assert after is not None
        assert (before.micros_per_kwh, after.micros_per_kwh) == (500_000, 600_000)

    def test_refuses_to_begin_before_the_version_before(self, pool: Pool) -> None:
        with pytest.raises(RateCardOverlaps):
            set_rate_card(pool_id=pool.pk, rates=RATES, starts_at=factories.EARLY, now=NOON)

    @pytest.mark.parametrize("field", ["reward_micros_per_kwh", "reward_micros_per_job"])
    def test_keeps_what_sold_hours_promised_owners(
        self, pool: Pool, bens_company: Organization, field: str
    ) -> None:
        factories.create_booking(
            organization_id=bens_company.pk, pool=pool, starts_at=NOON, hours=2
        )
        less = replace(RATES, **{field: getattr(RATES, field) - 1})
        end = NOON + timedelta(hours=2)

        with pytest.raises(RewardPromised):
            set_rate_card(
                pool_id=pool.pk, rates=less, starts_at=end - timedelta(seconds=1), now=NOON
            )
        assert RateCard.objects.count() == 1

        assert set_rate_card(pool_id=pool.pk, rates=less, starts_at=end, now=NOON).version == 2

    def test_raises_rewards_at_any_time(self, pool: Pool, bens_company: Organization) -> None:
        factories.create_booking(organization_id=bens_company.pk, pool=pool, starts_at=NOON)
        more = replace(RATES, reward_micros_per_kwh=RATES.reward_micros_per_kwh + 1)

        assert set_rate_card(pool_id=pool.pk, rates=more, starts_at=NOON, now=NOON).version == 2

    @pytest.mark.django_db(transaction=True)
    def test_a_booking_made_meanwhile_promises_the_new_reward(
        self, pool: Pool, bens_company: Organization
    ) -> None:
        less = replace(RATES, reward_micros_per_kwh=RATES.reward_micros_per_kwh - 1)

        def book() -> None:
            try:
                factories.create_booking(organization_id=bens_company.pk, pool=pool, starts_at=NOON)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as threads:
            with joined():
                set_rate_card(pool_id=pool.pk, rates=less, starts_at=NOON, now=NOON)
                booked = threads.submit(book)
                wait_for_a_lock()
            booked.result(timeout=20)

        assert Booking.objects.get().rate_card.version == 2

    def test_has_no_price_before_the_first_version(self, pool: Pool) -> None:
        early = factories.EARLY - timedelta(seconds=1)

        assert get_price(pool_id=pool.pk, at=early) is None
        found = get_pool(pool_id=pool.pk, now=early)
        assert found is not None
        assert found.price is None
        assert list_pools(now=NOON)[0].price is not None


class TestTheDatabaseItself:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"buyer_micros_per_kwh": 500_500}, "price_whole_per_wh"),
            ({"buyer_micros_per_kwh": 0}, "price_whole_per_wh|reward_within_price"),
            ({"reward_micros_per_kwh": 460_000}, "reward_within_price"),
            ({"reward_micros_per_job": 2_501}, "reward_within_price"),
            ({"wear_micros_per_kwh": -1}, "not_negative"),
        ],
    )
    def test_refuses_figures_that_somebody_would_pay_for(
        self, pool: Pool, change: dict[str, int], constraint: str
    ) -> None:
        with pytest.raises(IntegrityError, match=constraint):
            set_rate_card(pool_id=pool.pk, rates=replace(RATES, **change), starts_at=NOON, now=NOON)

    def test_refuses_two_cards_at_one_time(self, pool: Pool) -> None:
        card = RateCard.objects.get(pool=pool)
        card.pk, card.version = None, 2

        with pytest.raises(IntegrityError, match="one_in_force"):
            card.save(force_insert=True)

    def test_refuses_to_change_a_card(self, pool: Pool) -> None:
        for act in (
            lambda: RateCard.objects.update(reward_micros_per_kwh=1),
            lambda: RateCard.objects.all().delete(),
        ):
            with (
                pytest.raises(DatabaseError, match="superseded, never changed"),
                transaction.atomic(),
            ):
                act()
