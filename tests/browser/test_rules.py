"""
Olivia sets her rules in a browser: by keyboard, without JavaScript, and without a barrier.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from consent.models import ConsentVersion, Vehicle
from consent.rules import Window, mask_from_windows
from tests.factories import (
    create_consent,
    create_owner,
    create_pool,
    create_vehicle,
    create_vehicle_state,
    sign_in,
)
from web.public_ids import encode


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
Opener = Callable[..., Page]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def car() -> Vehicle:
    create_pool()
    car = create_vehicle(create_owner("Olivia"))
    create_consent(car)
    create_vehicle_state(car, now=timezone.now(), state_of_charge_permille=310)
    return car


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer, car: Vehicle) -> Iterator[Opener]:
    """
    Give a function that opens an address of Olivia's in a browser of its own.
    """
    contexts: list[BrowserContext] = []

    def open_at(path: str, **options: Any) -> Page:
        session = Client()
        sign_in(session, car.owner)
        context = browser.new_context(**{"viewport": WIDE} | options)
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        cookie = session.cookies[name].value
        context.add_cookies([{"name": name, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.goto(live_server.url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()


def address(car: Vehicle, name: str) -> str:
    return f"/cars/{encode('veh', car.pk)}/{name}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_has_a_barrier_or_a_sideways_scroll(
    open_page: Opener, car: Vehicle, viewport: dict[str, int], scheme: str
) -> None:
    paths = ["/cars/", "/cars/new/", address(car, "rules"), address(car, "history")]
    page = open_page(paths[0], viewport=viewport, color_scheme=scheme)
    base = page.url.removesuffix(paths[0])
    for path in paths:
        page.goto(base + path)
        assert Axe().run(page).response["violations"] == [], path
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], path


def test_grid_is_one_stop_and_paints_by_keyboard(open_page: Opener, car: Vehicle) -> None:
    page = open_page(address(car, "rules"))
    cells = page.locator(".week .cell")
    assert page.locator('.week .cell[tabindex="0"]').count() == 1

    page.locator('.week .cell[tabindex="0"]').focus()
    for key in ("End", "ArrowLeft", "ArrowLeft", "Space", "Shift+ArrowLeft"):
        page.keyboard.press(key)

    # Monday 21:00 was closed and is open now, and so is the hour before it.
    expect(cells.nth(21)).to_be_checked()
    expect(cells.nth(20)).to_be_checked()
    expect(page.locator("#hours-total")).to_have_text("65 of 168 hours allowed")
    # The aside follows, in words.
    expect(page.locator("#summary")).to_contain_text("65")


def test_review_and_confirm_take_effect(open_page: Opener, car: Vehicle) -> None:
    page = open_page(address(car, "rules"))
    page.get_by_label("Battery floor").last.fill("45")
    page.get_by_role("button", name="Review version 2").click()
    expect(page.get_by_role("heading", name="Review your rules")).to_be_visible()
    page.get_by_role("button", name="Confirm version 2").click()

    expect(page.get_by_text("Version 2 of your rules for BX 42 LR is in force.")).to_be_visible()
    assert ConsentVersion.objects.latest("number").battery_stop_pct == 45


def test_without_javascript_it_is_a_form(open_page: Opener, car: Vehicle) -> None:
    page = open_page(address(car, "rules"), java_script_enabled=False)
    page.get_by_text("Type the times, to the quarter-hour").click()
    page.get_by_label("From, line 1").fill("21:45")
    page.get_by_label("To, line 1").fill("06:30")
    page.get_by_label("Start again at").last.fill("30")
    page.get_by_role("button", name="Review version 2").click()

    # The error leads to its field; what was typed is still there.
    page.get_by_role("link", name=re.compile("cannot start again below")).click()
    assert page.url.endswith("#id_battery_resume_pct")
    page.get_by_label("Start again at").last.fill("55")
    page.get_by_role("button", name="Review version 2").click()
    page.get_by_role("button", name="Confirm version 2").click()

    version = ConsentVersion.objects.latest("number")
    assert version.battery_resume_pct == 55
    night = Window((0, 1, 2, 3, 4, 5, 6), 21 * 60 + 45, 6 * 60 + 30)
    assert version.week_mask == mask_from_windows((night,))


def test_pause_and_withdraw_take_one_press(open_page: Opener, car: Vehicle) -> None:
    page = open_page("/cars/")
    page.locator("summary", has_text="Pause").click()
    page.get_by_role("button", name=re.compile("Tonight until")).click()
    expect(page.get_by_text("Paused by you")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The pause is over")).to_be_visible()

    page.goto(page.url.removesuffix("/cars/") + address(car, "rules"))
    page.get_by_role("button", name="Withdraw consent").click()
    expect(page.get_by_text("Your consent is withdrawn.")).to_be_visible()
    assert ConsentVersion.objects.latest("number").state == "withdrawn"
