"""
The Stripe stand-in's money: payments, transfers, payouts, refunds.
"""

from __future__ import annotations

import pytest
import requests
import stripe

from tests.simulator.stripe_client import (
    create_ready_account,
    make_client,
    transfer,
)
from tests.stripe_stand_in import ControlRefused, StandIn, stripe_stand_in


__all__ = ["stripe_stand_in"]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client(stripe_stand_in: StandIn) -> stripe.StripeClient:
    return make_client(stripe_stand_in)


class TestCheckout:
    def create_session(self, client: stripe.StripeClient) -> stripe.checkout.Session:
        return client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": "eur",
                            "unit_amount": 50_000,
                            "product_data": {"name": "Top-up"},
                        },
                    }
                ],
                "success_url": "https://parado.test/ok?session={CHECKOUT_SESSION_ID}",
                "cancel_url": "https://parado.test/no",
                "payment_intent_data": {"transfer_group": "buyer:1", "metadata": {"topup": "1"}},
                "metadata": {"topup_id": "1"},
            }
        )

    def test_paying_takes_the_actual_fee(self, client: stripe.StripeClient) -> None:
        session = self.create_session(client)
        assert session.url is not None

        page = requests.get(session.url, timeout=5)
        done = requests.post(session.url, data={"card": "visa"}, allow_redirects=False, timeout=5)

        assert "500.00 EUR" in page.text
        assert done.headers["Location"] == f"https://parado.test/ok?session={session.id}"
        paid = client.v1.checkout.sessions.retrieve(
            session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
        ).to_dict()
        assert (paid["status"], paid["payment_status"]) == ("complete", "paid")
        intent = paid["payment_intent"]
        transaction = intent["latest_charge"]["balance_transaction"]
        # 2.9 % of 500.00 is 14.50, and 0.30 more.
        assert (transaction["amount"], transaction["fee"], transaction["net"]) == (
            50_000,
            1_480,
            48_520,
        )
        assert intent["transfer_group"] == "buyer:1"

    def test_a_dearer_card_costs_more(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        session = self.create_session(client)

        stripe_stand_in.control.pay_session(session.id, card="international")

        # 4.4 % and 0.30.
        assert client.v1.balance_transactions.list().data[0].fee == 2_230

    def test_a_declined_card_leaves_it_open(self, client: stripe.StripeClient) -> None:
        session = self.create_session(client)
        assert session.url is not None

        answer = requests.post(session.url, data={"card": "declined"}, timeout=5)

        assert answer.status_code == 402
        assert client.v1.checkout.sessions.retrieve(session.id).status == "open"

    def test_cannot_be_paid_twice(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        session = self.create_session(client)
        stripe_stand_in.control.pay_session(session.id)
        assert session.url is not None

        assert requests.post(session.url, data={"card": "visa"}, timeout=5).status_code == 410
        assert stripe_stand_in.control.get_available() == 48_520

    def test_refunds_no_more_than_was_paid(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        session = stripe_stand_in.control.pay_session(self.create_session(client).id)
        intent = session["payment_intent"]

        refund = client.v1.refunds.create(
            {"payment_intent": intent, "amount": 40_000, "reason": "requested_by_customer"}
        )
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create({"payment_intent": intent, "amount": 10_001})

        assert refund.status == "succeeded"
        assert stripe_stand_in.control.get_available() == 8_520

    def test_a_payment_intent_can_be_confirmed_at_once(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        intent = client.v1.payment_intents.create(
            {
                "amount": 10_000,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_visa",
            }
        )

        assert (intent.status, intent.amount_received) == ("succeeded", 10_000)
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.create(
                {
                    "amount": 10_000,
                    "currency": "eur",
                    "confirm": True,
                    "payment_method": "pm_card_chargeDeclined",
                }
            )


class TestDisputes:
    def pay_in(self, client: stripe.StripeClient) -> stripe.PaymentIntent:
        return client.v1.payment_intents.create({"amount": 10_000, "currency": "eur"})

    @pytest.mark.parametrize(("status", "left_cents"), [("won", 0), ("lost", 10_000)])
    def test_take_the_payment_and_a_fee_and_bring_back_what_is_won(
        self,
        client: stripe.StripeClient,
        stripe_stand_in: StandIn,
        status: str,
        left_cents: int,
    ) -> None:
        control = stripe_stand_in.control
        intent = self.pay_in(client)
        control.pay_intent(intent.id)
        before = control.get_available()

        opened = control.open_dispute(intent.id)
        assert control.get_available() == before - 10_000 - 2_000
        control.close_dispute(opened["id"], status=status)

        assert control.get_available() == before - left_cents - 2_000
        [listed] = client.v1.disputes.list({"payment_intent": intent.id}).data
        assert (listed.id, listed.status) == (opened["id"], status)
        types = [event["type"] for event in control.get_objects("event")]
        assert ("charge.dispute.funds_reinstated" in types) == (status == "won")
        assert "charge.dispute.closed" in types

    def test_end_once(self, client: stripe.StripeClient, stripe_stand_in: StandIn) -> None:
        control, intent = stripe_stand_in.control, self.pay_in(client)
        control.pay_intent(intent.id)
        dispute_id = control.open_dispute(intent.id)["id"]
        control.close_dispute(dispute_id, status="won")

        with pytest.raises(ControlRefused):
            control.close_dispute(dispute_id, status="lost")


class TestTransfers:
    def test_moves_money_from_one_balance_to_the_other(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)

        made = transfer(client, account_id, amount=1_150)

        assert stripe_stand_in.control.get_available() == 3_850
        assert stripe_stand_in.control.get_available(account=account_id) == 1_150
        own = client.v1.balance_transactions.list({"source": made.id}).data
        assert [(each.reporting_category, each.net) for each in own] == [("transfer", -1_150)]
        theirs = client.v1.balance_transactions.list({}, {"stripe_account": account_id}).data
        assert [(each.reporting_category, each.net) for each in theirs] == [("charge", 1_150)]

    def test_is_found_by_its_group(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=50_000)
        made = [transfer(client, account_id, amount=100 + n).id for n in range(25)]
        transfer(client, account_id, transfer_group="run:8")

        found = client.v1.transfers.list({"transfer_group": "run:7", "limit": 10})

        assert [each.id for each in found.auto_paging_iter()] == made[::-1]

    def test_needs_available_money(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)

        with pytest.raises(stripe.InvalidRequestError) as refused:
            transfer(client, account_id)

        assert refused.value.code == "balance_insufficient"
        assert stripe_stand_in.control.get_objects("transfer") == []

    def test_knows_its_destination(self, client: stripe.StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            transfer(client, "acct_nobody")

        assert (refused.value.code, refused.value.param) == ("resource_missing", "destination")

    def test_is_reversed_in_parts_and_never_beyond(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)
        made = transfer(client, account_id, amount=1_000)

        client.v1.transfers.reversals.create(made.id, {"amount": 400})
        client.v1.transfers.reversals.create(made.id)
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.transfers.reversals.create(made.id, {"amount": 1})

        after = client.v1.transfers.retrieve(made.id)
        assert (after.amount_reversed, after.reversed) == (1_000, True)
        assert [each.amount for each in after.reversals.data] == [600, 400]
        assert stripe_stand_in.control.get_available() == 5_000
        assert stripe_stand_in.control.get_available(account=account_id) == 0

    def test_cannot_be_reversed_once_the_owner_was_paid_out(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)
        made = transfer(client, account_id, amount=1_000)
        stripe_stand_in.control.run_payouts()

        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.transfers.reversals.create(made.id)

        assert refused.value.code == "balance_insufficient"


class TestPayouts:
    def test_arrive_and_empty_the_balance(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)
        made = transfer(client, account_id, amount=1_000)

        (payout,) = stripe_stand_in.control.run_payouts()

        found = client.v1.payouts.retrieve(payout["id"], {}, {"stripe_account": account_id})
        assert (found.status, found.amount, found.automatic) == ("paid", 1_000, True)
        covered = client.v1.balance_transactions.list(
            {"payout": payout["id"]}, {"stripe_account": account_id}
        ).data
        assert {each.source for each in covered} == {made.destination_payment, payout["id"]}

    def test_wait_when_the_owner_chose_to(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)
        transfer(client, account_id, amount=1_000)
        client.v1.balance_settings.update(
            {"payments": {"payouts": {"schedule": {"interval": "manual"}}}},
            {"stripe_account": account_id},
        )

        assert stripe_stand_in.control.run_payouts() == []

    def test_that_fail_give_the_money_back(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)
        transfer(client, account_id, amount=1_000)
        (payout,) = stripe_stand_in.control.run_payouts()

        failed = stripe_stand_in.control.fail_payout(payout["id"], failure_code="no_account")

        assert (failed["status"], failed["failure_code"]) == ("failed", "no_account")
        assert stripe_stand_in.control.get_available(account=account_id) == 1_000

    def test_of_somebody_else_are_not_found(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.add_funds(amount=5_000)
        transfer(client, account_id, amount=1_000)
        (payout,) = stripe_stand_in.control.run_payouts()

        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payouts.retrieve(payout["id"])

        assert refused.value.code == "resource_missing"

    def test_by_hand_need_a_short_descriptor(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)

        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payouts.create(
                {"amount": 1, "currency": "eur", "statement_descriptor": "x" * 23},
                {"stripe_account": account_id},
            )

        assert refused.value.param == "statement_descriptor"


class TestBooks:
    def test_every_balance_is_the_sum_of_its_transactions(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)
        client.v1.topups.create({"amount": 9_000, "currency": "eur"})
        made = transfer(client, account_id, amount=2_000)
        client.v1.transfers.reversals.create(made.id, {"amount": 500})
        stripe_stand_in.control.run_payouts()

        for account in ("", account_id):
            options: stripe.RequestOptions = {"stripe_account": account} if account else {}
            listed = client.v1.balance_transactions.list({"limit": 100}, options)
            total = sum(each.net for each in listed.auto_paging_iter())
            assert client.v1.balance.retrieve({}, options).available[0].amount == total
            assert stripe_stand_in.control.get_available(account=account) == total
