"""
One owner's car as its pages get it: rules with every limit, and a car that meets them all.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from consent.queries import VehicleCard
from consent.rules import NO_USE, Decision, Rules, State, WorkloadCategory


NOW = datetime(2026, 11, 22, 20, 52, tzinfo=UTC)  # a Sunday, 21:52 in Oslo
ALWAYS = 2**672 - 1
RULES = Rules(
    number=14,
    is_withdrawn=False,
    zone=ZoneInfo("Europe/Oslo"),
    week_mask=ALWAYS,
    battery_stop_pct=60,
    battery_resume_pct=65,
    plugged_in_only=True,
    home_only=True,
    temp_high_c=35,
    temp_low_c=5,
    energy_wh_per_day_max=12_000,
    energy_wh_per_month_max=90_000,
    compute_s_per_day_max=12 * 3600,
    compute_s_per_month_max=160 * 3600,
    power_limit_w=800,
    categories_mask=WorkloadCategory.INFERENCE.bit | WorkloadCategory.SPEECH.bit,
)
STATE = State(
    observed_at=NOW - timedelta(seconds=9),
    state_of_charge_permille=900,
    plugged_in=True,
    is_home=True,
    is_moving=False,
    battery_temp_min_decic=200,
    battery_temp_max_decic=240,
)


def make_card(decision: Decision, rules: Rules | None) -> VehicleCard:
    return VehicleCard(
        vehicle_id=1,
        public_id="veh_1",
        name="Model Y, garage",
        plate="BX 42 LR",
        time_zone="Europe/Oslo",
        region_code="no-trondheim",
        hardware_class_code="edge",
        rated_power_w=800,
        battery_wh=75_000,
        decision=decision,
        title="",
        gates=(),
        closes_at=None,
        rules=rules,
        state=STATE,
        use=NO_USE,
        version_since=NOW - timedelta(minutes=12),
    )
