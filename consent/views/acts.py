"""
Pause, resume, withdraw: one press each, without a question.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.permissions import PersonRequest
from consent import operations, queries
from consent.operations import NoConsent
from consent.queries import VehicleCard
from consent.views.addresses import about_a_car, address_of, find_way_back
from web.components import MenuItem
from web.templatetags.parado import in_zone, local_time


PAUSE_LABELS = {
    "hour": gettext_lazy("For an hour"),
    "tonight": gettext_lazy("Tonight"),
    "until_resumed": gettext_lazy("Until I resume"),
}


@dataclass(frozen=True, slots=True)
class CarView:
    """
    A car with what can be done to it, for the list of cars and its own pages.
    """

    card: VehicleCard
    pause_items: tuple[MenuItem, ...]
    pause_url: str
    paused_until: str


def make_car_view(card: VehicleCard, now: datetime) -> CarView:
    choices = queries.list_pause_choices(card=card, now=now)
    return CarView(
        card=card,
        pause_items=tuple(
            MenuItem(
                label=PAUSE_LABELS[choice.kind],
                note=_write_end(choice.ends_at, card.time_zone, now),
                name="kind",
                value=choice.kind,
            )
            for choice in choices
        ),
        pause_url=address_of("pause", card.vehicle_id),
        paused_until=_write_end(card.pause.ends_at, card.time_zone, now) if card.pause else "",
    )


@require_POST
@about_a_car
def pause_car(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    now = timezone.now()
    card = queries.get_vehicle_card(vehicle_id=vehicle_id, owner_id=request.user.pk, now=now)
    ends = {
        choice.kind: choice.ends_at for choice in queries.list_pause_choices(card=card, now=now)
    }
    kind = request.POST.get("kind", "")
    if kind not in ends:
        messages.error(request, _("Choose how long the car shall pause."))
        return redirect(find_way_back(request))
    operations.pause(
        vehicle_id=vehicle_id, owner_id=request.user.pk, until=ends[kind], kind=kind, now=now
    )
    text = _("%(plate)s is paused %(until)s. Running work stops within a minute.")
    until = _write_end(ends[kind], card.time_zone, now)
    messages.success(request, text % {"plate": card.plate, "until": until})
    return redirect(find_way_back(request))


@require_POST
@about_a_car
def resume_car(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    operations.resume(vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now())
    messages.success(request, _("The pause is over: your rules decide again."))
    return redirect(find_way_back(request))


@require_POST
@about_a_car
def withdraw_consent(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    try:
        operations.withdraw(vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now())
    except NoConsent:
        messages.info(request, _("There is no consent to withdraw."))
    else:
        text = _(
            "Your consent is withdrawn. No work starts from now on, running work stops within a"
            " minute, and what you earned stays yours."
        )
        messages.success(request, text)
    return redirect(find_way_back(request))


def _write_end(ends_at: datetime | None, zone: str, now: datetime) -> str:
    if ends_at is None:
        return _("until you resume")
    local, today = in_zone(ends_at, zone), in_zone(now, zone)
    text = local_time(ends_at, zone)
    if (local.date() - today.date()).days > 1:
        text = f"{WEEKDAYS_ABBR[local.weekday()]} {text}"
    return _("until %(time)s") % {"time": text}
