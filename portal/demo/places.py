"""
Regions, hardware, pools and prices of the demo.
"""

import contextlib
from datetime import datetime

from marketplace.operations import capacity, pools
from portal.demo.residents import REGIONS


TIME_ZONE = "Europe/Oslo"
HARDWARE_CLASS = "edge-1000"
POWER_W = 1_000
RATES = pools.Rates(
    buyer_micros_per_kwh=500_000,
    buyer_micros_per_job=2_500,
    reward_micros_per_kwh=100_000,
    reward_micros_per_job=2_000,
    wear_micros_per_kwh=50_000,
)


def ensure_pools(*, opened_at: datetime, now: datetime) -> dict[str, int]:
    """
    Return the pool of each region, on sale since `opened_at`.
    """
    pools.create_hardware_class(
        code=HARDWARE_CLASS,
        name="Edge 1000",
        power_w=POWER_W,
        wear_micros_per_kwh=RATES.wear_micros_per_kwh,
    )
    pool_ids = {}
    for code, name in REGIONS.items():
        pools.create_region(code=code, name=name, country="NO", time_zone=TIME_ZONE)
        pool = pools.create_pool(region_code=code, hardware_class_code=HARDWARE_CLASS)
        pool_ids[code] = pool.pk
        # A rate card that starts where one starts already is the one of the first load.
        with contextlib.suppress(pools.RateCardOverlaps):
            pools.set_rate_card(pool_id=pool.pk, rates=RATES, starts_at=opened_at, now=now)
    return pool_ids


def forecast(*, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """
    Fill the capacity of every whole hour of the period, past hours included.
    """
    hours = int((ends_at - starts_at).total_seconds() // 3600) + 1
    capacity.refresh_capacity(now=now, hours=hours, starts_at=starts_at)
