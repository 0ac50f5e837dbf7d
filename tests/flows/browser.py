"""
A person at a browser: pages opened, looked at for barriers and kept as pictures.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories import sign_in


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PICTURES = Path(settings.BASE_DIR) / "var" / "screenshots"
TIMEOUT_MS = 15_000


@dataclass(frozen=True)
class Person:
    """
    Somebody with a browser of their own; `look` examines the page at both widths.
    """

    name: str
    page: Page
    base_url: str
    faults: list[str]

    def go(self, path: str) -> None:
        self.page.goto(self.base_url + path)

    def click(self, name: str, *, role: str = "button") -> None:
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def look(self, name: str) -> None:
        """
        Keep a picture, and note what axe finds and a page too wide for its screen.
        """
        for size in (PHONE, WIDE):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            PICTURES.mkdir(parents=True, exist_ok=True)
            picture = PICTURES / f"{self.name}-{name}-{size['width']}.png"
            self.page.screenshot(path=picture, full_page=True)
            results = Axe().run(self.page)
            if results.violations_count:
                self.faults.append(f"{picture.stem}: {results.generate_report()}")
            if self.page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                self.faults.append(f"{picture.stem} is too wide")

    @property
    def text(self) -> str:
        return self.page.locator("main").inner_text()


@dataclass
class Room:
    """
    Where people sit down at browsers; `faults` are those of every page they looked at.
    """

    browser: Browser
    server: LiveServer
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def seat(self, name: str, *, user: User | None = None, is_fresh: bool = True) -> Person:
        """
        Give somebody a browser, signed in when the person is known already.
        """
        context = self.browser.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        self.contexts.append(context)
        if user is not None:
            client = Client()
            sign_in(client, user, is_fresh=is_fresh)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.server.url}]
            )
        page = context.new_page()
        page.on("console", self._hear)
        page.on("response", self._receive)
        return Person(name, page, self.server.url, self.faults)

    def _hear(self, message: ConsoleMessage) -> None:
        # Pages of the stand-in are not ours.
        if message.type == "error" and message.location["url"].startswith(self.server.url):
            self.faults.append(f"the console says: {message.text}")

    def _receive(self, response: Response) -> None:
        is_ours = response.url.startswith(self.server.url)
        if is_ours and response.status >= HTTPStatus.BAD_REQUEST:
            self.faults.append(f"{response.url} answers {response.status}")

    def clear(self) -> None:
        for context in self.contexts:
            context.close()
