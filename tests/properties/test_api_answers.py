"""
Whatever a client sends, the API answers: never with a server error, and errors as problems.

PARADO_API_EXAMPLES sets how many requests are made up per address and key; the default
suits every run, a long run takes thousands.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis import Case

from tests.factories import bearer, create_api_key, create_organization


EXAMPLES = int(os.environ.get("PARADO_API_EXAMPLES", "5"))
PROBLEM = "application/problem+json"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("one_connection"),
    # The client that makes requests up leaves temporary files of bodies to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload"),
]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """
    Keep the test's transaction open from request to request, as Django's test client does.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def read_schema() -> Any:
    """
    Return the description of the API that clients get.
    """
    described = SchemaGenerator().get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    made = schemathesis.openapi.from_dict(described)
    made.app = get_wsgi_application()
    return made


schema = read_schema()


@pytest.fixture
def callers(db: None) -> tuple[dict[str, str], ...]:
    """
    Return the headers of a client of each kind, and those of one without a key.
    """
    organization_ids = {"buyer": create_organization().pk}
    kinds = ("scheduler", "buyer", "finance")
    keys = [create_api_key(kind=kind, organization_id=organization_ids.get(kind)) for kind in kinds]
    return ({}, *({"Authorization": f"Bearer {key}"} for key in keys))


@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_is_answered_with_a_server_error(
    case: Case[Any], callers: tuple[dict[str, str], ...]
) -> None:
    for headers in callers:
        response = case.call(headers=headers)

        assert response.status_code < 500
        if response.status_code >= 400:
            assert response.headers["content-type"][0].startswith(PROBLEM)


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
    client: Client, given: str, status: int
) -> None:
    key = create_api_key(kind="finance")

    response = client.get("/api/v1/reports/trial-balance", {"as_of": given}, headers=bearer(key))

    assert response.status_code == status
