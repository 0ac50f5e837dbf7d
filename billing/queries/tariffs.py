"""
What electricity costs an owner, and since when.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Coalesce

from billing.models import Tariff
from billing.rules import TariffWindow
from web.rows import fetch_rows


@dataclass(frozen=True, kw_only=True)
class TariffView:
    """
    One version. `bands` has a byte for each local quarter-hour of the week (Monday 00:00 is
    0): an index into `prices`, micros per kWh. `region_code` is "" for an owner's own;
    `ends_at` None while in force.
    """

    id: int
    version: int
    region_code: str
    currency: str
    time_zone: str
    windows: tuple[TariffWindow, ...]
    bands: bytes
    prices: tuple[int, ...]
    starts_at: datetime
    ends_at: datetime | None

    @property
    def is_own(self) -> bool:
        return not self.region_code

    @property
    def base_micros_per_kwh(self) -> int:
        return self.prices[0]


@dataclass(frozen=True, slots=True)
class Location:
    """
    Where an owner has cars. The name is "" while nothing is sold there.
    """

    region_code: str
    region_name: str
    time_zone: str


_LOCATIONS = """
SELECT DISTINCT v.region_code, coalesce(p.region_name, ''), v.time_zone
FROM consent_vehicle_v v
LEFT JOIN marketplace_pool_v p ON p.region_code = v.region_code
WHERE v.owner_id = %s
ORDER BY 1, 3
"""


def get_tariff_in_force(*, owner_id: int, region_code: str, at: datetime) -> TariffView | None:
    """
    Return what prices an owner's car in a region: their own tariff, else the region's average.

    None: neither is known, and usage waits in quarantine until one is.
    """
    # The pair as the unique index names it: (owner, "") is their own, (0, region) the average.
    candidates = Tariff.objects.alias(key=Coalesce("owner_id", 0)).filter(
        key__in=[owner_id, 0], region_code__in=["", region_code], in_force__contains=at
    )
    row = candidates.order_by(F("owner_id").asc(nulls_last=True)).first()
    return _view(row) if row else None


def list_tariff_versions(*, owner_id: int) -> tuple[TariffView, ...]:
    """
    Return an owner's own tariffs, newest first.
    """
    versions = Tariff.objects.alias(key=Coalesce("owner_id", 0))
    rows = versions.filter(key=owner_id, region_code="").order_by("-version")
    return tuple(_view(row) for row in rows)


def list_locations(*, owner_id: int) -> tuple[Location, ...]:
    return tuple(Location(*row) for row in fetch_rows(_LOCATIONS, [owner_id]))


def _view(row: Tariff) -> TariffView:
    starts_at = row.in_force.lower
    assert starts_at is not None, "a tariff has a start"
    return TariffView(
        id=row.pk,
        version=row.version,
        region_code=row.region_code,
        currency=row.currency,
        time_zone=row.time_zone,
        windows=tuple(
            TariffWindow(**{**each, "days": tuple(each["days"])}) for each in row.windows
        ),
        bands=bytes(row.bands),
        prices=tuple(row.band_micros_per_kwh),
        starts_at=starts_at,
        ends_at=row.in_force.upper,
    )
