"""
The pictures of the README, taken from a running demo.
"""

import argparse
import os
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo.files import read_demo


HOME = Path("docs") / "images" / "home.png"
SIZE = {"width": 1280, "height": 1240}
BYTES_MAX = 300_000
TIMEOUT_MS = 20_000


class Command(BaseCommand):
    help = "Take the README's picture of an owner's home from the demo that runs now."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--url", help="of the demo; else what var/demo.json says")

    def handle(self, *args: object, url: str | None, **options: object) -> None:
        demo = read_demo()
        if not demo:
            message = "var/demo.json is not there: start the demo first (python3 manage.py up)"
            raise CommandError(message)
        owner = next(person for person in demo["people"] if person["role"] == "owner")
        picture = settings.BASE_DIR / HOME
        picture.parent.mkdir(parents=True, exist_ok=True)
        take_home(url=url or demo["url"], owner=owner, picture=picture)
        size = picture.stat().st_size
        if size > BYTES_MAX:
            message = f"{HOME} has {size:,} bytes, more than {BYTES_MAX:,}"
            raise CommandError(message)
        self.stdout.write(f"{HOME}: {size:,} bytes")


def take_home(*, url: str, owner: dict[str, Any], picture: Path) -> None:
    """
    Sign the owner in and keep the home page as it looks on a light desk.

    Playwright belongs to the developers' tools, so it is imported here only.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - see above

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"{url}/account/login/?next=/")
        page.get_by_label("Email", exact=True).fill(owner["email"])
        page.get_by_label("Password", exact=True).fill(owner["password"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{url}/")
        # Once more, without the message that the sign-in left.
        page.goto(f"{url}/")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=picture)
        browser.close()
