"""
An owner's sessions: the list, and one of them quarter-hour by quarter-hour.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, owner_required
from billing.models import Outcome
from billing.queries import readings as reading_queries
from billing.queries import sessions as queries
from billing.queries.readings import Line
from billing.queries.sessions import MoneyState, Session, SessionNotFound
from billing.views.cars import NamedCar, choose_car, have_worked_before, make_car_views
from billing.views.earnings import CURRENCY, draw_earnings
from billing.views.session_words import (
    describe_end,
    make_line_tag,
    make_money_tag,
    write_money_note,
)
from consent.queries.known import KnownCar, list_known_cars
from web.components import Cell, Column, DataTable, Fact, Pages, Row
from web.limits import PAGE_ROWS
from web.public_ids import decode, encode
from web.templatetags.parado import (
    amount,
    duration,
    energy_kwh,
    local_date,
    local_span,
    money,
    number,
    pct,
)


DAYS_SHOWN = 30
STAMP = "%Y%m%dT%H%M%SZ"
YEARS = range(2000, 2200)


@require_safe
@owner_required
def show_sessions(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    vehicles = {car.vehicle_id: car for car in list_known_cars(owner_id=request.user.pk)}
    chosen = choose_car(request, vehicles)
    shown = [vehicles[chosen]] if chosen else list(vehicles.values())
    until = read_stamp(request.GET.get("until", "")) or now
    since = until - timedelta(days=DAYS_SHOWN)
    sessions = queries.list_sessions(
        owner_id=request.user.pk,
        vehicle_ids=[car.vehicle_id for car in shown],
        currency=CURRENCY,
        starts_at=since,
        ends_at=until,
        limit=DAYS_SHOWN * max(len(vehicles), 1) * 4,
    )
    held = reading_queries.list_held_readings(
        owner_id=request.user.pk, vehicle_ids=list(vehicles), limit=PAGE_ROWS
    )
    context = {
        "table": make_sessions_table(sessions=sessions, vehicles=vehicles),
        "views": make_car_views(vehicles, chosen, address=reverse("billing:sessions")),
        "since": local_date(since, request.user.time_zone),
        "until": local_date(until, request.user.time_zone),
        "nav_current": "earnings",
        "held_count": len(held),
        "pages": Pages(
            next_url=_link(request.GET.get("car", ""), since)
            if have_worked_before(shown, since)
            else "",
            previous_url=reverse("billing:sessions") if until < now else "",
            text=_("%(days)s days a page") % {"days": DAYS_SHOWN},
        ),
    }
    return render(request, "billing/sessions.html", context)


@require_safe
@owner_required
def show_session(request: PersonRequest, vehicle_id: str, stamp: str) -> HttpResponse:
    vehicle, session = find_session(request, vehicle_id, stamp)
    lines = reading_queries.list_lines(
        owner_id=request.user.pk,
        vehicle_id=vehicle.vehicle_id,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
    )
    context = {
        "vehicle": vehicle,
        "session": session,
        "when": local_date(session.starts_at, vehicle.time_zone),
        "span": local_span(*_local(session, vehicle)),
        "fall": draw_earnings(earnings=session.earnings, caption=_("This session")),
        "currency": CURRENCY,
        "money_tag": make_money_tag(session),
        "nav_current": "earnings",
        "facts": _make_facts(session, request.user.time_zone),
        "lines_table": _make_lines_table(lines, vehicle, vehicle_id, stamp),
        "breaches": _list_breaches(lines, vehicle),
    }
    return render(request, "billing/session.html", context)


def link_session(session: Session) -> str:
    return reverse(
        "billing:session",
        args=[encode("veh", session.vehicle_id), session.starts_at.astimezone(UTC).strftime(STAMP)],
    )


def make_sessions_table(
    *, sessions: tuple[Session, ...], vehicles: Mapping[int, NamedCar]
) -> DataTable:
    """
    Return sessions as a table, newest first; the first cell leads to the session.
    """
    endings = describe_end(sessions=sessions)
    return DataTable(
        caption=_("Sessions, amounts in euros"),
        columns=(
            Column(label=_("When"), is_whole=True),
            Column(label=_("Ended because"), is_optional=True),
            Column(label=_("kWh"), is_number=True, is_optional=True),
            Column(label=_("Paid"), is_number=True),
            Column(label=_("Electricity"), is_number=True, is_optional=True),
            Column(label=_("Wear"), is_number=True, is_optional=True),
            Column(label=_("Net"), is_number=True),
            Column(label=_("Money is"), is_whole=True),
        ),
        rows=tuple(
            _make_session_row(session, ending, vehicles[session.vehicle_id], len(vehicles) > 1)
            for session, ending in zip(sessions, endings, strict=True)
        ),
    )


def _make_session_row(
    session: Session,
    ending: str,
    vehicle: NamedCar,
    names_car: bool,  # noqa: FBT001 - decided once for the table
) -> Row:
    span = local_span(*_local(session, vehicle))
    earnings = session.earnings
    return Row(
        cells=(
            Cell(
                text=local_date(session.starts_at, vehicle.time_zone),
                note=f"{vehicle.plate}\n{span}" if names_car else span,
                url=link_session(session),
            ),
            Cell(text=ending),
            Cell(text=energy_kwh(earnings.energy_wh)),
            Cell(text=amount(earnings.paid_micros)),
            Cell(text=amount(-earnings.electricity_micros)),
            Cell(text=amount(-earnings.wear_micros)),
            Cell(text=amount(earnings.better_off_micros), is_strong=True),
            Cell(
                tag=make_money_tag(session),
                note=write_money_note(session, vehicle.time_zone),
            ),
        )
    )


def find_session(request: PersonRequest, vehicle_id: str, stamp: str) -> tuple[KnownCar, Session]:
    """
    Return the session that begins at this moment, of a car of the person who asks.

    :raises Http404: there is none.
    """
    wanted, starts_at = decode("veh", vehicle_id), read_stamp(stamp)
    vehicles = list_known_cars(owner_id=request.user.pk)
    vehicle = next((each for each in vehicles if each.vehicle_id == wanted), None)
    if vehicle is None or starts_at is None:
        raise Http404
    try:
        session = queries.get_session(
            owner_id=request.user.pk,
            vehicle_id=vehicle.vehicle_id,
            currency=CURRENCY,
            starts_at=starts_at,
        )
    except SessionNotFound as error:
        raise Http404 from error
    return vehicle, session


def read_stamp(text: str) -> datetime | None:
    """
    Return the moment that an address names, None when it names none that any car can know.
    """
    try:
        moment = datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    # Days are counted from it, which the ends of the calendar would not bear.
    return moment if moment.year in YEARS else None


def _link(car: str, until: datetime) -> str:
    car_part = f"car={car}&" if car else ""
    stamp = until.astimezone(UTC).strftime(STAMP)
    return f"{reverse('billing:sessions')}?{car_part}until={stamp}"


def _local(session: Session, vehicle: NamedCar) -> tuple[datetime, datetime]:
    zone = ZoneInfo(vehicle.time_zone)
    return session.starts_at.astimezone(zone), session.ends_at.astimezone(zone)


def _make_facts(session: Session, zone: str) -> tuple[Fact, ...]:
    state = session.money_state
    facts = [
        Fact(
            label=_("Energy"),
            value=_("%(kwh)s kWh") % {"kwh": energy_kwh(session.earnings.energy_wh, 3)},
        ),
        Fact(label=_("Compute time"), value=duration(session.duration_s)),
        Fact(label=_("Jobs completed"), value=number(session.earnings.job_count)),
        Fact(label=_("Meter readings"), value=number(session.line_count)),
        Fact(label=_("Ended because"), value=describe_end(sessions=(session,))[0]),
    ]
    if session.last_charge_permille is not None:
        facts.append(
            Fact(label=_("Battery at the end"), value=pct(session.last_charge_permille / 10))
        )
    if state is MoneyState.PENDING and session.due_at:
        facts.append(Fact(label=_("Clears"), value=local_date(session.due_at, zone)))
    return tuple(facts)


def _make_lines_table(
    lines: tuple[Line, ...], vehicle: NamedCar, vehicle_id: str, stamp: str
) -> DataTable:
    return DataTable(
        caption=_("Every quarter-hour of this session, amounts in euros"),
        columns=(
            Column(label=_("Time"), is_whole=True),
            Column(label=_("Wh"), is_number=True),
            Column(label=_("Electricity"), is_number=True, is_optional=True),
            Column(label=_("Wear"), is_number=True, is_optional=True),
            Column(label=_("Reward"), is_number=True, is_optional=True),
            Column(label=_("Jobs"), is_number=True, is_optional=True),
            Column(label=_("Paid"), is_number=True),
            Column(label=_("Checked")),
        ),
        rows=tuple(_make_line_row(line, vehicle, vehicle_id, stamp) for line in lines),
        is_dense=True,
    )


def _make_line_row(line: Line, vehicle: NamedCar, vehicle_id: str, stamp: str) -> Row:
    earnings = line.earnings
    span = local_span(
        line.starts_at.astimezone(ZoneInfo(vehicle.time_zone)),
        line.ends_at.astimezone(ZoneInfo(vehicle.time_zone)),
    )
    return Row(
        cells=(
            Cell(
                text=span,
                url=reverse("billing:reading", args=[vehicle_id, stamp, line.record_id]),
            ),
            Cell(text=number(earnings.energy_wh)),
            Cell(text=amount(earnings.electricity_micros, 4)),
            Cell(text=amount(earnings.wear_micros, 4)),
            Cell(text=amount(earnings.reward_micros, 4)),
            Cell(text=amount(earnings.job_micros, 4)),
            Cell(text=amount(earnings.paid_micros, 4), is_strong=True),
            Cell(tag=make_line_tag(line)),
        )
    )


def _list_breaches(lines: tuple[Line, ...], vehicle: NamedCar) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            label=local_span(
                line.starts_at.astimezone(ZoneInfo(vehicle.time_zone)),
                line.ends_at.astimezone(ZoneInfo(vehicle.time_zone)),
            ),
            note=make_line_tag(line).label,
            value=_("%(amount)s compensation")
            % {"amount": money(line.earnings.compensation_micros, CURRENCY)},
        )
        for line in lines
        if line.outcome == Outcome.OUTSIDE_CONSENT and line.earnings.compensation_micros > 0
    )
