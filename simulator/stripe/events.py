"""
Events: what happened, to be read from the API and sent to the two addresses.

v1 events carry a snapshot of the object; v2 events are thin, a reference only.
"""

from __future__ import annotations

import copy

import stripe

from simulator.stripe.context import Call, to_timestamp
from simulator.stripe.errors import Json
from simulator.stripe.store import Record


SNAPSHOT = "event"
THIN = "v2.core.event"


def emit(call: Call, *, type: str, body: Json, account: str = "") -> None:
    """Record a snapshot event; ``account`` names the connected account it happened in."""
    event: Json = {
        "id": call.store.mint("evt"),
        "object": SNAPSHOT,
        "api_version": stripe.api_version,
        "created": call.store.now(),
        "data": {"object": copy.deepcopy(body)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": call.request_id or None, "idempotency_key": call.idempotency_key},
        "type": type,
    }
    if account:
        event["account"] = account
    hidden = {"is_delivered": False, "tries": 0}
    record = call.store.put(SNAPSHOT, event, account=account, hidden=hidden)
    call.world.outgoing.append(record)


def emit_thin(
    call: Call, *, type: str, account_id: str, related: bool = True, data: Json | None = None
) -> None:
    """Record a v2 event about an account; ``data`` is only shown when it is fetched."""
    event: Json = {
        "id": call.store.mint("evt"),
        "object": THIN,
        "changes": None,
        "context": None,
        "created": to_timestamp(call.store.now()),
        "livemode": False,
        "reason": None,
        "type": type,
    }
    if related:
        event["related_object"] = {
            "id": account_id,
            "type": "v2.core.account",
            "url": f"/v2/core/accounts/{account_id}",
        }
    if data is not None:
        event["data"] = data
    hidden = {"is_delivered": False, "tries": 0, "about": account_id}
    call.world.outgoing.append(call.store.put(THIN, event, hidden=hidden))


def to_payload(record: Record) -> Json:
    """Return the body that is sent: v2's leaves out everything but the reference."""
    if record.kind == SNAPSHOT:
        return record.body
    return {name: value for name, value in record.body.items() if name not in ("data", "changes")}


def retrieve(call: Call, _params: Json, event_id: str) -> Json:
    return call.store.get(SNAPSHOT, event_id).body


def retrieve_thin(call: Call, _params: Json, event_id: str) -> Json:
    return call.store.get(THIN, event_id).body


def list_events(call: Call, params: Json) -> list[Record]:
    types = params.get("types") or ([params["type"]] if "type" in params else None)
    wanted = params.get("delivery_success")
    return [
        record
        for record in call.store.newest_first(SNAPSHOT)
        if (types is None or record.body["type"] in types)
        and (wanted is None or record.hidden["is_delivered"] is wanted)
        and (not call.account or record.account == call.account)
    ]


def list_thin(call: Call, params: Json) -> list[Record]:
    types = params.get("types")
    about = params.get("object_id")
    return [
        record
        for record in call.store.newest_first(THIN)
        if (types is None or record.body["type"] in types)
        and about in (None, record.hidden["about"])
    ]
