"""
Money of a top-up that goes back to its source: the books follow the provider.
"""

import random
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization
from billing.gateways import stripe_connect
from billing.gateways.provider import Checkout, Refund
from billing.models import Entry, ProviderEvent, TopUp
from billing.operations.ledger_checks import check_ledger
from billing.operations.provider_events import apply_events
from billing.operations.top_ups import apply_checkout, refresh_checkout
from billing.queries.bookings import list_balance_moves
from tests.billing.buyers import NOON as STARTS_AT
from tests.billing.buyers import Company, book, create_company, wish_for
from tests.billing.people import NOON, create_bens_company, read_balance
from tests.billing.stripe import stand_in
from tests.billing.test_top_ups import pay, start
from tests.billing.test_webhooks import deliver, make_event
from tests.factories import create_capacity, create_pool
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def bens() -> Organization:
    return create_bens_company()


@pytest.fixture
def top_up(bens: Organization, stand_in: StandIn) -> TopUp:
    """
    500 euro that Ben's company has paid in.
    """
    refresh_checkout(session_id=pay(start(bens), stand_in), now=NOON)
    return TopUp.objects.get()


def give_back(top_up: TopUp, cents: int) -> str:
    """
    Refund at the provider, as somebody does on its pages.
    """
    assert top_up.payment_intent_id is not None
    refunds = stripe_connect.get_client().v1.refunds
    return refunds.create({"payment_intent": top_up.payment_intent_id, "amount": cents}).id


def read_again(top_up: TopUp) -> None:
    assert top_up.checkout_session_id is not None
    refresh_checkout(session_id=top_up.checkout_session_id, now=NOON)


def say(top_up: TopUp, *, is_taken: bool = True, is_over: bool = False) -> None:
    """
    Apply a reading of the checkout with one refund of 10 euro in it.
    """
    assert top_up.checkout_session_id is not None
    assert top_up.payment_intent_id is not None
    payment = stripe_connect.retrieve_checkout(session_id=top_up.checkout_session_id).payment
    refund = Refund(
        id="re_1",
        payment_intent_id=top_up.payment_intent_id,
        amount_cents=1_000,
        is_taken=is_taken,
        is_over=is_over,
    )
    checkout = Checkout(
        id=top_up.checkout_session_id, url="", is_expired=False, payment=payment, refunds=(refund,)
    )
    apply_checkout(checkout=checkout, now=NOON)


def read_books() -> tuple[int, ...]:
    kinds = ("buyer_prepaid", "refund_in_transit", "stripe_available", "bad_debt")
    return tuple(read_balance(kind) for kind in kinds)


