"""
Fiona prepares, Felix approves, Olivia sees it: every page without a barrier, by plain clicks.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import PayoutAttempt, PayoutRun
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_holds import place_hold
from billing.operations.payout_runs import approve_run, calculate_run, submit_run
from tests.billing.people import (
    create_felix,
    create_fiona,
    create_olivia,
    earn,
    set_up_payouts,
)
from tests.factories import create_owner, sign_in
from web.public_ids import encode


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
Opener = Callable[..., Page]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Opener]:
    """
    Give a function that opens a page as somebody in a browser of the given kind.
    """
    contexts: list[BrowserContext] = []

    def open_it(person: User, path: str, **kind: Any) -> Page:
        client = Client()
        sign_in(client, person)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context = browser.new_context(**{"viewport": WIDE, **kind})
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url + path)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def fiona() -> User:
    return create_fiona()


@pytest.fixture
def felix() -> User:
    return create_felix()


@pytest.fixture
def owners(fiona: User) -> list[User]:
    """
    Olivia can be paid; the others are held, below the minimum, or have no account yet.
    """
    olivia, otto, jonas, sofia = (
        create_olivia(),
        *(create_owner(name) for name in ("Otto", "Jonas", "Sofia")),
    )
    for owner in (olivia, otto, sofia):
        set_up_payouts(owner)
    earn(olivia, electricity=9_004_600, wear=2_000_000, reward=3_200_000)
    earn(otto, reward=9_200_000)
    earn(jonas, reward=35_480_000)
    earn(sofia, reward=15_380_000)
    now = timezone.now()
    place_hold(owner_id=sofia.pk, reason="Bank details changed", actor_id=fiona.pk, now=now)
    check_ledger(now=now, with_provider=False)
    return [olivia, otto, jonas, sofia]


@pytest.fixture
def run(owners: list[User], fiona: User) -> PayoutRun:
    now = timezone.now()
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=now)
    return submit_run(run_id=run.pk, actor_id=fiona.pk, now=now)


def look_at(page: Page, *, size: dict[str, int], name: str) -> None:
    keep_picture(page, name)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_of_finance_has_a_barrier_or_scrolls_sideways(
    open_page: Opener,
    run: PayoutRun,
    fiona: User,
    felix: User,
    size: dict[str, int],
    scheme: str,
) -> None:
    paths = (
        "/finance/",
        "/finance/runs/",
        "/finance/runs/held/",
        f"/finance/runs/{encode('run', run.pk)}/",
        "/finance/ledger/",
        "/finance/reports/",
        "/finance/tariffs/",
        "/finance/metering/",
        "/finance/quarantine/",
    )
    for path in paths:
        page = open_page(felix, path, viewport=size, color_scheme=scheme)
        name = f"{path.strip('/').replace('/', '-')[:16]}-{size['width']}-{scheme}"
        look_at(page, size=size, name=name)
    # Whoever prepares runs can choose here, too.
    page = open_page(fiona, "/finance/runs/held/", viewport=size, color_scheme=scheme)
    look_at(page, size=size, name=f"finance-held-{size['width']}-{scheme}")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_of_an_owner_has_a_barrier_or_scrolls_sideways(
    open_page: Opener, run: PayoutRun, felix: User, owners: list[User], size: dict[str, int]
) -> None:
    approve_run(run_id=run.pk, actor_id=felix.pk, checksum=run.checksum, now=timezone.now())
    payout = run.payouts.get(state="created")
    for path in ("/payouts/", f"/payouts/{encode('pay', payout.pk)}/"):
        page = open_page(owners[0], path, viewport=size)
        look_at(page, size=size, name=f"{path.strip('/')[:9].replace('/', '-')}-{size['width']}")


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "plain"])
def test_one_prepares_and_another_approves(
    open_page: Opener, owners: list[User], fiona: User, felix: User, *, has_script: bool
) -> None:
    mine = open_page(fiona, "/finance/", java_script_enabled=has_script)
    mine.get_by_role("button", name="Work out a run").click()
    mine.get_by_role("button", name="Submit for approval").click()
    expect(mine.get_by_text("someone else has to approve it")).to_be_visible()
    expect(mine.get_by_role("button", name="Approve and send")).to_have_count(0)

    theirs = open_page(felix, "/finance/", java_script_enabled=has_script)
    theirs.get_by_role("link", name="Look and approve").click()
    theirs.get_by_label("I have looked at the lines").check()
    theirs.get_by_role("button", name="Approve and send").click()

    expect(theirs.get_by_text("Approved. The payouts are on their way.")).to_be_visible()
    assert PayoutAttempt.objects.get().request["amount"] == 1420


def test_search_narrows_the_lines_in_place(open_page: Opener, run: PayoutRun, felix: User) -> None:
    page = open_page(felix, f"/finance/runs/{encode('run', run.pk)}/")

    page.get_by_role("searchbox", name="Search owners").fill("oliv")

    expect(page.locator("#lines tbody tr")).to_have_count(1)
    expect(page.locator("#lines")).to_contain_text("Olivia")


def test_chosen_owners_are_held(open_page: Opener, owners: list[User], fiona: User) -> None:
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=timezone.now())
    page = open_page(fiona, f"/finance/runs/{encode('run', run.pk)}/")

    page.get_by_label("Select Olivia").check()
    page.get_by_label("Reason").fill("Asked by phone")
    page.get_by_role("button", name="Hold with this reason").click()

    expect(page.get_by_text("1 owner is held back.")).to_be_visible()


def keep_picture(page: Page, name: str) -> None:
    """
    Save what the page looks like where SCREENSHOTS names a folder.
    """
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
