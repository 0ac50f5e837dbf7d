"""
Whatever is sent to the machine interfaces: no answer is a 5xx, and every error is a problem
document.

Requests are of two kinds: valid ones of every operation in the OpenAPI document that are then
bent (values, whole bodies, media types, keys), and such as a tool makes up from the document.
PARADO_FUZZ_CASES says how many there are of all operations and both kinds together (the long
run: 50000).
"""

import collections
import json
import logging
import math
import os
import sys
import traceback
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.signals import got_request_exception
from django.http.response import HttpResponseBase
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pytest_django import DjangoDbBlocker

from tests.billing.meters import NOON
from tests.matrix.world import Matrix, create_matrix, rolled_back
from tests.properties.bent_requests import (
    BATCH,
    BODIES,
    METHODS,
    Case,
    Operation,
    choose_key,
    list_operations,
    make_bodies,
    requests,
)
from tests.properties.made_up_requests import made_up_requests
from tests.stripe_stand_in import run_stand_in
from web import feeds


CASES = int(os.environ.get("PARADO_FUZZ_CASES", "400"))
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "errors", "request_id"}


class PlainClient(Client):
    """
    Hands the request to the application and its answer back, with nothing in between.
    """

    def request(self, **request: Any) -> Any:
        return self.handler(self._base_environ(**request))  # type: ignore[attr-defined]


client = PlainClient()
FAILURES: list[BaseException] = []
pytestmark = pytest.mark.django_db


# ------------------------------------------------------------------ what must hold
@pytest.fixture(scope="module")
def matrix(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Matrix]:
    with (
        django_db_blocker.unblock(),
        time_machine.travel(NOON, tick=False),
        rolled_back(),
        run_stand_in() as stand_in,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(django_settings, "STRIPE_API_BASE", stand_in.base_url)
        # Nobody writes while a feed waits here.
        patch.setattr(feeds, "FEED_WAIT_S_MAX", 0)
        yield create_matrix()


@pytest.fixture(autouse=True)
def _failures() -> Iterator[None]:
    """
    Keep what a request broke with, and be silent about each of the many requests.
    """

    def note(**_: object) -> None:
        FAILURES.extend(filter(None, [sys.exc_info()[1]]))

    FAILURES.clear()
    logging.disable(logging.CRITICAL)
    got_request_exception.connect(note)
    yield
    got_request_exception.disconnect(note)
    logging.disable(logging.NOTSET)


@pytest.fixture
def known(matrix: Matrix) -> dict[str, str]:
    things = {**matrix.things}
    return {
        "booking_id": things["booking"].by_holder["ben"]["booking_id"],
        "run_id": things["run"].by_holder["house"]["run_id"],
        "batch_id": things["batch"].by_holder["scheduler"]["batch_id"],
    }


def send(case: Case) -> HttpResponseBase:
    query = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in case.query)
    headers = {name: value for name, value in case.headers.items() if value}
    content_type = headers.pop("Content-Type", "")
    with rolled_back(), time_machine.travel(NOON, tick=False):
        response: HttpResponseBase = client.generic(
            case.method.upper(),
            f"{_quote(case.path, safe='/')}?{query}",
            case.body,
            content_type=content_type,
            headers=headers,
        )
        # A file is written while it is read, and may break then too.
        if response.streaming:
            collections.deque(response, maxlen=0)
    return response


def _quote(text: str, safe: str = "") -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe=safe)


def assert_is_sound(case: Case, response: HttpResponseBase) -> None:
    if response.status_code >= 500:
        said = "".join(traceback.format_exception(FAILURES[-1])[-3:]) if FAILURES else ""
        pytest.fail(f"{response.status_code} for {case}\n{said}", pytrace=False)
    if response.status_code < 400 or case.method == "head":
        return
    assert response.headers["Content-Type"] == "application/problem+json", case
    content: bytes = response.content  # type: ignore[attr-defined]
    document = json.loads(content)
    assert document.keys() >= PROBLEM, case
    assert document["status"] == response.status_code, case
    assert document["code"], case
    assert document["detail"], case
    assert document["request_id"] == response.headers["X-Request-ID"], case


def test_knows_a_valid_body_of_every_operation_that_takes_one(matrix: Matrix) -> None:
    posts = {each.path for each in list_operations() if each.method == "post"}

    assert posts == set(make_bodies(matrix))


def test_unbent_requests_are_accepted(matrix: Matrix, known: dict[str, str]) -> None:
    bodies = make_bodies(matrix)
    needed = {
        "/api/v1/capacity": [
            ("pool", bodies["/api/v1/bookings"]["pool_id"]),
            ("from", NOON.isoformat()),
            ("to", (NOON + timedelta(hours=2)).isoformat()),
        ]
    }
    for operation in list_operations():
        path = operation.path.format(**known)
        headers = {
            "Content-Type": BATCH if path == "/api/v1/usage" else "application/json",
            "Authorization": f"Bearer {matrix.secrets[choose_key(operation)]}",
            "Idempotency-Key": "unbent",
        }
        body = json.dumps(bodies[path]).encode() if operation.method == "post" else b""

        response = send(Case(operation.method, path, needed.get(path, []), body, headers))

        # The pool has no capacity from noon on, which is an answer too.
        assert response.status_code in {200, 201, 202, 409}, (path, response.content)  # type: ignore[attr-defined]
        assert_is_as_described(operation, response)


