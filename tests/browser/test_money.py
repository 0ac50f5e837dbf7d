"""
What a draft earns and each rule costs, in a browser: while it changes, as a page, night by night.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer
from time_machine import travel

from portal.past.facts import forget_facts
from tests.billing.meters import NOON, World
from tests.factories import sign_in
from tests.portal.nights import NIGHTS, address, create_nights


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[World]:
    """
    Olivia's car after ten nights of work, at noon of the day after.
    """
    forget_facts()
    world = create_nights()
    with travel(NOON):
        yield world


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, world: World) -> Iterator[Page]:
    page = seat(browser, live_server, world)
    yield page
    page.context.close()


def seat(browser: Browser, live_server: LiveServer, world: World, **options: Any) -> Page:
    """
    Return an empty page of a browser in which Olivia has signed in.
    """
    session = Client()
    sign_in(session, world.olivia)
    cookie = session.cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(**{"viewport": WIDE, "base_url": live_server.url} | options)
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return context.new_page()


def look(page: Page) -> None:
    """
    Examine a page at both widths, in a theme each.
    """
    for size, scheme in ((WIDE, "light"), (PHONE, "dark")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert Axe().run(page).response["violations"] == [], scheme
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], scheme


def test_the_editor_says_what_a_draft_earns_and_each_rule_costs(page: Page, world: World) -> None:
    page.goto(address(world, "rules"))
    preview = page.locator("#preview")
    expect(preview).to_contain_text("€4.87")
    expect(preview).to_contain_text(re.compile(r"Most months between €\d.* and €\d"))
    expect(preview.locator(".funnel dt")).to_have_text(
        ["Allowed", "Plugged in", "Above the floor", "Has work"]
    )
    expect(page.locator(".week .worth[data-level]")).to_have_count(24)
    expect(page.locator("#cost-battery")).to_contain_text("Costs you nothing at present")

    # The car stood at 70 %: nothing is left of its nights.
    page.locator("#id_battery_resume_pct").fill("75")
    page.locator("#id_battery_stop_pct").fill("71")
    page.locator("#id_battery_stop_pct").blur()

    expect(preview).to_contain_text("€4.87 less than now")
    expect(page.locator("#voice")).to_contain_text("€4.87 less than now")
    expect(page.locator("#cost-battery")).to_contain_text("Costs you about €4.87 a month")
    expect(page.locator("#savebar-net")).to_contain_text("a month")
    expect(page.locator("#savebar-more")).to_have_text(re.compile(r"h a week, .€4.87"))
    expect(preview.locator(".suggestions li").first).to_contain_text("+€4.87")
    look(page)

    # Nothing can be told of a draft that cannot be read: what stood before stays, and once.
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.locator("#id_battery_resume_pct").fill("20")
    page.locator("#id_battery_resume_pct").blur()
    expect(page.get_by_text("needs another look").locator("visible=true")).to_have_count(1)


def test_the_way_back_leads_to_the_figures_of_the_draft_that_was_left(
    page: Page, world: World
) -> None:
    page.goto(address(world, "rules"))
    expect(page.locator("#preview")).to_contain_text("€4.87")
    page.locator("#id_battery_resume_pct").fill("75")
    page.locator("#id_battery_stop_pct").fill("71")
    page.get_by_role("button", name="Every night").click()
    page.goto("/cars/")

    page.go_back()

    expect(page.locator("#id_battery_stop_pct")).to_have_value("71")
    expect(page.locator("#hours-total")).to_have_text("63 of 168 hours allowed")
    expect(page.locator("#preview")).to_contain_text("€4.87 less than now")


def test_the_review_says_what_the_draft_changes(page: Page, world: World) -> None:
    page.goto(address(world, "rules"))
    page.get_by_label("Battery floor").last.fill("45")
    page.get_by_role("button", name="Review and save version 2").click()

    expect(page.locator("#preview")).to_contain_text("as much as now")
    look(page)


def test_without_javascript_the_month_and_the_nights_are_pages(
    browser: Browser, live_server: LiveServer, world: World
) -> None:
    page = seat(browser, live_server, world, java_script_enabled=False)
    page.goto(address(world, "rules"))
    page.get_by_role("switch", name="Limit: Power", exact=True).check()
    page.locator("#id_power_limit_w").fill("100")
    page.get_by_role("button", name="Show what this would earn").click()

    expect(page.get_by_role("heading", name="A usual month", level=1)).to_be_visible()
    expect(page.locator("dl.costs")).to_contain_text("Power")
    page.get_by_role("button", name="Replay my last 30 nights").click()
    expect(page.locator("tbody tr")).to_have_count(NIGHTS)
    page.get_by_role("button", name="Change something").click()
    expect(page.locator("#id_power_limit_w")).to_have_value("100")
    page.get_by_role("button", name="Review and save version 2").click()
    expect(page.get_by_role("heading", name="Review your rules")).to_be_visible()
    page.context.close()


def test_the_months_page_has_no_barrier(page: Page, world: World) -> None:
    page.goto(address(world, "rules/preview"))
    look(page)


def test_a_replay_says_that_it_runs_and_then_its_nights(page: Page, world: World) -> None:
    held: list[Route] = []
    page.goto(address(world, "replay"))
    expect(page.locator("tbody tr")).to_have_count(NIGHTS)
    expect(page.get_by_text("Replaying…")).not_to_be_visible()

    page.route("**/replay/?days=90", lambda route: held.append(route))  # noqa: PLW0108 - a method cannot be marked
    page.get_by_role("link", name="90 nights").click()
    expect(page.get_by_text("Replaying…")).to_be_visible()
    held[0].continue_()

    expect(page.get_by_text("Replaying…")).not_to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(NIGHTS)
    look(page)
