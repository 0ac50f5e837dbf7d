"""
Valid requests of every operation in the OpenAPI document, and how they are bent.
"""

import copy
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st

from marketplace.models import Pool
from tests.billing.meters import EVENING, NOON
from tests.factories import SOURCE
from tests.matrix.world import Matrix
from web.public_ids import encode


BATCH = "application/cloudevents-batch+json"
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")

TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "nan",
    "inf",
    "-inf",
    "1e309",
    "9" * 40,
    "null",
    "true",
    "\x00",
    "\ud800",
    "%00",
    "..",
    "' OR 1=1 --",
    "{{7*7}}",
    "\u202e\u0661\u0662",
    "x" * 5_000,
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-11-20T18:00:00+23:59",
    "2026-11-20",
    "bkg_0000000000000000",
    "veh_" + "f" * 15,
    encode("run", 1),
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**40,
    0.5,
    1e308,
    [],
    {},
    [[]],
    {"": {}},
    [None] * 50,
    {"__proto__": {"a": 1}},
)
# Two workers name these alike, so that no time may be in them.
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"0",
    b'"text"',
    b"\xff\xfe",
    b"\x00",
    b"[" * 40_000,
    b"[" * 40 + b"]" * 40,
    b'{"a":1,"a":2}',
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"a":"\\u0000"}',
    b'{"a":"\\ud800"}',
    b"[" + b"1," * 20_000 + b"1]",
    b'{"evaluations":[' + b"{}," * 1_001 + b"{}]}",
    b" " * (2**20 + 1),
    b"\xef\xbb\xbf{}",
    b'{}\n{}\n\n"x"\n',
    gzip.compress(b"[]", mtime=0),
    gzip.compress(b" " * 2**24 * 2, mtime=0),
)
MEDIA = (
    "application/json",
    BATCH,
    "application/cloudevents+json",
    "application/x-ndjson",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "",
    "a/b; \u00e6",
)
KEYS = ("scheduler", "buyer_key", "foreign_buyer_key", "finance_key", "bogus_key", "")


@dataclass(frozen=True)
class Operation:
    """
    One operation of the document, with the names that its path and query take.
    """

    method: str
    path: str
    path_names: tuple[str, ...]
    query_names: tuple[str, ...]


@dataclass
class Case:
    """
    One request, ready to be sent.
    """

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------ what may be asked
@lru_cache
def list_operations() -> tuple[Operation, ...]:
    document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return tuple(
        Operation(
            method=method,
            path=path,
            path_names=_names(operation, "path"),
            query_names=_names(operation, "query"),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )


def _names(operation: Any, place: str) -> tuple[str, ...]:
    return tuple(each["name"] for each in operation.get("parameters", ()) if each["in"] == place)


def make_bodies(matrix: Matrix) -> dict[str, Any]:
    """
    Return a valid body of every operation that takes one.
    """
    car = matrix.things["car"].by_holder["olivia"]["public_id"]
    booking = matrix.things["booking"].by_holder["ben"]["booking_id"]
    noon = NOON.isoformat()
    telemetry = {
        "observed_at": noon,
        "state_of_charge_pct": 61.5,
        "plugged_in": True,
        "battery_temp_c": 18.0,
        "is_home": True,
        "is_moving": False,
        "charge_power_w": 3_700,
    }
    question = {
        "subject": {
            "type": "workload",
            "id": "j-81",
            "properties": {"category": "inference", "booking_id": booking, "energy_wh": 400},
        },
        "action": {"name": "run"},
        "resource": {"type": "vehicle", "id": car},
        "context": {"time": noon, "telemetry": telemetry, "dry_run": False},
    }
    event = make_event(car, booking)
    return {
        "/access/v1/evaluation": question,
        "/access/v1/evaluations": {
            "evaluations": [question, {}, {**question, "action": {"name": "stop"}}],
            "subject": question["subject"],
            "options": {"evaluations_semantic": "execute_all"},
        },
        "/api/v1/telemetry": {"samples": [{"vehicle_id": car, **telemetry}]},
        "/api/v1/usage": [event, {**event, "id": "eu1-900002"}],
        "/api/v1/bookings": {
            "pool_id": encode("pool", Pool.objects.get().pk),
            "starts_at": (NOON + timedelta(hours=1)).isoformat(),
            "ends_at": (NOON + timedelta(hours=3)).isoformat(),
            "power_w": 2_000,
            "workload_category": "inference",
            "jobs_max": 10,
        },
        "/api/v1/top-ups": {"amount": {"amount_micros": 50_000_000, "currency": "EUR"}},
    }


def make_event(car: str, booking: str) -> dict[str, Any]:
    """
    Return a usage event of a quarter-hour that nothing was reported for.
    """
    return {
        "specversion": "1.0",
        "id": "eu1-900001",
        "source": SOURCE,
        "type": "org.parado.usage.recorded.v1",
        "subject": car,
        "time": NOON.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "booking_id": booking,
            "job_id": "j-9",
            "sequence": 9,
            "starts_at": (EVENING + timedelta(minutes=15)).isoformat(),
            "ends_at": (EVENING + timedelta(minutes=30)).isoformat(),
            "energy_wh": 252,
            "workload_category": "inference",
            "consent_version": 1,
            "state_of_charge_min_pct": 61.5,
            "plugged_in": True,
            "is_home": True,
            "mobile_data_bytes": 0,
            "battery_temp_min_c": 11.0,
            "battery_temp_max_c": 29.5,
            "job_completed": True,
            "supersedes": None,
        },
    }


