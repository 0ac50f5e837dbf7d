"""
A buyer's bookings: the list, and one of them hour by hour.
"""

from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import BuyerRequest, buyer_required
from accounts.queries import get_display_names
from billing.forms.buyer import CATEGORIES
from billing.queries import bookings as queries
from billing.queries.bookings import NOTHING_DELIVERED, Delivery
from billing.views.hour_bars import HourBars, HourValue, draw_hours
from billing.views.words import (
    PHASES,
    make_phase_tag,
    name_booking,
    public_id,
    write_window,
)
from marketplace import rules
from marketplace.queries import bookings as booking_queries
from marketplace.queries.bookings import BookingRow, Phase
from web.charts import Key
from web.components import Cell, Column, DataTable, Fact, Pages, Row, Step, View
from web.limits import PAGE_ROWS
from web.public_ids import decode
from web.templatetags.parado import (
    energy,
    energy_kwh,
    local_date,
    local_datetime,
    local_time,
    money,
    money_exact,
    number,
    power,
    price_kwh,
)


JOBS_SHOWN = 50


@require_safe
@buyer_required
def show_bookings(request: BuyerRequest) -> HttpResponse:
    now = timezone.now()
    organization_id = request.membership.organization_id
    phase = next((each for each in Phase if each.value == request.GET.get("state")), None)
    page = booking_queries.list_by_window(
        organization_id=organization_id,
        now=now,
        phase=phase,
        cursor=request.GET.get("cursor"),
        limit=PAGE_ROWS,
    )
    counts = booking_queries.count_by_phase(organization_id=organization_id, now=now)
    context = {
        "table": make_bookings_table(
            caption=_("Bookings of your organisation"),
            bookings=page.rows,
            deliveries=queries.get_deliveries(booking_ids=[row.id for row in page.rows]),
            zone=request.user.time_zone,
        ),
        "views": _make_views(phase, counts),
        "pages": _make_pages(phase, page.next_cursor),
        "can_book": request.membership.is_at_least("member"),
    }
    return render(request, "billing/buyer_bookings.html", context)


@require_safe
@buyer_required
def show_booking(request: BuyerRequest, booking_id: str) -> HttpResponse:
    now = timezone.now()
    booking = _find_booking(request, booking_id, now)
    delivery = queries.get_deliveries(booking_ids=[booking.id]).get(booking.id, NOTHING_DELIVERED)
    hours = _list_hours(booking)
    jobs = queries.list_job_usage(
        booking_id=booking.id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        limit=JOBS_SHOWN + 1,
    )
    zone = request.user.time_zone
    context = {
        "booking": booking,
        "booking_id": booking_id,
        "name": name_booking(booking),
        "tag": make_phase_tag(booking.phase),
        "steps": _make_steps(booking, zone),
        "bars": _draw_delivery(booking, hours, zone),
        "hours_table": _make_hours_table(booking, hours, zone),
        "money_facts": _make_money_facts(booking, delivery),
        "facts": _make_facts(booking, zone),
        "delivery": delivery,
        "jobs_table": _make_jobs_table(booking, jobs[:JOBS_SHOWN], zone),
        "has_more_jobs": len(jobs) > JOBS_SHOWN,
    }
    return render(request, "billing/buyer_booking.html", context)


# ------------------------------------------------------------------ the list
def make_bookings_table(
    *, caption: str, bookings: tuple[BookingRow, ...], deliveries: dict[int, Delivery], zone: str
) -> DataTable:
    """
    Return bookings as a table; the first cell leads to the booking.
    """
    return DataTable(
        caption=caption,
        columns=(
            Column(label=_("Window"), is_whole=True),
            Column(label=_("Pool"), is_optional=True),
            Column(label=_("Power"), is_number=True, is_optional=True),
            Column(label=_("Delivered"), is_number=True),
            Column(label=_("Charged"), is_number=True, is_optional=True),
            Column(label=_("State")),
        ),
        rows=tuple(
            _make_booking_row(booking, deliveries.get(booking.id, NOTHING_DELIVERED), zone)
            for booking in bookings
        ),
    )


def _make_booking_row(booking: BookingRow, delivery: Delivery, zone: str) -> Row:
    currency = booking.price.currency
    return Row(
        cells=(
            Cell(
                text=local_datetime(booking.starts_at, zone),
                note=_("until %(end)s") % {"end": local_datetime(booking.ends_at, zone)},
                url=reverse("billing:buyer_booking", args=[public_id(booking)]),
            ),
            Cell(text=booking.region_name, note=booking.hardware_class_name),
            Cell(text=power(booking.power_w)),
            Cell(
                text=energy_kwh(delivery.billed_wh),
                note=_("of %(booked)s") % {"booked": energy(booking.energy_wh)},
            ),
            Cell(
                text=money(delivery.charged_micros, currency),
                note=_("%(held)s held") % {"held": money(booking.held_micros, currency)},
            ),
            Cell(tag=make_phase_tag(booking.phase)),
        )
    )


def _make_views(current: Phase | None, counts: dict[Phase, int]) -> tuple[View, ...]:
    address = reverse("billing:buyer_bookings")
    everything = View(
        label=_("All"), url=address, count=sum(counts.values()), is_current=current is None
    )
    return (
        everything,
        *(
            View(
                label=PHASES[phase],
                url=f"{address}?state={phase.value}",
                count=counts[phase],
                is_current=phase is current,
            )
            for phase in Phase
        ),
    )


def _make_pages(phase: Phase | None, next_cursor: str | None) -> Pages:
    if next_cursor is None:
        return Pages()
    state = {"state": phase.value} if phase else {}
    return Pages(next_url=f"?{urlencode({**state, 'cursor': next_cursor})}")


