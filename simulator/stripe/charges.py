"""
Charges, and the fee that is taken from each.
"""

from __future__ import annotations

from simulator.stripe import events, money
from simulator.stripe.context import Call, World, empty_page, internal_call
from simulator.stripe.errors import Json
from simulator.stripe.store import Record


KIND = "charge"
# Dearer cards cost more: basis points on top of the agreed fee.
CARDS = {"visa": 0, "international": 150, "declined": 0}


def create(call: Call, intent: Json, *, card: str) -> Json:
    """
    Charge a card for an intent.

    As with asynchronous capture at Stripe, the balance transaction, and with it the
    fee, may be known only later; ``charge.updated`` tells of it.
    """
    body = to_charge(
        charge_id=call.store.mint("ch"),
        amount=intent["amount"],
        currency=intent["currency"],
        created=call.store.now(),
        description=intent["description"],
        payment_intent=intent["id"],
        payment_method=f"pm_card_{card}",
        transfer_group=intent["transfer_group"],
        metadata=intent["metadata"],
    )
    known_at = call.store.now() + call.options.fee_known_after_s
    record = call.store.put(KIND, body, hidden={"card": card, "fee_known_at": known_at})
    if call.options.fee_known_after_s <= 0:
        _book(call, record)
    return body


def _book(call: Call, record: Record) -> None:
    amount = record.body["amount"]
    basis_points = call.options.fee_basis_points + CARDS[record.hidden["card"]]
    transaction = money.post(
        call,
        account="",
        amount=amount,
        fee=(amount * basis_points + 5_000) // 10_000 + call.options.fee_fixed_cents,
        currency=record.body["currency"],
        type="charge",
        category="charge",
        source=record.id,
        description=record.body["description"],
        available_after_s=call.options.funds_available_after_s,
    )
    record.body["balance_transaction"] = transaction["id"]
    call.store.touch(record)


def book_due(world: World) -> None:
    """Book the charges whose fee is known by now."""
    if world.options.fee_known_after_s <= 0:
        return
    call = internal_call(world)
    for record in list(world.store.all(KIND, account="")):
        is_open = record.body["balance_transaction"] is None
        if is_open and record.hidden["fee_known_at"] <= world.store.now():
            _book(call, record)
            events.emit(call, type="charge.updated", body=record.body)


def to_charge(  # noqa: PLR0913
    *,
    charge_id: str,
    amount: int,
    currency: str,
    created: int,
    balance_transaction: str | None = None,
    description: str | None = None,
    payment_intent: str | None = None,
    payment_method: str | None = None,
    source_transfer: str | None = None,
    transfer_group: str | None = None,
    metadata: Json | None = None,
) -> Json:
    return {
        "id": charge_id,
        "object": KIND,
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "balance_transaction": balance_transaction,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": True,
        "created": created,
        "currency": currency,
        "customer": None,
        "description": description,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": metadata or {},
        "paid": True,
        "payment_intent": payment_intent,
        "payment_method": payment_method,
        "refunded": False,
        "refunds": empty_page(f"/v1/charges/{charge_id}/refunds"),
        "source_transfer": source_transfer,
        "status": "succeeded",
        "transfer_group": transfer_group,
    }


def retrieve(call: Call, _params: Json, charge_id: str) -> Json:
    return call.store.get(KIND, charge_id, account=call.account).body


def list_charges(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(KIND, account=call.account)
        if all(
            params.get(name, record.body[name]) == record.body[name]
            for name in ("payment_intent", "transfer_group", "customer")
        )
    ]
