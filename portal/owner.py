"""
An owner's home: what is true now and why, the last day, the month, the next payout, sessions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, owner_required
from billing.queries import earnings as earnings_queries
from billing.queries import sessions as session_queries
from billing.queries.sessions import Stretch
from billing.queries.tariffs import get_tariff_in_force
from billing.views.earnings import (
    CURRENCY,
    draw_earnings,
    find_month_start,
    make_balance_facts,
)
from billing.views.sessions import make_sessions_table
from consent.queries import VehicleCard, list_vehicles
from consent.queries.hours import list_past_hours
from consent.queries.renewals import find_renewal
from consent.queries.samples import list_said
from consent.rules import Decision, Gate, ReasonCode
from consent.views.pausing import PauseMenu, make_pause_menu
from portal.day import draw_day
from portal.sign_text import write_sign_text
from web.components import Gate as GateView
from web.components import Meter, Sign, View
from web.public_ids import decode
from web.templatetags.parado import local_datetime


SESSIONS_SHOWN = 7
SESSION_DAYS = 14
# Work is metered when its quarter-hour is over: what ended so lately may still go on.
WORKING_WITHIN = timedelta(minutes=20)
# What the owner has switched off; everything else is a wait.
OFF_REASONS = frozenset({ReasonCode.NO_CONSENT, ReasonCode.CONSENT_WITHDRAWN, ReasonCode.PAUSED})
# Where on the rules page a gate's limit is set: the row of the rule, as for its reasons.
RULE_ROWS = {
    Gate.CONSENT: "consent",
    Gate.PAUSE: "pause",
    Gate.TELEMETRY: "telemetry",
    Gate.DRIVING: "driving",
    Gate.PLUG: "plug",
    Gate.HOME: "home",
    Gate.HOURS: "hours",
    Gate.BATTERY: "battery",
    Gate.READY: "ready_by",
    Gate.HEAT: "temperature",
    Gate.COLD: "temperature",
    Gate.DAY_ENERGY: "energy",
    Gate.MONTH_ENERGY: "energy",
    Gate.DAY_COMPUTE: "compute",
    Gate.MONTH_COMPUTE: "compute",
    Gate.WEAR: "wear",
    Gate.DATA: "data",
    Gate.POWER: "power",
    Gate.WORKLOAD: "categories",
    Gate.BUYER: "buyers",
    Gate.REWARD: "reward",
}
MONTH_GATES = frozenset({Gate.MONTH_ENERGY, Gate.MONTH_COMPUTE, Gate.WEAR, Gate.DATA})


class Owned(TypedDict):
    """
    Whose money, of which cars, in which currency.
    """

    owner_id: int
    vehicle_ids: list[int]
    currency: str


@dataclass(frozen=True, kw_only=True)
class CarNow:
    """
    One car with the sign that says what is true of it now.
    """

    vehicle: VehicleCard
    sign: Sign
    breaks: PauseMenu


@owner_required
def show_home(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    vehicles = list_vehicles(owner_id=request.user.pk, now=now)
    if not vehicles:
        return render(request, "portal/owner_start.html")
    vehicle = _choose_vehicle(vehicles, request.GET.get("car", ""))
    month = find_month_start(now=now, zone=request.user.time_zone)
    ids = [each.vehicle_id for each in vehicles]
    owned = Owned(owner_id=request.user.pk, vehicle_ids=ids, currency=CURRENCY)
    earnings = earnings_queries.add_up(
        [
            each.earnings
            for each in earnings_queries.get_earnings(**owned, starts_at=month, ends_at=now)
        ]
    )
    sessions = session_queries.list_sessions(
        **owned, starts_at=now - timedelta(days=SESSION_DAYS), ends_at=now, limit=SESSIONS_SHOWN
    )
    balance = earnings_queries.get_owner_balance(owner_id=request.user.pk, currency=CURRENCY)
    stretches = _list_stretches(vehicle, request.user.pk, now)
    context = {
        "car": _describe_car(vehicle, stretches, now),
        "cars": _list_tabs(vehicles, vehicle),
        "renewals": [each for card in vehicles if (each := find_renewal(card, now=now))],
        "now": local_datetime(now, vehicle.time_zone),
        "tariff": get_tariff_in_force(
            owner_id=request.user.pk, region_code=vehicle.region_code, at=now
        ),
        "day": draw_day(
            vehicle=vehicle,
            stretches=stretches,
            hours=list_past_hours(
                vehicle_id=vehicle.vehicle_id,
                owner_id=request.user.pk,
                starts_at=now - timedelta(days=1),
                ends_at=now,
            ),
            said=list_said(
                vehicle_id=vehicle.vehicle_id,
                owner_id=request.user.pk,
                starts_at=now - timedelta(days=1),
                ends_at=now,
            ),
            now=now,
        ),
        "limits": _make_limits(vehicle),
        "month_name": date_format(month, "F"),
        "earnings": earnings,
        "fall": draw_earnings(earnings=earnings, caption=_("Net benefit this month")),
        "balance": balance,
        "currency": CURRENCY,
        "balance_facts": make_balance_facts(
            balance=balance,
            clearing=earnings_queries.list_clearing(**owned, now=now),
            zone=request.user.time_zone,
        ),
        "sessions_table": make_sessions_table(
            sessions=sessions, vehicles={each.vehicle_id: each for each in vehicles}
        ),
    }
    return render(request, "portal/owner.html", context)


@require_safe
@owner_required
def show_sign(request: PersonRequest, vehicle_id: str) -> HttpResponse:
    """
    Answer with the sign alone, for the page that polls it.
    """
    now = timezone.now()
    vehicles = list_vehicles(owner_id=request.user.pk, now=now)
    wanted = decode("veh", vehicle_id)
    vehicle = next((each for each in vehicles if each.vehicle_id == wanted), None)
    if vehicle is None:
        raise Http404
    stretches = _list_stretches(vehicle, request.user.pk, now)
    context = {"car": _describe_car(vehicle, stretches, now)}
    return render(request, "portal/_owner_sign.html", context)


def _choose_vehicle(vehicles: tuple[VehicleCard, ...], car: str) -> VehicleCard:
    if not car:
        return vehicles[0]
    wanted = decode("veh", car)
    for vehicle in vehicles:
        if vehicle.vehicle_id == wanted:
            return vehicle
    raise Http404


def _list_tabs(vehicles: tuple[VehicleCard, ...], current: VehicleCard) -> tuple[View, ...]:
    if len(vehicles) < 2:
        return ()
    return tuple(
        View(
            label=each.plate,
            url=f"{reverse('portal:home')}?car={each.public_id}",
            is_current=each.vehicle_id == current.vehicle_id,
        )
        for each in vehicles
    )


def _list_stretches(vehicle: VehicleCard, owner_id: int, now: datetime) -> tuple[Stretch, ...]:
    return session_queries.list_stretches(
        owner_id=owner_id,
        vehicle_id=vehicle.vehicle_id,
        starts_at=now - timedelta(days=1),
        ends_at=now,
    )


def _describe_car(card: VehicleCard, stretches: tuple[Stretch, ...], now: datetime) -> CarNow:
    is_working = card.decision.permit and any(
        stretch.ends_at > now - WORKING_WITHIN for stretch in stretches
    )
    return CarNow(
        vehicle=card,
        sign=Sign(
            title=_("Earning: your car is at work") if is_working else card.title,
            text=write_sign_text(card, now=now),
            state=_find_state(card.decision, is_working=is_working),
            gates=_make_gates(card),
            gates_title=format_html(
                '{} <a href="{}">{}</a>',
                _("Checked in this order before any job may start."),
                reverse("portal:why", args=[card.public_id]),
                _("Why?"),
            ),
            refresh_url=reverse("portal:owner_sign", args=[card.public_id]),
        ),
        breaks=make_pause_menu(card, now),
    )


def _find_state(decision: Decision, *, is_working: bool) -> Literal["waiting", "earning", "off"]:
    if is_working:
        return "earning"
    return "off" if OFF_REASONS & set(decision.codes) else "waiting"


def _make_gates(card: VehicleCard) -> tuple[GateView, ...]:
    rules_url = reverse("consent:rules", args=[card.public_id])
    return tuple(
        GateView(
            state=words.state,
            label=words.label,
            value=words.value,
            url=f"{rules_url}#{RULE_ROWS[words.gate]}",
        )
        for words in card.gates
    )


def _make_limits(card: VehicleCard) -> tuple[Meter, ...]:
    """
    Return how much of each limit of the month is used or reserved; none where none is set.
    """
    texts = {words.gate: words for words in card.gates}
    return tuple(
        Meter(
            key=finding.gate.value,
            label=texts[finding.gate].label,
            text=texts[finding.gate].value,
            percent=min(100.0, round(100 * finding.value / finding.limit, 1)),
            tone="stop" if finding.code else "",
        )
        for finding in card.decision.findings
        if finding.gate in MONTH_GATES
        and finding.gate in texts
        and isinstance(finding.value, int)
        and isinstance(finding.limit, int)
        and finding.limit
    )
