"""
What a draft becomes when it is agreed, as the rules that a decision reads.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from consent.rules import Rules, RulesDraft
from consent.rules.frozen import freeze


BATTERY_WH = 75_000
CHARGE_POWER_W = 3_680


def agree(draft: RulesDraft, *, agreed_at: datetime, number: int = 3) -> Rules:
    """
    Return the rules of a car of 75 kWh at a charger of 3.68 kW, agreed at that moment.
    """
    frozen = freeze(
        draft=draft, battery_wh=BATTERY_WH, charge_power_w=CHARGE_POWER_W, agreed_at=agreed_at
    )
    data_mb = draft.mobile_data_mb_per_month_max
    return Rules(
        number=number,
        is_withdrawn=False,
        zone=ZoneInfo(draft.time_zone),
        week_mask=draft.week_mask,
        battery_stop_pct=draft.battery_stop_pct,
        battery_resume_pct=draft.battery_resume_pct,
        plugged_in_only=draft.plugged_in_only,
        home_only=draft.home_only,
        temp_high_c=draft.temp_high_c,
        temp_low_c=draft.temp_low_c,
        energy_wh_per_day_max=draft.energy_wh_per_day_max,
        energy_wh_per_month_max=draft.energy_wh_per_month_max,
        compute_s_per_day_max=draft.compute_s_per_day_max,
        compute_s_per_month_max=draft.compute_s_per_month_max,
        power_limit_w=draft.power_limit_w,
        categories_mask=draft.categories_mask,
        expires_at=frozen.expires_at,
        closed=frozen.closed,
        opened=frozen.opened,
        ready_floors_permille=frozen.ready_floors_permille,
        temp_high_resume_c=draft.temp_high_resume_c,
        temp_low_resume_c=draft.temp_low_resume_c,
        temp_hold_s=draft.temp_hold_min * 60,
        wear_wh_per_month_max=frozen.wear_wh_per_month_max,
        wear_micros_per_month_max=draft.wear_micros_per_month_max,
        wear_micros_per_kwh=frozen.wear_micros_per_kwh,
        compute_micros_per_h=frozen.compute_micros_per_h,
        reward_micros_per_h_min=draft.reward_micros_per_h_min,
        buyers_mode=draft.buyers_mode,
        buyer_ids=frozenset(draft.buyer_ids),
        mobile_data_bytes_per_month_max=None if data_mb is None else data_mb * 10**6,
        quiet_mask=frozen.quiet_mask or 0,
        quiet_power_limit_w=draft.quiet_power_limit_w,
        grace=tuple((each.gate, each.minutes) for each in draft.grace),
    )
