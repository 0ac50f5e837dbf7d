from datetime import timedelta

import pytest
from pytest_django import Settings

from accounts.models import Organization
from billing.gateways.provider import ProviderUnknown
from billing.models import TopUp
from billing.operations.top_ups import (
    AmountOutOfRange,
    RequestKeyReused,
    StartedTopUp,
    Wish,
    refresh_checkout,
    refresh_top_ups,
    start_top_up,
)
from simulator.stripe.context import Options
from tests.billing.people import NOON, create_bens_company, read_balance
from tests.billing.stripe import stand_in
from tests.stripe_stand_in import StandIn, run_stand_in


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def bens() -> Organization:
    return create_bens_company()


def start(bens: Organization, *, euros: int = 500, request_key: str | None = None) -> StartedTopUp:
    return start_top_up(
        wish=Wish(
            organization_id=bens.pk,
            amount_micros=euros * 1_000_000,
            currency="EUR",
            title="Parado balance",
            return_url="http://testserver/buy/",
            request_key=request_key,
        ),
        actor_id=None,
        now=NOON,
    )


def pay(started: StartedTopUp, stand_in: StandIn) -> str:
    session_id = str(TopUp.objects.get(pk=started.top_up_id).checkout_session_id)
    stand_in.control.pay_session(session_id)
    return session_id


class TestStartTopUp:
    def test_books_nothing_before_it_is_paid(self, bens: Organization, stand_in: StandIn) -> None:
        started = start(bens)

        assert started.checkout_url.startswith(stand_in.base_url)
        assert read_balance("buyer_prepaid") == 0

    @pytest.mark.parametrize("amount_micros", [0, -1, 9_999_999, 10_000_001, 10**15])
    def test_refuses_parts_of_cents_and_odd_sizes(
        self, bens: Organization, amount_micros: int
    ) -> None:
        wish = Wish(
            organization_id=bens.pk,
            amount_micros=amount_micros,
            currency="EUR",
            title="",
            return_url="",
        )

        with pytest.raises(AmountOutOfRange):
            start_top_up(wish=wish, actor_id=None, now=NOON)

    def test_the_same_request_key_is_the_same_top_up(
        self, bens: Organization, stand_in: StandIn
    ) -> None:
        assert start(bens, request_key="k1") == start(bens, request_key="k1")
        assert TopUp.objects.count() == 1

    def test_the_same_request_key_for_another_amount_is_refused(
        self, bens: Organization, stand_in: StandIn
    ) -> None:
        start(bens, request_key="k1")

        with pytest.raises(RequestKeyReused):
            start(bens, euros=600, request_key="k1")

    def test_says_so_when_the_provider_is_away(
        self, bens: Organization, settings: Settings
    ) -> None:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        with pytest.raises(ProviderUnknown):
            start(bens)

        assert TopUp.objects.get().state == TopUp.State.CREATED


class TestRefreshCheckout:
    def test_books_the_provider_s_own_fee(self, bens: Organization, stand_in: StandIn) -> None:
        session_id = pay(start(bens), stand_in)

        refresh_checkout(session_id=session_id, now=NOON)
        refresh_checkout(session_id=session_id, now=NOON)

        # 500.00 with 2.9 % and 0.30: a fee of 14.80, 485.20 arrive.
        assert read_balance("buyer_prepaid") == 500_000_000
        assert read_balance("processor_fees") == -14_800_000
        assert read_balance("stripe_pending") == 0
        assert read_balance("stripe_available") == -485_200_000

    def test_an_unpaid_checkout_books_nothing(self, bens: Organization, stand_in: StandIn) -> None:
        session_id = str(TopUp.objects.get(pk=start(bens).top_up_id).checkout_session_id)

        refresh_checkout(session_id=session_id, now=NOON)

        assert read_balance("buyer_prepaid") == 0

    def test_money_is_available_when_the_provider_says_so(
        self, bens: Organization, settings: Settings
    ) -> None:
        with run_stand_in(options=Options(funds_available_after_s=86_400)) as slow:
            settings.STRIPE_API_BASE = slow.base_url
            session_id = pay(start(bens), slow)
            refresh_checkout(session_id=session_id, now=NOON)
            assert read_balance("stripe_pending") == -485_200_000

            slow.control.advance_clock(seconds=90_000)
            later = TopUp.objects.get().available_on
            assert later is not None
            assert refresh_top_ups(now=later + timedelta(seconds=1)) == 1

        assert read_balance("stripe_pending") == 0
        assert TopUp.objects.get().state == TopUp.State.AVAILABLE


class TestRefreshTopUps:
    def test_finds_a_payment_of_which_no_webhook_told(
        self, bens: Organization, stand_in: StandIn
    ) -> None:
        pay(start(bens), stand_in)

        assert refresh_top_ups(now=NOON + timedelta(minutes=5)) == 0
        assert refresh_top_ups(now=NOON + timedelta(minutes=11)) == 1

        assert read_balance("buyer_prepaid") == 500_000_000
