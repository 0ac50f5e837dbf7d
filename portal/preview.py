"""
What a draft of the rules would earn in a usual month, from the nights that the car has had.

It answers the editor while it changes: a figure with its range, where the hours go, what would
change it, and out of band what each rule costs and when work pays most. Without JavaScript the
same is a page of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import PersonRequest
from billing.views.earnings import CURRENCY
from consent import queries
from consent.forms import RulesForm
from consent.queries import Editing
from consent.queries.past import HOURS_PER_WEEK
from consent.queries.words import Text, describe_rules
from consent.rules import RulesDraft
from consent.rules.week import QUARTERS_PER_WEEK
from consent.views.addresses import about_a_car
from portal.past.changes import Worth, weigh
from portal.past.estimate import Estimate, count_typical_hours, estimate_month, to_month
from portal.past.facts import Facts, find_buyers_share, recall_facts
from portal.past.nights import MWH_PER_KWH, Replay, replay
from portal.past.words import (
    describe_basis,
    describe_change,
    describe_cost,
    list_set_parts,
)
from web.charts import (
    FallStep,
    FunnelBar,
    FunnelStep,
    Waterfall,
    draw_funnel,
    draw_waterfall,
    find_level,
)
from web.templatetags.parado import number
from web.week import WeekPreset, make_preset


PREVIEW_NIGHTS = 90
HOURS_PER_DAY = 24
# What is in force is asked for at every change of a draft and changes with the day only.
KEPT_S = 24 * 3600
LEAST_SUGGESTED_MICROS = 10_000


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    text: str
    net_micros: int


@dataclass(frozen=True, kw_only=True)
class CostChip:
    """
    What a rule costs; `part` is the key of its row in the editor. "" where it is not set.
    """

    part: str
    label: Text
    text: SafeString | str


@dataclass(frozen=True, kw_only=True)
class WorthBar:
    """
    How much an hour of the day usually pays, as one of ten levels.
    """

    hour: int
    level: int


@dataclass(frozen=True, kw_only=True)
class PreviewView:
    """
    A draft's usual month. `delta_micros` is against the rules in force, None without any;
    `week_hours` are open in a week.
    """

    currency: str
    week_hours: float
    estimate: Estimate
    delta_micros: int | None
    basis: str
    has_work: bool
    fall: Waterfall
    funnel: tuple[FunnelBar, ...]
    suggestions: tuple[Suggestion, ...]
    chips: tuple[CostChip, ...]
    worth: tuple[WorthBar, ...]
    cheap: WeekPreset | None

    @property
    def loss_micros(self) -> int:
        return -(self.delta_micros or 0)

    @property
    def costs(self) -> tuple[CostChip, ...]:
        """
        Return the rules that are set, with what they cost.
        """
        return tuple(chip for chip in self.chips if chip.text)


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@about_a_car
def show_preview(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Answer with a draft's usual month; asked without one, with that of the rules in force.

    `?places=editor` adds the cost of each rule, for the places that only the editor has.
    """
    now = timezone.now()
    editing = queries.get_editing(vehicle_id=vehicle_id, owner_id=request.user.pk, now=now)
    form = RulesForm(request.POST if request.method == "POST" else None, editing=editing)
    is_readable = not form.is_bound or form.is_valid()
    facts = load_car_facts(editing, owner_id=request.user.pk, nights=PREVIEW_NIGHTS, now=now)
    replayed = replay(facts=facts, draft=form.current)
    in_force = find_net_in_force(editing, facts)
    context: dict[str, Any] = {
        "page": editing.page,
        "form": form,
        "is_readable": is_readable,
        "in_editor": request.GET.get("places") == "editor",
        "view": make_preview(replayed, net_in_force_micros=in_force),
        "sent": list_sent(request),
        "nav_current": "rules",
    }
    if getattr(request, "htmx", False):
        return render(request, "portal/_preview.html", context)
    status = HTTPStatus.OK if is_readable else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "portal/preview.html", context, status=status)


def load_car_facts(editing: Editing, *, owner_id: int, nights: int, now: datetime) -> Facts:
    page = editing.page
    assert page is not None, "these are not the defaults of all cars"
    return recall_facts(
        vehicle_id=page.vehicle_id,
        owner_id=owner_id,
        time_zone=page.time_zone,
        battery_wh=editing.car.battery_wh,
        charge_power_w=editing.car.charge_power_w,
        days=nights,
        now=now,
    )


def list_sent(request: PersonRequest) -> list[tuple[str, str]]:
    """
    Return the fields of a draft as they were sent, to be sent again.
    """
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name not in {"csrfmiddlewaretoken", "days"}
        for value in values
    ]


def find_net_in_force(editing: Editing, facts: Facts) -> int | None:
    """
    Return what the rules in force bring in a usual month; None: nothing is in force.
    """
    if editing.effective is None:
        return None
    key = f"past:{facts.vehicle_id}:{editing.number}:{facts.last_n}"
    kept = cache.get(key)
    if kept is None:
        kept = estimate_month(replay(facts=facts, draft=editing.effective)).money.net
        cache.set(key, kept, KEPT_S)
    return int(kept)


# ------------------------------------------------------------------ what the page shows
def make_preview(replayed: Replay, *, net_in_force_micros: int | None) -> PreviewView:
    estimate, worth = estimate_month(replayed), weigh(replayed)
    delta = None if net_in_force_micros is None else estimate.money.net - net_in_force_micros
    has_work = replayed.facts.outlook.has_work
    return PreviewView(
        currency=CURRENCY,
        week_hours=replayed.draft.week_mask.bit_count() * HOURS_PER_WEEK / QUARTERS_PER_WEEK,
        estimate=estimate,
        delta_micros=delta,
        basis=_describe_basis(estimate, has_work=has_work),
        has_work=has_work,
        fall=draw_month(estimate),
        funnel=draw_hours(replayed, estimate),
        suggestions=tuple(_list_suggestions(worth, estimate)),
        chips=tuple(_list_chips(replayed.draft, worth, estimate)),
        worth=_draw_worth(replayed.facts, replayed.draft),
        cheap=_find_cheap_hours(replayed.facts),
    )


