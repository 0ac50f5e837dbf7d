from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import PersonRequest, owner_required, signed_in_required
from consent import operations, queries
from consent.forms import CarForm
from consent.operations import PlateTaken
from consent.queries import VehicleCard
from consent.queries.places import list_places
from consent.queries.renewals import Renewal, find_renewal
from consent.queries.transfers import OpenOffer, list_open_offers
from consent.views.addresses import address_of
from consent.views.pausing import PauseMenu, make_pause_menu


@dataclass(frozen=True, slots=True)
class CarView:
    """
    A car with what can be done to it; `offer` None: it is offered to nobody.
    """

    card: VehicleCard
    breaks: PauseMenu
    renewal: Renewal | None
    offer: OpenOffer | None


@require_safe
@owner_required
def show_cars(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    cards = queries.list_vehicles(owner_id=request.user.pk, now=now)
    offers = list_open_offers(owner_id=request.user.pk, now=now)
    context = {
        "cars": [
            CarView(
                card,
                make_pause_menu(card, now),
                find_renewal(card, now=now),
                offers.get(card.vehicle_id),
            )
            for card in cards
        ],
        "former_cars": queries.list_former_cars(owner_id=request.user.pk),
        "now": now,
    }
    return render(request, "consent/cars.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_required
def add_car(request: PersonRequest) -> HttpResponse:
    places = list_places()
    form = CarForm(request.POST if request.method == "POST" else None, places=places)
    if form.is_valid():
        try:
            vehicle = operations.register_vehicle(
                owner_id=request.user.pk, now=timezone.now(), **form.read_facts()
            )
        except PlateTaken:
            form.add_error("plate", _("You have added this car already."))
        else:
            text = _("%(plate)s is added. It does nothing until you agree to its rules.")
            messages.success(request, text % {"plate": vehicle.plate})
            return redirect(address_of("rules", vehicle.pk))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {"form": form, "has_places": bool(places)}
    return render(request, "consent/car_new.html", context, status=status)
