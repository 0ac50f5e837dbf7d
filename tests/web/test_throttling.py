import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from tests.factories import bearer, create_api_key
from web import throttling
from web.throttling import Rate, take


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEN_A_MINUTE = Rate(requests_per_minute=10, burst=3)


@pytest.mark.django_db
class TestTake:
    def test_lets_a_burst_through_then_one_every_interval(self) -> None:
        waits = [take(key="olivia", rate=TEN_A_MINUTE, now=NOON) for _ in range(4)]

        assert waits == [None, None, None, timedelta(seconds=6)]
        assert take(key="olivia", rate=TEN_A_MINUTE, now=NOON + timedelta(seconds=6)) is None
        assert take(key="olivia", rate=TEN_A_MINUTE, now=NOON + timedelta(seconds=6)) is not None

    def test_counts_each_caller_apart(self) -> None:
        for _ in range(4):
            take(key="olivia", rate=TEN_A_MINUTE, now=NOON)

        assert take(key="ben", rate=TEN_A_MINUTE, now=NOON) is None

    def test_forgets_whoever_is_on_time_again(self) -> None:
        take(key="olivia", rate=TEN_A_MINUTE, now=NOON)

        assert throttling.forget_idle(now=NOON) == 0
        assert throttling.forget_idle(now=NOON + timedelta(seconds=6)) == 1


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_three_hundred_at_once_get_ten_places(self) -> None:
        rate = Rate(requests_per_minute=10, burst=10)
        start = threading.Barrier(8)

        def hammer(_: int) -> int:
            start.wait(timeout=20)
            try:
                return sum(take(key="mallory", rate=rate, now=NOON) is None for _ in range(38))
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(hammer, range(8))) == 10


@pytest.mark.django_db
@pytest.mark.usefixtures("sample_api")
class TestApi:
    def test_answers_429_with_the_wait(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(throttling.RATES, "scheduler", Rate(requests_per_minute=1, burst=1))
        key = create_api_key(scopes=frozenset({"bookings:read"}))

        first, response = (
            client.post("/api/v1/echo", b"{}", content_type="application/json", headers=bearer(key))
            for _ in range(2)
        )

        assert first.status_code == 422

        assert (response.status_code, response.json()["code"]) == (429, "throttled")
        assert int(response["Retry-After"]) >= 1

    @pytest.mark.parametrize("key", ["", "Bearer pk_live_guessed", "Bearer \u00e6", "Basic eA=="])
    def test_whoever_is_turned_away_is_counted(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, key: str
    ) -> None:
        monkeypatch.setitem(throttling.RATES, "anonymous", Rate(requests_per_minute=1, burst=2))
        headers = {"Authorization": key} if key else {}

        answers = [client.get("/api/v1/balance", headers=headers) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert answers[2].json()["code"] == "throttled"
        assert int(answers[2]["Retry-After"]) >= 1

    def test_a_key_without_the_scope_is_counted_as_its_owner(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(throttling.RATES, "scheduler", Rate(requests_per_minute=1, burst=2))
        key = create_api_key(scopes=frozenset({"bookings:read"}))

        statuses = [
            client.get("/api/v1/consents", headers=bearer(key)).status_code for _ in range(3)
        ]

        assert statuses == [403, 403, 429]
        # Somebody else at the same address is not.
        assert client.get("/api/v1/consents").status_code == 401

    def test_a_forged_address_changes_nothing(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(throttling.RATES, "anonymous", Rate(requests_per_minute=1, burst=2))

        statuses = [
            client.post(
                "/api/v1/echo",
                b'{"amount_micros": 1}',
                content_type="application/json",
                headers={"X-Forwarded-For": f"10.0.0.{number}"},
            ).status_code
            for number in range(4)
        ]

        assert statuses == [200, 200, 429, 429]
