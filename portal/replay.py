"""
The last nights again under a draft: what each would have brought, and what stood in its way.

One statement judges thirty nights of a car in a tenth of a second, so the answer is worked out
while it is asked for: a background job would take longer to be picked up than to run, and
would have to keep an answer that is stale at the next change. An owner's further cars follow
one after the other, each as a fragment.
"""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import PersonRequest
from billing.views.cars import link_why
from billing.views.earnings import CURRENCY
from consent import queries
from consent.forms import RulesForm
from consent.queries import VehicleCard, list_vehicles
from consent.queries.past import from_quarter
from consent.rules.week import QUARTER_S
from consent.views.addresses import about_a_car
from portal.past.facts import Facts
from portal.past.nights import Night, Replay, replay
from portal.past.words import PART_LABELS
from portal.preview import list_sent, load_car_facts
from web.components import Cell, Column, DataTable, Row, Tag
from web.templatetags.parado import amount, duration, energy_kwh, local_date


NIGHTS = (30, 90)
BLOCKS_SHOWN = 2
HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    A number of nights to replay.
    """

    value: int
    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class ReplayView:
    """
    Nights under a draft and what they really paid, in micros. `days` were asked for.
    """

    days: int
    currency: str
    night_count: int
    net_micros: int
    really_micros: int
    worked_s: int
    table: DataTable

    @property
    def difference_micros(self) -> int:
        return self.net_micros - self.really_micros


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@about_a_car
def show_replay(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Replay the draft that was sent, else the rules in force.
    """
    now, owner_id = timezone.now(), request.user.pk
    editing = queries.get_editing(vehicle_id=vehicle_id, owner_id=owner_id, now=now)
    form = RulesForm(request.POST if request.method == "POST" else None, editing=editing)
    is_readable = not form.is_bound or form.is_valid()
    days = read_days(request.POST.get("days") or request.GET.get("days", ""))
    facts = load_car_facts(editing, owner_id=owner_id, nights=days, now=now)
    context: dict[str, Any] = {
        "page": editing.page,
        "form": form,
        "is_readable": is_readable,
        "view": make_replay(replay(facts=facts, draft=form.current), days=days),
        "choices": list_choices(request, days),
        "sent": list_sent(request),
        "nav_current": "rules",
    }
    if getattr(request, "htmx", False):
        # A further car of the page comes without a target of its own, and without a choice.
        context["has_choices"] = bool(request.headers.get("HX-Target"))
        return render(request, "portal/_replay.html", context)
    context["others"] = () if form.is_bound else list_others(owner_id, vehicle_id)
    status = HTTPStatus.OK if is_readable else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "portal/replay.html", context, status=status)


def read_days(text: str) -> int:
    """
    Return how many nights were asked for; what is none of the choices is the first.
    """
    return int(text) if text in {str(days) for days in NIGHTS} else NIGHTS[0]


def list_choices(request: PersonRequest, days: int) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            value=each,
            label=ngettext("%(count)s night", "%(count)s nights", each) % {"count": each},
            url=f"{request.path}?days={each}",
            is_current=each == days,
        )
        for each in NIGHTS
    )


def list_others(owner_id: int, vehicle_id: int) -> tuple[VehicleCard, ...]:
    """
    Return the owner's other cars that ever agreed to anything.
    """
    cards = list_vehicles(owner_id=owner_id, now=timezone.now())
    return tuple(card for card in cards if card.vehicle_id != vehicle_id and card.rules)


# ------------------------------------------------------------------ what the page shows
def make_replay(replayed: Replay, *, days: int) -> ReplayView:
    nights = replayed.nights
    return ReplayView(
        days=days,
        currency=CURRENCY,
        night_count=len(nights),
        net_micros=replayed.net_micros,
        really_micros=sum(night.really.net for night in nights),
        worked_s=sum(night.worked_s for night in nights),
        table=make_table(nights, replayed.facts),
    )


def make_table(nights: tuple[Night, ...], facts: Facts) -> DataTable:
    return DataTable(
        caption=_("Every night, amounts in euros"),
        columns=(
            Column(label=_("Night"), is_whole=True),
            Column(label=_("Stood in its way")),
            Column(label=_("Worked"), is_number=True, is_optional=True),
            Column(label=_("kWh"), is_number=True, is_optional=True),
            Column(label=_("Earned, €"), is_number=True),
            Column(label=_("Really, €"), is_number=True),
        ),
        rows=tuple(make_row(night, facts) for night in reversed(nights)),
        foot=Row(
            cells=(
                Cell(text=_("Together")),
                Cell(),
                Cell(text=duration(sum(night.worked_s for night in nights))),
                Cell(text=energy_kwh(sum(night.energy_wh for night in nights))),
                Cell(text=amount(sum(night.money.net for night in nights)), is_strong=True),
                Cell(text=amount(sum(night.really.net for night in nights))),
            )
        ),
        is_dense=True,
    )


def make_row(night: Night, facts: Facts) -> Row:
    starts_at = from_quarter(night.first_n)
    return Row(
        cells=(
            Cell(
                text=local_date(starts_at, facts.time_zone),
                # A night goes from noon to noon: midnight is the middle of it.
                url=link_why(facts.vehicle_id, starts_at + HALF_A_DAY),
            ),
            _write_blocked(night),
            Cell(text=duration(night.worked_s) if night.worked_s else "\N{EN DASH}"),
            Cell(text=energy_kwh(night.energy_wh) if night.energy_wh else "\N{EN DASH}"),
            Cell(text=amount(night.money.net), is_strong=True),
            Cell(text=amount(night.really.net)),
        )
    )


def _write_blocked(night: Night) -> Cell:
    if night.is_paused and "pause" not in night.blocked:
        return Cell(tag=Tag(label=_("Paused by you")))
    first = sorted(night.blocked.items(), key=lambda each: -each[1])[:BLOCKS_SHOWN]
    if not first:
        text = _("Nothing") if night.worked_s else _("No work, or no car")
        return Cell(text=text)
    most, *others = (
        f"{PART_LABELS[part]} {duration(quarters * QUARTER_S)}" for part, quarters in first
    )
    return Cell(text=most, note=", ".join(others))
