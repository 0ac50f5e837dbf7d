import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from consent import operations
from consent.models import Vehicle
from tests.factories import bearer, create_api_key, create_consent, create_owner, create_vehicle
from web.public_ids import encode


# The feed shows what is below the oldest running transaction, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 120


@pytest.fixture
def cars(transactional_db: None) -> list[Vehicle]:
    olivia = create_owner("Olivia")
    return [create_vehicle(olivia, plate=f"FE {n:03}") for n in range(5)]


@pytest.fixture
def reader(transactional_db: None) -> Client:
    return Client(headers=bearer(create_api_key()))


def read(client: Client, cursor: str | None = None, **query: Any) -> dict[str, Any]:
    given = query if cursor is None else query | {"cursor": cursor}
    response = client.get("/api/v1/consents", given)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def read_to_the_end(client: Client, **query: Any) -> tuple[list[Any], str]:
    """
    Read the snapshot and what follows until nothing more is there.
    """
    rows, cursor = [], None
    while True:
        page = read(client, cursor, **query)
        rows += page["data"]
        cursor = page["next_cursor"]
        if not page["data"] and not page["has_more"]:
            return rows, str(cursor)


def wait_for(client: Client, cursor: str, *, count: int, **query: Any) -> list[Any]:
    """
    Follow the feed until it told so many rows: other tests' transactions may hold it back.
    """
    rows: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(rows) < count and time.monotonic() < deadline:
        page = read(client, cursor, wait_s=2, **query)
        rows += page["data"]
        cursor = page["next_cursor"]
    return rows


class TestSnapshot:
    def test_shows_where_every_vehicle_stands(self, reader: Client, cars: list[Vehicle]) -> None:
        for car in cars[:3]:
            create_consent(car)
        operations.withdraw(vehicle_id=cars[1].pk, owner_id=cars[1].owner_id, now=timezone.now())
        until = timezone.now() + timedelta(hours=1)
        operations.pause(
            vehicle_id=cars[2].pk,
            owner_id=cars[2].owner_id,
            until=until,
            kind="hour",
            now=timezone.now(),
        )

        rows = {row["vehicle_id"]: row for row in read(reader)["data"]}

        given, withdrawn, paused = (rows[encode("veh", car.pk)] for car in cars[:3])
        assert len(rows) == 3
        assert (given["event"], given["state"], given["version"]) == ("snapshot", "given", 1)
        assert (withdrawn["state"], withdrawn["version"]) == ("withdrawn", 2)
        assert (paused["state"], paused["is_paused"]) == ("given", True)
        assert paused["pause_ends_at"] is not None

    def test_tells_a_car_once_that_skips_a_night_and_is_paused(
        self, reader: Client, cars: list[Vehicle]
    ) -> None:
        """
        A skipped night is a matter of hours: it makes no second row and is no pause.
        """
        now = timezone.now()
        hour = timedelta(hours=1)
        for car in cars[:2]:
            create_consent(car)
            operations.skip_night(
                vehicle_id=car.pk,
                owner_id=car.owner_id,
                starts_at=now + 20 * hour,
                ends_at=now + 30 * hour,
                now=now,
            )
        operations.pause(
            vehicle_id=cars[1].pk,
            owner_id=cars[1].owner_id,
            until=now + hour,
            kind="hour",
            now=now,
        )

        rows, _ = read_to_the_end(reader, limit=1)

        snapshot = [row for row in rows if row["event"] == "snapshot"]
        assert [row["is_paused"] for row in snapshot] == [False, True]

    def test_goes_on_page_by_page_and_then_into_the_changes(
        self, reader: Client, cars: list[Vehicle]
    ) -> None:
        for car in cars:
            create_consent(car)
        first = read(reader, limit=2)
        create_consent(cars[0], battery_stop_pct=45)

        rows = wait_for(reader, first["next_cursor"], count=4, limit=2)

        events = [(row["event"], row["version"]) for row in first["data"] + rows]
        assert events[:5] == [("snapshot", 1)] * 5
        assert events[-1] == ("changed", 2)


class TestTail:
    def test_tells_every_change_once_and_in_order(
        self, reader: Client, cars: list[Vehicle]
    ) -> None:
        _, cursor = read_to_the_end(reader)
        car = cars[0]
        create_consent(car)
        operations.withdraw(vehicle_id=car.pk, owner_id=car.owner_id, now=timezone.now())

        rows = wait_for(reader, cursor, count=2)

        assert [row["event"] for row in rows] == ["given", "withdrawn"]

    def test_waits_for_news(self, reader: Client, cars: list[Vehicle]) -> None:
        _, cursor = read_to_the_end(reader)

        def change() -> None:
            create_consent(cars[0])
            connection.close()

        later = threading.Timer(0.3, change)
        later.start()
        rows = wait_for(reader, cursor, count=1)
        later.join()

        assert [row["event"] for row in rows] == ["given"]

    def test_misses_nothing_of_eight_writers(self, reader: Client, cars: list[Vehicle]) -> None:
        _, cursor = read_to_the_end(reader)
        owner = cars[0].owner
        fleet = [create_vehicle(owner, plate=f"W {n:03}") for n in range(8)]

        def change(car: Vehicle) -> None:
            for stop_pct in range(20, 30):
                create_consent(car, battery_stop_pct=stop_pct)
            connection.close()

        writers = [threading.Thread(target=change, args=(car,)) for car in fleet]
        for writer in writers:
            writer.start()
        seen: list[Any] = []
        while any(writer.is_alive() for writer in writers):
            page = read(reader, cursor)
            seen += page["data"]
            cursor = page["next_cursor"]
        rest = wait_for(reader, cursor, count=80 - len(seen))

        told = {(row["vehicle_id"], row["version"]) for row in seen + rest}
        assert len(seen + rest) == len(told) == 80


def test_refuses_a_cursor_that_it_did_not_give(reader: Client) -> None:
    response = reader.get("/api/v1/consents", {"cursor": "made-up"})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


def test_needs_its_scope(transactional_db: None) -> None:
    other = Client(headers=bearer(create_api_key(scopes=frozenset({"usage:write"}))))

    assert other.get("/api/v1/consents").status_code == 403
