"""
One request of the API from its bytes to its answer: key, faults, effect, checks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import stripe

from simulator.stripe import answers, charges, money, payouts, schema
from simulator.stripe.context import Call, World
from simulator.stripe.errors import ApiError, Json, invalid_request, refused_parameter
from simulator.stripe.faults import Fault, to_error
from simulator.stripe.forms import decode_form
from simulator.stripe.idempotency import SavedAnswer
from simulator.stripe.routes import Route, find_route


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``is_dropped``: the connection ends here and the client never learns."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    is_dropped: bool = False


class Mismatch(Exception):
    """The stand-in was about to answer something that the library does not know."""


def answer(world: World, request: Request) -> Answer:
    """Answer one API request. Never raises."""
    with world.store.lock:
        world.request_count += 1
        request_id = f"req_{world.store.seed}{world.request_count:012d}"
    headers = {"Request-Id": request_id, "Stripe-Version": stripe.api_version}
    call = Call(
        world=world,
        request_id=request_id,
        idempotency_key=request.headers.get("Idempotency-Key"),
        account=request.headers.get("Stripe-Account") or request.headers.get("Stripe-Context", ""),
    )
    try:
        found = _answer(call, request)
    except ApiError as error:
        found = Answer(status=error.status, body=error.to_body(request_id=request_id))
    return Answer(
        status=found.status,
        body=found.body,
        headers={**headers, **found.headers},
        is_dropped=found.is_dropped,
    )


def _answer(call: Call, request: Request) -> Answer:
    _require_caller(request)
    found = find_route(method=request.method, path=request.path)
    if found is None:
        raise invalid_request(
            f"Unrecognized request URL ({request.method}: {request.path}).", status=404
        )
    route, groups = found
    fault = _take_fault(call, request)
    if fault is not None and fault.kind == "rate_limit":
        raise to_error(fault)
    if fault is not None and fault.kind == "drop_before_effect":
        return Answer(status=500, body={}, is_dropped=True)
    params, token = _read_params(route, request)
    if request.method != "POST" or call.idempotency_key is None:
        return _run(call, route, groups, params, request, token=token, fault=fault)
    return _run_with_key(call, route, groups, params, request, fault=fault)


def _require_caller(request: Request) -> None:
    """
    Refuse callers without a key or of another version.

    :raises ApiError: 401 without a key, 400 for another version than the library's.
    """
    authorization = request.headers.get("Authorization", "")
    if not authorization.startswith("Bearer "):
        raise ApiError(
            status=401,
            type="invalid_request_error",
            message="You did not provide an API key.",
            is_saved=False,
        )
    version = request.headers.get("Stripe-Version", stripe.api_version)
    if version != stripe.api_version:
        raise invalid_request(
            f"Invalid Stripe API version: {version}; this stand-in speaks {stripe.api_version}."
        )


def _take_fault(call: Call, request: Request) -> Fault | None:
    with call.store.lock:
        taken = call.world.faults.take(
            "fail",
            "fail_after_effect",
            "drop_before_effect",
            "drop_after_effect",
            "delay",
            "rate_limit",
            method=request.method,
            path=request.path,
            account=call.account,
        )
        return taken or call.world.faults.take_by_rate(method=request.method)


def _read_params(route: Route, request: Request) -> tuple[Json, str | None]:
    """Return the typed parameters and, for lists of v2, the page asked for."""
    if request.method == "GET" or (not route.is_v2 and not request.body):
        values = decode_form(request.query)
    elif route.is_v2:
        values = _read_json(request.body)
    else:
        values = decode_form(request.body.decode("utf-8", "replace"))
    token = values.pop("page", None) if route.is_v2 and route.is_list else None
    is_json = route.is_v2 and request.method == "POST"
    return schema.parse_params(params=route.params, values=values, is_json=is_json), token


def _read_json(body: bytes) -> Json:
    try:
        values = json.loads(body or b"{}")
    except ValueError as error:
        raise refused_parameter(message=str(error), code="invalid_json", param="") from error
    if not isinstance(values, dict):
        raise refused_parameter(message="An object is due.", code="invalid_json", param="")
    return values


def _run_with_key(
    call: Call,
    route: Route,
    groups: tuple[str, ...],
    params: Json,
    request: Request,
    *,
    fault: Fault | None,
) -> Answer:
    keys, key, path = call.world.keys, call.idempotency_key, unquote(request.path)
    assert key is not None
    with call.store.lock:
        saved = keys.begin(key=key, account=call.account, path=path, params=params)
    if saved is not None:
        is_dropped = fault is not None and fault.kind == "drop_after_effect"
        return Answer(
            status=saved.status,
            body=saved.body,
            headers={"Idempotent-Replayed": "true"},
            is_dropped=is_dropped,
        )
    to_save: SavedAnswer | None = None
    try:
        found = _run(call, route, groups, params, request, token=None, fault=fault)
        to_save = SavedAnswer(status=200, body=found.body)
    except ApiError as error:
        if error.is_saved:
            to_save = SavedAnswer(
                status=error.status, body=error.to_body(request_id=call.request_id)
            )
        raise
    finally:
        with call.store.lock:
            keys.finish(key=key, account=call.account, path=path, params=params, answer=to_save)
            call.store.commit()
    if fault is not None and fault.kind == "fail_after_effect":
        raise to_error(fault)
    return found


def _run(
    call: Call,
    route: Route,
    groups: tuple[str, ...],
    params: Json,
    request: Request,
    *,
    token: str | None,
    fault: Fault | None,
) -> Answer:
    time.sleep(call.world.faults.delay_s + (fault.seconds if fault else 0.0))
    if fault is not None and fault.kind == "fail":
        raise to_error(fault)
    with call.store.lock:
        advance(call.world)
        found = route.endpoint(call, params, *groups)
        body = _shape(call, route, found, params, request, token=token)
        _require_known(route, body)
        if call.idempotency_key is None or request.method != "POST":
            call.store.commit()
    is_dropped = fault is not None and fault.kind == "drop_after_effect"
    return Answer(status=200, body=body, is_dropped=is_dropped)


def advance(world: World) -> None:
    """Let everything happen that is due by the stand-in's clock."""
    charges.book_due(world)
    money.mature(world)
    payouts.settle_due(world)


def _shape(
    call: Call,
    route: Route,
    found: object,
    params: Json,
    request: Request,
    *,
    token: str | None,
) -> Json:
    if not route.is_list:
        assert isinstance(found, dict)
        return answers.expand(call, found, params.get("expand", []))
    assert isinstance(found, list)
    if route.is_v2:
        return answers.to_page_v2(found, params, path=request.path, token=token)
    page = answers.to_page(found, params, path=request.path)
    return answers.expand(call, page, params.get("expand", []))


def _require_known(route: Route, body: Json) -> None:
    """
    Hold an answer against the library.

    :raises Mismatch: the answer is not what the library's classes say.
    """
    items = body["data"] if route.is_list else [body]
    for item in items:
        mismatches = schema.find_mismatches(resource=_find_class(route, item), value=item)
        if mismatches:
            raise Mismatch(f"{route.method} {route.pattern.pattern}: {'; '.join(mismatches)}")


def _find_class(route: Route, item: Json) -> object:
    """v2 events have a class for each type."""
    if item.get("object") != "v2.core.event":
        return route.answer
    from stripe.events._event_classes import get_v2_event_class  # noqa: PLC0415

    return get_v2_event_class(item["type"])
