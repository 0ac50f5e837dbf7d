"""
The SQL of settlement prices every record as billing.rules does, whatever the figures.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import BookingDelivery, RatedLine, Tariff
from billing.rules import Facts, PricedRecord, Terms, price_record
from consent.rules.week import quarter_of_week
from marketplace.operations.pools import Rates
from tests.billing.buyers import Company, book, create_company, wish_for
from tests.billing.meters import NOON, QUARTER, World, create_car, read_priced, settle_all
from tests.factories import create_capacity, create_owner, create_pool


pytestmark = pytest.mark.django_db
BANDS = 5
# Around the end of summer time in Europe; bookings reach half a year back for this test.
STARTS = (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 11, 20, 18, tzinfo=UTC))
ZONES = ("Europe/Oslo", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe")
_numbers = count(1)
prices = st.integers(0, 900_000)


@st.composite
def rates(draw: st.DrawFn) -> Rates:
    reward, wear, job = draw(prices), draw(prices), draw(st.integers(0, 5_000))
    return Rates(
        buyer_micros_per_kwh=-(-(reward + wear + draw(prices) + 1) // 1000) * 1000,
        buyer_micros_per_job=job + draw(st.integers(0, 5_000)),
        reward_micros_per_kwh=reward,
        reward_micros_per_job=job,
        wear_micros_per_kwh=wear,
    )


@pytest.fixture
def ben() -> Company:
    return create_company(prepaid_micros=500_000_000_000)


@given(
    rates=rates(),
    bands=st.binary(min_size=672, max_size=672).map(lambda b: bytes(x % BANDS for x in b)),
    tariff=st.lists(prices, min_size=BANDS, max_size=BANDS),
    zone=st.sampled_from(ZONES),
    starts_at=st.sampled_from(STARTS),
    records=st.lists(
        st.tuples(st.integers(0, 280), st.booleans(), st.booleans()), min_size=1, max_size=14
    ),
    room_wh=st.integers(0, 3_000),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_sql_prices_like_the_rules(
    ben: Company,
    rates: Rates,
    bands: bytes,
    tariff: list[int],
    zone: str,
    starts_at: datetime,
    records: list[tuple[int, bool, bool]],
    room_wh: int,
) -> None:
    number = next(_numbers)
    world = create_example(ben, number, rates=rates, starts_at=starts_at)
    Tariff.objects.create(
        owner=world.olivia,
        version=1,
        currency="EUR",
        time_zone=zone,
        in_force=(datetime(2026, 1, 1, tzinfo=UTC), None),
        bands=bands,
        band_micros_per_kwh=tariff,
        created_at=NOON,
    )
    booked_wh = world.booking.energy_wh
    BookingDelivery.objects.create(
        booking_id=world.booking.id,
        booked_wh=booked_wh,
        jobs_max=world.booking.jobs_max,
        billed_wh=booked_wh - room_wh,
    )
    world.report(
        *[
            world.event(
                starts_at=starts_at + quarter * QUARTER,
                id=f"{number}-{quarter}",
                job_id=f"{number}-{quarter}",
                energy_wh=energy_wh,
                job_completed=is_completed,
                battery_temp_max_c=40 if is_hot else 20,
            )
            for quarter, (energy_wh, is_completed, is_hot) in enumerate(records)
        ]
    )
    settle_all()

    expected = []
    used_wh = 0
    for quarter, (energy_wh, is_completed, is_hot) in enumerate(records):
        local = (starts_at + quarter * QUARTER).astimezone(ZoneInfo(zone))
        used_wh += energy_wh
        facts = Facts(
            energy_wh=energy_wh,
            is_job_paid=is_completed,
            is_within_energy=used_wh <= room_wh,
            refusals=int(is_hot),
        )
        terms = make_terms(rates, tariff[bands[quarter_of_week(local)]])
        expected.append(price_record(facts=facts, terms=terms))
    assert read_lines(world) == expected


def create_example(ben: Company, number: int, *, rates: Rates, starts_at: datetime) -> World:
    pool = create_pool(region_code=f"region-{number}", rates=rates)
    create_capacity(pool=pool, starts_at=starts_at, hours=24, sellable_w=50_000)
    owner = create_owner(f"Owner{number}")
    vehicle = create_car(owner, plate=f"CAR {number}", temp_high_c=30)
    booking = book(
        ben,
        wish_for(pool, starts_at=starts_at, power_w=1_000, jobs_max=100),
        key=f"key-{number}",
        now=starts_at - timedelta(days=1),
    )
    return World(olivia=owner, vehicle=vehicle, pool=pool, ben=ben, booking=booking)


def make_terms(rates: Rates, tariff_micros_per_kwh: int) -> Terms:
    return Terms(
        tariff_micros_per_kwh=tariff_micros_per_kwh,
        wear_micros_per_kwh=rates.wear_micros_per_kwh,
        reward_micros_per_kwh=rates.reward_micros_per_kwh,
        reward_micros_per_job=rates.reward_micros_per_job,
        price_micros_per_kwh=rates.buyer_micros_per_kwh,
        price_micros_per_job=rates.buyer_micros_per_job,
    )


def read_lines(world: World) -> list[PricedRecord]:
    lines = RatedLine.objects.filter(vehicle_id=world.vehicle.pk).order_by("starts_at")
    return [read_priced(line) for line in lines]
