"""
Which of an owner's cars a page is about.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from consent.queries.known import KnownCar
from web.components import View
from web.public_ids import decode, encode
from web.templatetags.parado import in_zone


class NamedCar(Protocol):
    """
    A car as pages of money show it: by its plate, on its clock.
    """

    @property
    def vehicle_id(self) -> int: ...

    @property
    def plate(self) -> str: ...

    @property
    def time_zone(self) -> str: ...


def choose_car(request: HttpRequest, cars: Mapping[int, NamedCar]) -> int | None:
    """
    Return the car that the address names, None when it names none.

    :raises Http404: it names one that is not among these.
    """
    wanted = request.GET.get("car", "")
    chosen = decode("veh", wanted)
    if wanted and chosen not in cars:
        raise Http404
    return chosen


def have_worked_before(cars: Iterable[KnownCar], moment: datetime) -> bool:
    """
    Return whether any of these cars was used on the day of a moment or earlier.
    """
    days = [(car.first_used_on, car.time_zone) for car in cars]
    return any(day is not None and day <= in_zone(moment, zone).date() for day, zone in days)


def link_why(vehicle_id: int, at: datetime) -> str:
    """
    Return the page that explains a car at a moment.
    """
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{reverse('portal:why', args=[encode('veh', vehicle_id)])}?at={moment}"


def make_car_views(
    cars: Mapping[int, NamedCar], chosen: int | None, *, address: str
) -> tuple[View, ...]:
    """
    Return a view for each car beside that of all; none where there is nothing to choose.
    """
    if len(cars) < 2:
        return ()
    return (
        View(label=_("All cars"), url=address, is_current=chosen is None),
        *(
            View(
                label=car.plate,
                url=f"{address}?car={encode('veh', car.vehicle_id)}",
                is_current=car.vehicle_id == chosen,
            )
            for car in cars.values()
        ),
    )
