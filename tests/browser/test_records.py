"""
Olivia's records in a browser: at both widths and in both themes, without a barrier.
"""

import os
import re
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

from accounts.models import Outbox, User
from consent.models import Vehicle
from consent.operations import publish_notice
from consent.rules import Window
from tests.billing.meters import create_world, settle_all
from tests.factories import (
    create_consent,
    create_owner,
    create_person,
    create_pool,
    create_vehicle,
    create_vehicle_state,
    sign_in,
)
from web.public_ids import encode


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Where pictures of every page looked at are left, when somebody wants to see them.
PICTURES = os.environ.get("PARADO_PICTURES")
Opener = Callable[..., Page]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def car() -> Vehicle:
    create_pool()
    car = create_vehicle(create_owner("Olivia"))
    create_consent(car)
    create_consent(car, now=timezone.now(), battery_stop_pct=45)
    create_vehicle_state(car, now=timezone.now(), state_of_charge_permille=620)
    return car


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer, car: Vehicle) -> Iterator[Opener]:
    """
    Give a function that opens an address for somebody, Olivia if nobody is named.
    """
    contexts: list[BrowserContext] = []

    def open_at(path: str, *, user: User | None = None, **options: Any) -> Page:
        page = open_as(browser, live_server, user or car.owner, **options)
        contexts.append(page.context)
        page.goto(live_server.url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()


def open_as(browser: Browser, live_server: LiveServer, user: User, **options: Any) -> Page:
    """
    Return an empty page of a browser in which somebody has signed in.
    """
    session = Client()
    sign_in(session, user)
    context = browser.new_context(**{"viewport": WIDE} | options)
    name = settings.SESSION_COOKIE_NAME
    cookie = session.cookies[name].value
    context.add_cookies([{"name": name, "value": cookie, "url": live_server.url}])
    return context.new_page()


def address(car: Vehicle, name: str) -> str:
    return f"/cars/{encode('veh', car.pk)}/{name}"


def look(page: Page, name: str, scheme: str) -> None:
    """
    Examine a page at both widths, and keep pictures where somebody asked for them.
    """
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        if PICTURES:
            page.screenshot(
                path=Path(PICTURES) / f"{name}-{size['width']}-{scheme}.png", full_page=True
            )
        assert Axe().run(page).response["violations"] == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_history_has_a_barrier(open_page: Opener, car: Vehicle, scheme: str) -> None:
    page = open_page("/cars/", color_scheme=scheme)
    base = page.url.removesuffix("/cars/")
    for name in ("history/", "history/compare/", "rules/?from=1"):
        page.goto(base + address(car, name))
        look(page, name.partition("?")[0].strip("/").replace("/", "-"), scheme)


def test_two_versions_are_chosen_and_compared(open_page: Opener, car: Vehicle) -> None:
    page = open_page(address(car, "history/"))
    page.locator("select[name=first]").select_option("2")
    page.locator("select[name=second]").select_option("1")
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", name="Versions 2 and 1")).to_be_visible()
    expect(page.get_by_text("1 rule differs")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_agreeing_again_has_no_barrier(open_page: Opener, car: Vehicle, scheme: str) -> None:
    now = timezone.now()
    publish_notice(
        version="2027-03",
        texts={
            "en": "Your car works for buyers through Parado.\n\n- You are paid first.\n- New: we"
            " tell you before a night begins what it may earn.\n"
        },
        agree_by=now + timedelta(days=30),
        now=now,
    )
    page = open_page("/cars/", color_scheme=scheme)
    look(page, "cars-ends-soon", scheme)
    page.get_by_role("link", name="Agree again").click()
    look(page, "renew", scheme)
    page.get_by_role("button", name="Agree again as version 3").click()

    expect(page.get_by_text("You agreed again: version 3")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pausing_and_withdrawing_have_no_barrier(
    open_page: Opener, car: Vehicle, scheme: str
) -> None:
    page = open_page("/cars/", color_scheme=scheme)
    page.locator("summary", has_text="Pause").click()
    look(page, "cars-pause-menu", scheme)
    page.get_by_role("button", name=re.compile("Skip the next night")).click()
    look(page, "cars-skipped", scheme)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    page.goto(page.url.removesuffix("cars/"))
    page.locator("summary", has_text="Pause").click()
    look(page, "home-pause-menu", scheme)
    page.get_by_label("may finish first").check()
    page.get_by_role("button", name=re.compile("For an hour until")).click()
    expect(page.get_by_text("Work that runs may finish")).to_be_visible()
    look(page, "home-paused", scheme)

    page.goto(page.url.partition("?")[0] + address(car, "withdraw/").removeprefix("/"))
    look(page, "withdraw", scheme)
    page.get_by_role("button", name="Withdraw consent now").click()
    expect(page.get_by_text("Your consent is withdrawn.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_breaches_have_no_barrier(browser: Browser, live_server: LiveServer, scheme: str) -> None:
    world = create_world(windows=(Window((0, 1, 2, 3, 4, 5, 6), 12 * 60, 19 * 60 + 30),))
    world.report(world.event(), world.event(2), world.event(3, plugged_in=False))
    settle_all()
    page = open_as(browser, live_server, world.olivia, color_scheme=scheme)
    page.goto(live_server.url + "/breaches/")
    look(page, "breaches", scheme)
    page.goto(live_server.url + "/breaches/?until=20260901T000000Z")
    look(page, "breaches-empty", scheme)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_car_changes_hands_without_a_barrier(
    open_page: Opener, car: Vehicle, scheme: str
) -> None:
    nina = create_person("Nina")
    page = open_page(address(car, "transfer/"), color_scheme=scheme)
    look(page, "transfer", scheme)
    page.get_by_label("E-mail address of the new owner").fill("nina@example.com")
    page.get_by_role("button", name="Offer the car").click()
    expect(page.get_by_text("You offered it to")).to_be_visible()
    look(page, "transfer-offered", scheme)

    text = Outbox.objects.get().payload["text"]
    [path] = re.findall(r"(/offers/[^/]+/)", text)
    hers = open_page(path, user=nina, color_scheme=scheme)
    look(hers, "offer", scheme)
    hers.get_by_label("Number plate").fill("NN 10 AA")
    hers.get_by_label("What you call it").fill("Mine")
    hers.get_by_role("button", name="Take the car over").click()
    expect(hers.get_by_text("NN 10 AA is yours.")).to_be_visible()

    page.goto(page.url.partition("/cars/")[0] + "/cars/")
    expect(page.get_by_text("Cars you had")).to_be_visible()
    look(page, "cars-had", scheme)
    page.goto(page.url + address(car, "history/").removeprefix("/cars/"))
    look(page, "history-gone", scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_asking_to_be_erased_has_no_barrier(
    browser: Browser, live_server: LiveServer, scheme: str
) -> None:
    world = create_world()
    world.report(world.event())
    settle_all()
    page = open_as(browser, live_server, world.olivia, color_scheme=scheme)
    page.goto(live_server.url + "/settings/")
    look(page, "settings", scheme)
    page.get_by_role("link", name="Erase my account").click()
    look(page, "erasure", scheme)
    page.get_by_label("I understand that my cars stop at once").check()
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_text("We have noted it.")).to_be_visible()
    look(page, "erasure-asked", scheme)
    page.get_by_role("button", name="Keep my account after all").click()
    expect(page.get_by_text("Your account stays.")).to_be_visible()
    page.context.close()
