"""
The cars that an owner has or had, by name only: for records that outlast them.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from consent.models import ConsentVersion, DayUse, Vehicle
from web.public_ids import encode


@dataclass(frozen=True, slots=True)
class KnownCar:
    """
    A car; `retired_at` None: its owner has it. Times are shown on the clock of its rules.
    `first_used_on` None: nothing was settled of it yet.
    """

    vehicle_id: int
    plate: str
    name: str
    region_code: str
    retired_at: datetime | None
    time_zone: str
    first_used_on: date | None

    @property
    def public_id(self) -> str:
        return encode("veh", self.vehicle_id)


def list_known_cars(*, owner_id: int) -> tuple[KnownCar, ...]:
    """
    Return every car that an owner ever had, those of today first, by plate.
    """
    latest = ConsentVersion.objects.filter(vehicle=OuterRef("pk")).order_by("-number")
    uses = DayUse.objects.filter(vehicle=OuterRef("pk")).order_by("on_date")
    zone = Coalesce(Subquery(latest.values("time_zone")[:1]), "time_zone")
    rows = (
        Vehicle.objects.filter(owner_id=owner_id)
        .annotate(zone=zone, first_used_on=Subquery(uses.values("on_date")[:1]))
        .order_by("-retired_at", "plate", "id")
        .values_list("id", "plate", "name", "region_code", "retired_at", "zone", "first_used_on")
    )
    return tuple(KnownCar(*row) for row in rows)
