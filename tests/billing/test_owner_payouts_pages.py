import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from billing.models import Payout, PayoutAccount
from billing.operations.payout_runs import approve_run, calculate_run, submit_run
from tests.billing.people import (
    NOON,
    create_felix,
    create_fiona,
    create_olivia,
    earn,
    owe,
    set_up_payouts,
)
from tests.billing.stripe import stand_in
from tests.factories import create_owner, sign_in
from tests.stripe_stand_in import StandIn
from web.public_ids import encode


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia() -> User:
    return create_olivia()


def approve_payout(olivia: User) -> Payout:
    fiona, felix = create_fiona(), create_felix()
    set_up_payouts(olivia)
    earn(olivia, electricity=8_000_000, reward=4_000_000)
    owe(olivia, micros=500_000)
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
    submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)
    approve_run(run_id=run.pk, actor_id=felix.pk, checksum=run.checksum, now=NOON)
    return run.payouts.get()


def unmasked(page: bytes) -> bytes:
    """
    Take out the token of forms, which is masked anew in every answer.
    """
    return re.sub(rb"[A-Za-z0-9]{64}", b"", page)


class TestPayouts:
    def test_says_what_is_next_and_why_it_waits(self, client: Client, olivia: User) -> None:
        earn(olivia, reward=9_200_000)
        sign_in(client, olivia)

        page = client.get("/payouts/").content.decode()

        assert "€9.20" in page
        assert "until the minimum is reached" in page
        assert "Say where you are paid" in page

    def test_shows_no_draft_of_finance(self, client: Client, olivia: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, reward=12_000_000)
        calculate_run(actor_id=create_fiona().pk, currency="EUR", now=NOON)
        sign_in(client, olivia)

        assert "No payout yet" in client.get("/payouts/").content.decode()

    def test_lists_approved_payouts(self, client: Client, olivia: User) -> None:
        payout = approve_payout(olivia)
        sign_in(client, olivia)

        page = client.get("/payouts/").content.decode()

        assert encode("pay", payout.pk) in page
        assert "€11.50" in page

    def test_takes_a_constant_number_of_queries(
        self, client: Client, olivia: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        approve_payout(olivia)
        sign_in(client, olivia)
        with django_assert_max_num_queries(10):
            client.get("/payouts/")


class TestPayout:
    def test_shows_every_part(self, client: Client, olivia: User) -> None:
        payout = approve_payout(olivia)
        sign_in(client, olivia)

        page = client.get(f"/payouts/{encode('pay', payout.pk)}/").content.decode()

        for text in ("€8.00", "€3.50", "€11.50", "Taken off for corrections"):
            assert text in page

    def test_a_foreign_payout_is_as_absent_as_none(self, client: Client, olivia: User) -> None:
        payout = approve_payout(olivia)
        sign_in(client, create_owner("Mallory"))

        foreign = client.get(f"/payouts/{encode('pay', payout.pk)}/")
        absent = client.get(f"/payouts/{encode('pay', payout.pk + 1)}/")

        assert foreign.status_code == absent.status_code == 404
        assert unmasked(foreign.content) == unmasked(absent.content)


class TestSetUp:
    def test_leads_to_the_provider_and_back(
        self, client: Client, olivia: User, stand_in: StandIn
    ) -> None:
        sign_in(client, olivia)

        answer = client.post("/payouts/set-up/", {"country": "NO"})
        assert answer.headers["Location"].startswith(stand_in.base_url)
        account_id = str(PayoutAccount.objects.get().provider_account_id)
        stand_in.control.complete_account(account_id)
        page = client.get("/payouts/return/", follow=True).content.decode()

        assert "Your payout account is ready." in page
        assert PayoutAccount.objects.get().is_ready

    def test_the_second_visit_keeps_the_account(
        self, client: Client, olivia: User, stand_in: StandIn
    ) -> None:
        sign_in(client, olivia)

        client.post("/payouts/set-up/", {"country": "NO"})
        client.post("/payouts/set-up/", {"country": "SE"})

        assert len(stand_in.control.get_objects("v2.core.account")) == 1
        assert PayoutAccount.objects.get().country == "NO"

    def test_an_unknown_country_is_422(self, client: Client, olivia: User) -> None:
        sign_in(client, olivia)

        assert client.post("/payouts/set-up/", {"country": "XX"}).status_code == 422

    def test_a_silent_provider_loses_nothing(
        self, client: Client, olivia: User, settings: Settings
    ) -> None:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"
        sign_in(client, olivia)

        page = client.post("/payouts/set-up/", {"country": "NO"}, follow=True).content.decode()

        assert "does not answer" in page
