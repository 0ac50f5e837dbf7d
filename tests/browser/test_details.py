"""
Olivia corrects her car in a browser: with and without JavaScript, and without a barrier.
"""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from consent.models import ConsentVersion, Vehicle
from consent.rules import ReadyBy
from tests.browser.test_records import Opener, address, look, open_page
from tests.factories import create_consent, create_owner, create_pool, create_vehicle


__all__ = ["open_page"]

READY = (ReadyBy((0, 1, 2, 3, 4), 7 * 60, 80),)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def car() -> Vehicle:
    create_pool()
    car = create_vehicle(create_owner("Olivia"))
    create_consent(car, now=timezone.now(), ready_by=READY)
    return car


def type_charger(page: Page, text: str) -> None:
    page.get_by_label("Your charger, in kW").fill(text)
    page.get_by_role("button", name="Save").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_details_has_a_barrier(
    open_page: Opener,
    car: Vehicle,
    scheme: str,
) -> None:
    page = open_page(address(car, "details/"), color_scheme=scheme)
    look(page, "details", scheme)
    other = page.context.new_page()
    other.goto(page.url)

    page.get_by_label("Charges up to, in %").fill("70")
    page.get_by_label("What you call it").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("One thing needs another look")
    page.get_by_label("What you call it").fill("Red")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Your rules want 80\u00a0% by 07:00")
    look(page, "details-refused", scheme)

    page.get_by_label("Charges up to, in %").fill("90")
    type_charger(page, "11")
    expect(page.get_by_text("With this the car may do more")).to_be_visible()
    look(page, "details-looser", scheme)
    page.get_by_role("button", name="Confirm version 2").click()
    expect(page.get_by_text("Version 2 of your rules goes on with it")).to_be_visible()
    look(page, "details-saved", scheme)

    type_charger(other, "7.4")
    expect(other.get_by_text("The car or its rules changed meanwhile.")).to_be_visible()
    look(other, "details-both", scheme)
    other.goto(page.url.replace("details/", "history/"))
    look(other, "details-history", scheme)
    other.goto(page.url.replace("details/", "history/compare/"))
    look(other, "details-compare", scheme)


def test_works_without_javascript(
    open_page: Opener,
    car: Vehicle,
) -> None:
    page = open_page("/cars/", java_script_enabled=False)
    page.get_by_role("link", name="Car details").click()

    type_charger(page, "0")
    expect(page.get_by_role("link", name="Your charger, in kW")).to_be_visible()
    type_charger(page, "11")
    page.get_by_role("button", name="Change something").click()
    type_charger(page, "7.4")
    page.get_by_role("button", name="Confirm version 2").click()

    expect(page.get_by_text("The charger is now 7.4")).to_be_visible()
    assert ConsentVersion.objects.latest("number").charge_power_w == 7_400
