"""
Money in: checkout sessions with a pay page, payment intents, charges, refunds.
"""

from __future__ import annotations

from simulator.stripe import charges, events, money
from simulator.stripe.context import Call
from simulator.stripe.errors import ApiError, Json, invalid_request
from simulator.stripe.store import Record


SESSION = "checkout.session"
INTENT = "payment_intent"
REFUND = "refund"
SESSION_LIVES_S = 86_400


def create_session(call: Call, params: Json) -> Json:
    lines = params.get("line_items", [])
    if params.get("mode", "payment") == "payment" and not lines:
        raise invalid_request(
            "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )
    currency, amount = _total(lines)
    session_id = call.store.mint("cs_test")
    now = call.store.now()
    body: Json = {
        "id": session_id,
        "object": SESSION,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": {},
        "customer": params.get("customer"),
        "customer_email": params.get("customer_email"),
        "expires_at": params.get("expires_at", now + SESSION_LIVES_S),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "mode": params.get("mode", "payment"),
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "success_url": params.get("success_url"),
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{call.world.base_url}/pay/{session_id}",
    }
    hidden = {"payment_intent_data": params.get("payment_intent_data", {})}
    call.store.put(SESSION, body, hidden=hidden)
    return body


def _total(lines: list[Json]) -> tuple[str, int]:
    """Return the currency and the sum in cents; only inline prices are known here."""
    totals: dict[str, int] = {}
    for index, line in enumerate(lines):
        price = line.get("price_data")
        if price is None or "unit_amount" not in price:
            raise invalid_request(
                "The stand-in knows prices given as price_data with a unit_amount only.",
                param=f"line_items[{index}]",
            )
        currency = price["currency"].lower()
        totals[currency] = totals.get(currency, 0) + price["unit_amount"] * line.get("quantity", 1)
    if len(totals) != 1:
        raise invalid_request("Line items must share one currency.", param="line_items")
    return totals.popitem()


def retrieve_session(call: Call, _params: Json, session_id: str) -> Json:
    return call.store.get(SESSION, session_id).body


def list_sessions(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(SESSION)
        if all(
            params.get(name, record.body.get(name)) == record.body.get(name)
            for name in ("payment_intent", "customer", "status")
        )
    ]


def expire_session(call: Call, _params: Json, session_id: str) -> Json:
    record = call.store.get(SESSION, session_id)
    if record.body["status"] != "open":
        raise invalid_request("Only Checkout Sessions with a status of open can be expired.")
    record.body.update(status="expired", url=None)
    call.store.touch(record)
    events.emit(call, type="checkout.session.expired", body=record.body)
    return record.body


def pay_session(call: Call, session_id: str, *, card: str = "visa") -> Json:
    """
    Pay an open session as the person at the pay page does.

    :raises ApiError: 402 ``card_declined``; 400 when it is not open any more.
    """
    record = call.store.get(SESSION, session_id)
    if record.body["status"] != "open" or call.store.now() >= record.body["expires_at"]:
        raise invalid_request("This Checkout Session is not open any more.")
    asked = record.hidden["payment_intent_data"]
    intent = create_intent(
        call,
        {
            "amount": record.body["amount_total"],
            "currency": record.body["currency"],
            **asked,
            "metadata": asked.get("metadata", {}),
        },
    )
    pay_intent(call, intent["id"], card=card)
    record.body.update(
        status="complete", payment_status="paid", payment_intent=intent["id"], url=None
    )
    call.store.touch(record)
    events.emit(call, type="checkout.session.completed", body=record.body)
    return record.body


def create_intent(call: Call, params: Json) -> Json:
    if params["amount"] < 50:
        raise invalid_request(
            "Amount must be at least €0.50 eur", code="amount_too_small", param="amount"
        )
    intent_id = call.store.mint("pi")
    body: Json = {
        "id": intent_id,
        "object": INTENT,
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": params.get("capture_method", "automatic"),
        "client_secret": f"{intent_id}_secret",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": call.store.now(),
        "currency": params["currency"].lower(),
        "customer": params.get("customer"),
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "payment_method": params.get("payment_method"),
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "transfer_group": params.get("transfer_group"),
    }
    call.store.put(INTENT, body)
    events.emit(call, type="payment_intent.created", body=body)
    if params.get("confirm"):
        return confirm_intent(call, params, intent_id)
    return body


def confirm_intent(call: Call, params: Json, intent_id: str) -> Json:
    """Pay with a test payment method, such as ``pm_card_visa`` or ``pm_card_chargeDeclined``."""
    record = call.store.get(INTENT, intent_id)
    method = params.get("payment_method") or record.body["payment_method"]
    if method is None:
        raise invalid_request("A payment method is missing.", param="payment_method")
    card = "declined" if "eclined" in method else "visa"
    return pay_intent(call, intent_id, card=card)


def pay_intent(call: Call, intent_id: str, *, card: str) -> Json:
    """
    Charge an intent to a card.

    :raises ApiError: 402 ``card_declined``, 400 for an unknown card or a paid intent.
    """
    record = call.store.get(INTENT, intent_id)
    if card not in charges.CARDS:
        raise invalid_request(f"No such card: {card}", param="card")
    if record.body["status"] != "requires_payment_method":
        raise invalid_request(
            f"This PaymentIntent is {record.body['status']}.",
            code="payment_intent_unexpected_state",
        )
    if card == "declined":
        events.emit(call, type="payment_intent.payment_failed", body=record.body)
        raise ApiError(
            status=402,
            type="card_error",
            code="card_declined",
            message="Your card was declined.",
        )
    charge = charges.create(call, record.body, card=card)
    record.body.update(
        status="succeeded",
        amount_received=record.body["amount"],
        latest_charge=charge["id"],
        payment_method=f"pm_card_{card}",
    )
    call.store.touch(record)
    events.emit(call, type="charge.succeeded", body=charge)
    events.emit(call, type="payment_intent.succeeded", body=record.body)
    return record.body


def retrieve_intent(call: Call, _params: Json, intent_id: str) -> Json:
    return call.store.get(INTENT, intent_id).body


def list_intents(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(INTENT)
        if params.get("customer", record.body["customer"]) == record.body["customer"]
    ]


def cancel_intent(call: Call, _params: Json, intent_id: str) -> Json:
    record = call.store.get(INTENT, intent_id)
    if record.body["status"] != "requires_payment_method":
        raise invalid_request(
            "This PaymentIntent cannot be canceled.", code="payment_intent_unexpected_state"
        )
    record.body.update(status="canceled", canceled_at=call.store.now())
    call.store.touch(record)
    events.emit(call, type="payment_intent.canceled", body=record.body)
    return record.body


def create_refund(call: Call, params: Json) -> Json:
    charge = _find_refundable(call, params)
    left = charge.body["amount"] - charge.body["amount_refunded"]
    amount = params.get("amount", left)
    if left == 0:
        raise invalid_request(
            f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
        )
    if not 0 < amount <= left:
        raise invalid_request(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    currency = charge.body["currency"]
    money.require_available(call, account="", currency=currency, amount=amount)
    refund_id = call.store.mint("re")
    transaction = money.post(
        call,
        account="",
        amount=-amount,
        currency=currency,
        type="refund",
        category="refund",
        source=refund_id,
    )
    body = {
        "id": refund_id,
        "object": REFUND,
        "amount": amount,
        "balance_transaction": transaction["id"],
        "charge": charge.id,
        "created": call.store.now(),
        "currency": currency,
        "metadata": params.get("metadata", {}),
        "payment_intent": charge.body["payment_intent"],
        "reason": params.get("reason"),
        "status": "succeeded",
        "transfer_reversal": None,
    }
    call.store.put(REFUND, body)
    charge.body["amount_refunded"] += amount
    charge.body["refunded"] = charge.body["amount_refunded"] == charge.body["amount"]
    call.store.touch(charge)
    events.emit(call, type="refund.created", body=body)
    events.emit(call, type="charge.refunded", body=charge.body)
    return body


def _find_refundable(call: Call, params: Json) -> Record:
    charge_id = params.get("charge")
    if "payment_intent" in params:
        intent = call.store.get(
            INTENT, params["payment_intent"], param="payment_intent", status=400
        )
        charge_id = intent.body["latest_charge"]
    if charge_id is None:
        raise invalid_request("One of charge or payment_intent, already paid, is required.")
    return call.store.get(charges.KIND, charge_id, account="", param="charge", status=400)


def retrieve_refund(call: Call, _params: Json, refund_id: str) -> Json:
    return call.store.get(REFUND, refund_id).body


def list_refunds(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(REFUND)
        if all(
            params.get(name, record.body[name]) == record.body[name]
            for name in ("charge", "payment_intent")
        )
    ]
