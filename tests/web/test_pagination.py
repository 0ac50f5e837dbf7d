from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from tests.factories import bearer, create_api_key, create_organization
from tests.web.sample_api import MOVED
from web import tokens


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sample_api")]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def key() -> str:
    return create_api_key(kind="buyer", organization_id=create_organization().pk)


def create_move(subject: str, *, at: datetime = NOON) -> None:
    AuditEvent.objects.create(action=MOVED, subject=subject, at=at)


def read(client: Client, key: str, **query: Any) -> Any:
    return client.get("/api/v1/moves", query, headers=bearer(key))


class TestPaginate:
    def test_reads_every_row_once_although_times_are_equal(self, client: Client, key: str) -> None:
        for number in range(5):
            create_move(str(number), at=NOON + timedelta(seconds=number // 2))

        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = read(client, key, cursor=cursor).json()
            seen += answer["data"]
            cursor = answer["next_cursor"]

        assert seen == ["4", "3", "2", "1", "0"]

    def test_a_row_that_comes_meanwhile_repeats_nothing(self, client: Client, key: str) -> None:
        for number in range(3):
            create_move(str(number))
        first = read(client, key).json()
        create_move("3")

        rest = read(client, key, cursor=first["next_cursor"]).json()

        assert (first["data"], rest["data"]) == (["2", "1"], ["0"])
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize("forged", ["x", "AAAA", "ä", "=" * 7, "a" * 4000])
    def test_refuses_a_cursor_that_it_did_not_give(
        self, client: Client, key: str, forged: str
    ) -> None:
        response = read(client, key, cursor=forged)

        assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


class TestTokens:
    def test_are_read_by_their_own_scope_only(self) -> None:
        text = tokens.sign(scope="a", values=[1, "x"])

        assert tokens.read(scope="a", text=text) == [1, "x"]
        assert tokens.read(scope="b", text=text) is None

    def test_refuse_every_changed_character(self) -> None:
        text = tokens.sign(scope="a", values=[1, "x"])

        for index in range(len(text) - 1):
            changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
            assert tokens.read(scope="a", text=changed) is None
