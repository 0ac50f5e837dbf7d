"""
Olivia gives her electricity prices in a browser: no barrier, and by plain clicks.
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.operations.tariffs import set_tariff
from billing.rules import TariffWindow
from tests.factories import create_owner, create_vehicle, sign_in


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PAGE = "/settings/tariff/"
Opener = Callable[..., Page]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def olivia() -> User:
    olivia = create_owner()
    create_vehicle(olivia)
    return olivia


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, client: Client, olivia: User
) -> Iterator[Opener]:
    sign_in(client, olivia)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    contexts: list[BrowserContext] = []

    def open_it(**kind: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **kind})
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url + PAGE)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_has_no_barrier_and_does_not_scroll_sideways(
    open_page: Opener, olivia: User, size: dict[str, int], scheme: str
) -> None:
    now = timezone.now()
    terms: dict[str, Any] = {"owner_id": olivia.pk, "currency": "EUR", "time_zone": "Europe/Oslo"}
    terms |= {"actor_id": olivia.pk, "base_micros_per_kwh": 248_000}
    set_tariff(**terms, windows=(), now=now - timedelta(days=40))
    weekdays: dict[str, Any] = {"days": (0, 1, 2, 3, 4), "micros_per_kwh": 352_500}
    set_tariff(
        **terms,
        windows=(
            TariffWindow(starts_minute=7 * 60, ends_minute=9 * 60, **weekdays),
            TariffWindow(starts_minute=16 * 60, ends_minute=20 * 60, **weekdays),
            TariffWindow(
                days=tuple(range(7)),
                starts_minute=22 * 60,
                ends_minute=6 * 60,
                micros_per_kwh=141_000,
            ),
        ),
        now=now - timedelta(days=3),
    )

    page = open_page(viewport=size, color_scheme=scheme)

    _keep_picture(page, f"tariff-{size['width']}-{scheme}")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "plain"])
def test_saves_a_night_price(open_page: Opener, *, has_script: bool) -> None:
    page = open_page(java_script_enabled=has_script)

    page.get_by_label("Price, EUR per kWh").fill("0.25")
    night = page.get_by_role("group", name="Window 1")
    night.get_by_label("From").fill("22:00")
    night.get_by_label("To").fill("06:00")
    night.get_by_label("EUR/kWh").fill("0.12")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved. These prices count from now on.")).to_be_visible()
    expect(page.get_by_role("row", name="Every day 22:00–06:00 €0.12/kWh")).to_be_visible()  # noqa: RUF001 - a dash


def test_leads_to_what_is_wrong(open_page: Opener) -> None:
    page = open_page(viewport=PHONE)

    page.get_by_label("Price, EUR per kWh").fill("0.25")
    page.get_by_role("group", name="Window 1").get_by_label("From").fill("22:10")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Window 1, from").click()

    start = page.get_by_role("group", name="Window 1").get_by_label("From")
    expect(start).to_be_focused()
    _keep_picture(page, "tariff-refused-390")


def _keep_picture(page: Page, name: str) -> None:
    """
    Save what the page looks like where SCREENSHOTS names a folder.
    """
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
