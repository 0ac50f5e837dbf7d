"""
What operators look at, in a browser: no barrier at both widths and in both themes.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.factories import create_person, sign_in
from tests.portal.test_given_up import give_up_mail, give_up_news
from tests.portal.test_operations import miss, receive, run_booking
from web.models import Heartbeat


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _trouble() -> None:
    now = timezone.now()
    Heartbeat.objects.create(queue="money", beat_at=now - timedelta(minutes=11))
    Heartbeat.objects.create(queue="bulk", beat_at=now, busy_since=now - timedelta(minutes=2))
    Heartbeat.objects.create(queue="notify", beat_at=now)
    run_booking(now)
    receive(now - timedelta(minutes=50), parts=3)
    give_up_mail(now)
    give_up_news(now)
    for number in range(1, 71):
        miss(number * 7919, missing=number % 5 + 1, now=now - number * timedelta(hours=1))


@pytest.mark.usefixtures("_trouble")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_has_a_barrier_or_scrolls_sideways(
    browser: Browser, live_server: LiveServer, client: Client, size: Any, scheme: Any
) -> None:
    sign_in(client, create_person("Olga", staff_role="operator"))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(viewport=size, color_scheme=scheme)
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page = context.new_page()
    for path in ("/operations/", "/operations/metering/", "/operations/given-up/"):
        page.goto(live_server.url + path)
        _keep_picture(page, f"{path.strip('/').replace('/', '-')}-{size['width']}-{scheme}")

        results = Axe().run(page)

        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    context.close()


def _keep_picture(page: Page, name: str) -> None:
    """
    Save what the page looks like where SCREENSHOTS names a folder.
    """
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
