"""
Money from the platform to a connected account, and back.
"""

from __future__ import annotations

from simulator.stripe import accounts, charges, events, money, payments
from simulator.stripe.context import Call, empty_page
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.store import Record


KIND = "transfer"
REVERSAL = "transfer_reversal"


def create(call: Call, params: Json) -> Json:
    """
    Move money to a connected account.

    :raises ApiError: unknown destination, no capability, too little money.
    """
    if "amount" not in params:
        raise invalid_request(
            "Missing required param: amount.", code="parameter_missing", param="amount"
        )
    amount, currency = params["amount"], params["currency"].lower()
    if amount <= 0:
        raise invalid_request(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    destination = _find_destination(call, params["destination"])
    _require_funds(call, params, amount=amount, currency=currency)
    transfer_id = call.store.mint("tr")
    transaction = money.post(
        call,
        account="",
        amount=-amount,
        currency=currency,
        type="transfer",
        category="transfer",
        source=transfer_id,
        description=params.get("description"),
    )
    payment = _credit(call, transfer_id, account=destination, amount=amount, currency=currency)
    body = {
        "id": transfer_id,
        "object": KIND,
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": transaction["id"],
        "created": call.store.now(),
        "currency": currency,
        "description": params.get("description"),
        "destination": destination,
        "destination_payment": payment,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "reversals": empty_page(f"/v1/transfers/{transfer_id}/reversals"),
        "reversed": False,
        "source_transaction": params.get("source_transaction"),
        "source_type": params.get("source_type", "card"),
        "transfer_group": params.get("transfer_group"),
    }
    call.store.put(KIND, body)
    events.emit(call, type="transfer.created", body=body)
    return body


def _find_destination(call: Call, account_id: str) -> str:
    account = call.store.get(accounts.KIND, account_id, param="destination", status=400)
    is_rejected = call.world.faults.take("reject_destination", account=account_id) is not None
    if is_rejected or not accounts.can_receive(account.body):
        raise invalid_request(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            param="destination",
        )
    return account_id


def _require_funds(call: Call, params: Json, *, amount: int, currency: str) -> None:
    if "source_transaction" not in params:
        money.require_available(call, account="", currency=currency, amount=amount)
        return
    charge = call.store.get(
        charges.KIND, params["source_transaction"], param="source_transaction", status=400
    )
    spent = charge.hidden.get("transferred", 0)
    if spent + amount > charge.body["amount"] or charge.body["currency"] != currency:
        raise invalid_request(
            "Transfers using this transaction as a source must not exceed the source amount.",
            param="source_transaction",
        )
    charge.hidden["transferred"] = spent + amount
    call.store.touch(charge)


def _credit(call: Call, transfer_id: str, *, account: str, amount: int, currency: str) -> str:
    payment_id = call.store.mint("py")
    transaction = money.post(
        call,
        account=account,
        amount=amount,
        currency=currency,
        type="payment",
        category="charge",
        source=payment_id,
    )
    body = charges.to_charge(
        charge_id=payment_id,
        amount=amount,
        currency=currency,
        created=transaction["created"],
        balance_transaction=transaction["id"],
        source_transfer=transfer_id,
    )
    call.store.put(charges.KIND, body, account=account)
    return payment_id


def retrieve(call: Call, _params: Json, transfer_id: str) -> Json:
    return call.store.get(KIND, transfer_id).body


def update(call: Call, params: Json, transfer_id: str) -> Json:
    record = call.store.get(KIND, transfer_id)
    record.body["metadata"] = {**record.body["metadata"], **(params.get("metadata") or {})}
    if "description" in params:
        record.body["description"] = params["description"]
    call.store.touch(record)
    events.emit(call, type="transfer.updated", body=record.body)
    return record.body


def list_transfers(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(KIND)
        if all(
            params.get(name, record.body[name]) == record.body[name]
            for name in ("transfer_group", "destination")
        )
    ]


def create_reversal(call: Call, params: Json, transfer_id: str) -> Json:
    """
    Take back a transfer or a part of it.

    :raises ApiError: more than is left, or the connected account has spent it.
    """
    transfer = call.store.get(KIND, transfer_id)
    currency, account = transfer.body["currency"], transfer.body["destination"]
    left = transfer.body["amount"] - transfer.body["amount_reversed"]
    amount = params.get("amount", left)
    if not 0 < amount <= left:
        raise invalid_request(
            f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})",
            code="amount_too_large",
            param="amount",
        )
    money.require_available(call, account=account, currency=currency, amount=amount)
    reversal_id = call.store.mint("trr")
    payment_refund = _debit(
        call, transfer.body["destination_payment"], account=account, amount=amount
    )
    transaction = money.post(
        call,
        account="",
        amount=amount,
        currency=currency,
        type="transfer_refund",
        category="transfer_reversal",
        source=reversal_id,
        description=params.get("description"),
    )
    body = {
        "id": reversal_id,
        "object": REVERSAL,
        "amount": amount,
        "balance_transaction": transaction["id"],
        "created": call.store.now(),
        "currency": currency,
        "destination_payment_refund": payment_refund,
        "metadata": params.get("metadata") or {},
        "source_refund": None,
        "transfer": transfer_id,
    }
    call.store.put(REVERSAL, body)
    transfer.body["amount_reversed"] += amount
    transfer.body["reversed"] = transfer.body["amount_reversed"] == transfer.body["amount"]
    transfer.body["reversals"]["data"].insert(0, body)
    call.store.touch(transfer)
    events.emit(call, type="transfer.reversed", body=transfer.body)
    return body


def _debit(call: Call, payment_id: str, *, account: str, amount: int) -> str:
    payment = call.store.get(charges.KIND, payment_id)
    refund_id = call.store.mint("pyr")
    transaction = money.post(
        call,
        account=account,
        amount=-amount,
        currency=payment.body["currency"],
        type="payment_refund",
        category="refund",
        source=refund_id,
    )
    body = {
        "id": refund_id,
        "object": payments.REFUND,
        "amount": amount,
        "balance_transaction": transaction["id"],
        "charge": payment_id,
        "created": call.store.now(),
        "currency": payment.body["currency"],
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "status": "succeeded",
    }
    call.store.put(payments.REFUND, body, account=account)
    payment.body["amount_refunded"] += amount
    payment.body["refunded"] = payment.body["amount_refunded"] == payment.body["amount"]
    call.store.touch(payment)
    return refund_id


def list_reversals(call: Call, _params: Json, transfer_id: str) -> list[Record]:
    call.store.get(KIND, transfer_id)
    return [
        record
        for record in call.store.newest_first(REVERSAL)
        if record.body["transfer"] == transfer_id
    ]


def retrieve_reversal(call: Call, _params: Json, transfer_id: str, reversal_id: str) -> Json:
    record = call.store.get(REVERSAL, reversal_id)
    call.store.get(KIND, transfer_id)
    return record.body