# ------------------------------------------------------------------ one booking
def _find_booking(request: BuyerRequest, text: str, now: datetime) -> BookingRow:
    booking_id = decode("bkg", text)
    booking = None
    if booking_id is not None:
        booking = booking_queries.get_booking(
            organization_id=request.membership.organization_id, booking_id=booking_id, now=now
        )
    if booking is None:
        raise Http404
    return booking


def _list_hours(booking: BookingRow) -> list[tuple[datetime, int]]:
    """
    Return every booked hour with what was delivered in it, in Wh.
    """
    span = {"starts_at": booking.starts_at, "ends_at": booking.ends_at}
    delivered = queries.get_delivered_hours(booking_id=booking.id, **span)
    energy_by_hour = {hour.starts_at: hour.energy_wh for hour in delivered}
    return [(hour, energy_by_hour.get(hour, 0)) for hour in rules.hours_of(**span)]


def _draw_delivery(booking: BookingRow, hours: list[tuple[datetime, int]], zone: str) -> HourBars:
    return draw_hours(
        hours=[
            HourValue(
                starts_at=hour,
                filled=delivered_wh,
                # One hour at the booked power: as many Wh as W.
                outline=booking.power_w,
                title=f"{local_datetime(hour, zone)}: {energy(delivered_wh)}",
            )
            for hour, delivered_wh in hours
        ],
        ends_at=booking.ends_at,
        time_zone=zone,
        keys=(
            Key(label=_("Delivered"), tone="brand"),
            Key(label=_("Booked"), tone="brand", fill="outline"),
        ),
    )


def _make_hours_table(
    booking: BookingRow, hours: list[tuple[datetime, int]], zone: str
) -> DataTable:
    return DataTable(
        caption=_("Every hour, booked and delivered"),
        columns=(
            Column(label=_("Hour")),
            Column(label=_("Booked, kWh"), is_number=True),
            Column(label=_("Delivered, kWh"), is_number=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=f"{local_date(hour, zone)}, {local_time(hour, zone)}"),
                    Cell(text=energy_kwh(booking.power_w, 2)),
                    Cell(text=energy_kwh(delivered_wh, 2)),
                )
            )
            for hour, delivered_wh in hours
        ),
        is_dense=True,
    )


def _make_steps(booking: BookingRow, zone: str) -> tuple[Step, ...]:
    """
    Return the four stages; the present one is where the phase stands.
    """
    current = list(Phase).index(booking.phase)
    is_closed = booking.phase is Phase.RELEASED
    notes = (
        local_datetime(booking.created_at, zone),
        _("from %(start)s") % {"start": local_datetime(booking.starts_at, zone)},
        _("from %(end)s") % {"end": local_datetime(booking.ends_at, zone)},
        local_datetime(booking.released_at, zone)
        if booking.released_at
        else _("a day after the end"),
    )
    return tuple(
        Step(
            label=PHASES[phase],
            note=note,
            state="done"
            if index < current or is_closed
            else "now"
            if index == current
            else "later",
        )
        for index, (phase, note) in enumerate(zip(Phase, notes, strict=True))
    )


def _make_money_facts(booking: BookingRow, delivery: Delivery) -> tuple[Fact, ...]:
    currency = booking.price.currency
    rest_micros = booking.held_micros - delivery.charged_micros
    is_closed = booking.phase is Phase.RELEASED
    return (
        Fact(label=_("Held when booked"), value=money(booking.held_micros, currency)),
        Fact(
            label=_("Charged for delivery"),
            value=money(-delivery.charged_micros, currency),
            note=_("%(energy)s, %(jobs)s jobs")
            % {"energy": energy(delivery.billed_wh), "jobs": number(delivery.billed_jobs)},
        ),
        Fact(
            label=_("Given back") if is_closed else _("Still held"),
            value=money(rest_micros, currency),
            is_total=True,
        ),
    )


def _make_facts(booking: BookingRow, zone: str) -> tuple[Fact, ...]:
    price = booking.price
    names = get_display_names(user_ids=[booking.placed_by_id] if booking.placed_by_id else [])
    categories = {category.value: label for category, label in CATEGORIES.items()}
    return (
        Fact(label=_("Window"), value=write_window(booking.starts_at, booking.ends_at, zone)),
        Fact(label=_("Power"), value=power(booking.power_w)),
        Fact(label=_("Energy"), value=energy(booking.energy_wh)),
        Fact(label=_("Kind of work"), value=categories[booking.workload_category]),
        Fact(label=_("Price"), value=price_kwh(price.micros_per_kwh, price.currency)),
        Fact(
            label=_("Jobs at most"),
            value=number(booking.jobs_max),
            note=_("%(price)s for each completed job")
            % {"price": money_exact(price.micros_per_job, price.currency)},
        ),
        Fact(
            label=_("Booked by"),
            value=names.get(booking.placed_by_id or 0, _("An API key")),
            note=local_datetime(booking.created_at, zone),
        ),
    )


def _make_jobs_table(
    booking: BookingRow, jobs: tuple[queries.JobUsage, ...], zone: str
) -> DataTable:
    return DataTable(
        caption=_("Energy and price of each job"),
        columns=(
            Column(label=_("Job")),
            Column(label=_("Ran"), is_optional=True),
            Column(label=_("kWh"), is_number=True),
            Column(label=_("Charged"), is_number=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=job.job_id, note="" if job.is_completed else _("not completed")),
                    Cell(text=write_window(job.starts_at, job.ends_at, zone)),
                    Cell(text=energy_kwh(job.energy_wh, 3)),
                    Cell(text=money(job.charged_micros, booking.price.currency)),
                )
            )
            for job in jobs
        ),
        is_dense=True,
    )
