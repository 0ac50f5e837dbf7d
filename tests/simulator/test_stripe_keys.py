"""
The Stripe stand-in's idempotency keys, faults, checks of form, and memory.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import requests
import stripe

from simulator.stripe import schema
from simulator.stripe.errors import ApiError
from simulator.stripe.forms import decode_form
from simulator.stripe.routes import ROUTES
from tests.simulator.stripe_client import create_ready_account, make_client, transfer
from tests.stripe_stand_in import StandIn, run_stand_in, stripe_stand_in


__all__ = ["stripe_stand_in"]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
HEADERS = {"Authorization": "Bearer sk_test_stand_in"}


@pytest.fixture
def client(stripe_stand_in: StandIn) -> stripe.StripeClient:
    return make_client(stripe_stand_in)


@pytest.fixture
def account_id(client: stripe.StripeClient, stripe_stand_in: StandIn) -> str:
    stripe_stand_in.control.add_funds(amount=100_000)
    return create_ready_account(client, stripe_stand_in)


def count_transfers(stand_in: StandIn) -> int:
    return len(stand_in.control.get_objects("transfer"))


class TestKeys:
    def test_the_same_call_acts_once(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        first = transfer(client, account_id, key="tr:1:1")
        again = transfer(client, account_id, key="tr:1:1")

        assert first.id == again.id
        assert count_transfers(stripe_stand_in) == 1

    def test_other_parameters_are_refused(
        self, client: stripe.StripeClient, account_id: str
    ) -> None:
        transfer(client, account_id, key="tr:1:1")

        with pytest.raises(stripe.IdempotencyError):
            transfer(client, account_id, key="tr:1:1", amount=1)

    def test_an_error_is_remembered(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError, match="insufficient"):
                transfer(client, account_id, key="tr:1:1", amount=100_001)
            stripe_stand_in.control.add_funds(amount=100_000)

        assert transfer(client, account_id, key="tr:1:2", amount=100_001).amount == 100_001

    def test_a_fault_of_form_is_not_remembered(
        self, client: stripe.StripeClient, account_id: str
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            transfer(client, account_id, key="tr:1:1", unheard_of="x")

        assert transfer(client, account_id, key="tr:1:1").amount == 1_150

    def test_is_forgotten_after_a_day_and_then_pays_again(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        transfer(client, account_id, key="tr:1:1")
        stripe_stand_in.control.advance_clock(seconds=86_399)
        transfer(client, account_id, key="tr:1:1")
        assert count_transfers(stripe_stand_in) == 1

        stripe_stand_in.control.advance_clock(seconds=10)
        transfer(client, account_id, key="tr:1:1")

        assert count_transfers(stripe_stand_in) == 2

    def test_a_second_call_meanwhile_meets_a_conflict(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("delay", seconds=1.0, path="/v1/transfers")
        first = threading.Thread(target=transfer, args=(client, account_id), kwargs={"key": "k"})
        first.start()
        first.join(0.3)

        with pytest.raises(stripe.APIError) as conflict:
            transfer(client, account_id, key="k")
        first.join()

        assert conflict.value.http_status == 409
        assert count_transfers(stripe_stand_in) == 1

    def test_of_v2_forgets_errors(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("fail", path="/v2/")

        statuses = [
            requests.post(
                f"{stripe_stand_in.base_url}/v2/core/accounts",
                json={"contact_email": "olivia@example.org"},
                headers={**HEADERS, "Idempotency-Key": "acct:1:1"},
                timeout=5,
            ).status_code
            for _ in range(3)
        ]

        assert statuses == [500, 200, 200]
        assert len(stripe_stand_in.control.get_objects("v2.core.account")) == 1


class TestFaults:
    def test_a_failure_has_no_effect_and_is_remembered(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("fail", path="/v1/transfers")

        for _ in range(2):
            with pytest.raises(stripe.APIError):
                transfer(client, account_id, key="tr:1:1")

        assert count_transfers(stripe_stand_in) == 0

    def test_a_failure_after_the_effect_replays_the_effect(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("fail_after_effect", path="/v1/transfers")

        with pytest.raises(stripe.APIError):
            transfer(client, account_id, key="tr:1:1")

        assert count_transfers(stripe_stand_in) == 1
        assert transfer(client, account_id, key="tr:1:1").amount == 1_150

    def test_a_dropped_answer_is_found_by_retrying(
        self, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("drop_after_effect", path="/v1/transfers", count=2)

        made = transfer(make_client(stripe_stand_in, retries=2), account_id, key="tr:1:1")

        assert made.amount == 1_150
        assert count_transfers(stripe_stand_in) == 1

    def test_a_dropped_request_has_no_effect(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("drop_before_effect", path="/v1/transfers")

        with pytest.raises(stripe.APIConnectionError):
            transfer(client, account_id, key="tr:1:1")

        assert count_transfers(stripe_stand_in) == 0

    def test_throttling_is_not_remembered(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_fault("rate_limit", path="/v1/transfers")

        with pytest.raises(stripe.RateLimitError):
            transfer(client, account_id, key="tr:1:1")

        assert transfer(client, account_id, key="tr:1:1").amount == 1_150

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("insufficient_balance", "balance_insufficient"),
            ("reject_destination", "insufficient_capabilities_for_transfer"),
        ],
    )
    def test_a_refusal_can_be_asked_for(
        self,
        kind: str,
        code: str,
        client: stripe.StripeClient,
        account_id: str,
        stripe_stand_in: StandIn,
    ) -> None:
        stripe_stand_in.control.add_fault(kind)

        with pytest.raises(stripe.InvalidRequestError) as refused:
            transfer(client, account_id)

        assert refused.value.code == code
        assert transfer(client, account_id).amount == 1_150

    def test_a_payout_can_fail_later(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        transfer(client, account_id)
        stripe_stand_in.control.add_fault("fail_payout", account=account_id)

        (payout,) = stripe_stand_in.control.run_payouts()

        found = client.v1.payouts.retrieve(payout["id"], {}, {"stripe_account": account_id})
        assert (found.status, found.failure_code) == ("failed", "account_closed")

    def test_rates_hit_about_as_often_as_asked(
        self, client: stripe.StripeClient, account_id: str, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.set_rates(fail_rate=0.2, drop_rate=0.2)
        outcomes = []
        for number in range(100):
            try:
                transfer(client, account_id, amount=1, key=f"k{number}")
            except stripe.StripeError as error:
                outcomes.append(type(error).__name__)

        assert 10 <= outcomes.count("APIError") <= 32
        assert 10 <= outcomes.count("APIConnectionError") <= 32
        assert count_transfers(stripe_stand_in) == 100 - outcomes.count("APIError")

    def test_an_unknown_fault_is_refused(self, stripe_stand_in: StandIn) -> None:
        answer = requests.post(
            f"{stripe_stand_in.base_url}/_control/faults", json={"kind": "earthquake"}, timeout=5
        )

        assert answer.status_code == 400


class TestForm:
    @pytest.mark.parametrize(
        ("body", "code", "param"),
        [
            ("amount=1&currency=eur&destination=x&colour=red", "parameter_unknown", "colour"),
            ("amount=1&currency=eur", "parameter_missing", "destination"),
            (
                "amount=many&currency=eur&destination=x",
                "parameter_invalid_integer",
                "amount",
            ),
            (
                "amount=1&currency=eur&destination=x&source_type=gold",
                "parameter_invalid",
                "source_type",
            ),
            (
                "amount=1&currency=eur&destination=x&metadata=text",
                "parameter_invalid_hash",
                "metadata",
            ),
        ],
    )
    def test_is_held_to_the_librarys_types(
        self, body: str, code: str, param: str, stripe_stand_in: StandIn
    ) -> None:
        answer = requests.post(
            f"{stripe_stand_in.base_url}/v1/transfers",
            data=body,
            headers={**HEADERS, "Content-Type": "application/x-www-form-urlencoded"},
            timeout=5,
        )

        assert answer.status_code == 400
        assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)

    def test_of_v2_is_json_with_types(self, stripe_stand_in: StandIn) -> None:
        answer = requests.post(
            f"{stripe_stand_in.base_url}/v2/core/accounts",
            json={"dashboard": "blue"},
            headers=HEADERS,
            timeout=5,
        )

        assert answer.json()["error"]["param"] == "dashboard"

    def test_removed_parameters_are_unknown(self, client: stripe.StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.create(
                {"amount": 100, "currency": "eur", "payment_method_types": ["card"]}  # type: ignore[typeddict-unknown-key]
            )

        assert refused.value.code == "parameter_unknown"

    def test_needs_a_key_and_the_pinned_version(self, stripe_stand_in: StandIn) -> None:
        url = f"{stripe_stand_in.base_url}/v1/balance"

        assert requests.get(url, timeout=5).status_code == 401
        old = requests.get(url, headers={**HEADERS, "Stripe-Version": "2020-08-27"}, timeout=5)
        assert old.status_code == 400

    def test_decodes_brackets(self) -> None:
        decoded = decode_form("a=1&m[x]=2&m[y][0]=3&m[y][1]=4&e[]=5&e[]=6&empty=")

        assert decoded == {
            "a": "1",
            "m": {"x": "2", "y": ["3", "4"]},
            "e": ["5", "6"],
            "empty": "",
        }

    def test_finds_where_an_answer_departs(self) -> None:
        found = schema.find_mismatches(
            resource=stripe.LoginLink,
            value={"object": "login_link", "created": "now", "address": "x"},
        )

        assert sorted(found) == [
            "$.address: unknown to LoginLink",
            "$.created: 'now' is not <class 'int'>",
            "$.url: missing from LoginLink",
        ]

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
    def test_every_route_has_parameters_that_can_be_read(self, route: object) -> None:
        params = getattr(route, "params", None)

        with pytest.raises(ApiError) as refused:
            schema.parse_params(params=params, values={"no_such": "1"}, is_json=False)

        assert refused.value.code == "parameter_unknown"


class TestMemory:
    def test_a_killed_stand_in_comes_back_with_everything(self, tmp_path: Path) -> None:
        journal = tmp_path / "journal.jsonl"
        with run_stand_in(state_path=journal) as stand_in:
            client = make_client(stand_in)
            stand_in.control.add_funds(amount=5_000)
            account_id = create_ready_account(client, stand_in)
            made = transfer(client, account_id, key="tr:1:1")
            stand_in.control.advance_clock(seconds=3_600)
            before = stand_in.control.get_state()
        # A kill in the middle of a write leaves half a line.
        with journal.open("a", encoding="utf-8") as lines:
            lines.write('{"minted": 99, "rec')

        with run_stand_in(state_path=journal) as stand_in:
            after = stand_in.control.get_state()
            again = transfer(make_client(stand_in), account_id, key="tr:1:1")

        assert after["objects"] == before["objects"]
        assert after["balances"] == before["balances"]
        assert abs(after["now"] - before["now"]) < 60
        assert again.id == made.id
