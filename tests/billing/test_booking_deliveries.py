"""
Booked against delivered: what settlement billed, by hour and by job.
"""

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from billing.queries.bookings import get_delivered_hours, list_job_usage, sum_spent
from marketplace import rules
from marketplace.queries.bookings import BookingRow
from tests.billing.buyers import Company, book, charge, create_company, wish_for
from tests.billing.deliveries import QUARTER, deliver
from tests.factories import bearer, create_capacity, create_pool, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db


def this_hour() -> datetime:
    return rules.floor_to_hour(timezone.now())


@pytest.fixture
def ben() -> Company:
    return create_company(prepaid_micros=500_000_000)


@pytest.fixture
def booking(ben: Company) -> BookingRow:
    pool = create_pool()
    create_capacity(pool=pool, starts_at=this_hour(), hours=4, sellable_w=50_000)
    return book(
        ben,
        wish_for(pool, starts_at=this_hour(), hours=4, power_w=2000, jobs_max=10),
        now=timezone.now(),
    )


@pytest.fixture
def worked(booking: BookingRow) -> BookingRow:
    """
    Two jobs in the first hour, one of them on into the second; a correction; one unbilled.
    """
    start = booking.starts_at
    deliver(booking, starts_at=start, energy_wh=250, record_id=1)
    deliver(booking, starts_at=start + QUARTER, energy_wh=400, record_id=2)
    deliver(booking, starts_at=start + QUARTER, energy_wh=400, record_id=2, kind=1)
    deliver(booking, starts_at=start + QUARTER, energy_wh=240, record_id=3)
    deliver(booking, starts_at=start, energy_wh=250, record_id=4, job_id="j-2")
    second = start + rules.HOUR
    deliver(booking, starts_at=second, energy_wh=100, record_id=5, job_id="j-2", is_completed=True)
    deliver(booking, starts_at=second, energy_wh=999, record_id=6, job_id="j-3", is_billed=False)
    return booking


def test_sums_what_was_billed_by_hour(worked: BookingRow) -> None:
    hours = get_delivered_hours(
        booking_id=worked.id, starts_at=worked.starts_at, ends_at=worked.ends_at
    )

    assert {hour.starts_at: hour.energy_wh for hour in hours} == {
        worked.starts_at: 740,  # 250 + 400 - 400 + 240 + 250
        worked.starts_at + rules.HOUR: 100,
    }


def test_sums_what_was_billed_by_job(worked: BookingRow) -> None:
    jobs = list_job_usage(
        booking_id=worked.id, starts_at=worked.starts_at, ends_at=worked.ends_at, limit=10
    )

    assert [(job.job_id, job.energy_wh, job.charged_micros) for job in jobs] == [
        ("j-1", 490, 245_000),  # 0.49 kWh x 0.50
        ("j-2", 350, 175_000),
    ]
    assert [job.is_completed for job in jobs] == [False, True]
    assert jobs[1].ends_at == worked.starts_at + rules.HOUR + QUARTER


def test_pages_jobs_in_the_api(client: Client, ben: Company, worked: BookingRow) -> None:
    address = f"/api/v1/bookings/{encode('bkg', worked.id)}/usage"
    headers = bearer(ben.key())

    first = client.get(address, {"limit": "1"}, headers=headers).json()
    second = client.get(
        address, {"limit": "1", "cursor": first["next_cursor"]}, headers=headers
    ).json()

    assert first["data"][0]["job_id"] == "j-1"
    assert first["data"][0]["charged"] == {"amount_micros": 245_000, "currency": "EUR"}
    assert (second["data"][0]["job_id"], second["next_cursor"]) == ("j-2", None)


def test_shows_hours_and_jobs_on_the_page(client: Client, ben: Company, worked: BookingRow) -> None:
    sign_in(client, ben.person)

    html = client.get(f"/buy/bookings/{encode('bkg', worked.id)}/").content.decode()

    assert "0.74" in html
    assert "0.490" in html
    assert "€0.25" in html  # 0.245, half up
    assert html.count("<rect") >= 8  # four hours, booked and delivered


def test_counts_what_was_spent_in_the_month_it_began(ben: Company, booking: BookingRow) -> None:
    charge(ben, booking, 1_500_000, energy_wh=3000)
    spent = partial(sum_spent, organization_id=ben.id, currency="EUR", ends_at=booking.ends_at)

    assert spent(starts_at=booking.starts_at) == 1_500_000
    assert spent(starts_at=booking.starts_at + timedelta(seconds=1)) == 0
