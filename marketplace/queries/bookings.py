"""
Bookings of one organisation. Every function takes the organisation: there is no other way in.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from marketplace import rules
from marketplace.models import Booking
from web.pagination import paginate


class Phase(StrEnum):
    """
    Where a booking stands at a moment. Kept by the clock, so never out of date.
    """

    BOOKED = "booked"
    RUNNING = "running"
    SETTLING = "settling"
    RELEASED = "released"


@dataclass(frozen=True, kw_only=True)
class BookingRow:
    """
    One booking. held_micros is what was held when it was made.
    """

    id: int
    organization_id: int
    pool_id: int
    region_code: str
    region_name: str
    time_zone: str
    hardware_class_code: str
    hardware_class_name: str
    phase: Phase
    starts_at: datetime
    ends_at: datetime
    power_w: int
    energy_wh: int
    workload_category: str
    price: rules.Price
    jobs_max: int
    held_micros: int
    placed_by_id: int | None
    created_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class BookingPage:
    rows: tuple[BookingRow, ...]
    next_cursor: str | None


# Lists of what is still to come.
SOONEST_FIRST = (Phase.BOOKED, Phase.RUNNING)


def get_booking(*, organization_id: int, booking_id: int, now: datetime) -> BookingRow | None:
    """
    Return the booking, or None when it is absent or somebody else's.
    """
    booking = _of(organization_id=organization_id).filter(pk=booking_id).first()
    return _row(booking, now=now) if booking else None


def find_by_request(*, organization_id: int, request_key: str, now: datetime) -> BookingRow | None:
    """
    Return the booking that this request made before, if any.
    """
    rows = _of(organization_id=organization_id)
    booking = rows.filter(request_key=request_key).first()
    return _row(booking, now=now) if booking else None


def list_bookings(
    *,
    organization_id: int,
    now: datetime,
    phase: Phase | None = None,
    before_id: int | None = None,
    limit: int,
) -> tuple[BookingRow, ...]:
    """
    Return bookings as they were placed, newest first: those with a smaller id than before_id.
    """
    rows = _of(organization_id=organization_id)
    if phase is not None:
        rows = _in_phase(rows, phase=phase, now=now)
    if before_id is not None:
        rows = rows.filter(pk__lt=before_id)
    return tuple(_row(booking, now=now) for booking in rows.order_by("-pk")[:limit])


def list_by_window(
    *,
    organization_id: int,
    now: datetime,
    phase: Phase | None = None,
    cursor: str | None = None,
    limit: int,
) -> BookingPage:
    """
    Return one page of bookings by when they begin, what is still to come before what is over.

    What is booked or runs now begins with the soonest, every other list with the latest.

    :raises Problem: 400, the cursor is not one of this list.
    """
    rows = _of(organization_id=organization_id)
    if phase is not None:
        rows = _in_phase(rows, phase=phase, now=now)
    page = paginate(
        rows,
        scope=f"bookings-by-window:{organization_id}:{phase}",
        order=("starts_at", "id") if phase in SOONEST_FIRST else ("-starts_at", "-id"),
        cursor=cursor,
        limit=limit,
    )
    return BookingPage(
        rows=tuple(_row(booking, now=now) for booking in page.items), next_cursor=page.next_cursor
    )


def list_current_bookings(
    *, organization_id: int, now: datetime, limit: int
) -> tuple[BookingRow, ...]:
    """
    Return what runs now and then what is booked, the earliest first.
    """
    rows = _of(organization_id=organization_id).filter(state=Booking.State.HELD, ends_at__gt=now)
    return tuple(_row(booking, now=now) for booking in rows.order_by("starts_at", "pk")[:limit])


def count_by_phase(*, organization_id: int, now: datetime) -> dict[Phase, int]:
    rows = Booking.objects.filter(organization_id=organization_id)
    return {phase: _in_phase(rows, phase=phase, now=now).count() for phase in Phase}


def list_to_release(*, before: datetime, limit: int) -> tuple[int, ...]:
    """
    Return the ids of bookings over since before that time and not released, oldest first.

    A booking made after its own end counts from when it was made.
    """
    rows = Booking.objects.filter(
        state=Booking.State.HELD, ends_at__lte=before, created_at__lte=before
    )
    return tuple(rows.order_by("ends_at", "pk").values_list("pk", flat=True)[:limit])


def _of(*, organization_id: int) -> QuerySet[Booking]:
    return Booking.objects.filter(organization_id=organization_id).select_related(
        "pool__region", "pool__hardware_class"
    )


def _in_phase(rows: QuerySet[Booking], *, phase: Phase, now: datetime) -> QuerySet[Booking]:
    held = rows.filter(state=Booking.State.HELD)
    if phase is Phase.BOOKED:
        return held.filter(starts_at__gt=now)
    if phase is Phase.RUNNING:
        return held.filter(starts_at__lte=now, ends_at__gt=now)
    if phase is Phase.SETTLING:
        return held.filter(ends_at__lte=now)
    return rows.filter(state=Booking.State.RELEASED)


def _phase(booking: Booking, *, now: datetime) -> Phase:
    if booking.state == Booking.State.RELEASED:
        return Phase.RELEASED
    if now < booking.starts_at:
        return Phase.BOOKED
    return Phase.RUNNING if now < booking.ends_at else Phase.SETTLING


def _row(booking: Booking, *, now: datetime) -> BookingRow:
    pool = booking.pool
    return BookingRow(
        id=booking.pk,
        organization_id=booking.organization_id,
        pool_id=pool.pk,
        region_code=pool.region.code,
        region_name=pool.region.name,
        time_zone=pool.region.time_zone,
        hardware_class_code=pool.hardware_class.code,
        hardware_class_name=pool.hardware_class.name,
        phase=_phase(booking, now=now),
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        power_w=booking.power_w,
        energy_wh=booking.energy_wh,
        workload_category=booking.workload_category,
        price=rules.Price(
            currency=booking.currency,
            micros_per_kwh=booking.price_micros_per_kwh,
            micros_per_job=booking.price_micros_per_job,
        ),
        jobs_max=booking.jobs_max,
        held_micros=booking.held_micros,
        placed_by_id=booking.placed_by_id,
        created_at=booking.created_at,
        released_at=booking.released_at,
    )
