"""
Balances and balance transactions, of the platform and of connected accounts.
"""

from __future__ import annotations

from simulator.stripe import events
from simulator.stripe.context import Call, Ledger, World, internal_call
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.store import Record


KIND = "balance_transaction"


def post(  # noqa: PLR0913
    call: Call,
    *,
    account: str,
    amount: int,
    fee: int = 0,
    currency: str,
    type: str,
    category: str,
    source: str,
    description: str | None = None,
    available_after_s: int = 0,
) -> Json:
    """
    Move an account's balance: ``amount`` less ``fee`` cents, now or when available.
    """
    now = call.store.now()
    body = {
        "id": call.store.mint("txn"),
        "object": KIND,
        "amount": amount,
        "available_on": now + available_after_s,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee=fee, currency=currency),
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending" if available_after_s > 0 else "available",
        "type": type,
    }
    # The totals first: made now, they would count the new record twice.
    ledger = _get_ledger(call.world)
    ledger.add(call.store.put(KIND, body, account=account))
    return body


def _fee_details(*, fee: int, currency: str) -> list[Json]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]


def _get_ledger(world: World) -> Ledger:
    """Return the running totals, made from the records on first use."""
    if world.ledger is None:
        world.ledger = Ledger()
        for record in world.store.all(KIND):
            world.ledger.add(record)
    return world.ledger


def get_totals(world: World, *, account: str) -> dict[str, dict[str, int]]:
    """Return cents by status ('available', 'pending') and currency."""
    totals: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for (owner, status, currency), cents in _get_ledger(world).cents.items():
        if owner == account:
            totals[status][currency] = cents
    return totals


def get_available(world: World, *, account: str, currency: str) -> int:
    return _get_ledger(world).cents.get((account, "available", currency), 0)


def require_available(call: Call, *, account: str, currency: str, amount: int) -> None:
    """
    Refuse when an account has less than ``amount`` cents available.

    :raises ApiError: 400 ``balance_insufficient``.
    """
    available = get_available(call.world, account=account, currency=currency)
    is_forced = call.world.faults.take("insufficient_balance", account=account) is not None
    if available < amount or is_forced:
        raise invalid_request(
            "You have insufficient available funds in your Stripe account. Try adding funds "
            "directly to your available balance.",
            code="balance_insufficient",
        )


def mature(world: World) -> None:
    """Make what is due available, and say so once per account."""
    now, ripe = world.store.now(), set()
    for record in _get_ledger(world).take_ripe(now=now):
        world.store.touch(record)
        ripe.add(record.account)
    for account in sorted(ripe):
        call = internal_call(world, account=account)
        events.emit(call, type="balance.available", body=retrieve(call, {}), account=account)


def retrieve(call: Call, _params: Json) -> Json:
    totals = get_totals(call.world, account=call.account)
    currencies = sorted({"eur", *totals["available"], *totals["pending"]})

    def amounts(status: str) -> list[Json]:
        return [
            {"amount": cents, "currency": currency, "source_types": {"card": cents}}
            for currency in currencies
            for cents in [totals[status].get(currency, 0)]
        ]

    return {
        "object": "balance",
        "available": amounts("available"),
        "livemode": False,
        "pending": amounts("pending"),
    }


def retrieve_transaction(call: Call, _params: Json, transaction_id: str) -> Json:
    return call.store.get(KIND, transaction_id, account=call.account).body


def list_transactions(call: Call, params: Json) -> list[Record]:
    """Return the account's transactions, newest first, by source, type, payout, currency."""
    payout = params.get("payout")
    return [
        record
        for record in call.store.newest_first(KIND, account=call.account)
        if all(record.body[name] == params[name] for name in ("source", "type") if name in params)
        and params.get("currency", record.body["currency"]) == record.body["currency"]
        and (payout is None or record.hidden.get("payout") == payout)
    ]


def top_up(call: Call, params: Json) -> Json:
    """Put money on the platform's own balance, as from its bank."""
    if params["amount"] <= 0:
        raise invalid_request(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    topup_id = call.store.mint("tu")
    transaction = post(
        call,
        account=call.account,
        amount=params["amount"],
        currency=params["currency"].lower(),
        type="topup",
        category="topup",
        source=topup_id,
        description=params.get("description"),
    )
    body = {
        "id": topup_id,
        "object": "topup",
        "amount": params["amount"],
        "balance_transaction": transaction["id"],
        "created": call.store.now(),
        "currency": transaction["currency"],
        "description": params.get("description"),
        "expected_availability_date": call.store.now(),
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "source": None,
        "statement_descriptor": params.get("statement_descriptor"),
        "status": "succeeded",
        "transfer_group": params.get("transfer_group"),
    }
    call.store.put("topup", body, account=call.account)
    events.emit(call, type="topup.created", body=body)
    events.emit(call, type="topup.succeeded", body=body)
    return body
