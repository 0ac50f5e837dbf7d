"""
What electricity costs the demo's owners: their own tariffs, and an average per region.
"""

from collections.abc import Iterable
from datetime import datetime

from billing.operations.tariffs import set_regional_tariff, set_tariff
from billing.rules import TariffWindow
from portal.demo.cars import EVERY_DAY, WEEKDAYS, Car, pick
from portal.demo.places import TIME_ZONE
from portal.demo.residents import REGIONS


CURRENCY = "EUR"
AVERAGE_MICROS_PER_KWH = 195_000


def window(days: tuple[int, ...], starts: int, ends: int, micros_per_kwh: int) -> TariffWindow:
    """
    Return a window of whole local hours.
    """
    return TariffWindow(
        days=days,
        starts_minute=starts * 60,
        ends_minute=ends * 60,
        micros_per_kwh=micros_per_kwh,
    )


# Base price and windows; None: the owner gave no tariff, the average of the region holds.
TARIFFS = (
    (240_000, ()),
    (261_000, (window(EVERY_DAY, 22, 6, 148_000),)),
    (214_500, (window(WEEKDAYS, 7, 10, 312_000), window(WEEKDAYS, 17, 21, 337_000))),
    None,
    (198_000, (window(EVERY_DAY, 0, 5, 121_500), window(EVERY_DAY, 17, 20, 289_000))),
    None,
    (233_000, (window(WEEKDAYS, 6, 22, 274_000),)),
)
# So dear that the buyer's price does not cover it: the platform pays the rest, not the owner.
DEAR = (415_000, (window(EVERY_DAY, 16, 22, 620_000),))
DEAR_PLACES = frozenset({13, 44})


def ensure_tariffs(fleet: Iterable[Car], *, opened_at: datetime) -> None:
    """
    Put the prices in force since the world began; the same again changes nothing.
    """
    for code in REGIONS:
        set_regional_tariff(
            region_code=code,
            currency=CURRENCY,
            time_zone=TIME_ZONE,
            base_micros_per_kwh=AVERAGE_MICROS_PER_KWH,
            windows=(window(WEEKDAYS, 7, 21, 228_000),),
            actor_id=None,
            now=opened_at,
        )
    owner_ids = dict.fromkeys(car.owner_id for car in fleet)
    for index, owner_id in enumerate(owner_ids):
        tariff = DEAR if index in DEAR_PLACES else pick(TARIFFS, index, 3)
        if tariff is not None:
            base_micros_per_kwh, windows = tariff
            set_tariff(
                owner_id=owner_id,
                currency=CURRENCY,
                time_zone=TIME_ZONE,
                base_micros_per_kwh=base_micros_per_kwh,
                windows=windows,
                actor_id=owner_id,
                now=opened_at,
            )
