"""
Ben books in a browser: every page of his without a barrier, and the form by plain clicks.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from marketplace import rules
from marketplace.models import CapacityBucket, Pool
from tests.billing.buyers import Company, book, charge, create_company, wish_for
from tests.billing.deliveries import QUARTER, deliver
from tests.factories import create_pool, sign_in
from web.public_ids import encode


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NEW = "/buy/bookings/new/"
Opener = Callable[..., Page]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ben() -> Company:
    return create_company(prepaid_micros=500_000_000)


@pytest.fixture
def pool() -> Pool:
    """
    Nights are better than days, as with real cars.
    """
    pool = create_pool()
    start = rules.floor_to_hour(timezone.now()) - timedelta(hours=6)
    CapacityBucket.objects.bulk_create(
        CapacityBucket(
            pool=pool,
            starts_at=start + timedelta(hours=hour),
            forecast_w=80_000,
            sellable_w=_offered_w(start + timedelta(hours=hour)),
            refreshed_at=start,
        )
        for hour in range(14 * 24)
    )
    return pool


def _offered_w(hour: datetime) -> int:
    return 50_000 - 2_000 * min(abs(hour.hour - 14), 10) if 6 <= hour.hour <= 21 else 52_000


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, client: Client, ben: Company
) -> Iterator[Opener]:
    """
    Give a function that opens a page as Ben in a browser of the given kind.
    """
    sign_in(client, ben.person)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    contexts: list[BrowserContext] = []

    def open_it(path: str, **kind: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **kind})
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url + path)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def booking_id(ben: Company, pool: Pool) -> str:
    """
    Return a booking under way: five of its 24 hours are over, most of them delivered.
    """
    now = timezone.now()
    start = rules.floor_to_hour(now) - timedelta(hours=5)
    booking = book(ben, wish_for(pool, starts_at=start), now=start)
    for quarter in range(18):
        deliver(
            booking,
            starts_at=start + quarter * QUARTER,
            energy_wh=2500 - 90 * (quarter % 7),
            record_id=quarter,
            job_id=f"j-{quarter // 2}",
            is_completed=quarter % 2 == 1,
        )
    charge(ben, booking, 20_000_000, energy_wh=40_000)
    book(ben, wish_for(pool, starts_at=start + timedelta(hours=30), hours=6), key="b", now=start)
    return encode("bkg", booking.id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_has_a_barrier_or_scrolls_sideways(
    open_page: Opener, booking_id: str, size: dict[str, int], scheme: str
) -> None:
    paths = ("/buy/", "/buy/bookings/", f"/buy/bookings/{booking_id}/", "/buy/billing/", NEW)
    for path in paths:
        page = open_page(path, viewport=size, color_scheme=scheme)
        _keep_picture(page, f"{path.strip('/').replace('/', '-')}-{size['width']}-{scheme}")

        results = Axe().run(page)

        assert results.violations_count == 0, results.generate_report()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "plain"])
def test_books_in_two_steps(
    open_page: Opener, ben: Company, pool: Pool, *, has_script: bool
) -> None:
    page = open_page(NEW, java_script_enabled=has_script)

    page.get_by_label("Power, kW").fill("10")
    page.get_by_label("Jobs at most").fill("0")
    page.get_by_role("button", name="See the price").click()
    # Eight hours unless another end is chosen: 80 kWh at 0.50.
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm the booking")
    _keep_picture(page, f"review-{has_script}")
    page.get_by_role("button", name="Book and hold €40.00").click()

    expect(page.get_by_text("Booked. The power is kept for you.")).to_be_visible()
    assert ben.balance == (460_000_000, 40_000_000)


def test_leads_to_what_is_wrong(open_page: Opener, pool: Pool) -> None:
    page = open_page(NEW, viewport=PHONE)

    page.get_by_label("Power, kW").fill("500")
    page.get_by_role("button", name="See the price").click()
    page.get_by_role("link", name="Power, kW").click()

    expect(page.get_by_label("Power, kW")).to_be_focused()
    _keep_picture(page, "refused-390")


def test_shows_another_pool_without_leaving_the_form(open_page: Opener, pool: Pool) -> None:
    create_pool(hardware_class_code="big")
    page = open_page(NEW)
    page.get_by_label("Power, kW").fill("7")

    page.get_by_label("Pool").select_option(index=1)

    expect(page.locator("#outlook")).to_contain_text("Nothing is free")
    expect(page.get_by_label("Power, kW")).to_have_value("7")


def _keep_picture(page: Page, name: str) -> None:
    """
    Save what the page looks like where SCREENSHOTS names a folder.
    """
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
