"""
What machines may read of the marketplace: pools, capacity, and the scheduler's bookings.
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from consent.rules import WorkloadCategory
from marketplace import rules
from marketplace.queries import capacity, pools
from marketplace.queries.pools import PoolRow
from web.callers import get_caller
from web.feeds import read_feed
from web.limits import FEED_ROWS, FEED_ROWS_MAX, FEED_WAIT_S_MAX
from web.openapi import answer
from web.problems import FieldError, Problem, not_found
from web.public_ids import decode, encode
from web.strict_json import Instant, Strict, read_query


FEED_TABLE = "marketplace_booking_feed_v"
FEED_COLUMNS = (
    "kind",
    "occurred_at",
    "booking_id",
    "pool_id",
    "region_code",
    "hardware_class_code",
    "starts_at",
    "ends_at",
    "power_w",
    "energy_wh",
    "jobs_max",
    "workload_category",
)


class NoQuery(Strict):
    """
    An address that takes no query parameters.
    """


class CapacityQuery(Strict):
    pool: str
    starts_at: Instant = msgspec.field(name="from")
    ends_at: Instant = msgspec.field(name="to")


class FeedQuery(Strict):
    cursor: str = ""
    limit: int = FEED_ROWS
    wait_s: float = 0


# ------------------------------------------------------------------ what is answered
class Money(msgspec.Struct):
    """
    Whole micros: millionths of the currency's unit.
    """

    amount_micros: int
    currency: str


class Price(msgspec.Struct):
    per_kwh: Money
    per_job: Money


class Region(msgspec.Struct):
    code: str
    name: str
    country: str
    time_zone: str


class HardwareClass(msgspec.Struct):
    code: str
    name: str


class Pool(msgspec.Struct):
    """
    A region and a class of hardware; without a price nothing of it is on sale now.
    """

    id: str
    region: Region
    hardware_class: HardwareClass
    price: Price | None


class PoolList(msgspec.Struct):
    data: list[Pool]
    next_cursor: str | None


class CapacityStep(msgspec.Struct):
    """
    Power that is left from `starts_at` until just before `ends_at`.
    """

    starts_at: datetime
    ends_at: datetime
    power_w: int
    price: Price | None


class CapacityList(msgspec.Struct):
    data: list[CapacityStep]
    next_cursor: str | None


class ServedBooking(msgspec.Struct):
    id: str
    pool_id: str
    region: str
    hardware_class: str
    starts_at: datetime
    ends_at: datetime
    power_w: int
    energy_wh: int
    jobs_max: int
    workload_category: WorkloadCategory


class BookingNews(msgspec.Struct):
    event: Literal["placed", "released"]
    occurred_at: datetime
    booking: ServedBooking


class BookingFeedPage(msgspec.Struct):
    """
    Hand `next_cursor` back to go on, for ever.
    """

    data: list[BookingNews]
    next_cursor: str
    has_more: bool


class Pools(APIView):
    permission_classes = [HasScope("pools:read")]

    @extend_schema(
        operation_id="list_pools", summary="Pools that can be booked", responses=answer(PoolList)
    )
    def get(self, request: Request) -> Response:
        read_query(request.query_params, NoQuery)
        rows = pools.list_pools(now=timezone.now())
        return Response({"data": [show_pool(pool) for pool in rows], "next_cursor": None})


class Capacity(APIView):
    permission_classes = [HasScope("pools:read")]

    @extend_schema(
        operation_id="get_capacity",
        summary="Power left in a pool, as steps without gap",
        parameters=[
            OpenApiParameter("pool", str, required=True),
            OpenApiParameter("from", datetime, required=True),
            OpenApiParameter("to", datetime, required=True),
        ],
        responses=answer(CapacityList),
    )
    def get(self, request: Request) -> Response:
        query = read_query(request.query_params, CapacityQuery)
        starts_at, ends_at = _read_span(query)
        pool = _find_pool(query.pool)
        steps = capacity.get_schedule(pool_id=pool.id, starts_at=starts_at, ends_at=ends_at)
        return Response({"data": [_show_step(step) for step in steps], "next_cursor": None})


class BookingFeed(APIView):
    permission_classes = [HasScope("bookings:read")]

    @extend_schema(
        operation_id="read_booking_feed",
        summary="Bookings to serve, placed and released, in an order that skips none",
        parameters=[
            OpenApiParameter("cursor", str, description="next_cursor of the answer before"),
            OpenApiParameter("limit", int, description=f"1 to {FEED_ROWS_MAX}"),
            OpenApiParameter("wait_s", float, description=f"0 to {FEED_WAIT_S_MAX}"),
        ],
        responses=answer(BookingFeedPage),
    )
    def get(self, request: Request) -> Response:
        # A buyer's key may carry the same scope, for its own bookings.
        caller = get_caller(request)
        if caller is None or caller.kind != "scheduler":
            raise Problem(
                HTTPStatus.FORBIDDEN, "scheduler_only", detail="Only a scheduler reads this feed."
            )
        query = read_query(request.query_params, FeedQuery)
        page = read_feed(
            table=FEED_TABLE,
            columns=FEED_COLUMNS,
            cursor=query.cursor,
            limit=query.limit,
            wait_s=max(query.wait_s, 0),
        )
        return Response(
            {
                "data": [_show_event(row) for row in page.rows],
                "next_cursor": page.next_cursor,
                "has_more": page.has_more,
            }
        )


def show_money(amount_micros: int, currency: str) -> dict[str, Any]:
    return {"amount_micros": amount_micros, "currency": currency}


def show_price(price: rules.Price | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {
        "per_kwh": show_money(price.micros_per_kwh, price.currency),
        "per_job": show_money(price.micros_per_job, price.currency),
    }


def show_pool(pool: PoolRow) -> dict[str, Any]:
    return {
        "id": encode("pool", pool.id),
        "region": {
            "code": pool.region_code,
            "name": pool.region_name,
            "country": pool.country,
            "time_zone": pool.time_zone,
        },
        "hardware_class": {"code": pool.hardware_class_code, "name": pool.hardware_class_name},
        "price": show_price(pool.price),
    }


def _show_step(step: capacity.Step) -> dict[str, Any]:
    return {
        "starts_at": step.starts_at,
        "ends_at": step.ends_at,
        "power_w": step.available_w,
        "price": show_price(step.price),
    }


def _show_event(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event": row["kind"],
        "occurred_at": row["occurred_at"],
        "booking": {
            "id": encode("bkg", row["booking_id"]),
            "pool_id": encode("pool", row["pool_id"]),
            "region": row["region_code"],
            "hardware_class": row["hardware_class_code"],
            "starts_at": row["starts_at"],
            "ends_at": row["ends_at"],
            "power_w": row["power_w"],
            "energy_wh": row["energy_wh"],
            "jobs_max": row["jobs_max"],
            "workload_category": row["workload_category"],
        },
    }


def _read_span(query: CapacityQuery) -> tuple[datetime, datetime]:
    """
    Return the whole hours that the asked span touches.
    """
    try:
        rules.check_reach(query.starts_at, query.ends_at)
        starts_at, ends_at = rules.floor_to_hour(query.starts_at), rules.ceil_to_hour(query.ends_at)
        rules.check_window(starts_at=starts_at, ends_at=ends_at)
    except rules.BAD_WINDOWS as error:
        text = f"Ask for more than 0 and at most {rules.BOOKING_HOURS_MAX} hours."
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid",
            detail=text,
            errors=[FieldError(pointer="?to", code="window", detail=text)],
        ) from error
    return starts_at, ends_at


def _find_pool(public_id: str) -> PoolRow:
    pool_id = decode("pool", public_id)
    pool = None if pool_id is None else pools.get_pool(pool_id=pool_id, now=timezone.now())
    if pool is None:
        raise not_found("unknown_pool", "There is no such pool.")
    return pool