class TestRefund:
    def test_leaves_the_prepaid_balance_once(self, top_up: TopUp) -> None:
        give_back(top_up, 1_000)

        read_again(top_up)
        read_again(top_up)

        assert read_books() == (490_000_000, 0, -475_200_000, 0)

    def test_two_of_one_amount_are_two(self, top_up: TopUp) -> None:
        give_back(top_up, 1_000)
        give_back(top_up, 1_000)

        read_again(top_up)

        assert read_balance("buyer_prepaid") == 480_000_000

    def test_keeps_the_books_and_the_provider_in_line(self, top_up: TopUp) -> None:
        before = check_ledger(now=NOON)
        give_back(top_up, 12_345)
        drifted = check_ledger(now=NOON)

        read_again(top_up)

        def difference(check: Any) -> int:
            [line] = [each for each in check.lines if each["name"] == "ledger_is_provider"]
            return int(line["difference_micros"])

        # The stand-in begins with money of which no book knows.
        assert difference(drifted) == difference(before) - 123_450_000
        assert difference(check_ledger(now=NOON)) == difference(before)

    def test_that_comes_before_its_payment_is_booked_after_it(
        self, bens: Organization, stand_in: StandIn
    ) -> None:
        session_id = pay(start(bens), stand_in)
        payment = stripe_connect.retrieve_checkout(session_id=session_id).payment
        assert payment is not None
        refunds = stripe_connect.get_client().v1.refunds
        refunds.create({"payment_intent": payment.payment_intent_id, "amount": 50_000})

        refresh_checkout(session_id=session_id, now=NOON)

        assert read_books() == (0, 0, 14_800_000, 0)

    def test_that_failed_comes_back_once(self, top_up: TopUp) -> None:
        say(top_up)
        assert read_balance("buyer_prepaid") == 490_000_000

        say(top_up, is_over=True)
        say(top_up, is_over=True)
        # An older reading that comes late.
        say(top_up)

        assert read_books() == (500_000_000, 0, -485_200_000, 0)
        returned = Entry.objects.get(business_key="refund:re_1:returned")
        assert returned.reverses is not None
        assert returned.reverses.business_key == "refund:re_1:taken"

    def test_that_never_left_moves_nothing(self, top_up: TopUp) -> None:
        say(top_up, is_taken=False)
        say(top_up, is_taken=False, is_over=True)

        assert read_balance("buyer_prepaid") == 500_000_000

    def test_is_seen_by_the_buyer(self, top_up: TopUp, bens: Organization) -> None:
        give_back(top_up, 1_000)
        read_again(top_up)

        [move, *_] = list_balance_moves(organization_id=bens.pk, before_id=None, limit=5)

        assert (move.code, move.amount_micros) == ("buyer_refund", -10_000_000)


class TestSpentMoney:
    @pytest.fixture
    def ben(self) -> Company:
        return create_company("Ben")

    def test_that_is_refunded_is_bad_debt_and_bookings_keep_theirs(
        self, ben: Company, stand_in: StandIn
    ) -> None:
        refresh_checkout(session_id=pay(start(ben.organization), stand_in), now=NOON)
        top_up = TopUp.objects.get()
        pool = create_pool()
        create_capacity(pool=pool, starts_at=STARTS_AT, hours=24, sellable_w=50_000)
        # 24 hours of 30 kW at 0.50.
        book(ben, wish_for(pool, power_w=30_000), now=STARTS_AT)
        prepaid, held = ben.balance

        give_back(top_up, 50_000)
        read_again(top_up)

        assert (prepaid, held) == (140_000_000, 360_000_000)
        assert ben.balance == (0, held)
        assert read_balance("bad_debt") == -(500_000_000 - prepaid)
        assert read_balance("refund_in_transit") == 0


class TestWebhook:
    @pytest.mark.parametrize("seed", range(3))
    def test_repeated_and_shuffled_news_book_each_refund_once(
        self, client: Client, top_up: TopUp, seed: int
    ) -> None:
        ids = [give_back(top_up, cents) for cents in (1_000, 1_000, 2_550)]
        events = [
            make_event(f"evt_{number}", type=kind, data={"object": {"id": refund_id}})
            for number, (refund_id, kind) in enumerate(
                (each, kind) for each in ids for kind in ("refund.created", "refund.updated")
            )
        ]
        deliveries = events * 3
        random.Random(seed).shuffle(deliveries)

        for event in deliveries:
            assert deliver(client, event) == 200
        while apply_events(now=NOON.replace(year=2027)):
            pass

        assert set(ProviderEvent.objects.values_list("state", flat=True)) == {"applied"}
        assert read_balance("buyer_prepaid") == 500_000_000 - 45_500_000

    def test_about_a_payment_that_is_none_of_ours_is_ignored(
        self, client: Client, stand_in: StandIn, top_up: TopUp
    ) -> None:
        refund_id = give_back(top_up, 1_000)
        TopUp.objects.update(payment_intent_id="pi_other")

        deliver(client, make_event(type="refund.created", data={"object": {"id": refund_id}}))
        apply_events(now=NOON.replace(year=2027))

        assert ProviderEvent.objects.get().state == "ignored"
        assert read_balance("buyer_prepaid") == 500_000_000
