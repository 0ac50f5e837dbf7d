"""
Olivia sets her rules in a browser: by keyboard, without JavaScript, and without a barrier.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from consent.models import ConsentVersion, ProfileVersion, Vehicle
from consent.rules import DateException, Gate, Grace, ReadyBy, Window, mask_from_windows
from consent.rules.parts import FIXED_PARTS, PARTS
from tests.factories import (
    NIGHTLY_RULES,
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
# Rules with lines of every kind.
SPOKEN: dict[str, Any] = {
    "exceptions": tuple(
        DateException(
            (timezone.now() + timedelta(days=days)).date(),
            is_open=days == 20,
            starts_minute=9 * 60,
            ends_minute=12 * 60,
        )
        for days in (10, 11, 20)
    ),
    "ready_by": (ReadyBy((0, 1, 2, 3, 4), 450, 80),),
    "quiet_windows": NIGHTLY_RULES.windows,
    "quiet_power_limit_w": 400,
    "grace": (Grace(Gate.HOURS, 15),),
}
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
    paths += ["/cars/defaults/"]
    create_consent(car, **SPOKEN)
    page = open_page(paths[0], viewport=viewport, color_scheme=scheme)
    base = page.url.removesuffix(paths[0])
    for path in paths:
        page.goto(base + path)
        assert Axe().run(page).response["violations"] == [], path
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], path


class TestGrid:
    def test_is_one_stop_and_paints_by_keyboard(self, open_page: Opener, car: Vehicle) -> None:
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
        expect(page.locator("#summary")).to_contain_text("65 hours a week")

    def test_arrows_go_round_and_a_day_is_switched_whole(
        self, open_page: Opener, car: Vehicle
    ) -> None:
        page = open_page(address(car, "rules"))
        cells = page.locator(".week .cell")

        cells.nth(0).focus()
        page.keyboard.press("ArrowUp")
        expect(cells.nth(6 * 24)).to_be_focused()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowLeft")
        expect(cells.nth(6 * 24 + 23)).to_be_focused()

        page.get_by_role("button", name="Switch all of Monday").press("Enter")
        expect(page.locator("#hours-total")).to_have_text("78 of 168 hours allowed")

    def test_a_mouse_drags(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        cells = page.locator(".week .cell")
        cells.nth(24 + 9).hover()
        page.mouse.down()
        for cell in (24 + 10, 24 + 11, 48 + 11):
            cells.nth(cell).hover()
        page.mouse.up()

        for cell in (24 + 9, 24 + 10, 24 + 11, 48 + 11):
            expect(cells.nth(cell)).to_be_checked()
        expect(cells.nth(48 + 10)).not_to_be_checked()
        expect(page.locator("#hours-total")).to_have_text("67 of 168 hours allowed")

    def test_a_finger_taps_and_scrolls(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"), viewport=PHONE, has_touch=True, is_mobile=True)
        cells = page.locator(".week .cell")
        cells.nth(12).tap()
        expect(cells.nth(12)).to_be_checked()
        expect(page.locator("#hours-total")).to_have_text("64 of 168 hours allowed")

        # A finger that moves over the grid scrolls the page and paints nothing.
        box = cells.nth(10).bounding_box()
        assert box is not None
        session = page.context.new_cdp_session(page)
        session.send(
            "Input.synthesizeScrollGesture",
            {"x": box["x"] + 5, "y": box["y"] + 5, "yDistance": -200},
        )
        assert page.evaluate("scrollY") > 100
        expect(page.locator("#hours-total")).to_have_text("64 of 168 hours allowed")

    def test_presets_fill_the_week(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        page.get_by_role("button", name="Whole weekend").click()
        expect(page.locator("#hours-total")).to_have_text("48 of 168 hours allowed")

    def test_hours_that_charging_needs_are_hatched(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        assert page.locator(".cell.reserved").count() == 0

        page.get_by_label("Ready to drive").check()

        # From 50 to 80 % with an hour to spare: 23:30 to 07:00 before each of five days.
        expect(page.locator(".cell.reserved")).to_have_count(5 * 8)
        expect(page.locator("#summary")).to_contain_text("Charging takes most of these hours.")
        expect(page.locator(".week .cell").nth(5)).to_have_accessible_name(
            re.compile("kept for charging")
        )


class TestEditor:
    def test_review_and_confirm_take_effect(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        page.get_by_label("Battery floor").last.fill("45")
        page.get_by_role("button", name="Review and save version 2").click()
        expect(page.get_by_role("heading", name="Review your rules")).to_be_visible()
        page.get_by_role("button", name="Confirm version 2").click()

        done = page.get_by_text("Version 2 of your rules for BX 42 LR is in force.")
        expect(done).to_be_visible()
        assert ConsentVersion.objects.latest("number").battery_stop_pct == 45

    def test_enter_in_a_field_reviews(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        page.get_by_label("Battery floor").last.fill("45")
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="Review your rules")).to_be_visible()

    def test_a_limit_that_is_typed_is_meant(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        switch = page.get_by_role("switch", name="Limit: Mobile data a month")
        expect(switch).not_to_be_checked()

        page.get_by_label("Mobile data a month", exact=True).fill("3")

        expect(switch).to_be_checked()

    def test_a_rule_that_is_switched_off_keeps_its_values(
        self, open_page: Opener, car: Vehicle
    ) -> None:
        page = open_page(address(car, "rules"))
        energy = page.get_by_role("switch", name="Limit: Energy a month")
        page.get_by_label("Energy a month", exact=True).fill("42.5")
        expect(energy).to_be_checked()
        energy.uncheck()
        page.get_by_label("Ready to drive").uncheck()
        page.get_by_label("Level in percent, line 1").fill("65")
        page.get_by_label("Ready by, line 1", exact=True).fill("06:15")
        page.get_by_role("button", name="Review and save version 2").click()
        page.get_by_role("button", name="Confirm version 2").click()
        expect(page.get_by_text("Version 2 of your rules")).to_be_visible()
        page.reload()

        expect(energy).not_to_be_checked()
        expect(page.get_by_label("Energy a month", exact=True)).to_have_value("42.5")
        expect(page.get_by_label("Ready to drive")).not_to_be_checked()
        expect(page.get_by_label("Level in percent, line 1")).to_have_value("65")
        expect(page.get_by_label("Ready by, line 1", exact=True)).to_have_value("06:15")
        version = ConsentVersion.objects.latest("number")
        assert (version.energy_wh_per_month_max, version.ready_by) == (None, [])

    def test_typed_quarter_hours_are_saved(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        page.get_by_text("Type the times, to the quarter-hour").click()
        page.get_by_label("From, line 1", exact=True).first.fill("22:15")
        page.get_by_role("button", name="Review and save version 2").click()
        page.get_by_role("button", name="Confirm version 2").click()

        expect(page.get_by_text("Version 2 of your rules")).to_be_visible()
        expect(page.locator("#hours-total")).to_have_text("61.25 of 168 hours allowed")
        expect(page.locator(".week .cell").nth(22)).to_have_accessible_name(
            "Monday 22:00\N{EN DASH}23:00, only 22:15\N{EN DASH}23:00"
        )

    def test_lines_come_and_go_without_leaving_the_page(
        self, open_page: Opener, car: Vehicle
    ) -> None:
        page = open_page(address(car, "rules"))
        day = (timezone.now() + timedelta(days=30)).date().isoformat()
        page.get_by_label("Battery floor").last.fill("45")
        page.get_by_label("Date 1", exact=True).fill(day)
        page.get_by_role("button", name="Add a date").click()
        expect(page.get_by_label("Date 2", exact=True)).to_be_visible()
        expect(page.get_by_label("Kind of date 2")).to_be_focused()
        page.get_by_role("button", name="Remove date 1").press("Enter")

        expect(page.get_by_label("Date 2", exact=True)).to_have_count(0)
        expect(page.get_by_role("button", name="Add a date")).to_be_focused()
        expect(page.get_by_label("Date 1", exact=True)).to_have_value("")
        # What was typed elsewhere is still there.
        expect(page.get_by_label("Battery floor").last).to_have_value("45")

    def test_works_without_javascript(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"), java_script_enabled=False)
        page.locator(".week .cell").nth(12).check()
        page.get_by_role("button", name="Add a line").nth(1).click()
        expect(page.get_by_role("heading", name="Consent rules")).to_be_visible()
        expect(page.locator(".week .cell").nth(12)).to_be_checked()

        day = (timezone.now() + timedelta(days=30)).date().isoformat()
        page.get_by_label("Date 1", exact=True).fill(day)
        later = (timezone.now() + timedelta(days=40)).date().isoformat()
        page.get_by_role("button", name="Add a date").click()
        expect(page.get_by_label("Date 1", exact=True)).to_have_value(day)
        page.get_by_label("Date 2", exact=True).fill(later)
        page.get_by_label("Public holidays").select_option(label="Norway")
        page.locator("#id_battery_resume_pct").fill("30")
        page.get_by_role("button", name="Review and save version 2").click()

        # The error leads to its field; what was typed is still there.
        page.get_by_role("link", name=re.compile("cannot start again below")).click()
        assert page.url.endswith("#id_battery_resume_pct")
        page.locator("#id_battery_resume_pct").fill("55")
        page.get_by_role("button", name="Review and save version 2").click()
        page.get_by_role("button", name="Confirm version 2").click()

        version = ConsentVersion.objects.latest("number")
        assert (version.battery_resume_pct, version.holiday_country) == (55, "NO")
        assert version.exceptions == [{"date": each, "open": False} for each in (day, later)]
        noon = Window((0,), 12 * 60, 13 * 60)
        assert version.week_mask == mask_from_windows((*NIGHTLY_RULES.windows, noon))

    def test_two_tabs_are_merged(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        page.get_by_label("Battery floor").last.fill("45")
        create_consent(car, battery_stop_pct=42, now=timezone.now())
        page.get_by_role("button", name="Review and save version 2").click()

        expect(page.get_by_role("heading", name="The rules changed meanwhile")).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        page.get_by_role("radio", name=re.compile("Your draft")).check()
        page.get_by_role("button", name="Review what was chosen").click()
        assert Axe().run(page).response["violations"] == []
        page.get_by_role("button", name="Confirm version 3").click()

        expect(page.get_by_text("Version 3 of your rules")).to_be_visible()
        assert ConsentVersion.objects.latest("number").battery_stop_pct == 45

    def test_a_reason_leads_to_the_row_of_its_rule(self, open_page: Opener, car: Vehicle) -> None:
        page = open_page(address(car, "rules"))
        for part in (*PARTS, *FIXED_PARTS):
            assert page.locator(f"#{part}").count() == 1, part
        for part in PARTS:
            assert page.locator(f"#cost-{part}").count() == 1, part


def test_cars_follow_the_defaults(open_page: Opener, car: Vehicle) -> None:
    page = open_page("/cars/")
    page.get_by_role("link", name="Defaults for all cars").click()
    page.get_by_role("button", name="Review version 1 of the defaults").click()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Confirm the defaults").click()
    page.get_by_role("link", name="Change the rules").click()
    page.get_by_label("Follows my defaults").check()
    page.get_by_label("Battery floor").last.fill("45")
    page.get_by_role("button", name="Review and save version 2").click()
    page.get_by_role("button", name="Confirm version 2").click()

    expect(page.locator("#battery").get_by_text("this car", exact=True)).to_be_visible()
    expect(page.locator("#hours").get_by_text("from your defaults")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    version = ConsentVersion.objects.latest("number")
    assert (version.profile_number, version.own_fields) == (1, ["battery"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_defaults_of_two_tabs_are_merged(open_page: Opener, car: Vehicle, scheme: str) -> None:
    page = open_page("/cars/defaults/", color_scheme=scheme)
    other = page.context.new_page()
    for tab, floor in ((other, "42"), (page, "45")):
        tab.goto(page.url)
        tab.get_by_label("Battery floor").last.fill(floor)
    other.get_by_role("button", name="Review version 1 of the defaults").click()
    other.get_by_role("button", name="Confirm the defaults").click()
    expect(other.get_by_text("Your defaults are saved, version 1")).to_be_visible()
    page.get_by_role("button", name="Review version 1 of the defaults").click()

    expect(page.get_by_role("heading", name="Your defaults changed meanwhile")).to_be_visible()
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_role("radio", name=re.compile("Your draft")).check()
    page.get_by_role("button", name="Review what was chosen").click()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Confirm the defaults").click()

    expect(page.get_by_text("Your defaults are saved, version 2")).to_be_visible()
    assert ProfileVersion.objects.latest("number").rules["battery_stop_pct"] == 45


def test_pause_and_withdraw_take_one_press(open_page: Opener, car: Vehicle) -> None:
    page = open_page("/cars/")
    page.locator("summary", has_text="Pause").click()
    page.get_by_role("button", name=re.compile("Tonight until")).click()
    expect(page.get_by_text("Paused by you")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Paused by you")).to_have_count(0)
    page.locator("summary", has_text="Pause").click()
    page.get_by_role("button", name=re.compile("Until I resume")).click()
    expect(page.get_by_text("Paused by you")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The pause is over")).to_be_visible()

    page.goto(page.url.removesuffix("/cars/") + address(car, "rules"))
    page.get_by_role("button", name="Withdraw consent").click()
    expect(page.get_by_text("Your consent is withdrawn.")).to_be_visible()
    assert ConsentVersion.objects.latest("number").state == "withdrawn"
