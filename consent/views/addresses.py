"""
How a page's address names a car, and where an act returns to.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.permissions import PersonRequest, owner_required
from consent.queries import VehicleNotFound
from web.public_ids import decode, encode


P = ParamSpec("P")
CarView = Callable[Concatenate[PersonRequest, int, P], HttpResponseBase]


def about_a_car(view: CarView[P]) -> Callable[..., HttpResponseBase]:
    """
    Let owners in and give the view the car's number; absent and foreign are the same 404.
    """

    @wraps(view)
    def found(
        request: PersonRequest, /, public_id: str, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        vehicle_id = decode("veh", public_id)
        if vehicle_id is None:
            raise Http404
        try:
            return view(request, vehicle_id, *args, **kwargs)
        except VehicleNotFound as error:
            raise Http404 from error

    return owner_required(found)


def address_of(name: str, vehicle_id: int) -> str:
    return reverse(f"consent:{name}", args=[encode("veh", vehicle_id)])


def find_way_back(request: HttpRequest) -> str:
    """
    Return the page of ours that an act was done on, as its form says, else the list of cars.
    """
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return back if is_ours else reverse("consent:cars")


def read_number(text: str | None) -> int | None:
    """
    Return the version that an address names, None when it names none.

    What cannot be a version's number is one that never was: 0.
    """
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
