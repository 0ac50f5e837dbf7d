"""
A car changes hands: its owner offers it, whoever it is meant for takes it over.
"""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import PersonRequest, fresh_sign_in_required, signed_in_required
from consent import operations, queries
from consent.forms import NameForm, OfferForm
from consent.operations import (
    NewOwnersWords,
    OfferNotFound,
    OfferOver,
    OfferRefused,
    PlateTaken,
    make_digest,
)
from consent.queries.transfers import find_open_offer, find_received_offer
from consent.views.addresses import about_a_car, address_of
from web.limits import OFFER_LIFE_DAYS, OFFERS_PER_DAY_MAX


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def offer_car(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    queries.get_owned_vehicle(vehicle_id=vehicle_id, owner_id=request.user.pk)
    form = OfferForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _show_offer(request, vehicle_id, form)
    response = fresh_sign_in_required(_offer)(request, vehicle_id, form)
    assert isinstance(response, HttpResponse), "no page here is streamed"
    return response


def _offer(request: PersonRequest, vehicle_id: int, form: OfferForm) -> HttpResponse:
    path = reverse("consent:offer_accept", args=["TOKEN"])
    try:
        offer = operations.offer_vehicle(
            vehicle_id=vehicle_id,
            owner_id=request.user.pk,
            email=form.cleaned_data["email"],
            link=request.build_absolute_uri(path).replace("TOKEN", "{token}"),
            now=timezone.now(),
        )
    except OfferRefused as refused:
        texts = {
            "own": _("This address is yours: the car is yours already."),
            "often": _("That is enough for a day: at most %(count)s offers can be made.")
            % {"count": OFFERS_PER_DAY_MAX},
        }
        form.add_error("email", texts[refused.code])
        return _show_offer(request, vehicle_id, form)
    text = _("We wrote to %(email)s. Until they take the car over it stays yours, as it is.")
    messages.success(request, text % {"email": offer.email})
    return redirect(address_of("transfer", vehicle_id))


@require_POST
@about_a_car
def take_offer_back(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    if operations.take_offer_back(
        vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now()
    ):
        messages.success(request, _("The offer is taken back: its link does nothing any more."))
    else:
        messages.info(request, _("There is no offer to take back."))
    return redirect(address_of("transfer", vehicle_id))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_required
def accept_offer(request: PersonRequest, token: str) -> HttpResponse:
    """
    Show an offer to whom it is meant for, and let them take the car over.
    """
    offer = find_received_offer(
        digest=make_digest(token), user_id=request.user.pk, now=timezone.now()
    )
    if offer is None:
        # Whether the link leads to anything is not for others to know, but what to try next is.
        return render(
            request,
            "consent/offer_unknown.html",
            {"email": request.user.email},
            status=HTTPStatus.NOT_FOUND,
        )
    form = NameForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            vehicle = operations.accept_offer(
                token=token,
                user_id=request.user.pk,
                words=NewOwnersWords(form.cleaned_data["plate"], form.cleaned_data["name"]),
                now=timezone.now(),
            )
        except OfferNotFound as error:
            raise Http404 from error
        except OfferOver:
            return redirect(request.path)
        except PlateTaken:
            form.add_error("plate", _("You have added this car already."))
        else:
            text = _("%(plate)s is yours. It does nothing until you agree to its rules.")
            messages.success(request, text % {"plate": vehicle.plate})
            return redirect(address_of("rules", vehicle.pk))
    is_gone = offer.is_over and not offer.new_public_id
    status = HTTPStatus.GONE if is_gone else HTTPStatus.OK
    if form.is_bound and not offer.is_over:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = {"offer": offer, "form": form}
    return render(request, "consent/offer_accept.html", context, status=status)


def _show_offer(request: PersonRequest, vehicle_id: int, form: OfferForm) -> HttpResponse:
    now = timezone.now()
    owner_id = request.user.pk
    context = {
        "form": form,
        "card": queries.get_vehicle_card(vehicle_id=vehicle_id, owner_id=owner_id, now=now),
        "offer": find_open_offer(vehicle_id=vehicle_id, owner_id=owner_id, now=now),
        "life_days": OFFER_LIFE_DAYS,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "consent/transfer.html", context, status=status)
