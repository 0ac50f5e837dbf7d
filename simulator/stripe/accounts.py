"""
v2 accounts of owners: created, onboarded through a link, restricted, active.
"""

from __future__ import annotations

import copy

from simulator.stripe import events
from simulator.stripe.context import Call, to_timestamp
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.store import Record


KIND = "v2.core.account"
LINK = "v2.core.account_link"
INCLUDABLE = ("configuration", "defaults", "identity", "requirements", "future_requirements")
LINK_LIVES_S = 300
COUNTRIES = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CA",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "US",
    ]
)


def create(call: Call, params: Json) -> Json:
    identity = params.get("identity", {})
    country = identity.get("country", "").upper()
    if country and country not in COUNTRIES:
        raise invalid_request(
            f"{country} is not a country that cross-border payouts reach.", param="identity.country"
        )
    defaults = params.get("defaults", {})
    body: Json = {
        "id": call.store.mint("acct"),
        "object": KIND,
        "applied_configurations": sorted(params.get("configuration", {})),
        "closed": False,
        "configuration": {"recipient": _recipient(params)},
        "contact_email": params.get("contact_email"),
        "contact_phone": params.get("contact_phone"),
        "created": to_timestamp(call.store.now()),
        "dashboard": params.get("dashboard"),
        "defaults": _defaults(defaults),
        "display_name": params.get("display_name"),
        "future_requirements": None,
        "identity": {"country": country.lower(), "entity_type": identity.get("entity_type")},
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "requirements": None,
    }
    _require_details(body, status="currently_due")
    call.store.put(KIND, body, hidden={"balance_settings": {}})
    events.emit_thin(call, type="v2.core.account.created", account_id=body["id"])
    return _show(body, params)


def _recipient(params: Json) -> Json | None:
    if "recipient" not in params.get("configuration", {}):
        return None
    return {
        "applied": True,
        "capabilities": {
            "stripe_balance": {"stripe_transfers": {"status": "restricted", "status_details": []}}
        },
    }


def _defaults(defaults: Json) -> Json:
    asked = defaults.get("responsibilities", {})
    return {
        "currency": defaults.get("currency"),
        "locales": defaults.get("locales"),
        "profile": defaults.get("profile"),
        "responsibilities": {
            "fees_collector": asked.get("fees_collector"),
            "losses_collector": asked.get("losses_collector"),
            "requirements_collector": asked.get("requirements_collector", "stripe"),
        },
    }


def _require_details(body: Json, *, status: str) -> None:
    """Ask the person for what is missing; transfers wait for it."""
    asked = ["identity.individual.given_name", "identity.individual.date_of_birth", "bank_account"]
    body["requirements"] = {
        "entries": [_entry(description, status=status) for description in asked],
        "summary": {"minimum_deadline": {"status": status, "time": body["created"]}},
    }
    _set_capability(body, status="restricted", code="requirements_past_due")


def _entry(description: str, *, status: str) -> Json:
    return {
        "awaiting_action_from": "user",
        "description": description,
        "errors": [],
        "impact": {
            "restricts_capabilities": [
                {
                    "capability": "stripe_balance.stripe_transfers",
                    "configuration": "recipient",
                    "deadline": {"status": status},
                }
            ]
        },
        "minimum_deadline": {"status": status},
        "requested_reasons": [{"code": "routine_onboarding"}],
    }


def _set_capability(body: Json, *, status: str, code: str | None) -> None:
    recipient = body["configuration"]["recipient"]
    if recipient is None:
        return
    details = [{"code": code, "resolution": "provide_info"}] if code else []
    recipient["capabilities"]["stripe_balance"]["stripe_transfers"] = {
        "status": status,
        "status_details": details,
    }


def _show(body: Json, params: Json) -> Json:
    """Answer with what ``include`` names; the rest is null, as in v2."""
    shown = copy.deepcopy(body)
    included = params.get("include", [])
    for name in INCLUDABLE:
        if not any(asked.split(".")[0] == name for asked in included):
            shown[name] = None
    return shown


def retrieve(call: Call, params: Json, account_id: str) -> Json:
    return _show(call.store.get(KIND, account_id).body, params)


def update(call: Call, params: Json, account_id: str) -> Json:
    record = call.store.get(KIND, account_id)
    for name in ("contact_email", "contact_phone", "display_name", "dashboard"):
        if name in params:
            record.body[name] = params[name]
    record.body["metadata"] = {**record.body["metadata"], **params.get("metadata", {})}
    call.store.touch(record)
    events.emit_thin(call, type="v2.core.account.updated", account_id=account_id)
    return _show(record.body, params)