def assert_is_as_described(operation: Operation, response: HttpResponseBase) -> None:
    """
    Hold an answer to the OpenAPI document: every member of it is described, and is as described.
    """
    described = read_document()["paths"][operation.path][operation.method]["responses"]
    answer = described.get(str(response.status_code), described["default"])
    content: bytes = response.content  # type: ignore[attr-defined]
    [schema] = [
        each["schema"]
        for media_type, each in answer["content"].items()
        if media_type == response.headers["Content-Type"]
    ]
    validator = Draft202012Validator({**schema, "components": read_document()["components"]})
    faults = [
        f"{each.json_path}: {each.message}" for each in validator.iter_errors(json.loads(content))
    ]
    assert not faults, (operation, faults)


@lru_cache
def read_document() -> dict[str, Any]:
    """
    Return the document, with what it does not describe forbidden.
    """
    document: dict[str, Any] = json.loads(
        json.dumps(SchemaGenerator().get_schema(public=True), default=str)  # type: ignore[no-untyped-call]
    )
    for schema in document["components"]["schemas"].values():
        if "properties" in schema and schema["title"] != "ProblemDocument":
            schema["additionalProperties"] = False
    return document


def share_of(operation: Operation) -> int:
    """
    Return how many of the cases are this operation's: what takes a document has more to bend.
    """
    weights = {each: 3 if each.method == "post" else 1 for each in list_operations()}
    return math.ceil(CASES * weights[operation] / sum(weights.values()))


@pytest.mark.parametrize(
    "operation", list_operations(), ids=lambda each: f"{each.method} {each.path}"
)
def test_no_request_breaks_the_application(
    matrix: Matrix, known: dict[str, str], operation: Operation
) -> None:
    bodies = make_bodies(matrix)

    @settings(
        max_examples=share_of(operation),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=requests(operation, matrix, bodies, known) | made_up_requests(operation, matrix))
    def check(case: Case) -> None:
        assert_is_sound(case, send(case))

    check()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("2026-11-22T12:00:00-20:46", 200),
        ("2026-11-22T12:00:00+23:59", 200),
        ("9999-12-31T23:59:59-20:46", 422),
        ("0001-01-01T00:00:00+20:46", 422),
    ],
)
def test_an_offset_that_postgresql_refuses_is_understood_or_refused(
    matrix: Matrix, given: str, status: int
) -> None:
    case = Case(
        "get",
        "/api/v1/reports/trial-balance",
        [("as_of", given)],
        headers={"Authorization": f"Bearer {matrix.secrets['finance_key']}"},
    )

    response = send(case)

    assert response.status_code == status
    assert_is_sound(case, response)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
def test_every_bad_body_is_refused_everywhere(matrix: Matrix, body: bytes) -> None:
    for operation in list_operations():
        if operation.method != "post":
            continue
        for media in ("application/json", BATCH, "application/x-ndjson"):
            # Only usage may come packed; a refusal of it elsewhere is among the bent ones.
            for encoding in ("", "gzip") if operation.path == "/api/v1/usage" else ("",):
                headers = {
                    "Content-Type": media,
                    "Content-Encoding": encoding,
                    "Authorization": f"Bearer {matrix.secrets[choose_key(operation)]}",
                    "Idempotency-Key": "bad",
                }
                case = Case("post", operation.path, [], body, headers)

                assert_is_sound(case, send(case))


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/", "/access/v1/", "/webhooks/", "/webhooks/stripe/", "/api/v1/%00"],
)
@pytest.mark.parametrize("method", METHODS)
def test_addresses_and_methods_that_are_not_there(matrix: Matrix, path: str, method: str) -> None:
    case = Case(method, path, headers={"Content-Type": "application/json"}, body=b"{}")

    assert_is_sound(case, send(case))


@pytest.mark.parametrize("signature", ["", "t=1,v1=x", "t=nan,v1=", "t=9" * 300, "\u00e6"])
@pytest.mark.parametrize("path", ["/webhooks/stripe/", "/webhooks/stripe/thin/"])
@pytest.mark.parametrize("body", BODIES[:12], ids=lambda body: repr(body[:12]))
def test_unsigned_webhooks(matrix: Matrix, path: str, signature: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    case = Case("post", path, [], body, headers)

    response = send(case)

    assert response.status_code == 400
    assert_is_sound(case, response)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer  ",
        "Basic YTpi",
        "Bearer \u00e6",
        "Bearer a b",
        "bearer pk_live_",
        "x" * 9000,
    ],
)
def test_keys_that_are_none(matrix: Matrix, authorization: str) -> None:
    case = Case("get", "/api/v1/pools", headers={"Authorization": authorization})

    response = send(case)

    assert response.status_code == 401
    assert_is_sound(case, response)
