"""
The buyer's API: bookings, what was delivered for them, and the balance that pays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from billing.api import shapes
from billing.api.paging import (
    PAGING,
    PageQuery,
    clamp,
    get_organization_id,
    make_page,
    read_position,
)
from billing.operations import bookings as operations
from billing.queries import bookings as queries
from billing.queries.bookings import NOTHING_DELIVERED, Delivery
from consent.rules import WorkloadCategory
from marketplace import rules
from marketplace.api import NoQuery, show_money, show_price
from marketplace.operations import bookings as marketplace
from marketplace.queries import bookings as booking_queries
from marketplace.queries import pools
from marketplace.queries.bookings import BookingRow, Phase
from web.idempotency import idempotent, read_key
from web.limits import PAGE_ROWS
from web.openapi import answer, body
from web.pagination import decode_cursor
from web.problems import FieldError, Problem, not_found
from web.public_ids import decode, encode
from web.strict_json import Count, Instant, Strict, read, read_query


class BookingBody(Strict):
    pool_id: str
    starts_at: Instant
    ends_at: Instant
    power_w: Count
    workload_category: WorkloadCategory
    jobs_max: Count | None = None


class BookingsQuery(Strict):
    cursor: str = ""
    limit: int = PAGE_ROWS
    state: Phase | None = None


@dataclass(eq=False)
class FiguredProblem(Problem):
    """
    A refusal that carries the figures it rests on, as further members.
    """

    figures: Mapping[str, Any] = field(default_factory=dict)

    def document(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().document(request), **self.figures}


class Bookings(APIView):
    def get_permissions(self) -> list[Any]:
        scope = "bookings:write" if self.request.method == "POST" else "bookings:read"
        return [HasScope(scope)()]

    @extend_schema(
        operation_id="list_bookings",
        summary="The organisation's bookings, newest first",
        parameters=[*PAGING, OpenApiParameter("state", str, enum=[each.value for each in Phase])],
        responses=answer(shapes.BookingList),
    )
    def get(self, request: Request) -> Response:
        organization_id = get_organization_id(request)
        query = read_query(request.query_params, BookingsQuery)
        scope = f"bookings:{organization_id}:{query.state}"
        limit = clamp(query.limit)
        rows = booking_queries.list_bookings(
            organization_id=organization_id,
            now=timezone.now(),
            phase=query.state,
            before_id=read_position(scope, query.cursor),
            limit=limit + 1,
        )
        deliveries = queries.get_deliveries(booking_ids=[row.id for row in rows])
        return Response(
            make_page(
                rows,
                limit=limit,
                scope=scope,
                show=lambda row: show_booking(row, deliveries.get(row.id, NOTHING_DELIVERED)),
                position=lambda row: row.id,
            )
        )

    @extend_schema(
        operation_id="place_booking",
        summary="Book power of a pool for whole hours and hold what it can cost",
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)
        ],
        request=body(BookingBody),
        responses=answer(shapes.Booking, status=HTTPStatus.CREATED),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        asked = read(request, BookingBody)
        buyer = operations.Buyer(organization_id=get_organization_id(request), actor_id=None)
        booking = place(buyer=buyer, body=asked, request_key=f"api:{read_key(request)}")
        shown = show_booking(booking, NOTHING_DELIVERED)
        return Response(
            shown,
            status=HTTPStatus.CREATED,
            headers={"Location": f"/api/v1/bookings/{shown['id']}"},
        )


class BookingDetail(APIView):
    permission_classes = [HasScope("bookings:read")]

    @extend_schema(
        operation_id="get_booking", summary="One booking", responses=answer(shapes.Booking)
    )
    def get(self, request: Request, booking_id: str) -> Response:
        read_query(request.query_params, NoQuery)
        booking = find_booking(request, booking_id)
        delivery = queries.get_deliveries(booking_ids=[booking.id])
        return Response(show_booking(booking, delivery.get(booking.id, NOTHING_DELIVERED)))


class BookingUsage(APIView):
    permission_classes = [HasScope("bookings:read")]

    @extend_schema(
        operation_id="list_booking_usage",
        summary="What each job used of a booking",
        parameters=PAGING,
        responses=answer(shapes.JobList),
    )
    def get(self, request: Request, booking_id: str) -> Response:
        query = read_query(request.query_params, PageQuery)
        booking = find_booking(request, booking_id)
        scope = f"booking-usage:{booking.id}"
        limit = clamp(query.limit)
        after = decode_cursor(scope=scope, text=query.cursor, size=1) if query.cursor else [""]
        jobs = queries.list_job_usage(
            booking_id=booking.id,
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            after=str(after[0]),
            limit=limit + 1,
        )
        return Response(
            make_page(
                jobs,
                limit=limit,
                scope=scope,
                show=lambda job: show_job(job, booking.price.currency),
                position=lambda job: job.job_id,
            )
        )


def place(*, buyer: operations.Buyer, body: BookingBody, request_key: str) -> BookingRow:
    """
    Place the booking, or say in one problem why not.
    """
    now = timezone.now()
    try:
        return operations.place_booking(
            buyer=buyer, wish=_read_wish(body, now), request_key=request_key, now=now
        )
    except marketplace.CapacityShort as error:
        raise _capacity_problem(error) from error
    except operations.InsufficientBalance as error:
        raise _balance_problem(error) from error
    except tuple(REFUSALS) as error:
        pointer, code, detail = REFUSALS[type(error)]
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid",
            detail=detail,
            errors=[FieldError(pointer=pointer, code=code, detail=detail)],
        ) from error


REFUSALS: dict[type[Exception], tuple[str, str, str]] = {
    rules.WindowNotWholeHours: (
        "/ends_at",
        "not_whole_hours",
        "Start and end on the hour, the end after the start.",
    ),
    rules.WindowTooLong: (
        "/ends_at",
        "window_too_long",
        f"At most {rules.BOOKING_HOURS_MAX} hours.",
    ),
    rules.WindowOutOfReach: ("/starts_at", "out_of_reach", "This year cannot be booked."),
    marketplace.WindowInPast: ("/starts_at", "window_in_past", "The window has begun already."),
    marketplace.PowerOutOfRange: (
        "/power_w",
        "power_out_of_range",
        f"From {rules.BOOKING_POWER_W_MIN} to {rules.BOOKING_POWER_W_MAX} W.",
    ),
    marketplace.JobsOutOfRange: (
        "/jobs_max",
        "jobs_out_of_range",
        f"From 0 to {rules.JOBS_MAX} jobs.",
    ),
    marketplace.PoolNotFound: ("/pool_id", "unknown_pool", "There is no such pool."),
    marketplace.NotOnSale: ("/pool_id", "not_on_sale", "The pool has no price for this window."),
    operations.RequestReused: (
        "/",
        "idempotency_key_reused",
        "This key belongs to another request.",
    ),
}


def _read_wish(body: BookingBody, now: datetime) -> marketplace.Wish:
    pool_id = decode("pool", body.pool_id)
    if pool_id is None or pools.get_pool(pool_id=pool_id, now=now) is None:
        raise marketplace.PoolNotFound
    return marketplace.Wish(
        pool_id=pool_id,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        power_w=body.power_w,
        workload_category=body.workload_category,
        jobs_max=body.jobs_max,
    )


def _capacity_problem(error: marketplace.CapacityShort) -> Problem:
    return FiguredProblem(
        HTTPStatus.CONFLICT,
        "capacity_short",
        title="Not enough capacity",
        detail=f"{len(error.hours)} hours of the window have less left than was asked for.",
        figures={
            "hours": [
                {"starts_at": show_time(hour.starts_at), "available_w": hour.available_w}
                for hour in error.hours
            ]
        },
    )


def _balance_problem(error: operations.InsufficientBalance) -> Problem:
    return FiguredProblem(
        HTTPStatus.PAYMENT_REQUIRED,
        "insufficient_balance",
        title="Not enough prepaid balance",
        detail="Top up the balance, then send the booking again with a new key.",
        figures={
            "required": show_money(error.required_micros, error.currency),
            "available": show_money(error.available_micros, error.currency),
        },
    )


def find_booking(request: Request, public_id: str) -> BookingRow:
    """
    Return the organisation's booking.

    :raises Problem: 404, for absent and foreign alike.
    """
    booking_id = decode("bkg", public_id)
    organization_id = get_organization_id(request)
    booking = None
    if booking_id is not None:
        booking = booking_queries.get_booking(
            organization_id=organization_id, booking_id=booking_id, now=timezone.now()
        )
    if booking is None:
        raise not_found("unknown_booking", "You have no such booking.")
    return booking


def show_booking(booking: BookingRow, delivery: Delivery) -> dict[str, Any]:
    currency = booking.price.currency
    return {
        "id": encode("bkg", booking.id),
        "state": booking.phase.value,
        "pool_id": encode("pool", booking.pool_id),
        "region": booking.region_code,
        "hardware_class": booking.hardware_class_code,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "power_w": booking.power_w,
        "workload_category": booking.workload_category,
        "price": show_price(booking.price),
        "booked": {"energy_wh": booking.energy_wh, "jobs_max": booking.jobs_max},
        "delivered": {"energy_wh": delivery.billed_wh, "jobs": delivery.billed_jobs},
        "held": show_money(booking.held_micros, currency),
        "charged": show_money(delivery.charged_micros, currency),
        "created_at": booking.created_at,
        "released_at": booking.released_at,
    }


def show_job(job: queries.JobUsage, currency: str) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "starts_at": job.starts_at,
        "ends_at": job.ends_at,
        "energy_wh": job.energy_wh,
        "charged": show_money(job.charged_micros, currency),
        "is_completed": job.is_completed,
    }


def show_time(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