def close(call: Call, params: Json, account_id: str) -> Json:
    record = call.store.get(KIND, account_id)
    record.body["closed"] = True
    _set_capability(record.body, status="restricted", code="restricted_other")
    call.store.touch(record)
    events.emit_thin(call, type="v2.core.account.closed", account_id=account_id)
    return _show(record.body, params)


def list_accounts(call: Call, params: Json) -> list[Record]:
    wanted = set(params.get("applied_configurations", []))
    return [
        Record(kind=KIND, id=record.id, account="", body=_show(record.body, params))
        for record in call.store.newest_first(KIND)
        if wanted <= set(record.body["applied_configurations"])
        and record.body["closed"] is params.get("closed", False)
    ]


def can_receive(body: Json) -> bool:
    recipient = body["configuration"]["recipient"]
    if recipient is None or body["closed"]:
        return False
    transfers = recipient["capabilities"]["stripe_balance"]["stripe_transfers"]
    return bool(transfers["status"] == "active")


def complete(call: Call, account_id: str) -> Json:
    """Take it that the person gave what was asked: transfers may come."""
    record = call.store.get(KIND, account_id)
    record.body["requirements"] = {"entries": [], "summary": {"minimum_deadline": None}}
    _set_capability(record.body, status="active", code=None)
    call.store.touch(record)
    _tell_of_change(call, account_id)
    return record.body


def restrict(call: Call, account_id: str, *, status: str = "past_due") -> Json:
    """Ask again for details, as when a document has expired."""
    record = call.store.get(KIND, account_id)
    _require_details(record.body, status=status)
    call.store.touch(record)
    _tell_of_change(call, account_id)
    return record.body


def _tell_of_change(call: Call, account_id: str) -> None:
    events.emit_thin(call, type="v2.core.account[requirements].updated", account_id=account_id)
    events.emit_thin(
        call,
        type="v2.core.account[configuration.recipient].capability_status_updated",
        account_id=account_id,
        data={"updated_capability": "stripe_balance.stripe_transfers"},
    )


def create_link(call: Call, params: Json) -> Json:
    account = call.store.get(KIND, params["account"], param="account", status=400)
    use_case = params["use_case"]
    if use_case["type"] not in use_case:
        raise invalid_request(
            f"Missing required param: use_case.{use_case['type']}.",
            code="parameter_missing",
            param=f"use_case.{use_case['type']}",
        )
    token = call.store.mint("alink")
    body = {
        "object": LINK,
        "account": account.id,
        "created": to_timestamp(call.store.now()),
        "expires_at": to_timestamp(call.store.now() + LINK_LIVES_S),
        "livemode": False,
        "url": f"{call.world.base_url}/onboarding/{token}",
        "use_case": {
            name: value
            for name, value in use_case.items()
            if name in ("type", "account_onboarding", "account_update")
        },
    }
    hidden = {"expires_at": call.store.now() + LINK_LIVES_S, "is_used": False}
    call.store.put(LINK, {"id": token, **body}, hidden=hidden)
    return body


def use_link(call: Call, token: str) -> tuple[Record, Record] | None:
    """Return the link and its account, or None when it is used up or too old."""
    link = call.store.find(token)
    if link is None or link.kind != LINK:
        return None
    if link.hidden["is_used"] or call.store.now() >= link.hidden["expires_at"]:
        return None
    return link, call.store.get(KIND, link.body["account"])


def return_from_link(call: Call, token: str) -> str:
    """
    Finish an onboarding; return the address the person is sent back to.

    :raises ApiError: the link is used up or too old.
    """
    found = use_link(call, token)
    if found is None:
        raise invalid_request("This link has expired or was used.", status=410)
    link, account = found
    link.hidden["is_used"] = True
    call.store.touch(link)
    complete(call, account.id)
    use_case = link.body["use_case"]
    events.emit_thin(
        call,
        type="v2.core.account_link.returned",
        account_id=account.id,
        related=False,
        data={
            "account_id": account.id,
            "configurations": account.body["applied_configurations"],
            "use_case": use_case["type"],
        },
    )
    options = use_case[use_case["type"]]
    return str(options.get("return_url") or options["refresh_url"])


def create_login_link(call: Call, _params: Json, account_id: str) -> Json:
    account = call.store.get(KIND, account_id)
    if account.body["dashboard"] != "express":
        raise invalid_request("Cannot create a login link for an account without Express.")
    if not can_receive(account.body):
        raise invalid_request(
            "Cannot create a login link for an account that has not completed onboarding."
        )
    return {
        "object": "login_link",
        "created": call.store.now(),
        "url": f"{call.world.base_url}/express/{account.id}",
    }
