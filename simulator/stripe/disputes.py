"""
Card payments that a buyer's bank takes back: a dispute opens, and is won or lost.
"""

from __future__ import annotations

from simulator.stripe import charges, events, money
from simulator.stripe.context import Call
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.store import Record


KIND = "dispute"
FEE_CENTS = 2_000
ANSWER_WITHIN_S = 7 * 86_400


def open_for(call: Call, payment_intent_id: str) -> Json:
    """
    Take a whole payment, and the fee for the dispute, out of the platform's balance.
    """
    [charge] = [
        record
        for record in call.store.newest_first(charges.KIND)
        if record.body["payment_intent"] == payment_intent_id
    ]
    dispute_id = call.store.mint("du")
    amount, currency = charge.body["amount"], charge.body["currency"]
    taken = _move(call, dispute_id, amount=-amount, fee=FEE_CENTS, currency=currency)
    body = {
        "id": dispute_id,
        "object": KIND,
        "amount": amount,
        "balance_transactions": [taken],
        "charge": charge.id,
        "created": call.store.now(),
        "currency": currency,
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": call.store.now() + ANSWER_WITHIN_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": payment_intent_id,
        "reason": "fraudulent",
        "status": "needs_response",
    }
    call.store.put(KIND, body)
    charge.body["disputed"] = True
    call.store.touch(charge)
    events.emit(call, type="charge.dispute.created", body=body)
    events.emit(call, type="charge.dispute.funds_withdrawn", body=body)
    return body


def close(call: Call, dispute_id: str, *, status: str) -> Json:
    """
    End a dispute: "won" brings the payment back, without the fee; "lost" brings nothing.
    """
    record = call.store.get(KIND, dispute_id)
    if status not in {"won", "lost"} or record.body["status"] in {"won", "lost"}:
        raise invalid_request("This dispute cannot be closed like that.")
    record.body["status"] = status
    if status == "won":
        amount, currency = record.body["amount"], record.body["currency"]
        returned = _move(call, dispute_id, amount=amount, fee=0, currency=currency)
        record.body["balance_transactions"].append(returned)
        events.emit(call, type="charge.dispute.funds_reinstated", body=record.body)
    call.store.touch(record)
    events.emit(call, type="charge.dispute.closed", body=record.body)
    return record.body


def retrieve(call: Call, _params: Json, dispute_id: str) -> Json:
    return call.store.get(KIND, dispute_id).body


def list_disputes(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(KIND)
        if all(
            params.get(name, record.body[name]) == record.body[name]
            for name in ("charge", "payment_intent")
        )
    ]


def _move(call: Call, dispute_id: str, *, amount: int, fee: int, currency: str) -> Json:
    return money.post(
        call,
        account="",
        amount=amount,
        fee=fee,
        currency=currency,
        type="adjustment",
        category="dispute" if amount < 0 else "dispute_reversal",
        source=dispute_id,
    )
