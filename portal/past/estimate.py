"""
What a usual month would bring under a draft, and how sure that is.

The mean and the spread of the nights make a month of 30.4 of them: nights are taken as
independent and their sum as normal, and the mean itself is uncertain where there are few. So
the range of P10 to P90 is M·m ± 1.28·s·√(M + M²/n), never below nothing, of n nights with mean
m and standard deviation s; `docs/owners.md` says the same for owners.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import fmean, stdev
from typing import Final
from zoneinfo import ZoneInfo

from consent.queries.past import from_quarter
from consent.rules import Hours, RulesDraft
from consent.rules.frozen import freeze
from consent.rules.spans import merge
from consent.rules.week import QUARTER_S, QUARTERS_PER_DAY, QUARTERS_PER_WEEK
from portal.past.facts import Facts, find_buyers_share
from portal.past.nights import Money, Replay


NIGHTS_PER_MONTH: Final = 365.25 / 12
# One in ten lies beyond, on each side, of what is normally distributed.
Z_90: Final = 1.2816
MWH_PER_KWH: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """
    A month in micros, from so many nights of the car; without any, what is typical where it
    is parked (`is_typical`). Low and high are P10 and P90, None where nothing spreads.
    """

    money: Money
    low_micros: int | None
    high_micros: int | None
    nights: int
    is_typical: bool = False


def estimate_month(replayed: Replay) -> Estimate:
    """
    Return a usual month of the draft that was replayed.
    """
    nights = replayed.usual
    if not nights:
        return estimate_typical(facts=replayed.facts, draft=replayed.draft)
    nets = [night.money.net for night in nights]
    mean = fmean(nets)
    low = high = None
    if len(nets) > 1:
        width = Z_90 * stdev(nets) * sqrt(NIGHTS_PER_MONTH + NIGHTS_PER_MONTH**2 / len(nets))
        low = round(max(NIGHTS_PER_MONTH * mean - width, 0))
        high = round(NIGHTS_PER_MONTH * mean + width)
    scale = NIGHTS_PER_MONTH / len(nets)
    money = Money(
        round(scale * sum(night.money.electricity for night in nights)),
        round(scale * sum(night.money.wear for night in nights)),
        round(scale * sum(nets)),
    )
    return Estimate(money=money, low_micros=low, high_micros=high, nights=len(nets))


def to_month(amount: float, *, nights: int) -> float:
    """
    Return what an amount of so many nights is in a month.
    """
    return amount * NIGHTS_PER_MONTH / nights if nights else 0.0


# ------------------------------------------------------------------ without a past
def estimate_typical(*, facts: Facts, draft: RulesDraft) -> Estimate:
    """
    Return a month of a car of which nothing is known, plugged in as often as others there.

    Its charge is taken to be enough; the draft's limits of a day and a month are kept, and
    its closed and opened dates count as on the average of the coming year.
    """
    week = list(_list_typical_quarters(facts, draft))
    dates = _find_share_of_dates(facts, draft)
    weeks = NIGHTS_PER_MONTH / 7 * dates * _find_share_within_limits(draft, week, dates)
    money = Money(
        round(weeks * sum(quarter[2] for quarter in week)),
        round(weeks * sum(quarter[3] for quarter in week)),
        round(weeks * sum(quarter[4] for quarter in week)),
    )
    return Estimate(money=money, low_micros=None, high_micros=None, nights=0, is_typical=True)


# Energy in mWh, seconds, electricity, wear and net in micros, of one quarter of the week.
_Typical = tuple[float, float, float, float, float]


def _list_typical_quarters(facts: Facts, draft: RulesDraft) -> Iterator[_Typical]:
    outlook = facts.outlook
    # The prices of the last week; the hours of the region and of its cars are the same.
    prices = facts.prices[-QUARTERS_PER_WEEK:]
    hours = facts.hours[-QUARTERS_PER_WEEK:]
    kinds = [kind for kind in outlook.work if kind.category_bit & draft.categories_mask]
    shares = [find_buyers_share(kind.buyers, draft) / 1000 for kind in kinds]
    least, mask = draft.reward_micros_per_h_min or 0, draft.week_mask
    slots = facts.slots[-QUARTERS_PER_WEEK:]
    for price, hour, slot in zip(prices, hours, slots, strict=True):
        if not mask >> slot & 1 or price.reward * outlook.rated_power_w // 1000 < least:
            continue
        plugged = outlook.plugged_permille[hour] / 1000
        energy = seconds = jobs = 0.0
        for kind, share in zip(kinds, shares, strict=True):
            energy += kind.energy_mwh[hour] * share * plugged
            seconds += kind.compute_s[hour] * share * plugged
            jobs += kind.job_micros[hour] * share * plugged
        kwh = energy / MWH_PER_KWH
        electricity = (price.electricity or 0) * kwh
        yield energy, seconds, electricity, price.wear * kwh, price.reward * kwh + jobs


def _find_share_of_dates(facts: Facts, draft: RulesDraft) -> float:
    """
    Return what closed and opened dates leave of the week's hours, in the coming year.
    """
    in_week = draft.week_mask.bit_count()
    if not in_week or not (draft.exceptions or draft.holiday_country):
        return 1.0
    begins, ends = (from_quarter(facts.last_n + days * QUARTERS_PER_DAY) for days in (0, 365))
    frozen = freeze(
        draft=draft,
        battery_wh=facts.battery_wh,
        charge_power_w=facts.charge_power_w,
        agreed_at=begins,
    )
    zone = ZoneInfo(draft.time_zone)
    usual = Hours(draft.week_mask, zone)
    dated = Hours(draft.week_mask, zone, frozen.closed, frozen.opened)
    more_s = sum(
        _count_open_s(dated, *span) - _count_open_s(usual, *span)
        for first, last in merge([*frozen.closed, *frozen.opened])
        for span in [(max(first, begins), min(last, ends))]
        if span[0] < span[1]
    )
    return max(1 + more_s / (in_week * QUARTER_S * 365 / 7), 0.0)


def _count_open_s(hours: Hours, starts_at: datetime, ends_at: datetime) -> float:
    spans = hours.open_spans(starts_at=starts_at, ends_at=ends_at)
    return sum((closes - opens).total_seconds() for opens, closes in spans)


def _find_share_within_limits(draft: RulesDraft, week: list[_Typical], dates: float) -> float:
    """
    Return how much of the usual work the draft's limits leave, by its days on average.

    `dates` is the share of the weeks that closed dates leave.
    """
    energy_wh = sum(quarter[0] for quarter in week) / 1000
    compute_s = sum(quarter[1] for quarter in week)
    shares = [
        limit * periods / used
        for limit, used, periods in (
            (draft.energy_wh_per_day_max, energy_wh, 7),
            (draft.compute_s_per_day_max, compute_s, 7),
            (draft.energy_wh_per_month_max, energy_wh * dates, 7 / NIGHTS_PER_MONTH),
            (draft.compute_s_per_month_max, compute_s * dates, 7 / NIGHTS_PER_MONTH),
        )
        if limit is not None and used
    ]
    return min([1.0, *shares])


def count_typical_hours(*, facts: Facts, draft: RulesDraft) -> tuple[float, float, float]:
    """
    Return the hours of a month that are allowed, plugged in, and have work.
    """
    dates = _find_share_of_dates(facts, draft)
    weeks = NIGHTS_PER_MONTH / 7 * dates
    slots, hours = facts.slots[-QUARTERS_PER_WEEK:], facts.hours[-QUARTERS_PER_WEEK:]
    plugged = sum(
        facts.outlook.plugged_permille[hour] / 1000
        for slot, hour in zip(slots, hours, strict=True)
        if draft.week_mask >> slot & 1
    )
    week = list(_list_typical_quarters(facts, draft))
    worked_s = sum(quarter[1] for quarter in week) * _find_share_within_limits(draft, week, dates)
    allowed = draft.week_mask.bit_count()
    per_hour = QUARTERS_PER_DAY / 24
    return weeks * allowed / per_hour, weeks * plugged / per_hour, weeks * worked_s / 3600
