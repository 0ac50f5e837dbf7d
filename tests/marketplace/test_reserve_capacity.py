"""
A reservation takes every hour that it asks for, or none.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Organization
from consent.rules import WorkloadCategory
from marketplace import rules
from marketplace.models import Booking, BookingEvent, BookingHour, CapacityBucket, Pool
from marketplace.operations import bookings
from marketplace.operations.bookings import Wish, release_booking, reserve_capacity
from tests.factories import create_booking, create_capacity, create_pool


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def wish_for(pool: Pool, *, hours: int = 2, power_w: int = 1000) -> Wish:
    return Wish(
        pool_id=pool.pk,
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=hours),
        power_w=power_w,
        workload_category=WorkloadCategory.INFERENCE,
    )


def reserve(wish: Wish, company: Organization) -> Booking:
    with transaction.atomic():
        return reserve_capacity(organization_id=company.pk, placed_by_id=None, wish=wish, now=NOON)


def reserved(pool: Pool) -> list[int]:
    rows = CapacityBucket.objects.filter(pool=pool).order_by("starts_at")
    return list(rows.values_list("reserved_w", flat=True))


class TestReserveCapacity:
    def test_takes_every_hour_and_fixes_the_price(
        self, bens_company: Organization, pool: Pool
    ) -> None:
        create_capacity(pool=pool, starts_at=NOON, hours=3, sellable_w=1500)

        booking = reserve(replace(wish_for(pool), jobs_max=4), bens_company)

        assert reserved(pool) == [1000, 1000, 0]
        assert booking.energy_wh == 2000
        assert booking.held_micros == 1_010_000  # 2 kWh x 0.50 + 4 jobs x 0.0025
        assert list(booking.hours.values_list("power_w", flat=True)) == [1000, 1000]
        assert booking.events.get().kind == "placed"

    def test_holds_for_a_job_a_minute_and_kilowatt_when_no_number_is_named(
        self, bens_company: Organization, pool: Pool
    ) -> None:
        create_capacity(pool=pool, starts_at=NOON, hours=2, sellable_w=1500)

        assert reserve(wish_for(pool), bens_company).jobs_max == 120  # 2 kWh x 60

    def test_names_the_short_hours_and_takes_nothing(
        self, bens_company: Organization, pool: Pool
    ) -> None:
        create_capacity(pool=pool, starts_at=NOON, hours=1, sellable_w=1500)
        create_capacity(pool=pool, starts_at=NOON + rules.HOUR, hours=1, sellable_w=600)

        with pytest.raises(bookings.CapacityShort) as caught:
            reserve(wish_for(pool, hours=3), bens_company)

        assert [(hour.starts_at.hour, hour.available_w) for hour in caught.value.hours] == [
            (13, 600),
            (14, 0),
        ]
        assert reserved(pool) == [0, 0]
        assert not Booking.objects.exists()
        assert not BookingHour.objects.exists()
        assert not BookingEvent.objects.exists()

    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ({"starts_at": NOON + timedelta(minutes=30)}, rules.WindowNotWholeHours),
            ({"ends_at": NOON}, rules.WindowNotWholeHours),
            ({"ends_at": NOON + timedelta(hours=337)}, rules.WindowTooLong),
            ({"starts_at": NOON - rules.HOUR}, bookings.WindowInPast),
            ({"power_w": 99}, bookings.PowerOutOfRange),
            ({"power_w": 100_000_001}, bookings.PowerOutOfRange),
            ({"jobs_max": -1}, bookings.JobsOutOfRange),
            ({"pool_id": 2**40}, bookings.PoolNotFound),
        ],
    )
    def test_refuses_what_cannot_be_a_booking(
        self,
        bens_company: Organization,
        pool: Pool,
        change: dict[str, object],
        refusal: type[Exception],
    ) -> None:
        with pytest.raises(refusal):
            reserve(replace(wish_for(pool), **change), bens_company)  # type: ignore[arg-type]

    def test_refuses_a_pool_without_a_price(self, bens_company: Organization) -> None:
        pool = create_pool(rates=None)
        create_capacity(pool=pool, starts_at=NOON, hours=2, sellable_w=1500)

        with pytest.raises(bookings.NotOnSale):
            reserve(wish_for(pool), bens_company)

    @pytest.mark.django_db(transaction=True)
    def test_refuses_to_work_outside_a_transaction(
        self, bens_company: Organization, pool: Pool
    ) -> None:
        with pytest.raises(AssertionError):
            reserve_capacity(
                organization_id=bens_company.pk, placed_by_id=None, wish=wish_for(pool), now=NOON
            )


class TestReleaseBooking:
    def test_notes_it_once(self, bens_company: Organization, pool: Pool) -> None:
        booking = create_booking(organization_id=bens_company.pk, pool=pool, starts_at=NOON)

        first = release_booking(booking_id=booking.pk, now=NOON + timedelta(days=1))
        again = release_booking(booking_id=booking.pk, now=NOON + timedelta(days=2))

        assert first is not None
        assert first.held_micros == 500_000  # 1 kWh x 0.50
        assert again is None

        booking.refresh_from_db()
        assert booking.released_at == NOON + timedelta(days=1)
        assert [event.kind for event in booking.events.order_by("id")] == ["placed", "released"]


class TestTheDatabaseItself:
    """
    The second line: what no operation does, the tables refuse too.
    """

    def test_never_holds_an_oversold_hour(self, pool: Pool) -> None:
        create_capacity(pool=pool, starts_at=NOON, hours=1, sellable_w=1000)

        with pytest.raises(IntegrityError, match="marketplace_bucket_never_oversold"):
            CapacityBucket.objects.update(reserved_w=1001)

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"held_micros": 1}, "hold_is_the_most_it_costs"),
            ({"energy_wh": 1}, "energy_is_power_by_hours"),
            (
                {
                    "starts_at": NOON + timedelta(minutes=1),
                    "ends_at": NOON + timedelta(minutes=61),
                },
                "whole_hours",
            ),
            ({"state": "released"}, "released_has_time"),
            ({"state": "lost"}, "state_known|released_has_time"),
            ({"price_micros_per_kwh": 500_001}, "price_form|hold_is"),
        ],
    )
    def test_never_holds_a_booking_that_contradicts_itself(
        self, bens_company: Organization, pool: Pool, change: dict[str, object], constraint: str
    ) -> None:
        create_booking(organization_id=bens_company.pk, pool=pool, starts_at=NOON)

        with pytest.raises(IntegrityError, match=constraint):
            Booking.objects.update(**change)
