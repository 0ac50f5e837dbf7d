"""
A moment explained, in a browser: chosen by hand, stepped through, without a barrier.
"""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from consent.rules import ReasonCode
from tests.billing.meters import EVENING, World, create_world, settle_all
from tests.browser.test_records import address, look, open_as
from tests.consent.asking import ask_one, hear, run


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    """
    On Friday at 19:00 the scheduler was told no, for two reasons, and ran a job all the same.
    """
    world = create_world(battery_stop_pct=40, battery_resume_pct=50, energy_wh_per_day_max=9_000)
    hear(world.vehicle, EVENING, state_of_charge_permille=380, plugged_in=False)
    told = ask_one(run(world.vehicle, "j-1"), now=EVENING)
    assert told.codes == (ReasonCode.NOT_PLUGGED_IN, ReasonCode.BATTERY_LOW)
    world.report(
        world.event(job_id="j-1", state_of_charge_min_pct=38.0, plugged_in=False), world.event(2)
    )
    settle_all()
    hear(world.vehicle, timezone.now())
    return world


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, world: World, scheme: str) -> Iterator[Page]:
    page = open_as(browser, live_server, world.olivia, color_scheme=scheme)
    page.goto(live_server.url + "/")
    yield page
    page.context.close()


def test_moments_have_no_barrier(page: Page, world: World, scheme: str) -> None:
    page.get_by_role("link", name="Why?").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Permitted at")
    look(page, "why-now", scheme)

    page.goto(page.url + "?at=2026-11-20T19:05")
    expect(page.get_by_text("This is a breach")).to_be_visible()
    page.get_by_text("where there was nothing to check").click()
    look(page, "why-breach", scheme)
    page.goto(page.url.partition("?")[0] + "?at=2026-10-25T02:30")
    look(page, "why-twice", scheme)
    page.goto(page.url.partition("?")[0] + "?at=2100-01-01T00:00")
    expect(page.get_by_role("alert")).to_contain_text("That is still to come")
    look(page, "why-ahead", scheme)


def test_a_moment_is_chosen_and_stepped_from(page: Page, world: World) -> None:
    page.goto(page.url.rstrip("/") + address(world.vehicle, "why/"))
    page.get_by_label("Day").fill("2026-11-20")
    page.get_by_label("Time").fill("19:20")
    page.get_by_role("button", name="Show this moment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("19:20:00")

    page.get_by_role("link", name="15 minutes earlier").click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("Refused at 19:05:00")
    page.get_by_role("link", name="Battery floor").click()
    expect(page.locator("#battery")).to_be_in_viewport()
    page.go_back()
    page.get_by_role("link", name="Now", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Permitted at")
