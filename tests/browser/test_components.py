"""
The style page in a browser: accessible at both widths in both themes, and the week by keyboard,
by mouse and without JavaScript.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
COUNT_POLLS = (
    "document.body.addEventListener('poll', () => (window.polls = (window.polls || 0) + 1))"
)
SETTLE = "htmx.trigger(document.body, 'htmx:afterSettle')"
Opener = Callable[..., Page]


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opener]:
    """
    Give a function that opens the style page in a browser of the given kind.
    """
    monkeypatch.setattr(settings, "DEMO", True)
    contexts: list[BrowserContext] = []

    def open_it(path: str = "/design/", **kind: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **kind})
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url + path)
        return page

    yield open_it
    for context in contexts:
        context.close()


def find_cell(page: Page, day: int, hour: int) -> Locator:
    return page.locator(".week .cell").nth(day * 24 + hour)


class TestEveryTheme:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
    def test_has_no_barrier(self, open_page: Opener, size: dict[str, int], scheme: str) -> None:
        page = open_page(viewport=size, color_scheme=scheme)

        results = Axe().run(page)

        assert results.violations_count == 0, results.generate_report()

    @pytest.mark.parametrize("path", ["/account/login/", "/account/signup/", "/nothing-here/"])
    def test_nor_have_the_pages_before_signing_in(self, open_page: Opener, path: str) -> None:
        results = Axe().run(open_page(path))

        assert results.violations_count == 0, results.generate_report()

    @pytest.mark.parametrize("width", [320, 390, 720, 1024, 1280])
    def test_never_scrolls_sideways(self, open_page: Opener, width: int) -> None:
        page = open_page(viewport={"width": width, "height": 800})

        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

        assert wider <= 0

    def test_says_nothing_on_the_console(self, open_page: Opener) -> None:
        page = open_page()
        said: list[str] = []

        def keep(message: ConsoleMessage) -> None:
            said.append(message.text)

        page.on("console", keep)
        page.reload()
        page.wait_for_load_state("networkidle")

        assert said == []

    def test_a_choice_of_colours_is_kept(self, open_page: Opener) -> None:
        page = open_page(color_scheme="light")
        page.context.add_cookies([{"name": "theme", "value": "dark", "url": page.url}])
        page.reload()

        paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

        assert paper == "rgb(12, 19, 28)"


class TestWeek:
    def test_is_one_tab_stop(self, open_page: Opener) -> None:
        page = open_page()

        assert page.locator(".week .cell[tabindex='0']").count() == 1

    def test_arrows_move_space_switches_and_shift_paints(self, open_page: Opener) -> None:
        page = open_page()
        find_cell(page, 0, 0).focus()

        for key in ("ArrowDown", "ArrowRight", "Space", "Shift+ArrowRight", "Shift+ArrowRight"):
            page.keyboard.press(key)

        # Tuesday 01:00 was open, so it is closed now, and with it the two hours after.
        assert [find_cell(page, 1, hour).is_checked() for hour in range(5)] == [
            *(True, False, False, False),
            True,
        ]
        expect(find_cell(page, 1, 3)).to_be_focused()

    def test_home_and_end_go_to_the_edges_of_the_day(self, open_page: Opener) -> None:
        page = open_page()
        find_cell(page, 2, 5).focus()

        page.keyboard.press("End")
        expect(find_cell(page, 2, 23)).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(find_cell(page, 2, 0)).to_be_focused()

    def test_a_phone_turns_the_arrows_with_the_grid(self, open_page: Opener) -> None:
        page = open_page(viewport=PHONE)
        find_cell(page, 0, 0).focus()

        page.keyboard.press("ArrowRight")

        expect(find_cell(page, 1, 0)).to_be_focused()

    def test_a_mouse_paints_while_it_is_held(self, open_page: Opener) -> None:
        page = open_page()

        find_cell(page, 6, 8).hover()
        page.mouse.down()
        find_cell(page, 6, 11).hover()
        for hour in (9, 10, 11):
            find_cell(page, 6, hour).hover()
        page.mouse.up()

        assert [find_cell(page, 6, hour).is_checked() for hour in range(7, 13)] == [
            *(False, True, True, True, True),
            False,
        ]

    def test_a_click_switches_once(self, open_page: Opener) -> None:
        page = open_page()

        find_cell(page, 6, 8).click()

        assert find_cell(page, 6, 8).is_checked()

    def test_a_tap_switches_once(self, open_page: Opener) -> None:
        page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)

        find_cell(page, 6, 8).tap()

        assert find_cell(page, 6, 8).is_checked()

    def test_the_name_of_a_day_switches_the_day(self, open_page: Opener) -> None:
        page = open_page()

        page.get_by_role("button", name="Switch all of Sunday").click()

        assert all(find_cell(page, 6, hour).is_checked() for hour in range(24))

    def test_a_chip_fills_the_week_and_the_total_follows(self, open_page: Opener) -> None:
        page = open_page()

        page.get_by_role("button", name="Whole weekend").click()

        expect(page.locator("#week-total")).to_have_text("48 of 168 hours allowed")

    def test_a_partly_open_hour_keeps_its_quarters_until_it_is_changed(
        self, open_page: Opener
    ) -> None:
        page = open_page()
        cell = find_cell(page, 5, 13)

        assert cell.input_value() == "5-13-c"
        cell.click()
        cell.click()

        assert cell.input_value() == "5-13-f"
        assert cell.is_checked()

    def test_without_javascript_every_box_is_a_tab_stop(self, open_page: Opener) -> None:
        page = open_page(java_script_enabled=False)

        assert page.locator(".week .cell[tabindex]").count() == 0
        find_cell(page, 6, 8).click()
        assert find_cell(page, 6, 8).is_checked()


class TestMenu:
    def test_closes_on_escape_and_outside(self, open_page: Opener) -> None:
        page = open_page()
        menu = page.locator(".sign details.menu")

        menu.locator("summary").click()
        page.keyboard.press("Escape")
        expect(menu).not_to_have_attribute("open", "")
        expect(menu.locator("summary")).to_be_focused()

        menu.locator("summary").click()
        page.locator("h2").first.click()
        expect(menu).not_to_have_attribute("open", "")


class TestAccountMenu:
    @pytest.fixture
    def signed_in(self, open_page: Opener, client: Client) -> Page:
        operator = User.objects.create_user(
            "oscar@example.org", display_name="Oscar Operates", staff_role="operator"
        )
        client.force_login(operator)
        page = open_page(color_scheme="light")
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": page.url}]
        )
        page.reload()
        page.get_by_label("Account of Oscar Operates").click()
        return page

    def test_has_no_barrier(self, signed_in: Page) -> None:
        results = Axe().run(signed_in)

        assert results.violations_count == 0, results.generate_report()

    def test_turns_the_colours_at_once_and_keeps_them(self, signed_in: Page) -> None:
        signed_in.get_by_role("button", name="Dark").click()
        expect(signed_in.locator("html")).to_have_attribute("data-theme", "dark")

        signed_in.reload()
        expect(signed_in.locator("html")).to_have_attribute("data-theme", "dark")


class TestLiveParts:
    @pytest.fixture
    def polled(self, open_page: Opener) -> Page:
        page = open_page()
        page.clock.install()
        page.reload()
        page.evaluate(COUNT_POLLS)
        return page

    def test_are_asked_for_every_fifteen_seconds(self, polled: Page) -> None:
        polled.clock.run_for(46_000)

        assert polled.evaluate("window.polls") == 3

    def test_are_read_aloud_only_when_they_say_something_new(self, open_page: Opener) -> None:
        page = open_page()
        page.evaluate(SETTLE)
        expect(page.locator("#voice")).to_have_text("")

        page.locator("#sign-now-title").evaluate("title => (title.textContent = 'Earning')")
        page.evaluate(SETTLE)

        expect(page.locator("#voice")).to_contain_text("Earning")

    def test_rest_while_a_menu_is_open(self, polled: Page) -> None:
        polled.locator(".sign details.menu summary").click()

        polled.clock.run_for(46_000)

        assert polled.evaluate("window.polls") is None


class TestSelectedRows:
    def test_one_box_selects_them_all(self, open_page: Opener) -> None:
        page = open_page()

        page.get_by_role("checkbox", name="Select all 4").check()

        assert page.locator("input[data-row]:checked").count() == 4
        expect(page.locator("[data-count]")).to_have_text("4")


class TestRange:
    def test_the_range_moves_its_number(self, open_page: Opener) -> None:
        page = open_page()

        page.locator("#rule-floor input[type=range]").fill("70")

        expect(page.locator("#id_floor")).to_have_value("70")
