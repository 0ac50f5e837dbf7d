from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from billing.models import TopUp
from tests.billing.people import create_bens_company
from tests.billing.stripe import stand_in
from tests.factories import bearer, create_api_key
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db

URL = "/api/v1/top-ups"
EUROS_500 = {"amount": {"amount_micros": 500_000_000, "currency": "EUR"}}


@pytest.fixture
def headers() -> dict[str, str]:
    return bearer(create_api_key(kind="buyer", organization_id=create_bens_company().pk))


def post(client: Client, headers: dict[str, str], body: Any, *, key: str = "k1") -> Any:
    return client.post(
        URL, body, content_type="application/json", headers=headers | {"Idempotency-Key": key}
    )


class TestStart:
    def test_names_the_page_to_pay_on(
        self, client: Client, headers: dict[str, str], stand_in: StandIn
    ) -> None:
        answer = post(client, headers, EUROS_500)

        assert answer.status_code == 201
        assert answer.json()["checkout_url"].startswith(stand_in.base_url)

    def test_the_same_key_is_the_same_top_up(
        self, client: Client, headers: dict[str, str], stand_in: StandIn
    ) -> None:
        first, again = post(client, headers, EUROS_500), post(client, headers, EUROS_500)

        assert again.json() == first.json()
        assert TopUp.objects.count() == 1

    def test_the_same_key_with_another_amount_is_422(
        self, client: Client, headers: dict[str, str], stand_in: StandIn
    ) -> None:
        post(client, headers, EUROS_500)
        other = {"amount": {"amount_micros": 600_000_000, "currency": "EUR"}}

        answer = post(client, headers, other)

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    def test_without_a_key_is_400(self, client: Client, headers: dict[str, str]) -> None:
        answer = client.post(URL, EUROS_500, content_type="application/json", headers=headers)

        assert answer.json()["code"] == "idempotency_key_missing"

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            ({"amount_micros": 1, "currency": "EUR"}, "amount_out_of_range"),
            ({"amount_micros": 10**40, "currency": "EUR"}, "amount_out_of_range"),
            ({"amount_micros": 500_000_000, "currency": "XXX"}, "currency_not_accepted"),
        ],
    )
    def test_refuses_odd_amounts(
        self, client: Client, headers: dict[str, str], amount: dict[str, Any], code: str
    ) -> None:
        answer = post(client, headers, {"amount": amount})

        assert answer.status_code == 422
        assert answer.json()["code"] in {code, "invalid"}

    def test_503_while_the_provider_is_away(
        self, client: Client, headers: dict[str, str], settings: Settings
    ) -> None:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        answer = post(client, headers, EUROS_500)

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
