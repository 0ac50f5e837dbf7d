"""
Every address for every caller, with what is theirs, somebody else's and nobody's: the last
two answer alike, byte for byte.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker
from rest_framework.views import APIView

from accounts.models import User
from tests.billing.meters import NOON
from tests.matrix.table import IN_FIELDS, OF_ALLAUTH, PASSKEYS, ROUTES, Route
from tests.matrix.world import (
    HOLDERS,
    MACHINES,
    ROLES,
    STRANGER,
    Arguments,
    Matrix,
    create_matrix,
    rolled_back,
)


CHANGING = re.compile(rb'("request_id": "|csrfmiddlewaretoken" value="|csrf-token" content=")[^"]+')
REQUEST_ID = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}")
HEADERS_THAT_DIFFER = {"x-request-id", "content-length"}


class PlainClient(Client):
    """
    Answers as a server would. Django's own keeps a copy of the context of every template
    that was rendered, which takes as long as rendering them.
    """

    def request(self, **request: Any) -> Any:
        return self.handler(self._base_environ(**request))  # type: ignore[attr-defined]


client = PlainClient()


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """
    Say nothing of the thousands of requests, of which many are refused.
    """
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def matrix(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Matrix]:
    """
    Make the world once: each test and each request in it is undone.
    """
    with django_db_blocker.unblock(), time_machine.travel(NOON, tick=False), rolled_back():
        yield create_matrix()


pytestmark = pytest.mark.django_db


# ------------------------------------------------------------------ the table is whole
def list_patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            inner = f"{each.namespace}:" if each.namespace else ""
            yield from list_patterns(each, namespace + inner)
        else:
            yield f"{namespace}{each.name}", each


def test_every_address_has_an_expectation() -> None:
    served = {name for name, _pattern in list_patterns(get_resolver())}

    assert served == {route.name for route in ROUTES} | {*OF_ALLAUTH, *PASSKEYS}


def test_every_method_of_the_api_has_an_expectation() -> None:
    served = {
        f"{method} {name}"
        for name, pattern in list_patterns(get_resolver())
        for view in [getattr(pattern.callback, "cls", None)]
        if view is not None and issubclass(view, APIView) and name not in {"schema", "api-docs"}
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(view, method)
    }

    assert served == {route.key for route in ROUTES if route.is_api}


# ------------------------------------------------------------------ the matrix
def call(matrix: Matrix, route: Route, role: str, arguments: Arguments) -> HttpResponseBase:
    client.cookies = SimpleCookie()
    if role in matrix.sessions:
        client.cookies[settings.SESSION_COOKIE_NAME] = matrix.sessions[role]
    headers = {"Idempotency-Key": f"matrix-{role}"}
    if role in matrix.secrets:
        headers["Authorization"] = f"Bearer {matrix.secrets[role]}"
    form = {"content_type": "application/json"} if route.is_api else {}
    with rolled_back():
        response: HttpResponseBase = getattr(client, route.method)(
            find_path(route, arguments), route.data, headers=headers, **form
        )
    return response


def find_path(route: Route, arguments: Arguments) -> str:
    return reverse(route.name, kwargs={**route.arguments, **arguments})


def ask(matrix: Matrix, route: Route, role: str, arguments: Arguments) -> tuple[Any, ...]:
    """
    Return all of an answer that must not tell what is somebody else's from what is nobody's:
    status, headers and body, but for the address itself and what changes with every request.
    """
    response = call(matrix, route, role, arguments)
    content = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
    path = find_path(route, arguments)
    headers = {
        name.lower(): value.replace(path, "*").replace(quote(path, safe=""), "*")
        for name, value in response.headers.items()
        if name.lower() not in HEADERS_THAT_DIFFER
    }
    content = content.replace(path.encode(), b"*").replace(quote(path, safe="").encode(), b"*")
    return response.status_code, headers, REQUEST_ID.sub(b"*", CHANGING.sub(b"*", content))


def assert_refused(route: Route, role: str, response: HttpResponseBase) -> None:
    """
    Check how an address answers somebody whom it does not let in.
    """
    if route.refused:
        assert response.status_code == route.refused
    elif route.is_api:
        is_known = role in MACHINES and role != "bogus_key"
        assert response.status_code == (403 if is_known else 401)
        assert response.headers["Content-Type"] == "application/problem+json"
    elif role == STRANGER or role in MACHINES:
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/account/login/?next=")
    else:
        assert response.status_code == 403


@pytest.mark.parametrize("route", [each for each in ROUTES if not each.thing], ids=lambda r: r.key)
def test_lets_in_whom_it_should(matrix: Matrix, route: Route) -> None:
    for role in route.roles:
        response = call(matrix, route, role, {})

        if role in route.allowed:
            assert response.status_code in route.fine, (role, response.status_code)
            assert "/account/login/" not in response.headers.get("Location", ""), role
        else:
            assert_refused(route, role, response)


@pytest.mark.parametrize("route", [each for each in ROUTES if each.thing], ids=lambda r: r.key)
def test_answers_what_is_foreign_as_what_is_absent(matrix: Matrix, route: Route) -> None:
    things = matrix.things[route.thing]
    for role in route.roles:
        holder = HOLDERS.get(role, "")
        own = things.by_holder.get(holder)
        foreign = [each for name, each in things.by_holder.items() if name != holder]

        if role in route.allowed:
            answers = [ask(matrix, route, role, each) for each in (*foreign, *things.absent)]
            assert answers[0][0] == 404, role
            if own:
                assert call(matrix, route, role, own).status_code in route.fine, role
        else:
            # Refused before anything is looked up, so one of each will do.
            chosen = [*foreign[:1], things.absent[0], *([own] if own else [])]
            answers = [ask(matrix, route, role, each) for each in chosen]
            assert_refused(route, role, call(matrix, route, role, things.absent[0]))
        for answer in answers[1:]:
            assert answer == answers[0], role


@pytest.mark.parametrize(
    ("route", "field", "role", "thing"), IN_FIELDS, ids=lambda each: getattr(each, "key", each)
)
def test_ids_in_fields_tell_as_little(
    matrix: Matrix, route: Route, field: str, role: str, thing: str
) -> None:
    things = matrix.things[thing]
    foreign = [each for name, each in things.by_holder.items() if name != role]

    def send(arguments: Arguments) -> tuple[Any, ...]:
        [text] = arguments.values()
        return ask(matrix, replace(route, data={field: text}), role, {})

    first, *rest = [send(each) for each in (*foreign, *things.absent)]

    assert first[0] == 404
    assert all(answer == first for answer in rest)
    assert send(things.by_holder[role])[0] in route.fine


# ------------------------------------------------------------------ pages of allauth
@pytest.mark.parametrize("name", OF_ALLAUTH)
def test_pages_of_allauth_break_for_nobody(matrix: Matrix, name: str) -> None:
    needs = name == "account_reset_password_from_key"
    arguments = {"uidb36": "1", "key": "set-password"} if needs else {}
    route = Route(name=name, allowed=frozenset(ROLES))
    for role in (STRANGER, "olivia", "olga"):
        assert call(matrix, route, role, arguments).status_code < 500, role


@pytest.mark.parametrize("name", PASSKEYS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_passkey_is_no_passkey(matrix: Matrix, name: str, method: str) -> None:
    route = Route(name=name, method=method, allowed=frozenset(ROLES), data={"name": "Phone"})
    own, foreign = ({"pk": create_passkey(name).pk} for name in ("olivia", "mallory"))

    answers = [ask(matrix, route, "olivia", each) for each in (foreign, {"pk": 999_999_937})]

    assert answers[0][0] == 404
    assert answers[0] == answers[1]
    assert call(matrix, route, "olivia", own).status_code in {200, 302}
    assert call(matrix, route, "olivia", {"pk": 10**30}).status_code == 404


def create_passkey(name: str) -> Authenticator:
    return Authenticator.objects.create(
        user=User.objects.get(email=f"{name}@example.com"),
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "Key", "credential": {}},
    )
