"""
The main job as its people live it, in a browser: consent, booking, metered work, money out.

Every step happens at its own moment of one week; the cars' sessions and the requests that
they answer are rows of the published data sets.
"""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from time_machine import travel

from accounts.operations import send_due_mail
from billing.models import MICROS_PER_CENT, Outcome, Payout, PayoutRun, RatedLine
from billing.operations.ledger_checks import check_ledger
from billing.tasks import STEPS, run_step
from consent.models import Vehicle
from marketplace.models import Booking, Pool
from simulator.scheduler.__main__ import main as run_scheduler
from simulator.scheduler.client import Client as SchedulerClient
from simulator.stripe.context import Options
from tests.billing.meters import create_regional_tariff
from tests.billing.people import create_felix, create_fiona
from tests.browser.conftest import CHROMIUM, browser_type_launch_args
from tests.factories import PASSWORD, create_api_key, create_capacity, create_pool
from tests.flows.browser import Person, Room
from tests.stripe_stand_in import StandIn, run_stand_in
from web.public_ids import encode


__all__ = ["browser_type_launch_args"]

pytestmark = [
    pytest.mark.flow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.django_db(transaction=True),
]

# A week in November: people agree on Monday, the car works at night, money is out the next week.
MONDAY = datetime(2026, 11, 16, 11, 5, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
PAYDAY = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
RESIDENT = "AdO3-2"
# Other tests on the same server hold back every feed while their transactions are open.
FEED_TIMEOUT_S = 120.0


@pytest.fixture
def room(browser: Browser, live_server: LiveServer) -> Iterator[Room]:
    room = Room(browser, live_server)
    yield room
    room.clear()


@pytest.fixture
def provider(live_server: LiveServer, settings: Settings) -> Iterator[StandIn]:
    """
    Run the payment provider's stand-in, which reports back to the application.
    """
    options = Options(
        webhook_url=f"{live_server.url}/webhooks/stripe/",
        thin_webhook_url=f"{live_server.url}/webhooks/stripe/thin/",
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        thin_webhook_secret=settings.STRIPE_THIN_WEBHOOK_SECRET,
    )
    with run_stand_in(options=options) as server:
        settings.STRIPE_API_BASE = server.base_url
        settings.BASE_URL = live_server.url
        directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        sources = [*directives["form-action"], server.base_url]
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": directives | {"form-action": sources}}
        yield server
        assert server.server.world.mismatches == []


@pytest.fixture
def pool(transactional_db: None) -> Pool:
    """
    Offer power in Trondheim for a week; owners without a tariff pay the region's 0.24 a kWh.
    """
    pool = create_pool()
    start = MONDAY.replace(minute=0)
    create_capacity(pool=pool, starts_at=start, hours=9 * 24, sellable_w=50_000)
    create_regional_tariff(micros_per_kwh=240_000)
    return pool


def work_off(provider: StandIn) -> None:
    """
    Do what the sweep would do by now, with the provider's news.
    """
    for _ in range(2):
        provider.control.wait_for_webhooks()
        for step in STEPS:
            run_step(step, budget_s=20, now=timezone.now())


def sign_up(person: Person, *, purpose: str, name: str, **more: str) -> None:
    """
    Sign up with a code from the mail.
    """
    page = person.page
    page.goto(f"{person.base_url}/account/signup/")
    page.get_by_label(purpose).check()
    for label, text in more.items():
        page.get_by_label(label.capitalize(), exact=True).fill(text)
    if more:
        page.get_by_label("Country", exact=True).select_option("NO")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email", exact=True).fill(f"{name.lower()}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    person.look("sign-up")
    person.click("Sign up")
    expect(page.get_by_label("Code")).to_be_visible()
    person.look("code")
    page.get_by_label("Code").fill(read_code())
    page.locator("main button[type=submit]").first.click()
    expect(page.get_by_label("Code")).to_have_count(0)


def read_code() -> str:
    send_due_mail(now=timezone.now(), keep_text=False)
    found = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found, mail.outbox[-1].body
    return found[1]


# ------------------------------------------------------------------ Monday
def olivia_agrees(olivia: Person) -> Vehicle:
    """
    Add a car and agree to nights and all of Wednesday; nothing holds before the confirmation.
    """
    page = olivia.page
    sign_up(olivia, purpose="I own a car", name="Olivia")
    olivia.look("home-without-car")
    olivia.click("Add a car", role="link")
    page.get_by_label("Number plate").fill("bx 42 lr")
    page.get_by_label("What you call it").fill("Model Y")
    page.get_by_label("Battery, in kWh").fill("75")
    olivia.look("car-new")
    olivia.click("Add the car")

    olivia.click("Clear all")
    expect(page.locator("#hours-total")).to_contain_text("0 of 168")
    olivia.click("Every night 22 to 7")
    olivia.click("Switch all of Wednesday")
    expect(page.locator("#hours-total")).to_contain_text("78 of 168")
    page.locator("#id_battery_stop_pct").fill("40")
    olivia.look("rules")
    olivia.click("Review and save version 1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review your rules")
    olivia.look("review")
    car = Vehicle.objects.get()
    assert not car.versions.exists()
    olivia.click("Confirm version 1")
    expect(page.get_by_text("Version 1 of your rules for BX 42 LR is in force.")).to_be_visible()
    return car


def olivia_says_where_she_is_paid(olivia: Person) -> None:
    olivia.go("/payouts/")
    olivia.look("payouts-not-set-up")
    olivia.click("Go to the payment provider")
    olivia.click("Confirm these details")
    expect(olivia.page.get_by_text("Your payout account is ready.").first).to_be_visible()
    olivia.look("payouts-set-up")


def ben_books(ben: Person, provider: StandIn) -> Booking:
    """
    Pay in a hundred euro and book one kilowatt until Friday noon.
    """
    page = ben.page
    sign_up(ben, purpose="I buy compute", name="Ben", organisation="Ben's Batch")
    ben.look("home")
    ben.go("/buy/billing/")
    page.get_by_label("Amount, EUR").fill("100")
    ben.look("billing")
    ben.click("Pay by card")
    ben.click("Pay 100.00 EUR")
    page.wait_for_url("**/buy/billing/**")
    work_off(provider)
    ben.go("/buy/billing/")
    ben.look("billing-paid-in")

    ben.go("/buy/bookings/new/")
    page.get_by_label("From").fill("2026-11-16T13:00")
    page.get_by_label("Until").fill("2026-11-20T12:00")
    page.get_by_label("Power, kW").fill("1")
    page.get_by_label("Jobs at most").fill("2000")
    ben.look("booking-new")
    ben.click("See the price")
    # 95 hours of 1 kW at 0.50, and 2,000 jobs at 0.0025.
    ben.look("booking-review")
    ben.click("Book and hold €52.50")
    expect(page.get_by_text("Booked. The power is kept for you.")).to_be_visible()
    ben.look("booking")
    return Booking.objects.get()


# ------------------------------------------------------------------ until Friday
def the_scheduler_works(
    server: LiveServer, *, key: str, car: Vehicle, booking: Booking, folder: Path
) -> dict[str, Any]:
    """
    Replay the week of one resident through the public API; return the scheduler's summary.
    """
    fleet, summary = folder / "fleet.json", folder / "summary.json"
    row = {
        "vehicle_id": encode("veh", car.pk),
        "resident": RESIDENT,
        "battery_wh": car.battery_wh,
        "rated_power_w": car.rated_power_w,
        "pool_id": encode("pool", booking.pool_id),
    }
    fleet.write_text(json.dumps([row]), encoding="utf-8")
    wait_for_feeds(server, key)
    options = [
        "--weeks=0",
        "--no-mischief",
        "--hours-per-day-max=24",
        f"--now={FRIDAY.isoformat()}",
    ]
    code = run_scheduler(
        [
            *(f"--base-url={server.url}", f"--api-key={key}", f"--fleet={fleet}"),
            *(*options, f"--now={FRIDAY.isoformat()}", f"--summary-file={summary}"),
        ]
    )
    assert code == 0
    told: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return told


def wait_for_feeds(server: LiveServer, key: str) -> None:
    """
    Wait until the feeds tell of the booking and of the consent.
    """
    client = SchedulerClient(base_url=server.url, api_key=key)
    deadline = time.monotonic() + FEED_TIMEOUT_S
    try:
        for path in ("/api/v1/bookings/feed", "/api/v1/consents"):
            while not client.get(path)["data"]:
                assert time.monotonic() < deadline, "the feed is held back"
                time.sleep(0.2)
    finally:
        client.close()


def read_components(line: RatedLine) -> list[int]:
    parts = [line.electricity_micros, line.wear_micros, line.reward_micros, line.job_micros]
    return [micros for micros in parts if micros]


def olivia_looks(olivia: Person) -> None:
    """
    See the night's work on the home page, and follow it down to one meter reading.
    """
    olivia.go("/")
    olivia.look("home")
    olivia.go("/sessions/")
    olivia.look("sessions")
    olivia.page.locator("table.data tbody a").first.click()
    olivia.look("session")
    olivia.page.locator("table.data tbody a").first.click()
    expect(olivia.page.get_by_role("heading", name="How the amount is made")).to_be_visible()
    olivia.look("reading")
    record_id = int(olivia.page.url.rstrip("/").rsplit("/", 1)[1])
    line = RatedLine.objects.get(record_id=record_id)
    for micros in (*read_components(line), sum(read_components(line))):
        assert f"{micros / 1_000_000:.6f}" in olivia.text


# ------------------------------------------------------------------ payday
def fiona_prepares(fiona: Person) -> PayoutRun:
    """
    Work a run out and submit it; approving it is not hers, on the page or past it.
    """
    page = fiona.page
    fiona.go("/finance/")
    fiona.look("queue")
    fiona.click("Work out a run")
    fiona.look("run-calculated")
    fiona.click("Submit for approval")
    expect(page.get_by_text("someone else has to approve it")).to_be_visible()
    expect(page.get_by_role("button", name="Approve and send")).to_have_count(0)
    fiona.look("run-submitted")
    run = PayoutRun.objects.get()
    token = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    answer = page.request.post(
        f"{page.url}approve/",
        form={"csrfmiddlewaretoken": token, "checksum": run.checksum, "is_checked": "on"},
        headers={"Referer": page.url},
    )
    assert answer.status == 403
    run.refresh_from_db()
    assert run.state == "submitted"
    return run


def felix_approves(felix: Person) -> None:
    """
    Approve the run after showing once more who it is: the sign-in is an hour old.
    """
    page = felix.page
    felix.go("/finance/")
    felix.look("queue")
    felix.click("Look and approve", role="link")
    felix.look("run")
    page.get_by_label("I have looked at the lines").check()
    felix.click("Approve and send")
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    felix.look("step-up")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    felix.click("Go on")
    expect(page.get_by_text("Approved. The payouts are on their way.")).to_be_visible()
    felix.look("run-approved")


# ------------------------------------------------------------------ and after
def everybody_sees_it_paid(olivia: Person, fiona: Person, run: PayoutRun) -> None:
    payout = Payout.objects.get()
    fiona.go(f"/finance/runs/{encode('run', run.pk)}/")
    expect(fiona.page.locator("#lines")).to_contain_text("Paid")
    fiona.look("run-settled")
    olivia.go("/payouts/")
    expect(olivia.page.locator("table.data tbody tr")).to_contain_text("Paid")
    olivia.look("payouts-paid")
    olivia.go(f"/payouts/{encode('pay', payout.pk)}/")
    expect(olivia.page.get_by_text("Arrived at your account")).to_be_visible()
    olivia.look("payout")
    olivia.go("/earnings/")
    olivia.look("earnings")


def check_the_money(provider: StandIn, run: PayoutRun) -> None:
    """
    Hold rated lines, payout and the provider's transfer together, to the cent.
    """
    earned_micros = sum(sum(read_components(line)) for line in RatedLine.objects.all())
    payout = Payout.objects.get()
    (transfer,) = provider.control.get_objects("transfer")
    run.refresh_from_db()

    assert (run.state, payout.state) == ("settled", "paid")
    assert payout.amount_micros == earned_micros // MICROS_PER_CENT * MICROS_PER_CENT
    assert transfer["amount"] * MICROS_PER_CENT == payout.amount_micros
    assert transfer["destination"] == payout.destination
    assert [line for line in check_ledger(now=timezone.now()).lines if not line["is_ok"]] == []


def test_work_of_a_parked_car_becomes_money_in_its_owners_account(
    room: Room, provider: StandIn, pool: Pool, tmp_path: Path
) -> None:
    with travel(MONDAY):
        users = create_fiona(), create_felix()
        olivia, ben = room.seat("olivia"), room.seat("ben")
        car = olivia_agrees(olivia)
        olivia_says_where_she_is_paid(olivia)
        booking = ben_books(ben, provider)
    with travel(FRIDAY):
        key = create_api_key()
        told = the_scheduler_works(room.server, key=key, car=car, booking=booking, folder=tmp_path)
        assert told["usage"]["accepted"] == told["usage"]["sent"] > 100
        assert set(told["decisions"]["reasons"]) == {"outside_hours"}
        work_off(provider)
        assert RatedLine.objects.filter(outcome=Outcome.ACCEPTED).count() == told["usage"]["sent"]
        olivia_looks(olivia)
        ben.go(f"/buy/bookings/{encode('bkg', booking.pk)}/")
        ben.look("booking-delivered")
    with travel(PAYDAY):
        work_off(provider)
        fiona = room.seat("fiona", user=users[0])
        run = fiona_prepares(fiona)
        felix_approves(room.seat("felix", user=users[1], is_fresh=False))
        work_off(provider)
        everybody_sees_it_paid(olivia, fiona, run)
        check_the_money(provider, run)
    assert room.faults == []
