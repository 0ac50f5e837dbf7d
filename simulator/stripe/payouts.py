"""
Money from a connected account's balance to the owner's bank.
"""

from __future__ import annotations

import copy

from simulator.stripe import accounts, events, money
from simulator.stripe.context import Call, World, internal_call
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.store import Record


KIND = "payout"
DAY_S = 86_400
DEFAULT_SETTINGS: Json = {
    "object": "balance_settings",
    "payments": {
        "debit_negative_balances": False,
        "payouts": {
            "minimum_balance_by_currency": None,
            "schedule": {"interval": "daily"},
            "statement_descriptor": None,
            "status": "enabled",
        },
        "settlement_timing": {"delay_days": 2, "delay_days_override": None},
    },
}
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "no_account": "The bank account details on file are probably incorrect.",
    "could_not_process": "The bank could not process this payout.",
}


def create(call: Call, params: Json) -> Json:
    """
    Send part of a balance to the bank.

    :raises ApiError: too little money, a statement descriptor over 22 characters.
    """
    if params["amount"] <= 0:
        raise invalid_request(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if len(params.get("statement_descriptor", "")) > 22:
        raise invalid_request(
            "The statement descriptor must be at most 22 characters.", param="statement_descriptor"
        )
    currency = params["currency"].lower()
    money.require_available(call, account=call.account, currency=currency, amount=params["amount"])
    return _pay_out(call, params=params, currency=currency, is_automatic=False).body


def _pay_out(call: Call, *, params: Json, currency: str, is_automatic: bool) -> Record:
    payout_id = call.store.mint("po")
    now = call.store.now()
    transaction = money.post(
        call,
        account=call.account,
        amount=-params["amount"],
        currency=currency,
        type="payout",
        category="payout",
        source=payout_id,
        description=params.get("description"),
    )
    body = {
        "id": payout_id,
        "object": KIND,
        "amount": params["amount"],
        "arrival_date": now + call.options.payout_arrives_after_s,
        "automatic": is_automatic,
        "balance_transaction": transaction["id"],
        "created": now,
        "currency": currency,
        "description": params.get("description"),
        "destination": f"ba_{call.account.removeprefix('acct_')}"
        if call.account
        else "ba_platform",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "method": params.get("method", "standard"),
        "original_payout": None,
        "reconciliation_status": "in_progress" if is_automatic else "not_applicable",
        "reversed_by": None,
        "source_type": params.get("source_type", "card"),
        "statement_descriptor": params.get("statement_descriptor"),
        "status": "pending",
        "type": "bank_account",
    }
    record = call.store.put(KIND, body, account=call.account)
    events.emit(call, type="payout.created", body=body, account=call.account)
    return record


def retrieve(call: Call, _params: Json, payout_id: str) -> Json:
    return call.store.get(KIND, payout_id, account=call.account).body


def list_payouts(call: Call, params: Json) -> list[Record]:
    return [
        record
        for record in call.store.newest_first(KIND, account=call.account)
        if params.get("status", record.body["status"]) == record.body["status"]
    ]


def cancel(call: Call, _params: Json, payout_id: str) -> Json:
    record = call.store.get(KIND, payout_id, account=call.account)
    if record.body["status"] != "pending" or record.body["automatic"]:
        raise invalid_request(
            "Payouts can only be canceled while they are pending and manual.",
            code="payout_not_cancelable",
        )
    _give_back(call, record, type="payout_cancel")
    record.body["status"] = "canceled"
    events.emit(call, type="payout.canceled", body=record.body, account=record.account)
    return record.body


def _give_back(call: Call, record: Record, *, type: str) -> None:
    transaction = money.post(
        call,
        account=record.account,
        amount=record.body["amount"],
        currency=record.body["currency"],
        type=type,
        category="payout_reversal",
        source=record.id,
    )
    record.body["failure_balance_transaction"] = transaction["id"]
    call.store.touch(record)


def settle_due(world: World) -> None:
    """Let payouts that are due arrive at the bank, or fail there."""
    now = world.store.now()
    for record in list(world.store.all(KIND)):
        if record.body["status"] == "pending" and record.body["arrival_date"] <= now:
            settle(internal_call(world, account=record.account), record)


def settle(call: Call, record: Record, *, failure_code: str | None = None) -> None:
    fault = call.world.faults.take("fail_payout", account=record.account)
    failure_code = failure_code or (fault.failure_code if fault else None)
    if failure_code is None:
        record.body["status"] = "paid"
        if record.body["automatic"]:
            record.body["reconciliation_status"] = "completed"
        call.store.touch(record)
        events.emit(call, type="payout.paid", body=record.body, account=record.account)
        return
    _give_back(call, record, type="payout_failure")
    record.body.update(
        status="failed",
        failure_code=failure_code,
        failure_message=FAILURES.get(failure_code, "The payout failed."),
    )
    events.emit(call, type="payout.failed", body=record.body, account=record.account)


def fail(call: Call, payout_id: str, *, failure_code: str) -> Json:
    """Fail a payout later, even one that was reported as paid (banks do that)."""
    record = call.store.get(KIND, payout_id)
    if record.body["status"] not in ("pending", "in_transit", "paid"):
        raise invalid_request(f"This payout is {record.body['status']}.")
    settle(call, record, failure_code=failure_code)
    return record.body


def run_automatic(world: World, *, account: str | None = None) -> list[Json]:
    """Pay out what connected accounts have, above their minimum, unless manual."""
    made = []
    for record in list(world.store.all(accounts.KIND)):
        if account not in (None, record.id):
            continue
        settings = _get_settings(record)["payments"]["payouts"]
        if settings["schedule"]["interval"] == "manual":
            continue
        minimums = settings["minimum_balance_by_currency"] or {}
        call = internal_call(world, account=record.id)
        totals = money.get_totals(world, account=record.id)["available"]
        for currency, cents in totals.items():
            amount = cents - int(minimums.get(currency, 0))
            if amount > 0:
                made.append(_pay_out_all(call, amount=amount, currency=currency).body)
    return made


def _pay_out_all(call: Call, *, amount: int, currency: str) -> Record:
    covered = [
        record
        for record in call.store.all(money.KIND, account=call.account)
        if "payout" not in record.hidden and record.body["currency"] == currency
    ]
    payout = _pay_out(
        call, params={"amount": amount, "metadata": {}}, currency=currency, is_automatic=True
    )
    for record in covered:
        record.hidden["payout"] = payout.id
        call.store.touch(record)
    own = call.store.get(money.KIND, payout.body["balance_transaction"])
    own.hidden["payout"] = payout.id
    return payout


# Settings -----------------------------------------------------------------


def _get_settings(account: Record | None) -> Json:
    settings = copy.deepcopy(DEFAULT_SETTINGS)
    if account is not None:
        _merge(settings, account.hidden.get("balance_settings", {}))
    return settings


def _merge(target: Json, changes: Json) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value


def retrieve_settings(call: Call, _params: Json) -> Json:
    account = call.store.get(accounts.KIND, call.account) if call.account else None
    return _get_settings(account)


def _read_minimums(payouts: Json) -> None:
    """Turn the form's text into cents; the library leaves these untyped."""
    minimums = payouts.get("minimum_balance_by_currency")
    if minimums:
        payouts["minimum_balance_by_currency"] = {
            currency: int(cents or 0) for currency, cents in minimums.items()
        }


def update_settings(call: Call, params: Json) -> Json:
    if not call.account:
        raise invalid_request("The stand-in keeps settings for connected accounts only.")
    account = call.store.get(accounts.KIND, call.account)
    changes = {name: value for name, value in params.items() if name != "expand"}
    _read_minimums(changes.get("payments", {}).get("payouts", {}))
    schedule = changes.get("payments", {}).get("payouts", {}).get("schedule", {})
    for interval, days in (("weekly", "weekly_payout_days"), ("monthly", "monthly_payout_days")):
        if schedule.get("interval") == interval and days not in schedule:
            raise invalid_request(
                f"Missing required param: {days}.",
                code="parameter_missing",
                param=f"payments[payouts][schedule][{days}]",
            )
    _merge(account.hidden.setdefault("balance_settings", {}), changes)
    call.store.touch(account)
    settings = _get_settings(account)
    events.emit(call, type="balance_settings.updated", body=settings, account=call.account)
    return settings
