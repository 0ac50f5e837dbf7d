import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent
from tests.factories import bearer, create_api_key, create_organization, create_person
from tests.web import sample_api
from web.models import IdempotencyRecord


pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sample_api"),
]


@pytest.fixture
def key() -> str:
    return create_api_key(kind="buyer", organization_id=create_organization().pk)


@pytest.fixture
def open_gate() -> Iterator[None]:
    sample_api.entered.clear()
    yield
    sample_api.gate.set()


def post(key: str, idempotency_key: str | None, **body: Any) -> Any:
    headers = bearer(key)
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    text = json.dumps({"amount_micros": 1, **body})
    client = Client(raise_request_exception=False)
    return client.post("/api/v1/moves", text, content_type="application/json", headers=headers)


def count_moves() -> int:
    return AuditEvent.objects.filter(action=sample_api.MOVED).count()


class TestIdempotencyKey:
    def test_is_required(self, key: str) -> None:
        response = post(key, None)

        assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")
        assert count_moves() == 0

    @pytest.mark.parametrize("unusable", ["a b", "ä", "x" * 256, "tab\tkey"])
    def test_is_visible_ascii(self, key: str, unusable: str) -> None:
        assert post(key, unusable).json()["code"] == "idempotency_key_invalid"

    def test_gives_the_first_answer_again(self, key: str) -> None:
        first = post(key, "order-1")
        again = post(key, "order-1")

        assert first.status_code == again.status_code == 201
        assert again.content == first.content
        assert again["Location"] == first["Location"] == "/api/v1/moves"
        assert again["Idempotency-Replayed"] == "true"
        assert count_moves() == 1

    def test_refuses_another_body(self, key: str) -> None:
        post(key, "order-1")

        response = post(key, "order-1", amount_micros=2)

        assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
        assert count_moves() == 1

    def test_belongs_to_the_organisation_and_outlives_the_api_key(self) -> None:
        ours = create_organization()
        theirs = create_organization(create_person("Mallory"), name="Mallory's")
        old, new = (create_api_key(kind="buyer", organization_id=ours.pk) for _ in range(2))
        foreign = create_api_key(kind="buyer", organization_id=theirs.pk)

        assert post(old, "order-1").json() == {"count": 1}
        assert post(new, "order-1").json() == {"count": 1}
        assert post(foreign, "order-1").json() == {"count": 2}

    def test_keeps_a_refusal_and_none_of_its_effect(self, key: str) -> None:
        first = post(key, "order-1", note="too much")
        again = post(key, "order-1", note="too much")

        assert first.status_code == again.status_code == 402
        assert again["Idempotency-Replayed"] == "true"
        assert count_moves() == 0

    @pytest.mark.parametrize(("note", "status"), [("conflict", 409), ("break", 500)])
    def test_forgets_an_answer_that_may_change(self, key: str, note: str, status: int) -> None:
        first = post(key, "order-1", note=note)
        again = post(key, "order-1", note=note)

        assert first.status_code == again.status_code == status
        assert "Idempotency-Replayed" not in again
        assert IdempotencyRecord.objects.count() == 0
        assert count_moves() == 0

    def test_answers_409_while_the_first_request_runs(self, key: str, open_gate: None) -> None:
        sample_api.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(run_and_close, key, "order-1")
            assert sample_api.entered.wait(timeout=20)

            second = post(key, "order-1")

            sample_api.gate.set()
            assert first.result(timeout=20) == 201
        assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_use")
        assert second["Retry-After"] == "1"
        assert count_moves() == 1

    def test_eight_at_once_have_one_effect(self, key: str) -> None:
        start = threading.Barrier(8)

        def race() -> int:
            start.wait(timeout=20)
            return run_and_close(key, "order-1")

        with ThreadPoolExecutor(8) as pool:
            statuses = [each.result() for each in [pool.submit(race) for _ in range(8)]]

        assert 201 in statuses
        assert set(statuses) <= {201, 409}
        assert count_moves() == 1


def run_and_close(key: str, idempotency_key: str) -> int:
    try:
        return int(post(key, idempotency_key).status_code)
    finally:
        connection.close()