# ------------------------------------------------------------------ how requests are bent
# Copies, since a later change may go into what an earlier one put there.
values = st.sampled_from(VALUES).map(copy.deepcopy)


def bend(draw: st.DrawFn, value: Any) -> Any:
    """
    Return the document with some of its places replaced, taken out or added to.
    """
    document = copy.deepcopy(value)
    for _change in range(draw(st.integers(0, 3))):
        places = list(_walk(document))
        if not places:
            return draw(values)
        parent, key = draw(st.sampled_from(places))
        act = draw(st.sampled_from(("replace", "remove", "add", "repeat")))
        if act == "remove":
            del parent[key]
        elif act == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(TEXTS))] = draw(values)
        elif act == "repeat" and isinstance(parent, list):
            parent.extend(copy.deepcopy(parent[key]) for _copy in range(draw(st.integers(1, 40))))
        else:
            parent[key] = draw(values | st.text(max_size=30) | st.integers())
    return document


def _walk(document: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(document, dict):
        inner: list[Any] = list(document)
    elif isinstance(document, list):
        inner = list(range(len(document)))
    else:
        return
    for key in inner:
        yield document, key
        yield from _walk(document[key])


def encode_body(draw: st.DrawFn, operation: Operation, bodies: dict[str, Any]) -> bytes:
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(BODIES) | st.binary(max_size=200))
    seed = bodies.get(operation.path, {})
    text = json.dumps(bend(draw, seed), ensure_ascii=draw(st.booleans()))
    return text.encode("utf-8", "surrogatepass")


def fill_path(draw: st.DrawFn, operation: Operation, known: dict[str, str]) -> str:
    path = operation.path
    for name in operation.path_names:
        texts = st.sampled_from((known[name], known[name], *TEXTS)) | st.text(min_size=1)
        path = path.replace(f"{{{name}}}", draw(texts))
    return path


def fill_query(draw: st.DrawFn, operation: Operation) -> list[tuple[str, str]]:
    names = (*operation.query_names, "unknown", "format")
    usual = ("csv", "xlsx", "1", "500", "all", NOON.isoformat())
    pair = st.tuples(
        st.sampled_from(names), st.sampled_from((*usual, *TEXTS)) | st.text(max_size=20)
    )
    return draw(st.lists(pair, max_size=3))


@st.composite
def requests(
    draw: st.DrawFn,
    operation: Operation,
    matrix: Matrix,
    bodies: dict[str, Any],
    known: dict[str, str],
) -> Case:
    is_usual = draw(st.integers(0, 7)) > 0
    method = operation.method if is_usual else draw(st.sampled_from(METHODS))
    default = BATCH if operation.path == "/api/v1/usage" else "application/json"
    headers = {
        "Content-Type": default if is_usual else draw(st.sampled_from(MEDIA)),
        "Idempotency-Key": draw(st.sampled_from(("", "a", "x" * 256, "\u00e6", "b", "c"))),
        "Accept": draw(st.sampled_from(("application/json", "*/*", "text/csv", "image/png"))),
    }
    if draw(st.integers(0, 9)) == 0:
        headers["Content-Encoding"] = draw(st.sampled_from(("gzip", "br", "gzip, gzip")))
    key = choose_key(operation) if is_usual else draw(st.sampled_from(KEYS))
    if key:
        headers["Authorization"] = f"Bearer {matrix.secrets[key]}"
    return Case(
        method=method,
        path=fill_path(draw, operation, known),
        query=fill_query(draw, operation),
        body=encode_body(draw, operation, bodies) if method in {"post", "put", "patch"} else b"",
        headers=headers,
    )


def choose_key(operation: Operation) -> str:
    """
    Return who may call the operation, so that most requests get past the guard.
    """
    if any(word in operation.path for word in ("payout", "report")):
        return "finance_key"
    machine = ("evaluation", "telemetry", "usage", "consents", "feed")
    is_machines = any(word in operation.path for word in machine)
    return "scheduler" if is_machines and "bookings/{" not in operation.path else "buyer_key"
