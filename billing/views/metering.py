"""
Metering: whether usage comes in when it has to, and the vehicles whose records did not.
"""

from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, finance_required, operator_required
from accounts.queries import find_scheduler_heard_at
from billing.queries.metering import (
    GapPage,
    Hole,
    Metering,
    MeteringState,
    get_metering,
    list_gaps,
    list_holes,
)
from web.components import Cell, Column, DataTable, Fact, Pages, Row, Sign
from web.limits import METERING_SILENT_S, PAGE_ROWS, PAGE_ROWS_MAX
from web.public_ids import decode, encode
from web.templatetags.parado import duration, local_datetime, number, since


TITLES: dict[MeteringState, str | Promise] = {
    MeteringState.HEARD: gettext_lazy("Metering works"),
    MeteringState.NO_USE: gettext_lazy("No use now"),
    MeteringState.SILENT: gettext_lazy("Metering is down"),
    MeteringState.NEVER: gettext_lazy("Nothing metered yet"),
}


@require_safe
@operator_required
def show_for_operators(request: PersonRequest) -> HttpResponse:
    return _show(request)


@require_safe
@finance_required
def show_for_finance(request: PersonRequest) -> HttpResponse:
    return _show(request)


def _show(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    page = list_gaps(cursor=request.GET.get("cursor"), limit=PAGE_ROWS)
    metering, heard_at = get_metering(now=now), find_scheduler_heard_at()
    context = {
        "sign": _make_sign(metering, heard_at, now),
        "facts": _make_facts(metering, heard_at, now),
        "metering": metering,
        "table": _make_table(page, request.user.time_zone),
        "pages": Pages(next_url=f"?cursor={page.next_cursor}" if page.next_cursor else ""),
        **_ask_for_one(request.GET.get("vehicle", ""), request.user.time_zone),
    }
    return render(request, "billing/metering.html", context)


def _ask_for_one(vehicle: str, zone: str) -> dict[str, object]:
    """
    Return the numbers that one vehicle left out, when the page was asked for one.
    """
    if not vehicle:
        return {}
    vehicle_id = decode("veh", vehicle)
    if vehicle_id is None:
        raise Http404
    holes = list_holes(vehicle_id=vehicle_id, limit=PAGE_ROWS_MAX)
    return {"vehicle": vehicle, "holes": _make_holes(holes, zone)}


def _make_holes(holes: tuple[Hole, ...], zone: str) -> DataTable:
    return DataTable(
        caption=_("The numbers that this vehicle left out, the latest first"),
        columns=(
            Column(label=_("Numbers")),
            Column(label=_("Missing"), is_number=True),
            Column(label=_("Metered until")),
            Column(label=_("and again from")),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=_span(hole.first_sequence, hole.last_sequence), is_strong=True),
                    Cell(text=number(hole.missing_count)),
                    Cell(text=local_datetime(hole.metered_until, zone)),
                    Cell(text=local_datetime(hole.metered_from, zone)),
                )
            )
            for hole in holes
        ),
        is_dense=True,
        key="holes",
    )


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}\N{EN DASH}{last}"


def _make_sign(metering: Metering, heard_at: datetime | None, now: datetime) -> Sign:
    return Sign(
        key="metering",
        title=TITLES[metering.state],
        text=_explain(metering, heard_at, now),
        state="off" if metering.state in {MeteringState.NO_USE, MeteringState.NEVER} else "waiting",
    )


def _explain(metering: Metering, heard_at: datetime | None, now: datetime) -> str:
    if metering.state == MeteringState.HEARD:
        return _("Usage came in lately. Records that are late are accepted for 90 days.")
    if metering.state != MeteringState.SILENT:
        return _("No booking runs, so no usage has to come: this is quiet, not a fault.")
    running = ngettext(
        "%(n)s booking runs, and no usage came for more than %(time)s.",
        "%(n)s bookings run, and no usage came for more than %(time)s.",
        metering.running_bookings,
    ) % {"n": number(metering.running_bookings), "time": duration(METERING_SILENT_S)}
    is_there = heard_at is not None and (now - heard_at).total_seconds() <= METERING_SILENT_S
    cause = (
        _("The scheduler itself is there: it speaks with us, but reports no use.")
        if is_there
        else _("The scheduler is not heard either: the line to it, or the scheduler, is down.")
    )
    return f"{running} {cause}"


def _make_facts(metering: Metering, heard_at: datetime | None, now: datetime) -> tuple[Fact, ...]:
    return (
        Fact(label=_("Last usage received"), value=since(metering.last_batch_at, now)),
        Fact(label=_("Scheduler last heard"), value=since(heard_at, now)),
        Fact(
            label=_("Bookings that run"),
            value=number(metering.running_bookings),
            note=_("for longer than %(time)s") % {"time": duration(METERING_SILENT_S)},
        ),
        Fact(label=_("Vehicles with holes"), value=number(metering.gap_count)),
        Fact(label=_("Records missing"), value=number(metering.missing_count), is_total=True),
    )


def _make_table(page: GapPage, zone: str) -> DataTable:
    return DataTable(
        caption=_("Vehicles whose sequence has holes, those heard last first"),
        columns=(
            Column(label=_("Vehicle")),
            Column(label=_("Missing"), is_number=True),
            Column(label=_("Received"), is_number=True, is_optional=True),
            Column(label=_("Sequence"), is_number=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(
                        text=encode("veh", row.vehicle_id),
                        url=f"?vehicle={encode('veh', row.vehicle_id)}",
                        note=_("metered until %(time)s")
                        % {"time": local_datetime(row.latest_ends_at, zone)},
                    ),
                    Cell(text=number(row.missing_count), is_strong=True),
                    Cell(text=number(row.record_count)),
                    Cell(text=_span(row.first_sequence, row.last_sequence)),
                )
            )
            for row in page.rows
        ),
        is_dense=True,
    )
