"""
The levers for scripts and tests, under ``/_control/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from simulator.stripe import accounts, disputes, money, payments, payouts
from simulator.stripe.api import advance
from simulator.stripe.context import World, internal_call
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.faults import parse_fault
from simulator.stripe.webhooks import Sender


Lever = Callable[..., Json]


def read_state(world: World, sender: Sender, _values: Json) -> Json:
    """Everything: objects by kind, balances, faults, clock, mismatches, webhooks."""
    owners = ["", *(record.id for record in world.store.all(accounts.KIND))]
    return {
        "objects": world.store.dump(),
        "balances": {owner: money.get_totals(world, account=owner) for owner in owners},
        "settings": {
            record.id: record.hidden.get("balance_settings", {})
            for record in world.store.all(accounts.KIND)
        },
        "faults": {
            "waiting": [vars(fault) for fault in world.faults.waiting],
            "used": world.faults.used,
            "fail_rate": world.faults.fail_rate,
            "drop_rate": world.faults.drop_rate,
            "delay_s": world.faults.delay_s,
        },
        "now": world.store.now(),
        "requests": world.request_count,
        "mismatches": world.mismatches,
        "webhooks_waiting": sender.count_waiting(),
    }


def read_health(world: World, _sender: Sender, _values: Json) -> Json:
    return {"ok": True, "now": world.store.now()}


def set_faults(world: World, _sender: Sender, values: Json) -> Json:
    """Add one fault, or set the rates and the delay of every request."""
    rates = values.keys() & {"fail_rate", "drop_rate", "delay_s"}
    for name in rates:
        setattr(world.faults, name, float(values.pop(name)))
    if values or not rates:
        world.faults.waiting.append(parse_fault(values))
    return {"waiting": [vars(fault) for fault in world.faults.waiting]}


def clear_faults(world: World, _sender: Sender, _values: Json) -> Json:
    world.faults.clear()
    return {"waiting": []}


def move_clock(world: World, _sender: Sender, values: Json) -> Json:
    """Move the clock by ``advance_s`` seconds; what is due then happens."""
    world.store.move_clock(seconds=int(values["advance_s"]))
    advance(world)
    return {"now": world.store.now()}


def forget_keys(world: World, _sender: Sender, _values: Json) -> Json:
    return {"forgotten": world.keys.forget_all()}


def complete_account(world: World, _sender: Sender, _values: Json, account_id: str) -> Json:
    return accounts.complete(internal_call(world), account_id)


def restrict_account(world: World, _sender: Sender, values: Json, account_id: str) -> Json:
    status = values.get("status", "past_due")
    return accounts.restrict(internal_call(world), account_id, status=status)


def pay_session(world: World, _sender: Sender, values: Json, session_id: str) -> Json:
    return payments.pay_session(internal_call(world), session_id, card=values.get("card", "visa"))


def pay_intent(world: World, _sender: Sender, values: Json, intent_id: str) -> Json:
    return payments.pay_intent(internal_call(world), intent_id, card=values.get("card", "visa"))


def open_dispute(world: World, _sender: Sender, _values: Json, intent_id: str) -> Json:
    return disputes.open_for(internal_call(world), intent_id)


def close_dispute(world: World, _sender: Sender, values: Json, dispute_id: str) -> Json:
    return disputes.close(internal_call(world), dispute_id, status=str(values["status"]))


def fail_payout(world: World, _sender: Sender, values: Json, payout_id: str) -> Json:
    account = world.store.get(payouts.KIND, payout_id).account
    call = internal_call(world, account=account)
    return payouts.fail(call, payout_id, failure_code=values.get("failure_code", "account_closed"))


def run_payouts(world: World, _sender: Sender, values: Json) -> Json:
    """Make the automatic payouts of connected accounts now."""
    made = payouts.run_automatic(world, account=values.get("account"))
    advance(world)
    return {"payouts": made}


def add_funds(world: World, _sender: Sender, values: Json) -> Json:
    """Top up the platform's own balance: ``amount`` in cents, ``currency``."""
    call = internal_call(world)
    return money.top_up(
        call, {"amount": int(values["amount"]), "currency": values.get("currency", "eur")}
    )


def set_webhooks(world: World, sender: Sender, values: Json) -> Json:
    """Set ``hold``, ``copies``, ``shuffle``."""
    del world
    sender.hold = bool(values.get("hold", sender.hold))
    sender.copies = int(values.get("copies", sender.copies))
    sender.shuffle = bool(values.get("shuffle", sender.shuffle))
    return {"hold": sender.hold, "copies": sender.copies, "shuffle": sender.shuffle}


def send_again(world: World, _sender: Sender, values: Json) -> Json:
    """Send one ``event`` again, or every event there ever was."""
    wanted = values.get("event")
    records = [
        record
        for kind in ("event", "v2.core.event")
        for record in world.store.all(kind)
        if wanted in (None, record.id)
    ]
    world.outgoing.extend(records)
    return {"queued": len(records)}


LEVERS: tuple[tuple[str, str, Lever], ...] = (
    ("GET", r"state", read_state),
    ("GET", r"health", read_health),
    ("POST", r"faults", set_faults),
    ("DELETE", r"faults", clear_faults),
    ("POST", r"clock", move_clock),
    ("POST", r"keys/forget", forget_keys),
    ("POST", r"accounts/(\w+)/complete", complete_account),
    ("POST", r"accounts/(\w+)/restrict", restrict_account),
    ("POST", r"checkout/(\w+)/pay", pay_session),
    ("POST", r"payment_intents/(\w+)/pay", pay_intent),
    ("POST", r"payment_intents/(\w+)/dispute", open_dispute),
    ("POST", r"disputes/(\w+)/close", close_dispute),
    ("POST", r"payouts/(\w+)/fail", fail_payout),
    ("POST", r"payouts/run", run_payouts),
    ("POST", r"balance", add_funds),
    ("POST", r"webhooks", set_webhooks),
    ("POST", r"webhooks/send", send_again),
)


def pull(world: World, sender: Sender, *, method: str, path: str, values: Json) -> Any:  # noqa: ANN401
    """
    Do what a script asks at ``/_control/…``.

    :raises ApiError: no such lever, or the lever's own refusal.
    """
    for lever_method, pattern, lever in LEVERS:
        match = re.fullmatch(r"/_control/" + pattern, path)
        if match and lever_method == method:
            with world.store.lock:
                found = lever(world, sender, values, *match.groups())
                world.store.commit()
            sender.wake()
            return found
    raise invalid_request(f"No such lever: {method} {path}", status=404)
