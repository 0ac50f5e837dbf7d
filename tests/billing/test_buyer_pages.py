"""
What Ben sees and does on the pages, and what Mallory does not.
"""

import html
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Membership
from billing.views import buyer, buyer_billing
from marketplace import rules
from marketplace.models import Booking, CapacityBucket, Pool, RateCard
from marketplace.operations.pools import Rates, set_rate_card
from tests.billing.buyers import Company, book, charge, create_company, wish_for
from tests.billing.stripe import stand_in
from tests.factories import create_booking, create_capacity, create_pool, sign_in
from tests.stripe_stand_in import StandIn
from web.public_ids import encode


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db
NEW = "/buy/bookings/new/"


def this_hour() -> datetime:
    return rules.floor_to_hour(timezone.now())


@pytest.fixture
def pool() -> Pool:
    pool = create_pool()
    create_capacity(pool=pool, starts_at=this_hour(), hours=48, sellable_w=50_000)
    return pool


@pytest.fixture
def ben() -> Company:
    company = create_company(prepaid_micros=500_000_000)
    company.person.time_zone = "UTC"
    company.person.save()
    return company


@pytest.fixture
def shop(client: Client, ben: Company) -> Client:
    """
    Ben's browser.
    """
    sign_in(client, ben.person)
    return client


def fields_for(pool: Pool, **changes: str) -> dict[str, str]:
    start = this_hour() + rules.HOUR
    return {
        "pool": encode("pool", pool.pk),
        "starts_at": start.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (start + timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M"),
        "power_kw": "10",
        "workload_category": "inference",
        "jobs_max": "0",
        **changes,
    }


def hidden_fields(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html))


def text_of(response: Any) -> str:
    html: str = response.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


