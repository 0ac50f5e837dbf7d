"""
The Stripe stand-in's events: listed, signed, sent until they are taken.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from simulator.stripe.context import Options
from tests.simulator.stripe_client import create_ready_account, make_client, transfer
from tests.stripe_stand_in import StandIn, run_stand_in


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
SECRET, THIN_SECRET = "whsec_one", "whsec_two"


@dataclass
class Receiver:
    """Takes webhooks; answers 500 as long as ``refusals`` lasts."""

    url: str = ""
    refusals: int = 0
    taken: list[tuple[str, bytes, str]] = field(default_factory=list)

    def get_types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body, _ in self.taken]


@contextlib.contextmanager
def receive() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = 200
            if receiver.refusals:
                receiver.refusals -= 1
                status = 500
            else:
                receiver.taken.append((self.path, body, self.headers["Stripe-Signature"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as found:
        yield found


@pytest.fixture
def stand_in(receiver: Receiver) -> Iterator[StandIn]:
    options = Options(
        webhook_url=f"{receiver.url}/snapshot",
        thin_webhook_url=f"{receiver.url}/thin",
        webhook_secret=SECRET,
        thin_webhook_secret=THIN_SECRET,
    )
    with run_stand_in(options=options) as found:
        yield found


def pay(stand_in: StandIn) -> str:
    """Make one transfer and return its account."""
    client = make_client(stand_in)
    stand_in.control.add_funds(amount=5_000)
    account_id = create_ready_account(client, stand_in)
    transfer(client, account_id)
    return account_id


class TestDelivery:
    def test_snapshots_are_signed_so_that_the_library_takes_them(
        self, stand_in: StandIn, receiver: Receiver
    ) -> None:
        pay(stand_in)
        stand_in.control.wait_for_webhooks()

        client = make_client(stand_in)
        events = [
            client.construct_event(body, signature, SECRET)
            for path, body, signature in receiver.taken
            if path == "/snapshot"
        ]

        assert [event.type for event in events] == [
            "topup.created",
            "topup.succeeded",
            "transfer.created",
        ]
        assert events[-1].data.object.to_dict()["metadata"]["attempt"] == "1"

    def test_thin_events_carry_a_reference_and_can_be_fetched(
        self, stand_in: StandIn, receiver: Receiver
    ) -> None:
        account_id = pay(stand_in)
        stand_in.control.wait_for_webhooks()

        client = make_client(stand_in)
        notices = [
            client.parse_event_notification(body, signature, THIN_SECRET)
            for path, body, signature in receiver.taken
            if path == "/thin"
        ]

        assert [notice.type for notice in notices] == [
            "v2.core.account.created",
            "v2.core.account[requirements].updated",
            "v2.core.account[configuration.recipient].capability_status_updated",
        ]
        fetched = notices[-1].fetch_event()
        assert fetched.to_dict()["related_object"]["id"] == account_id
        assert fetched.to_dict()["data"] == {
            "updated_capability": "stripe_balance.stripe_transfers"
        }

    def test_a_wrong_secret_is_noticed(self, stand_in: StandIn, receiver: Receiver) -> None:
        pay(stand_in)
        stand_in.control.wait_for_webhooks()
        _, body, signature = receiver.taken[0]

        with pytest.raises(stripe.SignatureVerificationError):
            make_client(stand_in).construct_event(body, signature, "whsec_wrong")

    def test_tries_again_until_it_is_taken(self, stand_in: StandIn, receiver: Receiver) -> None:
        receiver.refusals = 1
        stand_in.control.add_funds(amount=100)

        stand_in.control.wait_for_webhooks()

        assert sorted(receiver.get_types()) == ["topup.created", "topup.succeeded"]

    def test_can_be_held_doubled_and_shuffled(self, stand_in: StandIn, receiver: Receiver) -> None:
        stand_in.control.set_webhooks(hold=True, copies=2, shuffle=True)
        for _ in range(8):
            stand_in.control.add_funds(amount=100)
        time.sleep(0.2)
        assert receiver.taken == []

        stand_in.control.set_webhooks(hold=False)
        stand_in.control.wait_for_webhooks()

        types = receiver.get_types()
        assert len(types) == 32
        assert types != ["topup.created", "topup.created", "topup.succeeded", "topup.succeeded"] * 8

    def test_sends_everything_again_when_asked(self, stand_in: StandIn, receiver: Receiver) -> None:
        stand_in.control.add_funds(amount=100)
        stand_in.control.wait_for_webhooks()

        assert stand_in.control.send_again() == 2
        stand_in.control.wait_for_webhooks()

        assert len(receiver.taken) == 4

    def test_of_a_connected_account_names_it(self, stand_in: StandIn, receiver: Receiver) -> None:
        account_id = pay(stand_in)
        stand_in.control.run_payouts()
        stand_in.control.wait_for_webhooks()

        client = make_client(stand_in)
        events = [
            client.construct_event(body, signature, SECRET)
            for path, body, signature in receiver.taken
            if path == "/snapshot"
        ]

        paid = [event for event in events if event.type == "payout.paid"]
        assert [event.account for event in paid] == [account_id]


class TestList:
    def test_tells_what_was_not_delivered(self) -> None:
        with run_stand_in() as stand_in:
            pay(stand_in)

            found = make_client(stand_in).v1.events.list(
                {"delivery_success": False, "types": ["transfer.created"]}
            )

            assert [event.type for event in found] == ["transfer.created"]

    def test_tells_when_funds_become_available(self) -> None:
        with run_stand_in(options=Options(funds_available_after_s=86_400)) as stand_in:
            client = make_client(stand_in)
            client.v1.payment_intents.create(
                {
                    "amount": 10_000,
                    "currency": "eur",
                    "confirm": True,
                    "payment_method": "pm_card_visa",
                }
            )
            assert stand_in.control.get_available() == 0

            stand_in.control.advance_clock(seconds=86_400)

            assert stand_in.control.get_available() == 9_680  # less 2.90 and 0.30
            types = [event.type for event in client.v1.events.list()]
            assert types[0] == "balance.available"

    def test_tells_when_the_fee_is_known(self) -> None:
        with run_stand_in(options=Options(fee_known_after_s=60)) as stand_in:
            client = make_client(stand_in)
            intent = client.v1.payment_intents.create(
                {
                    "amount": 10_000,
                    "currency": "eur",
                    "confirm": True,
                    "payment_method": "pm_card_visa",
                }
            )
            before = client.v1.charges.retrieve(str(intent.latest_charge))
            assert before.balance_transaction is None
            assert stand_in.control.get_available() == 0

            stand_in.control.advance_clock(seconds=60)

            after = client.v1.charges.retrieve(str(intent.latest_charge))
            assert after.balance_transaction is not None
            assert stand_in.control.get_available() == 9_680
            assert client.v1.events.list().data[0].type == "charge.updated"
