"""
The Stripe stand-in as a fixture: a real server on a free port, in memory.

Use it with ``from tests.stripe_stand_in import stripe_stand_in  # noqa: F401``
or start one with other options: ``with run_stand_in(options=…) as stand_in``.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulator.stripe.context import Options
from simulator.stripe.faults import Faults
from simulator.stripe.server import Server, make_world


Json = dict[str, Any]


class ControlRefused(Exception):
    """A lever answered with an error."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """The levers of the stand-in; money in cents."""

    base_url: str

    def _call(self, method: str, path: str, values: Json | None = None) -> Json:
        request = urllib.request.Request(  # noqa: S310
            f"{self.base_url}/_control/{path}",
            method=method,
            data=json.dumps(values or {}).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                found: Json = json.load(answer)
        except urllib.error.HTTPError as error:
            raise ControlRefused(error.read().decode()) from error
        return found

    def get_state(self) -> Json:
        return self._call("GET", "state")

    def get_objects(self, kind: str) -> list[Json]:
        objects: list[Json] = self.get_state()["objects"].get(kind, [])
        return objects

    def get_available(self, *, account: str = "", currency: str = "eur") -> int:
        return int(self.get_state()["balances"][account]["available"].get(currency, 0))

    def add_fault(self, kind: str, **values: Any) -> None:
        self._call("POST", "faults", {"kind": kind, **values})

    def set_rates(self, **rates: float) -> None:
        self._call("POST", "faults", dict(rates))

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def advance_clock(self, *, seconds: int) -> None:
        self._call("POST", "clock", {"advance_s": seconds})

    def forget_keys(self) -> int:
        return int(self._call("POST", "keys/forget")["forgotten"])

    def complete_account(self, account_id: str) -> Json:
        return self._call("POST", f"accounts/{account_id}/complete")

    def restrict_account(self, account_id: str, *, status: str = "past_due") -> Json:
        return self._call("POST", f"accounts/{account_id}/restrict", {"status": status})

    def pay_session(self, session_id: str, *, card: str = "visa") -> Json:
        return self._call("POST", f"checkout/{session_id}/pay", {"card": card})

    def pay_intent(self, intent_id: str, *, card: str = "visa") -> Json:
        return self._call("POST", f"payment_intents/{intent_id}/pay", {"card": card})

    def open_dispute(self, intent_id: str) -> Json:
        return self._call("POST", f"payment_intents/{intent_id}/dispute")

    def close_dispute(self, dispute_id: str, *, status: str) -> Json:
        return self._call("POST", f"disputes/{dispute_id}/close", {"status": status})

    def add_funds(self, *, amount: int, currency: str = "eur") -> Json:
        return self._call("POST", "balance", {"amount": amount, "currency": currency})

    def run_payouts(self, *, account: str | None = None) -> list[Json]:
        values = {"account": account} if account else {}
        made: list[Json] = self._call("POST", "payouts/run", values)["payouts"]
        return made

    def fail_payout(self, payout_id: str, *, failure_code: str = "account_closed") -> Json:
        return self._call("POST", f"payouts/{payout_id}/fail", {"failure_code": failure_code})

    def set_webhooks(self, **values: Any) -> None:
        self._call("POST", "webhooks", dict(values))

    def send_again(self, event_id: str | None = None) -> int:
        values = {"event": event_id} if event_id else {}
        return int(self._call("POST", "webhooks/send", values)["queued"])

    def wait_for_webhooks(self, *, timeout_s: float = 10.0) -> None:
        """
        Return once every event was delivered.

        :raises TimeoutError: events are still waiting to be delivered.
        """
        deadline = time.monotonic() + timeout_s
        while self.get_state()["webhooks_waiting"]:
            if time.monotonic() > deadline:
                raise TimeoutError("webhooks are still waiting")
            time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class StandIn:
    base_url: str
    control: Control
    server: Server


@contextlib.contextmanager
def run_stand_in(
    *,
    options: Options | None = None,
    faults: Faults | None = None,
    state_path: Path | None = None,
    forget_keys_after_s: int = 86_400,
    port: int = 0,
    seed: int = 0,
) -> Iterator[StandIn]:
    world = make_world(
        options=options or Options(),
        state_path=state_path,
        forget_keys_after_s=forget_keys_after_s,
        faults=faults or Faults(),
        seed=seed,
    )
    server = Server(host="127.0.0.1", port=port, world=world)
    server.start()
    try:
        yield StandIn(
            base_url=world.base_url, control=Control(base_url=world.base_url), server=server
        )
    finally:
        server.stop()


@pytest.fixture
def stripe_stand_in() -> Iterator[StandIn]:
    """Start a fresh stand-in; fail the test when it met what the library does not know."""
    with run_stand_in() as stand_in:
        yield stand_in
        assert stand_in.server.world.mismatches == []
