"""
What follows from a draft on the day it is agreed: the car, the calendar and the notice of
that day are worked in once, and never again.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from consent.rules.calendar import close_dates, list_holidays, open_dates
from consent.rules.drafts import RulesDraft
from consent.rules.readiness import find_charge_floors
from consent.rules.terms import Spans
from consent.rules.wear import COMPUTE_MICROS_PER_H, find_wear_micros_per_kwh, find_wear_wh_max
from consent.rules.week import start_of_day


# A consent is asked for anew after this long, as data protection authorities advise.
CONSENT_MONTHS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRules:
    """
    The derived part of a consent version; units as in `consent.rules.Rules`.
    """

    expires_at: datetime
    closed: Spans
    opened: Spans
    ready_floors_permille: tuple[int, ...] | None
    quiet_mask: int | None
    wear_wh_per_month_max: int | None
    wear_micros_per_kwh: int
    compute_micros_per_h: int


def freeze(
    *, draft: RulesDraft, battery_wh: int, charge_power_w: int, agreed_at: datetime
) -> FrozenRules:
    """
    Return what a draft means for one car if it is agreed at that moment.
    """
    zone = ZoneInfo(draft.time_zone)
    first = agreed_at.astimezone(zone).date()
    last = add_months(first, CONSENT_MONTHS)
    closed_dates = {each.on_date for each in draft.exceptions if not each.is_open}
    if draft.holiday_country:
        # The day before: its night may still be running.
        closed_dates.update(
            list_holidays(country=draft.holiday_country, first=first - timedelta(days=1), last=last)
        )
    return FrozenRules(
        expires_at=start_of_day(on_date=last, zone=zone),
        closed=close_dates(dates=sorted(closed_dates), windows=draft.windows, zone=zone),
        opened=open_dates(exceptions=draft.exceptions, zone=zone),
        ready_floors_permille=find_charge_floors(
            ready_by=draft.ready_by, battery_wh=battery_wh, charge_power_w=charge_power_w
        ),
        quiet_mask=draft.quiet_mask or None,
        wear_wh_per_month_max=find_wear_wh_max(draft=draft, battery_wh=battery_wh),
        wear_micros_per_kwh=find_wear_micros_per_kwh(),
        compute_micros_per_h=COMPUTE_MICROS_PER_H,
    )


def add_months(on_date: date, months: int) -> date:
    """
    Return the same day of a later month, or that month's last.
    """
    year, month = divmod(on_date.year * 12 + on_date.month - 1 + months, 12)
    return date(year, month + 1, min(on_date.day, monthrange(year, month + 1)[1]))
