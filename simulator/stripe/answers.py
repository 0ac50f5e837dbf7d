"""
Pages of lists, and ``expand``.
"""

from __future__ import annotations

import copy
from urllib.parse import urlencode

from simulator.stripe.context import Call
from simulator.stripe.errors import Json, invalid_request
from simulator.stripe.store import Record


LIMIT_DEFAULT, LIMIT_MAX = 10, 100
_COMPARE = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}


def to_page(records: list[Record], params: Json, *, path: str) -> Json:
    """Return one v1 page of records that come newest first."""
    records = [record for record in records if _is_created_within(record, params.get("created"))]
    limit = _get_limit(params)
    if "ending_before" in params:
        index = _find(records, params["ending_before"], param="ending_before")
        chosen, has_more = records[max(0, index - limit) : index], index > limit
    else:
        start = 0
        if "starting_after" in params:
            start = _find(records, params["starting_after"], param="starting_after") + 1
        chosen, has_more = records[start : start + limit], len(records) > start + limit
    return {
        "object": "list",
        "data": [record.body for record in chosen],
        "has_more": has_more,
        "url": path,
    }


def to_page_v2(records: list[Record], params: Json, *, path: str, token: str | None) -> Json:
    """Return one v2 page; the next page's address carries the filters along."""
    limit = _get_limit(params)
    start = int(token) if token and token.isdigit() else 0
    next_url = None
    if len(records) > start + limit:
        query = [("limit", str(limit)), ("page", str(start + limit))]
        for name, value in params.items():
            if isinstance(value, list):
                query += [(f"{name}[{index}]", item) for index, item in enumerate(value)]
            elif name != "limit":
                query.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
        next_url = f"{path}?{urlencode(query)}"
    data = [record.body for record in records[start : start + limit]]
    return {"data": data, "next_page_url": next_url, "previous_page_url": None}


def _get_limit(params: Json) -> int:
    limit = int(params.get("limit", LIMIT_DEFAULT))
    if not 1 <= limit <= LIMIT_MAX:
        raise invalid_request(
            f"This value must be between 1 and {LIMIT_MAX}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _is_created_within(record: Record, bounds: object) -> bool:
    if bounds is None:
        return True
    created = record.body["created"]
    if isinstance(bounds, dict):
        return all(_COMPARE[name](created, bound) for name, bound in bounds.items())
    return bool(created == bounds)


def _find(records: list[Record], record_id: str, *, param: str) -> int:
    for index, record in enumerate(records):
        if record.id == record_id:
            return index
    raise invalid_request(f"No such object: '{record_id}'", code="resource_missing", param=param)


def expand(call: Call, body: Json, paths: list[str]) -> Json:
    """Return a copy in which the ids at the paths are replaced by their objects."""
    body = copy.deepcopy(body)
    for path in paths:
        _expand(call, body, path.split("."), path=path)
    return body


def _expand(call: Call, node: object, parts: list[str], *, path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(call, item, parts, path=path)
        return
    if not parts or node is None:
        return
    name, rest = parts[0], parts[1:]
    if not isinstance(node, dict) or name not in node:
        raise invalid_request(
            f"This property cannot be expanded ({path}).", code="parameter_invalid", param="expand"
        )
    if isinstance(node[name], str):
        found = call.store.find(node[name])
        if found is None:
            raise invalid_request(f"This property cannot be expanded ({path}).", param="expand")
        node[name] = copy.deepcopy(found.body)
    _expand(call, node[name], rest, path=path)
