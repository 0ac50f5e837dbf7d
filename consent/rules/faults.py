"""
What is wrong with a draft before it is agreed: what can never run, never bind or never be meant.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays

from consent.rules.codes import GATES_WITHOUT_GRACE, BuyersMode
from consent.rules.drafts import CarFacts, DateException, RulesDraft, list_zones
from consent.rules.frozen import CONSENT_MONTHS, add_months, freeze
from consent.rules.hours import Hours
from consent.rules.readiness import MARGIN_MINUTES, find_charge_minutes
from consent.rules.week import (
    MINUTES_PER_DAY,
    NO_HOURS,
    QUARTER_MINUTES,
    QUARTERS_PER_WEEK,
    Window,
    start_of_day,
)


BATTERY_STOP_RANGE_PCT = (20, 95)
BATTERY_RESUME_MAX_PCT = 100
READY_LEVEL_MAX_PCT = 100
TEMP_HIGH_RANGE_C = (20, 50)
TEMP_LOW_RANGE_C = (-20, 15)
# Where waiting for another temperature must end: any battery passes these in any climate.
TEMP_HIGH_RESUME_MIN_C = 15
TEMP_LOW_RESUME_MAX_C = 25
TEMP_HOLD_MAX_MIN = 240
GRACE_MAX_MIN = 240
WINDOWS_MAX = 42
EXCEPTIONS_MAX = 100
# As much as a version has room for: the parts of some countries are written out.
COUNTRY_CODE_MAX = 32
# A window that began on a closed date may run on through the day after it.
DAYS_OF_A_CLOSED_DATE = timedelta(days=2)
# The rules that are one number, which is a limit of something.
LIMIT_FIELDS = (
    "energy_wh_per_day_max",
    "energy_wh_per_month_max",
    "compute_s_per_day_max",
    "compute_s_per_month_max",
    "power_limit_w",
    "wear_cycles_milli_per_month_max",
    "wear_distance_km_per_month_max",
    "wear_micros_per_month_max",
    "reward_micros_per_h_min",
    "mobile_data_mb_per_month_max",
    "quiet_power_limit_w",
)


class FaultCode(StrEnum):
    """
    What can never run, never bind, or never be meant.
    """

    NO_HOURS = "no_hours"
    ALL_DATES_CLOSED = "all_dates_closed"
    TOO_MANY_WINDOWS = "too_many_windows"
    WINDOW_EMPTY = "window_empty"
    WINDOW_NOT_QUARTER = "window_not_quarter"
    ZONE_UNKNOWN = "zone_unknown"
    TOO_MANY_DATES = "too_many_dates"
    DATE_TWICE = "date_twice"
    DATE_PAST = "date_past"
    DATE_AFTER_CONSENT = "date_after_consent"
    COUNTRY_UNKNOWN = "country_unknown"
    STOP_OUT_OF_RANGE = "stop_out_of_range"
    RESUME_OUT_OF_RANGE = "resume_out_of_range"
    RESUME_BELOW_STOP = "resume_below_stop"
    STOP_ABOVE_CHARGE = "stop_above_charge"
    RESUME_ABOVE_CHARGE = "resume_above_charge"
    READY_NO_DAYS = "ready_no_days"
    READY_NOT_QUARTER = "ready_not_quarter"
    READY_TWICE = "ready_twice"
    READY_OUT_OF_RANGE = "ready_out_of_range"
    READY_ABOVE_CHARGE = "ready_above_charge"
    READY_NEVER_BINDS = "ready_never_binds"
    READY_UNREACHABLE = "ready_unreachable"
    HIGH_OUT_OF_RANGE = "high_out_of_range"
    LOW_OUT_OF_RANGE = "low_out_of_range"
    HIGH_RESUME_OUT_OF_RANGE = "high_resume_out_of_range"
    LOW_RESUME_OUT_OF_RANGE = "low_resume_out_of_range"
    RESUMES_CROSS = "resumes_cross"
    HOLD_OUT_OF_RANGE = "hold_out_of_range"
    HOLD_NEVER_BINDS = "hold_never_binds"
    LIMIT_NOT_POSITIVE = "limit_not_positive"
    DAY_OVER_MONTH = "day_over_month"
    POWER_NEVER_BINDS = "power_never_binds"
    QUIET_NO_HOURS = "quiet_no_hours"
    QUIET_NEVER_BINDS = "quiet_never_binds"
    REWARD_ABOVE_ALL = "reward_above_all"
    NO_BUYERS = "no_buyers"
    NO_CATEGORIES = "no_categories"
    GRACE_NOT_ALLOWED = "grace_not_allowed"
    GRACE_OUT_OF_RANGE = "grace_out_of_range"
    GRACE_TWICE = "grace_twice"


class Fault(NamedTuple):
    """
    One thing wrong: the field of the draft, and the place in its list where it is about one.
    """

    field: str
    code: FaultCode
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    draft: RulesDraft
    car: CarFacts
    now: datetime
    reward_micros_per_h_highest: int | None


def find_faults(
    *,
    draft: RulesDraft,
    car: CarFacts,
    now: datetime,
    reward_micros_per_h_highest: int | None = None,
) -> tuple[Fault, ...]:
    """
    Return everything wrong with a draft, empty if it may be agreed.

    `reward_micros_per_h_highest` is the most that any work pays this car at present after
    electricity and wear; None: nobody knows.
    """
    case = _Case(
        draft=draft, car=car, now=now, reward_micros_per_h_highest=reward_micros_per_h_highest
    )
    return tuple(fault for check in _CHECKS for fault in check(case))


def is_past(exception: DateException, *, now: datetime, zone: ZoneInfo) -> bool:
    """
    Return whether a date can change nothing any more, the night that began on it included.
    """
    return start_of_day(on_date=exception.on_date + DAYS_OF_A_CLOSED_DATE, zone=zone) <= now


def drop_past(*, draft: RulesDraft, now: datetime) -> RulesDraft:
    """
    Return a draft without the dates that are over, of which none can be agreed to anew.
    """
    zone = ZoneInfo(draft.time_zone)
    ahead = tuple(each for each in draft.exceptions if not is_past(each, now=now, zone=zone))
    return draft if ahead == draft.exceptions else replace(draft, exceptions=ahead)


def _find_week_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    if draft.time_zone not in list_zones():
        yield Fault("time_zone", FaultCode.ZONE_UNKNOWN)
    faults = tuple(_find_windows_faults("windows", draft.windows))
    yield from faults
    has_hours = draft.week_mask != NO_HOURS or any(each.is_open for each in draft.exceptions)
    if not faults and not has_hours:
        yield Fault("windows", FaultCode.NO_HOURS)


def _find_windows_faults(field: str, windows: tuple[Window, ...]) -> Iterator[Fault]:
    if len(windows) > WINDOWS_MAX:
        yield Fault(field, FaultCode.TOO_MANY_WINDOWS)
    for place, window in enumerate(windows):
        code = _judge_times(window.starts_minute, window.ends_minute)
        if code is None and not window.days:
            code = FaultCode.WINDOW_EMPTY
        if code is not None:
            yield Fault(field, code, place)


def _judge_times(starts_minute: int, ends_minute: int) -> FaultCode | None:
    if starts_minute % QUARTER_MINUTES or ends_minute % QUARTER_MINUTES:
        return FaultCode.WINDOW_NOT_QUARTER
    if not 0 <= starts_minute < MINUTES_PER_DAY or not 0 <= ends_minute <= MINUTES_PER_DAY:
        return FaultCode.WINDOW_NOT_QUARTER
    return FaultCode.WINDOW_EMPTY if starts_minute == ends_minute else None


def _find_date_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    if draft.time_zone not in list_zones():
        return
    zone = ZoneInfo(draft.time_zone)
    today = case.now.astimezone(zone).date()
    last = add_months(today, CONSENT_MONTHS)
    if len(draft.exceptions) > EXCEPTIONS_MAX:
        yield Fault("exceptions", FaultCode.TOO_MANY_DATES)
    times = Counter(each.on_date for each in draft.exceptions)
    faults = [
        Fault("exceptions", code, place)
        for place, each in enumerate(draft.exceptions)
        for code, is_so in (
            (FaultCode.DATE_PAST, is_past(each, now=case.now, zone=zone)),
            (FaultCode.DATE_AFTER_CONSENT, each.on_date >= last),
            (FaultCode.DATE_TWICE, times[each.on_date] > 1),
        )
        if is_so
    ]
    for place, each in enumerate(draft.exceptions):
        code = _judge_times(each.starts_minute, each.ends_minute) if each.is_open else None
        if code is not None:
            faults.append(Fault("exceptions", code, place))
    if draft.holiday_country is not None and not is_country(draft.holiday_country):
        faults.append(Fault("holiday_country", FaultCode.COUNTRY_UNKNOWN))
    yield from faults
    if not faults and _is_always_closed(case):
        yield Fault("exceptions", FaultCode.ALL_DATES_CLOSED)


def is_country(code: str) -> bool:
    """
    Return whether the public holidays of a country ("NO") or a part of one ("DE-BW") are known.
    """
    return code in list_countries()


@cache
def list_countries() -> frozenset[str]:
    """
    Return every country and part of one that may be chosen.
    """
    known = holidays.list_supported_countries(include_aliases=False)
    parts = {f"{country}-{part}" for country, its in known.items() for part in its}
    return frozenset(code for code in parts.union(known) if len(code) <= COUNTRY_CODE_MAX)


def _is_always_closed(case: _Case) -> bool:
    """
    Return whether the week has hours, and no date is left on which they are open.
    """
    draft = case.draft
    if not draft.exceptions or any(_find_windows_faults("windows", draft.windows)):
        return False
    frozen = freeze(
        draft=draft,
        battery_wh=case.car.battery_wh,
        charge_power_w=case.car.charge_power_w,
        agreed_at=case.now,
    )
    hours = Hours(draft.week_mask, ZoneInfo(draft.time_zone), frozen.closed, frozen.opened)
    if hours.mask == NO_HOURS and not hours.opened:
        return False
    opens_at = hours.find_opening(after=case.now)
    return opens_at is None or opens_at >= frozen.expires_at


def _find_battery_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    if not _is_within(draft.battery_stop_pct, BATTERY_STOP_RANGE_PCT):
        yield Fault("battery_stop_pct", FaultCode.STOP_OUT_OF_RANGE)
    elif draft.battery_stop_pct > case.car.charge_limit_pct:
        yield Fault("battery_stop_pct", FaultCode.STOP_ABOVE_CHARGE)
    if draft.battery_resume_pct > BATTERY_RESUME_MAX_PCT:
        yield Fault("battery_resume_pct", FaultCode.RESUME_OUT_OF_RANGE)
    elif draft.battery_resume_pct > case.car.charge_limit_pct:
        yield Fault("battery_resume_pct", FaultCode.RESUME_ABOVE_CHARGE)
    if draft.battery_resume_pct < draft.battery_stop_pct:
        yield Fault("battery_resume_pct", FaultCode.RESUME_BELOW_STOP)


def _find_ready_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    times = Counter((day, rule.minute) for rule in draft.ready_by for day in set(rule.days))
    for place, rule in enumerate(draft.ready_by):
        if not rule.days:
            yield Fault("ready_by", FaultCode.READY_NO_DAYS, place)
        if rule.minute % QUARTER_MINUTES or not 0 <= rule.minute < MINUTES_PER_DAY:
            yield Fault("ready_by", FaultCode.READY_NOT_QUARTER, place)
        if any(times[day, rule.minute] > 1 for day in rule.days):
            yield Fault("ready_by", FaultCode.READY_TWICE, place)
        if (code := _judge_level(case, rule.level_pct)) is not None:
            yield Fault("ready_by", code, place)


def _judge_level(case: _Case, level_pct: int) -> FaultCode | None:
    if level_pct > READY_LEVEL_MAX_PCT:
        return FaultCode.READY_OUT_OF_RANGE
    if level_pct > case.car.charge_limit_pct:
        return FaultCode.READY_ABOVE_CHARGE
    if level_pct <= case.draft.battery_stop_pct:
        return FaultCode.READY_NEVER_BINDS
    return None if _is_reachable(case, level_pct) else FaultCode.READY_UNREACHABLE


def _is_reachable(case: _Case, level_pct: int) -> bool:
    """
    Return whether charging from the floor to a level fits into the week before it is needed.
    """
    minutes = find_charge_minutes(
        permille=(level_pct - case.draft.battery_stop_pct) * 10,
        battery_wh=case.car.battery_wh,
        charge_power_w=case.car.charge_power_w,
    )
    return minutes + MARGIN_MINUTES < QUARTERS_PER_WEEK * QUARTER_MINUTES


def _find_temperature_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    high, low = draft.temp_high_c, draft.temp_low_c
    warm, mild = draft.temp_high_resume_c, draft.temp_low_resume_c
    if high is not None and not _is_within(high, TEMP_HIGH_RANGE_C):
        yield Fault("temp_high_c", FaultCode.HIGH_OUT_OF_RANGE)
    if low is not None and not _is_within(low, TEMP_LOW_RANGE_C):
        yield Fault("temp_low_c", FaultCode.LOW_OUT_OF_RANGE)
    if warm is not None and (high is None or not TEMP_HIGH_RESUME_MIN_C <= warm <= high):
        yield Fault("temp_high_resume_c", FaultCode.HIGH_RESUME_OUT_OF_RANGE)
    if mild is not None and (low is None or not low <= mild <= TEMP_LOW_RESUME_MAX_C):
        yield Fault("temp_low_resume_c", FaultCode.LOW_RESUME_OUT_OF_RANGE)
    if warm is not None and mild is not None and mild > warm:
        yield Fault("temp_low_resume_c", FaultCode.RESUMES_CROSS)
    if not _is_within(draft.temp_hold_min, (0, TEMP_HOLD_MAX_MIN)):
        yield Fault("temp_hold_min", FaultCode.HOLD_OUT_OF_RANGE)
    elif draft.temp_hold_min and high is None and low is None:
        yield Fault("temp_hold_min", FaultCode.HOLD_NEVER_BINDS)


def _find_limit_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    for field in LIMIT_FIELDS:
        limit = getattr(draft, field)
        if limit is not None and limit <= 0:
            yield Fault(field, FaultCode.LIMIT_NOT_POSITIVE)
    for kind in ("energy_wh", "compute_s"):
        day, month = getattr(draft, f"{kind}_per_day_max"), getattr(draft, f"{kind}_per_month_max")
        if day is not None and month is not None and day > month:
            yield Fault(f"{kind}_per_day_max", FaultCode.DAY_OVER_MONTH)
    if draft.power_limit_w is not None and draft.power_limit_w > case.car.rated_power_w:
        yield Fault("power_limit_w", FaultCode.POWER_NEVER_BINDS)


def _find_quiet_faults(case: _Case) -> Iterator[Fault]:
    draft = case.draft
    yield from _find_windows_faults("quiet_windows", draft.quiet_windows)
    if draft.quiet_power_limit_w is None:
        return
    if not draft.quiet_windows:
        yield Fault("quiet_windows", FaultCode.QUIET_NO_HOURS)
    drawn_w = case.car.rated_power_w
    if draft.power_limit_w is not None:
        drawn_w = min(drawn_w, draft.power_limit_w)
    if draft.quiet_power_limit_w >= drawn_w:
        yield Fault("quiet_power_limit_w", FaultCode.QUIET_NEVER_BINDS)


def _find_work_faults(case: _Case) -> Iterator[Fault]:
    draft, highest = case.draft, case.reward_micros_per_h_highest
    if not draft.categories:
        yield Fault("categories", FaultCode.NO_CATEGORIES)
    if draft.buyers_mode is not BuyersMode.ALL and not draft.buyer_ids:
        yield Fault("buyer_ids", FaultCode.NO_BUYERS)
    asked = draft.reward_micros_per_h_min
    if asked is not None and highest is not None and asked > highest:
        yield Fault("reward_micros_per_h_min", FaultCode.REWARD_ABOVE_ALL)


def _find_grace_faults(case: _Case) -> Iterator[Fault]:
    times = Counter(each.gate for each in case.draft.grace)
    for place, each in enumerate(case.draft.grace):
        if each.gate in GATES_WITHOUT_GRACE:
            yield Fault("grace", FaultCode.GRACE_NOT_ALLOWED, place)
        if each.minutes is not None and not _is_within(each.minutes, (1, GRACE_MAX_MIN)):
            yield Fault("grace", FaultCode.GRACE_OUT_OF_RANGE, place)
        if times[each.gate] > 1:
            yield Fault("grace", FaultCode.GRACE_TWICE, place)


def _is_within(value: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]


_CHECKS = (
    _find_week_faults,
    _find_date_faults,
    _find_battery_faults,
    _find_ready_faults,
    _find_temperature_faults,
    _find_limit_faults,
    _find_quiet_faults,
    _find_work_faults,
    _find_grace_faults,
)
