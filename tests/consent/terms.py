"""
Plain values that tests of the rules start from: a night-time car that may work.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from consent.rules import (
    ALL_CATEGORIES_MASK,
    NO_USE,
    Decision,
    Rules,
    State,
    Use,
    Window,
    Workload,
    WorkloadCategory,
    decide,
    mask_from_windows,
)


OSLO = ZoneInfo("Europe/Oslo")
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
NIGHTS = mask_from_windows((Window(EVERY_DAY, 22 * 60, 7 * 60),))
# Wednesday, 18 November 2026, 23:03:20 in Oslo.
NIGHT = datetime(2026, 11, 18, 22, 3, 20, tzinfo=UTC)

NIGHT_RULES = Rules(
    number=3,
    is_withdrawn=False,
    zone=OSLO,
    week_mask=NIGHTS,
    battery_stop_pct=40,
    battery_resume_pct=50,
    plugged_in_only=True,
    home_only=True,
    temp_high_c=35,
    temp_low_c=0,
    energy_wh_per_day_max=6_000,
    energy_wh_per_month_max=90_000,
    compute_s_per_day_max=36_000,
    compute_s_per_month_max=720_000,
    power_limit_w=900,
    categories_mask=ALL_CATEGORIES_MASK ^ WorkloadCategory.TRAINING.bit,
)
GOOD_STATE = State(
    observed_at=NIGHT,
    state_of_charge_permille=620,
    plugged_in=True,
    is_home=True,
    is_moving=False,
    battery_temp_min_decic=140,
    battery_temp_max_decic=180,
)
INFERENCE = Workload(category=WorkloadCategory.INFERENCE)


def ask(
    *,
    now: datetime = NIGHT,
    rules: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    use: Use = NO_USE,
    workload: Workload = INFERENCE,
) -> Decision:
    """
    Decide for the night-time car, changed in the named fields; its telemetry is fresh.
    """
    return decide(
        rules=replace(NIGHT_RULES, **(rules or {})),
        state=replace(GOOD_STATE, **({"observed_at": now} | (state or {}))),
        use=use,
        workload=workload,
        now=now,
    )