class TestBookInTwoSteps:
    def test_shows_the_price_before_anything_is_booked(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        response = shop.post(NEW, fields_for(pool))

        assert response.status_code == 200
        assert "€120.00" in text_of(response)  # 24 h x 10 kW x 0.50
        assert "€380.00" in text_of(response)  # what is left after it
        assert not Booking.objects.exists()

    def test_books_when_confirmed_and_once_when_confirmed_twice(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        review = shop.post(NEW, fields_for(pool))
        confirmed = {**hidden_fields(review.content.decode()), "confirm": "yes"}

        first = shop.post(NEW, confirmed)
        again = shop.post(NEW, confirmed)

        booking = Booking.objects.get()
        assert first.status_code == again.status_code == 302
        assert first["Location"] == f"/buy/bookings/{encode('bkg', booking.pk)}/"
        assert booking.placed_by_id == ben.person.pk
        assert ben.balance == (380_000_000, 120_000_000)

    def test_goes_back_to_the_form_with_what_was_typed(self, shop: Client, pool: Pool) -> None:
        response = shop.post(NEW, {**fields_for(pool, power_kw="12.5"), "change": "yes"})

        assert response.status_code == 200
        assert 'value="12.5"' in response.content.decode()

    def test_marks_what_is_wrong_and_links_to_it(self, shop: Client, pool: Pool) -> None:
        response = shop.post(
            NEW, fields_for(pool, power_kw="", ends_at="2026-02-30T10:00", starts_at="soon")
        )

        html = response.content.decode()
        assert response.status_code == 422
        assert "3 things need another look" in html
        assert 'href="#id_power_kw"' in html

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"power_kw": "50.001"}, "There is less left: 50"),
            ({"power_kw": "0.05"}, "greater than or equal to 0.1"),
            ({"ends_at": "2020-01-01T00:00"}, "The end must come after the start"),
            ({"ends_at": "2199-01-01T00:00"}, "At most 14 days"),
            ({"ends_at": "9999-12-31T23:00"}, "This year cannot be booked"),
            ({"pool": "pool_000000000000000"}, "Select a valid choice"),
            ({"workload_category": "mining"}, "Select a valid choice"),
            ({"jobs_max": "-1"}, "greater than or equal to 0"),
        ],
    )
    def test_says_why_not(
        self, shop: Client, pool: Pool, change: dict[str, str], words: str
    ) -> None:
        response = shop.post(NEW, {**fields_for(pool), **change})

        assert response.status_code == 422
        assert words in text_of(response)

    def test_refuses_half_hours_and_the_past(self, shop: Client, pool: Pool) -> None:
        end = this_hour() + timedelta(hours=3)
        half = fields_for(pool, ends_at=end.strftime("%Y-%m-%dT%H:30"))
        start = this_hour() - timedelta(hours=3)
        create_capacity(pool=pool, starts_at=start, hours=3, sellable_w=50_000)
        past = fields_for(pool, starts_at=start.strftime("%Y-%m-%dT%H:%M"))

        assert "Take a full hour" in text_of(shop.post(NEW, half))
        assert "This has begun already" in text_of(shop.post(NEW, past))

    def test_refuses_an_hour_that_the_clock_repeats(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        ben.person.time_zone = "Europe/Oslo"
        ben.person.save()

        response = shop.post(NEW, fields_for(pool, starts_at="2027-10-31T02:00"))

        assert "The clocks change in this hour" in text_of(response)

    def test_says_what_is_missing_when_the_balance_is_too_small(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        response = shop.post(NEW, fields_for(pool, power_kw="50"))  # 600.00 of 500.00

        assert "€100.00 are missing" in text_of(response)
        confirmed = {**hidden_fields(response.content.decode()), "confirm": "yes"}
        assert "€100.00 are missing" in text_of(shop.post(NEW, confirmed))
        assert ben.balance == (500_000_000, 0)

    def test_shows_the_new_price_when_it_rose_meanwhile(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        review = shop.post(NEW, fields_for(pool))
        rates = Rates(
            buyer_micros_per_kwh=600_000,
            buyer_micros_per_job=0,
            reward_micros_per_kwh=100_000,
            reward_micros_per_job=0,
            wear_micros_per_kwh=50_000,
        )
        now = timezone.now()
        set_rate_card(pool_id=pool.pk, rates=rates, starts_at=now, now=now)

        response = shop.post(NEW, {**hidden_fields(review.content.decode()), "confirm": "yes"})

        assert "€144.00" in text_of(response)  # 240 kWh x 0.60
        assert not Booking.objects.exists()

    def test_names_the_hours_that_somebody_else_took_meanwhile(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        review = shop.post(NEW, fields_for(pool))
        CapacityBucket.objects.update(reserved_w=45_000)

        response = shop.post(NEW, {**hidden_fields(review.content.decode()), "confirm": "yes"})

        assert response.status_code == 422
        assert "There is less left: 5 kW" in text_of(response)
        assert "and in 21 more hours" in text_of(response)
        assert ben.balance == (500_000_000, 0)

    def test_a_viewer_may_look_but_not_book(self, shop: Client, pool: Pool) -> None:
        Membership.objects.update(role="viewer")

        assert shop.get("/buy/bookings/").status_code == 200
        assert shop.get(NEW).status_code == 403
        assert shop.post(NEW, {**fields_for(pool), "confirm": "yes"}).status_code == 403

    def test_shows_what_is_free(self, shop: Client, pool: Pool) -> None:
        page = shop.get(NEW)
        fragment = shop.get(f"{NEW}outlook/", {"pool": encode("pool", pool.pk)})

        assert "Free in the next 7 days" in text_of(page)
        assert fragment.content.decode().lstrip().startswith("<section")
        assert shop.get(f"{NEW}outlook/", {"pool": "nonsense"}).status_code == 404

    def test_says_so_when_nothing_is_on_sale(self, shop: Client) -> None:
        assert not RateCard.objects.exists()
        assert "Nothing is on sale" in text_of(shop.get(NEW))


class TestOneBooking:
    def test_shows_what_was_booked_and_charged(
        self, shop: Client, ben: Company, pool: Pool
    ) -> None:
        booking = book(ben, wish_for(pool, starts_at=this_hour()), now=timezone.now())
        charge(ben, booking, 45_000_000, energy_wh=90_000)

        text = text_of(shop.get(f"/buy/bookings/{encode('bkg', booking.id)}/"))

        assert "90.0 kWh of 240.0 kWh" in text
        assert "€45.00" in text
        assert "€75.00" in text  # still held
        assert "AI inference" in text
        assert "€0.0025 for each completed job" in text
        assert "Ben" in text

    def test_foreign_and_absent_are_the_same_page(
        self, client: Client, ben: Company, pool: Pool
    ) -> None:
        booking = create_booking(organization_id=ben.id, pool=pool, starts_at=this_hour())
        sign_in(client, create_company("Mallory").person)

        foreign = client.get(f"/buy/bookings/{encode('bkg', booking.pk)}/")
        absent = client.get(f"/buy/bookings/{encode('bkg', booking.pk + 1)}/")

        assert foreign.status_code == absent.status_code == 404
        assert text_of(foreign) == text_of(absent)


class TestLists:
    def test_lists_by_state(self, shop: Client, ben: Company, pool: Pool) -> None:
        create_booking(organization_id=ben.id, pool=pool, starts_at=this_hour())

        assert "Trondheim" in text_of(shop.get("/buy/bookings/?state=running"))
        assert "No bookings here" in text_of(shop.get("/buy/bookings/?state=released"))
        assert "Trondheim" in text_of(shop.get("/buy/bookings/?state=nonsense"))

    def test_begins_with_what_is_to_come(self, shop: Client, ben: Company, pool: Pool) -> None:
        ids = [
            encode("bkg", create_booking(organization_id=ben.id, pool=pool, starts_at=at).pk)
            for at in (this_hour(), this_hour() - 30 * rules.HOUR, this_hour() + rules.HOUR)
        ]

        page = shop.get("/buy/bookings/").content.decode()

        assert re.findall(r"bkg_\w{15}", page) == [ids[2], ids[0], ids[1]]

    def test_refuses_a_cursor_of_another_list(self, shop: Client, ben: Company, pool: Pool) -> None:
        assert shop.get("/buy/bookings/?cursor=x").status_code == 400

    @pytest.mark.parametrize("path", ["/buy/bookings/?state=running", "/buy/billing/"])
    def test_goes_on_with_older_ones(
        self, shop: Client, ben: Company, pool: Pool, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (buyer, buyer_billing):
            monkeypatch.setattr(module, "PAGE_ROWS", 2)
        wish = wish_for(pool, starts_at=this_hour(), hours=1, power_w=1000)
        for number in range(2):
            book(ben, wish, key=f"{number}", now=timezone.now())
        book(ben, replace(wish, power_w=7000), key="newest", now=timezone.now())

        first = shop.get(path)
        address = re.search(r'rel="next" href="([^"]+)"', first.content.decode())
        assert address is not None
        second = shop.get(path.partition("?")[0] + html.unescape(address[1]))

        shown = [re.findall(r"bkg_\w{15}", each.content.decode()) for each in (first, second)]
        assert shown[0]
        assert shown[1]
        assert not set(shown[0]) & set(shown[1])

    def test_shows_what_moved_the_balance(self, shop: Client, ben: Company, pool: Pool) -> None:
        book(ben, wish_for(pool, starts_at=this_hour()), now=timezone.now())

        text = text_of(shop.get("/buy/billing/"))

        assert "€380.00" in text
        assert "\N{MINUS SIGN}€120.00" in text
        assert "+€500.00" in text

    def test_refuses_an_amount_that_cannot_be_paid(self, shop: Client, ben: Company) -> None:
        response = shop.post("/buy/billing/top-up/", {"amount": "1.005", "request_key": "k"})

        assert response.status_code == 422
        assert 'href="#id_amount"' in response.content.decode()

    def test_sends_to_the_providers_page_and_counts_nothing_before_it_is_paid(
        self, shop: Client, ben: Company, stand_in: StandIn
    ) -> None:
        response = shop.post("/buy/billing/top-up/", {"amount": "50", "request_key": "k"})

        assert response.status_code == 302
        assert response["Location"].startswith(stand_in.base_url)
        assert ben.balance == (500_000_000, 0)
        assert "as soon as the provider confirms" in text_of(
            shop.get("/buy/billing/return/", follow=True)
        )

    def test_says_so_when_the_provider_does_not_answer(
        self, shop: Client, settings: Settings
    ) -> None:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        response = shop.post("/buy/billing/top-up/", {"amount": "50", "request_key": "k"})

        assert response.status_code == 422
        assert "Nothing was charged" in text_of(response)

    def test_only_an_administrator_pays_in(self, shop: Client) -> None:
        Membership.objects.update(role="member")

        assert "administrator of your organisation" in text_of(shop.get("/buy/billing/"))
        response = shop.post("/buy/billing/top-up/", {"amount": "50", "request_key": "k"})
        assert response.status_code == 403


class TestHome:
    def test_says_what_runs_and_what_is_left(self, shop: Client, ben: Company, pool: Pool) -> None:
        booking = book(ben, wish_for(pool, starts_at=this_hour()), now=timezone.now())
        charge(ben, booking, 45_000_000, energy_wh=90_000)

        text = text_of(shop.get("/buy/"))

        assert "Running: 10 kW" in text
        assert "90.0 of 240.0 kWh" in text
        assert "€380.00" in text
        assert "Spent this month" in text

    def test_says_what_comes_next(self, shop: Client, ben: Company, pool: Pool) -> None:
        create_booking(
            organization_id=ben.id, pool=pool, starts_at=this_hour() + timedelta(hours=5)
        )

        assert "Next: 1 kW" in text_of(shop.get("/buy/"))

    def test_invites_when_nothing_is_booked(self, client: Client) -> None:
        sign_in(client, create_company().person)

        text = text_of(client.get("/buy/"))

        assert "Nothing is booked" in text
        assert "Your available balance is empty" in text

    def test_is_for_buyers_only(self, client: Client) -> None:
        assert client.get("/buy/").status_code == 302

    @pytest.mark.parametrize("path", ["/buy/", "/buy/bookings/", "/buy/billing/", NEW])
    def test_asks_the_database_as_often_for_many_bookings_as_for_one(
        self,
        shop: Client,
        ben: Company,
        pool: Pool,
        path: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        create_booking(organization_id=ben.id, pool=pool, starts_at=this_hour())
        with django_assert_num_queries(QUERIES[path]):
            shop.get(path)
        for _ in range(5):
            create_booking(organization_id=ben.id, pool=pool, starts_at=this_hour())

        with django_assert_num_queries(QUERIES[path]):
            shop.get(path)


# Session, person and memberships are three of each.
QUERIES = {"/buy/": 9, "/buy/bookings/": 10, "/buy/billing/": 6, NEW: 8}
