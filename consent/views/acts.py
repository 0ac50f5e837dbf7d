"""
Pause, skip a night, resume, withdraw: one press each, without a question.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.permissions import PersonRequest
from consent import operations, queries
from consent.operations import NoConsent
from consent.views.addresses import about_a_car, find_way_back
from consent.views.pausing import write_end, write_night
from consent.views.undo import offer_undo


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
    lets_jobs_finish = request.POST.get("running") == "finish"
    made, before = operations.pause(
        vehicle_id=vehicle_id,
        owner_id=request.user.pk,
        until=ends[kind],
        kind=kind,
        lets_jobs_finish=lets_jobs_finish,
        now=now,
    )
    text = (
        _("%(plate)s is paused %(until)s. Work that runs may finish; nothing new begins.")
        if lets_jobs_finish
        else _("%(plate)s is paused %(until)s. Running work stops within a minute.")
    )
    values = {"plate": card.plate, "until": write_end(ends[kind], card.time_zone, now)}
    offer_undo(
        request,
        text % values,
        act="pause",
        vehicle_id=vehicle_id,
        was=before,
        pause_id=made.pk,
    )
    return redirect(find_way_back(request))


@require_POST
@about_a_car
def resume_car(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    was = operations.resume(vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now())
    text = _("The pause is over: your rules decide again.")
    if was is None:
        messages.info(request, text)
    else:
        offer_undo(request, text, act="resume", vehicle_id=vehicle_id, was=was)
    return redirect(find_way_back(request))


@require_POST
@about_a_car
def skip_night(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    now = timezone.now()
    card = queries.get_vehicle_card(vehicle_id=vehicle_id, owner_id=request.user.pk, now=now)
    night = queries.find_next_night(card=card, now=now)
    if night is None:
        messages.info(request, _("There is no night ahead that could be left out."))
        return redirect(find_way_back(request))
    skipped = operations.skip_night(
        vehicle_id=vehicle_id,
        owner_id=request.user.pk,
        starts_at=night.starts_at,
        ends_at=night.ends_at,
        now=now,
    )
    assert skipped.ends_at is not None, "a night has an end"
    text = _("%(plate)s leaves out %(night)s. Every other night stays as it is.") % {
        "plate": card.plate,
        "night": write_night(skipped.starts_at, skipped.ends_at, card.time_zone),
    }
    offer_undo(request, text, act="skip", vehicle_id=vehicle_id, was=None)
    return redirect(find_way_back(request))


@require_POST
@about_a_car
def unskip_night(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    was = operations.unskip_night(
        vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now()
    )
    if was is None:
        messages.info(request, _("No night is left out."))
    else:
        text = _("The night is not left out any more: your rules decide.")
        offer_undo(request, text, act="unskip", vehicle_id=vehicle_id, was=was)
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
