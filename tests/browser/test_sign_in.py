"""
Signing in with a passkey, and the pages around it, in a browser with a virtual authenticator.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories import PASSWORD, create_organization, create_person


pytestmark = pytest.mark.django_db(transaction=True)
WIDTHS = (1280, 390)


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.context.set_default_timeout(15_000)
    yield page
    context.close()


@pytest.fixture
def ben() -> User:
    person: User = create_organization().memberships.get().user
    return person


def add_authenticator(page: Page) -> None:
    """
    Give the browser a platform authenticator that always says yes.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_in(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/account/login/")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


class TestPasskey:
    def test_is_added_and_then_signs_in(
        self, page: Page, live_server: LiveServer, ben: User
    ) -> None:
        add_authenticator(page)
        sign_in(page, live_server.url, ben.email)
        page.goto(f"{live_server.url}/account/2fa/webauthn/add/")
        if "reauthenticate" in page.url:
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Go on").click()
        page.get_by_label("Passwordless").check()
        page.get_by_role("button", name="Add").click()
        page.wait_for_url("**/recovery-codes/**")

        page.context.clear_cookies()
        page.goto(f"{live_server.url}/account/login/")
        page.get_by_role("button", name="Use a passkey").click()

        page.wait_for_url("**/buy/")

    def test_says_so_when_the_browser_refuses(self, page: Page, live_server: LiveServer) -> None:
        page.add_init_script(
            "navigator.credentials.get = () => Promise.reject(new Error('cancelled'))"
        )
        page.goto(f"{live_server.url}/account/login/")

        page.get_by_role("button", name="Use a passkey").click()

        expect(page.get_by_role("alert")).to_contain_text("was not used")


class TestPages:
    @pytest.mark.parametrize("width", WIDTHS)
    def test_are_accessible_and_fit_the_screen(
        self, page: Page, live_server: LiveServer, ben: User, width: int
    ) -> None:
        page.set_viewport_size({"width": width, "height": 844})
        for path in ("/account/login/", "/account/signup/", "/account/password/reset/"):
            check_page(page, live_server.url + path)
        sign_in(page, live_server.url, ben.email)
        for path in (
            "/settings/",
            "/buy/team/",
            "/buy/developers/",
            "/account/2fa/",
            "/account/email/",
            "/account/password/change/",
        ):
            check_page(page, live_server.url + path)

    @pytest.mark.parametrize("width", WIDTHS)
    def test_of_operators_too(
        self, page: Page, live_server: LiveServer, settings: Any, width: int
    ) -> None:
        settings.DEMO = True
        oscar = create_person("Oscar", staff_role="operator")
        page.set_viewport_size({"width": width, "height": 844})
        sign_in(page, live_server.url, oscar.email)
        for path in ("/operations/limits/", "/operations/keys/", "/mail/"):
            check_page(page, live_server.url + path)


def check_page(page: Page, url: str) -> None:
    """
    Look for faults that axe finds, errors in the console and anything wider than the screen.
    """
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    page.goto(url)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), url
    assert faults == [], url