def _describe_basis(estimate: Estimate, *, has_work: bool) -> str:
    if not estimate.is_typical:
        return describe_basis(
            nights=estimate.nights,
            low_micros=estimate.low_micros,
            high_micros=estimate.high_micros,
        )
    if not has_work:
        return _("No work has been metered where your car is parked, so nobody can say yet.")
    return _(
        "We have not heard from this car yet. This is what is typical for cars in your region "
        "with these hours, not a forecast for yours."
    )


def draw_month(estimate: Estimate) -> Waterfall:
    money = estimate.money
    return draw_waterfall(
        caption=_("A usual month with this draft"),
        currency=CURRENCY,
        steps=[
            FallStep(label=_("Paid to you"), amount_micros=money.paid, tone="brand"),
            FallStep(label=_("Electricity"), amount_micros=-money.electricity, tone="cost"),
            FallStep(label=_("Battery wear"), amount_micros=-money.wear, tone="wear"),
            FallStep(label=_("Better off by"), amount_micros=money.net, tone="earn", is_total=True),
        ],
    )


def draw_hours(replayed: Replay, estimate: Estimate) -> tuple[FunnelBar, ...]:
    """
    Return where the hours of a usual month go, one condition after the other.
    """
    if estimate.is_typical:
        allowed, plugged, worked = count_typical_hours(facts=replayed.facts, draft=replayed.draft)
        hours = [(_("Allowed"), allowed), (_("Plugged in"), plugged)]
    else:
        funnel, nights = replayed.funnel, estimate.nights
        allowed, plugged, charged, permitted, worked = (
            to_month(quarters, nights=nights) / 4
            for quarters in (
                funnel.allowed,
                funnel.plugged,
                funnel.charged,
                funnel.permitted,
                funnel.worked,
            )
        )
        hours = [
            (_("Allowed"), allowed),
            (_("Plugged in"), plugged),
            (_("Above the floor"), charged),
        ]
        if permitted < charged:
            hours.append((_("Within your limits"), permitted))
    steps = [
        FunnelStep(label=label, value=value, text=_write_hours(value)) for label, value in hours
    ]
    steps.append(
        FunnelStep(label=_("Has work"), value=worked, text=_write_hours(worked), tone="earn")
    )
    return draw_funnel(steps=steps)


def _write_hours(hours: float) -> str:
    decimals = 0 if hours >= 10 or not hours else 1
    return f"{number(round(hours, decimals), decimals)}\N{NO-BREAK SPACE}h"


def _list_suggestions(worth: Worth, estimate: Estimate) -> Iterator[Suggestion]:
    for change in worth.changes:
        net = round(to_month(change.net_micros, nights=estimate.nights))
        if net >= LEAST_SUGGESTED_MICROS:
            yield Suggestion(text=describe_change(change), net_micros=net)


def _list_chips(draft: RulesDraft, worth: Worth, estimate: Estimate) -> Iterator[CostChip]:
    set_parts = list_set_parts(draft)
    labels = {each.field: each.label for each in describe_rules(draft)}
    for part in COST_PARTS:
        text: SafeString | str = ""
        if part in set_parts and not estimate.is_typical:
            cost = round(to_month(worth.costs.get(part, 0), nights=estimate.nights))
            text = describe_cost(cost, CURRENCY)
        yield CostChip(part=part, label=labels[part], text=text)


COST_PARTS = (
    *("hours", "dates", "battery", "ready_by", "plug", "wear", "temperature", "energy"),
    *("compute", "data", "power", "quiet", "reward", "buyers", "categories", "home"),
)


def _draw_worth(facts: Facts, draft: RulesDraft) -> tuple[WorthBar, ...]:
    """
    Return what a permitted hour of the day usually pays, on the mean of the week.
    """
    reward = facts.prices[-1].reward
    worth = [0.0] * HOURS_PER_DAY
    for kind in facts.outlook.work:
        if not kind.category_bit & draft.categories_mask:
            continue
        share = find_buyers_share(kind.buyers, draft) / 1000
        for hour, (energy_mwh, jobs) in enumerate(
            zip(kind.energy_mwh, kind.job_micros, strict=True)
        ):
            net = energy_mwh * reward / MWH_PER_KWH + jobs
            worth[hour % HOURS_PER_DAY] += net * share
    largest = max(worth)
    return tuple(
        WorthBar(hour=hour, level=find_level(value=value, largest=largest))
        for hour, value in enumerate(worth)
    )


def _find_cheap_hours(facts: Facts) -> WeekPreset | None:
    """
    Return the hours with the lowest price of electricity; None: it is the same all week.
    """
    price_by_slot = {
        slot: price.electricity
        for slot, price in zip(
            facts.slots[-QUARTERS_PER_WEEK:], facts.prices[-QUARTERS_PER_WEEK:], strict=True
        )
        if price.electricity is not None
    }
    if len(set(price_by_slot.values())) < 2:
        return None
    cheapest = min(price_by_slot.values())
    hours = [
        hour
        for hour in range(HOURS_PER_WEEK)
        if all(price_by_slot.get(hour * 4 + part) == cheapest for part in range(4))
    ]
    return make_preset(
        label=_("Cheap-power hours"),
        windows=[((hour // 24,), hour % 24, hour % 24 + 1) for hour in hours],
    )
