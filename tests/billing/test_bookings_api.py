"""
The buyer's API: what is booked, what is refused and how, and whose it is.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace import rules
from marketplace.models import Booking, Pool, Region
from tests.billing.buyers import Company, create_company, top_up
from tests.factories import bearer, create_api_key, create_booking, create_capacity, create_pool
from web.public_ids import encode


pytestmark = pytest.mark.django_db


def next_hour() -> datetime:
    return rules.floor_to_hour(timezone.now()) + rules.HOUR


def text_of(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def pool() -> Pool:
    pool = create_pool()
    create_capacity(pool=pool, starts_at=next_hour(), hours=24, sellable_w=50_000)
    return pool


@pytest.fixture
def ben() -> Company:
    return create_company(prepaid_micros=500_000_000)


class Api:
    """
    Django's client with a company's key.
    """

    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.headers = bearer(key)

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: object, key: str = "k-1") -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            json.dumps(body),
            content_type="application/json",
            headers={**self.headers, "Idempotency-Key": key},
        )


@pytest.fixture
def api(client: Client, ben: Company) -> Api:
    return Api(client, ben.key())


def body_for(pool: Pool, **changes: object) -> dict[str, object]:
    start = next_hour()
    return {
        "pool_id": encode("pool", pool.pk),
        "starts_at": text_of(start),
        "ends_at": text_of(start + timedelta(hours=24)),
        "power_w": 10_000,
        "workload_category": "inference",
        "jobs_max": 0,
        **changes,
    }


class TestPlaceBooking:
    def test_books_and_holds(self, api: Api, ben: Company, pool: Pool) -> None:
        response = api.post("bookings", body_for(pool))

        assert response.status_code == 201
        booking = response.json()
        assert booking["state"] == "booked"
        assert booking["held"] == {"amount_micros": 120_000_000, "currency": "EUR"}
        assert booking["booked"] == {"energy_wh": 240_000, "jobs_max": 0}
        assert response.headers["Location"] == f"/api/v1/bookings/{booking['id']}"
        assert ben.balance == (380_000_000, 120_000_000)

    def test_books_once_when_sent_twice(self, api: Api, ben: Company, pool: Pool) -> None:
        first = api.post("bookings", body_for(pool))
        again = api.post("bookings", body_for(pool))

        assert again.status_code == 201
        assert again.json() == first.json()
        assert Booking.objects.count() == 1

    def test_refuses_a_key_used_for_another_booking(self, api: Api, pool: Pool) -> None:
        api.post("bookings", body_for(pool))

        response = api.post("bookings", body_for(pool, power_w=20_000))

        assert response.status_code == 422
        assert response.json()["code"] == "idempotency_key_reused"

    def test_needs_an_idempotency_key(self, client: Client, ben: Company, pool: Pool) -> None:
        response = client.post(
            "/api/v1/bookings", json.dumps(body_for(pool)), "application/json",
            headers=bearer(ben.key()),
        )  # fmt: skip

        assert response.status_code == 400
        assert response.json()["code"] == "idempotency_key_missing"

    def test_names_the_short_hours_and_what_is_left(self, api: Api, pool: Pool) -> None:
        response = api.post("bookings", body_for(pool, power_w=50_001))

        problem = response.json()
        assert (response.status_code, problem["code"]) == (409, "capacity_short")
        assert response.headers["Content-Type"] == "application/problem+json"
        assert len(problem["hours"]) == 24
        assert problem["hours"][0] == {"starts_at": text_of(next_hour()), "available_w": 50_000}

    def test_says_both_figures_when_the_balance_is_too_small(
        self, api: Api, ben: Company, pool: Pool
    ) -> None:
        response = api.post("bookings", body_for(pool, power_w=50_000))

        problem = response.json()
        assert (response.status_code, problem["code"]) == (402, "insufficient_balance")
        assert problem["required"]["amount_micros"] == 600_000_000
        assert problem["available"]["amount_micros"] == 500_000_000
        assert ben.balance == (500_000_000, 0)

    def test_books_after_a_top_up_with_a_new_key(self, api: Api, ben: Company, pool: Pool) -> None:
        api.post("bookings", body_for(pool, power_w=50_000))
        top_up(ben, 100_000_000, number=2)

        assert api.post("bookings", body_for(pool, power_w=50_000), key="k-2").status_code == 201

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"pool_id": "pool_000000000000000"}, "/pool_id", "unknown_pool"),
            ({"pool_id": "nonsense"}, "/pool_id", "unknown_pool"),
            ({"starts_at": "2020-01-01T00:00:00Z"}, "/ends_at", "window_too_long"),
            ({"power_w": 1}, "/power_w", "power_out_of_range"),
            ({"power_w": 2**62}, "/power_w", "power_out_of_range"),
            ({"power_w": "10000"}, "/power_w", "invalid"),
            ({"power_w": -1}, "/power_w", "invalid"),
            ({"jobs_max": 10**9}, "/jobs_max", "jobs_out_of_range"),
            ({"workload_category": "mining"}, "/workload_category", "invalid"),
            ({"starts_at": "2026-11-22T10:00:00"}, "/starts_at", "invalid"),
            ({"colour": "blue"}, "/colour", "invalid"),
        ],
    )
    def test_refuses_what_it_cannot_mean(
        self, api: Api, pool: Pool, change: dict[str, object], pointer: str, code: str
    ) -> None:
        response = api.post("bookings", body_for(pool, **change))

        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == pointer
        assert response.json()["errors"][0]["code"] == code

    def test_refuses_a_window_in_the_past_and_half_hours(self, api: Api, pool: Pool) -> None:
        start = next_hour() - timedelta(hours=5)
        past = body_for(pool, starts_at=text_of(start), ends_at=text_of(start + rules.HOUR))
        half = body_for(pool, ends_at=text_of(next_hour() + timedelta(minutes=30)))

        assert api.post("bookings", past).json()["errors"][0]["code"] == "window_in_past"
        assert api.post("bookings", half, "k-2").json()["errors"][0]["code"] == "not_whole_hours"

    def test_refuses_a_far_away_time_without_failing(self, api: Api, pool: Pool) -> None:
        ahead = body_for(pool, starts_at="2199-12-31T22:00:00Z", ends_at="2199-12-31T23:00:00Z")
        beyond = body_for(pool, starts_at="9999-12-31T22:00:00Z", ends_at="9999-12-31T23:00:00Z")
        before = body_for(pool, starts_at="0001-01-01T00:00:00+14:00")

        assert api.post("bookings", ahead).status_code == 409  # nothing is forecast so far ahead
        assert api.post("bookings", beyond, "k-2").status_code == 422
        assert api.post("bookings", before, "k-3").status_code == 422

    def test_hides_pools_of_few_cars(self, api: Api, pool: Pool) -> None:
        Region.objects.update(vehicle_count=19)

        assert api.post("bookings", body_for(pool)).json()["errors"][0]["code"] == "unknown_pool"
        assert api.get("pools").json()["data"] == []


class TestLists:
    def test_pages_newest_first(self, api: Api, pool: Pool) -> None:
        ids = [
            api.post("bookings", body_for(pool, power_w=1000), key=f"k-{n}").json()["id"]
            for n in range(3)
        ]

        first = api.get("bookings", limit="2").json()
        second = api.get("bookings", limit="2", cursor=first["next_cursor"]).json()

        assert [row["id"] for row in first["data"] + second["data"]] == ids[::-1]
        assert second["next_cursor"] is None

    def test_filters_by_state(self, api: Api, pool: Pool) -> None:
        api.post("bookings", body_for(pool))

        assert len(api.get("bookings", state="booked").json()["data"]) == 1
        assert api.get("bookings", state="running").json()["data"] == []
        assert api.get("bookings", state="lost").status_code == 422

    def test_refuses_a_cursor_of_another_list(self, api: Api, pool: Pool) -> None:
        for number in range(2):
            api.post("bookings", body_for(pool, power_w=1000), key=f"k-{number}")
        cursor = api.get("bookings", limit="1").json()["next_cursor"]

        assert api.get("bookings", limit="1", state="booked", cursor=cursor).status_code == 400
        assert api.get("transfers", limit="1", cursor=cursor).status_code == 400

    @pytest.mark.parametrize("path", ["bookings", "pools", "balance", "transfers"])
    def test_refuses_unknown_query_parameters(self, api: Api, path: str) -> None:
        response = api.get(path, colour="blue")

        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "?colour"

    def test_shows_what_changed_the_balance(self, api: Api, pool: Pool) -> None:
        booking = api.post("bookings", body_for(pool)).json()

        moves = api.get("transfers").json()["data"]

        assert [(move["code"], move["amount"]["amount_micros"]) for move in moves] == [
            ("booking_held", -120_000_000),
            ("top_up_captured", 500_000_000),
        ]
        assert moves[0]["booking_id"] == booking["id"]
        assert api.get("balance").json()["data"][0]["available"]["amount_micros"] == 380_000_000

    def test_lists_no_usage_before_there_is_any(self, api: Api, pool: Pool) -> None:
        booking = api.post("bookings", body_for(pool)).json()

        assert api.get(f"bookings/{booking['id']}/usage").json() == {
            "data": [],
            "next_cursor": None,
        }


class TestOwnForeignAbsent:
    """
    Mallory sees of Ben's bookings what she sees of bookings that do not exist: nothing.
    """

    @pytest.mark.parametrize("path", ["bookings/{id}", "bookings/{id}/usage"])
    def test_foreign_and_absent_are_the_same_answer(
        self, client: Client, ben: Company, pool: Pool, path: str
    ) -> None:
        own = create_booking(organization_id=ben.id, pool=pool, starts_at=next_hour())
        mallory = Api(client, create_company("Mallory").key())
        foreign_path = path.format(id=encode("bkg", own.pk))
        absent_path = path.format(id=encode("bkg", own.pk + 1))

        foreign, absent = mallory.get(foreign_path), mallory.get(absent_path)

        assert foreign.status_code == absent.status_code == 404
        assert _without_names(foreign) == _without_names(absent)
        assert Api(client, ben.key()).get(foreign_path).status_code == 200

    def test_lists_hold_only_ones_own(self, client: Client, ben: Company, pool: Pool) -> None:
        create_booking(organization_id=ben.id, pool=pool, starts_at=next_hour())
        mallory = Api(client, create_company("Mallory").key())

        for path in ("bookings", "transfers", "balance"):
            assert mallory.get(path).json()["data"] == []

    @pytest.mark.parametrize(
        ("method", "path", "scope"),
        [
            ("get", "pools", "pools:read"),
            ("get", "capacity", "pools:read"),
            ("get", "bookings", "bookings:read"),
            ("post", "bookings", "bookings:write"),
            ("get", "balance", "balance:read"),
            ("get", "transfers", "balance:read"),
        ],
    )
    def test_needs_the_scope(
        self, client: Client, ben: Company, method: str, path: str, scope: str
    ) -> None:
        others = frozenset({"pools:read", "bookings:read", "bookings:write", "balance:read"})
        key = ben.key(others - {scope})

        assert getattr(client, method)(f"/api/v1/{path}").status_code == 401
        response = getattr(client, method)(f"/api/v1/{path}", headers=bearer(key))
        assert response.status_code == 403

    def test_a_scheduler_has_no_bookings_of_its_own(self, client: Client, pool: Pool) -> None:
        scheduler = Api(client, create_api_key(kind="scheduler"))

        assert scheduler.get("bookings").status_code == 403


def _without_names(response: Any) -> dict[str, Any]:
    """
    Return a problem without what names the request itself.
    """
    return {**response.json(), "instance": "", "request_id": ""}


class TestPools:
    def test_shows_region_hardware_and_price(self, api: Api, pool: Pool) -> None:
        (row,) = api.get("pools").json()["data"]

        assert row["id"] == encode("pool", pool.pk)
        assert row["region"]["code"] == "no-trondheim"
        assert row["price"]["per_kwh"] == {"amount_micros": 500_000, "currency": "EUR"}

    def test_shows_capacity_as_steps(self, api: Api, pool: Pool) -> None:
        start = next_hour()
        api.post("bookings", body_for(pool, ends_at=text_of(start + timedelta(hours=2))))

        response = api.get(
            "capacity",
            **{
                "pool": encode("pool", pool.pk),
                "from": text_of(start),
                "to": text_of(start + timedelta(hours=25)),
            },
        )

        steps = response.json()["data"]
        assert [(step["starts_at"], step["power_w"]) for step in steps] == [
            (text_of(start), 40_000),
            (text_of(start + timedelta(hours=2)), 50_000),
            (text_of(start + timedelta(hours=24)), 0),
        ]
        assert steps[0]["ends_at"] == steps[1]["starts_at"]
        assert steps[0]["price"]["per_kwh"]["amount_micros"] == 500_000

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({}, 422),
            ({"pool": "pool_000000000000000", "from": "2026-11-22T00:00:00Z",
              "to": "2026-11-23T00:00:00Z"}, 404),
            ({"pool": "x", "from": "2026-11-22T00:00:00Z", "to": "2026-11-22T00:00:00Z"}, 422),
            ({"pool": "x", "from": "2026-11-22T00:00:00Z", "to": "2027-11-22T00:00:00Z"}, 422),
            ({"pool": "x", "from": "yesterday", "to": "2027-11-22T00:00:00Z"}, 422),
            ({"pool": "x", "from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, 422),
        ],
    )  # fmt: skip
    def test_refuses_spans_it_cannot_show(
        self, api: Api, query: dict[str, str], status: int
    ) -> None:
        assert api.get("capacity", **query).status_code == status


@pytest.mark.django_db(transaction=True)
class TestBookingFeed:
    def test_tells_the_scheduler_every_booking_once(
        self, client: Client, api: Api, pool: Pool
    ) -> None:
        scheduler = Api(client, create_api_key(kind="scheduler"))
        booking = api.post("bookings", body_for(pool)).json()

        page = scheduler.get("bookings/feed").json()
        after = scheduler.get("bookings/feed", cursor=page["next_cursor"]).json()

        assert [row["event"] for row in page["data"]] == ["placed"]
        assert page["data"][0]["booking"]["id"] == booking["id"]
        assert page["data"][0]["booking"]["power_w"] == 10_000
        assert after["data"] == []

    def test_is_not_for_buyers(self, api: Api) -> None:
        assert api.get("bookings/feed").status_code == 403
