"""
Card payments that a bank takes back: in suspense while it is open, then returned or lost.
"""

import random

import pytest
from django.test import Client

from accounts.models import Organization
from billing.models import Entry, ProviderEvent, TopUp
from billing.operations.ledger_checks import CheckLine, check_provider, read_rules
from billing.operations.provider_events import apply_events
from billing.operations.top_ups import refresh_checkout
from tests.billing.buyers import NOON as STARTS_AT
from tests.billing.buyers import book, create_company, wish_for
from tests.billing.people import NOON, create_bens_company, read_balance
from tests.billing.stripe import stand_in
from tests.billing.test_top_ups import pay, start
from tests.billing.test_webhooks import deliver, make_event
from tests.factories import create_capacity, create_pool
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db
KINDS = ("buyer_prepaid", "suspense", "processor_fees", "bad_debt")


@pytest.fixture
def bens() -> Organization:
    return create_bens_company()


@pytest.fixture
def top_up(bens: Organization, stand_in: StandIn) -> TopUp:
    """
    500 euro that Ben's company has paid in, with a fee of 14.80.
    """
    refresh_checkout(session_id=pay(start(bens), stand_in), now=NOON)
    return TopUp.objects.get()


def dispute(top_up: TopUp, stand_in: StandIn) -> str:
    assert top_up.payment_intent_id is not None
    return str(stand_in.control.open_dispute(top_up.payment_intent_id)["id"])


def read_again(top_up: TopUp) -> None:
    assert top_up.checkout_session_id is not None
    refresh_checkout(session_id=top_up.checkout_session_id, now=NOON)


def read_books() -> tuple[int, ...]:
    return tuple(read_balance(kind) for kind in KINDS)


def check_clearing() -> CheckLine:
    [line] = [line for line in read_rules() if line.name == "clearing_is_empty"]
    return line


class TestDispute:
    def test_stands_in_suspense_while_it_is_open(self, top_up: TopUp, stand_in: StandIn) -> None:
        [before] = check_provider()
        dispute(top_up, stand_in)

        read_again(top_up)
        read_again(top_up)

        assert read_books() == (500_000_000, -500_000_000, -34_800_000, 0)
        [after] = check_provider()
        assert after.difference_micros == before.difference_micros
        assert after.expected_micros == before.expected_micros - 520_000_000
        assert check_clearing().is_ok

    def test_won_comes_back_without_the_fee(self, top_up: TopUp, stand_in: StandIn) -> None:
        dispute_id = dispute(top_up, stand_in)
        read_again(top_up)
        stand_in.control.close_dispute(dispute_id, status="won")

        read_again(top_up)
        read_again(top_up)

        assert read_books() == (500_000_000, 0, -34_800_000, 0)
        assert check_clearing().is_ok

    def test_lost_is_the_buyer_s_once(self, top_up: TopUp, stand_in: StandIn) -> None:
        stand_in.control.close_dispute(dispute(top_up, stand_in), status="lost")

        read_again(top_up)
        read_again(top_up)

        assert read_books() == (0, 0, -34_800_000, 0)
        assert check_clearing().is_ok

    def test_lost_after_the_money_was_spent_is_bad_debt(self, stand_in: StandIn) -> None:
        ben = create_company("Ben")
        refresh_checkout(session_id=pay(start(ben.organization), stand_in), now=NOON)
        top_up, pool = TopUp.objects.get(), create_pool()
        create_capacity(pool=pool, starts_at=STARTS_AT, hours=24, sellable_w=50_000)
        # 24 hours of 30 kW at 0.50.
        book(ben, wish_for(pool, power_w=30_000), now=STARTS_AT)
        stand_in.control.close_dispute(dispute(top_up, stand_in), status="lost")

        read_again(top_up)

        assert ben.balance == (0, 360_000_000)
        assert read_balance("bad_debt") == -360_000_000
        assert check_clearing().is_ok

    def test_a_rest_in_suspense_is_found(self, top_up: TopUp, stand_in: StandIn) -> None:
        dispute(top_up, stand_in)
        read_again(top_up)
        [entry] = Entry.objects.filter(code="card_dispute")
        Entry.objects.create(
            code="card_dispute",
            business_key=":".join((*entry.business_key.split(":")[:2], "lost")),
            effective_at=NOON,
            booked_at=NOON,
        )

        assert check_clearing().difference_micros == -500_000_000

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("status", ["won", "lost"])
    def test_repeated_and_shuffled_news_end_the_same(
        self, client: Client, top_up: TopUp, stand_in: StandIn, status: str, seed: int
    ) -> None:
        dispute_id = dispute(top_up, stand_in)
        kinds = ("created", "funds_withdrawn", "updated", "funds_reinstated", "closed")
        events = [
            make_event(
                f"evt_{number}",
                type=f"charge.dispute.{kind}",
                data={"object": {"id": dispute_id, "object": "dispute"}},
            )
            for number, kind in enumerate(kinds)
        ]
        deliveries = events * 2
        random.Random(seed).shuffle(deliveries)

        for number, event in enumerate(deliveries):
            if number == len(deliveries) // 2:
                stand_in.control.close_dispute(dispute_id, status=status)
            assert deliver(client, event) == 200
            apply_events(now=NOON.replace(year=2027))
        # Whatever came first, the last word is read when any news of it comes.
        deliver(client, make_event("evt_9", type="charge.dispute.closed", data=events[0]["data"]))
        apply_events(now=NOON.replace(year=2027))

        assert set(ProviderEvent.objects.values_list("state", flat=True)) == {"applied"}
        assert read_books() == (500_000_000 * (status == "won"), 0, -34_800_000, 0)
