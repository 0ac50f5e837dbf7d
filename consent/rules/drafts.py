"""
Rules as an owner proposes them, and what is wrong with them before they are agreed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from consent.rules.codes import WorkloadCategory, mask_from_categories
from consent.rules.week import (
    MINUTES_PER_DAY,
    NO_HOURS,
    QUARTER_MINUTES,
    Window,
    mask_from_windows,
)


BATTERY_STOP_RANGE_PCT = (20, 95)
BATTERY_RESUME_MAX_PCT = 100
TEMP_HIGH_RANGE_C = (20, 50)
TEMP_LOW_RANGE_C = (-20, 15)
WINDOWS_MAX = 42


@dataclass(frozen=True, slots=True)
class RulesDraft:
    """
    What an owner asks for; units as in `consent.rules.Rules`. None: no limit.
    """

    time_zone: str
    windows: tuple[Window, ...]
    battery_stop_pct: int
    battery_resume_pct: int
    plugged_in_only: bool
    home_only: bool
    temp_high_c: int | None
    temp_low_c: int | None
    energy_wh_per_day_max: int | None
    energy_wh_per_month_max: int | None
    compute_s_per_day_max: int | None
    compute_s_per_month_max: int | None
    power_limit_w: int | None
    categories: tuple[WorkloadCategory, ...]

    @property
    def week_mask(self) -> int:
        return mask_from_windows(self.windows)

    @property
    def categories_mask(self) -> int:
        return mask_from_categories(self.categories)


class FaultCode(StrEnum):
    """
    What can never run, never bind, or never be meant.
    """

    NO_HOURS = "no_hours"
    TOO_MANY_WINDOWS = "too_many_windows"
    WINDOW_EMPTY = "window_empty"
    WINDOW_NOT_QUARTER = "window_not_quarter"
    ZONE_UNKNOWN = "zone_unknown"
    STOP_OUT_OF_RANGE = "stop_out_of_range"
    RESUME_OUT_OF_RANGE = "resume_out_of_range"
    RESUME_BELOW_STOP = "resume_below_stop"
    HIGH_OUT_OF_RANGE = "high_out_of_range"
    LOW_OUT_OF_RANGE = "low_out_of_range"
    LIMIT_NOT_POSITIVE = "limit_not_positive"
    DAY_OVER_MONTH = "day_over_month"
    POWER_NEVER_BINDS = "power_never_binds"
    NO_CATEGORIES = "no_categories"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing wrong: the field of the draft, and the window's place where it is about one.
    """

    field: str
    code: FaultCode
    window: int | None = None


@cache
def list_zones() -> frozenset[str]:
    """
    Return the zones that an owner may name: those that every machine knows by that name.

    A machine's own `localtime` is none: the database, which judges metered usage by the
    zone's name, would refuse every record of the car.
    """
    return frozenset(
        name for name in available_timezones() if name[0].isupper() and name != "Factory"
    )


def find_faults(*, draft: RulesDraft, rated_power_w: int) -> tuple[Fault, ...]:
    """
    Return everything wrong with a draft, empty if it may be agreed.
    """
    return (
        *_find_week_faults(draft),
        *_find_battery_faults(draft),
        *_find_temperature_faults(draft),
        *_find_limit_faults(draft, rated_power_w),
        *_find_work_faults(draft),
    )


def _find_week_faults(draft: RulesDraft) -> Iterator[Fault]:
    if draft.time_zone not in list_zones():
        yield Fault("time_zone", FaultCode.ZONE_UNKNOWN)
    if len(draft.windows) > WINDOWS_MAX:
        yield Fault("windows", FaultCode.TOO_MANY_WINDOWS)
    faults = tuple(_find_window_faults(draft.windows))
    yield from faults
    if not faults and draft.week_mask == NO_HOURS:
        yield Fault("windows", FaultCode.NO_HOURS)


def _find_window_faults(windows: tuple[Window, ...]) -> Iterator[Fault]:
    for place, window in enumerate(windows):
        times = (window.starts_minute, window.ends_minute)
        if any(minute % QUARTER_MINUTES for minute in times) or not _is_on_clock(window):
            yield Fault("windows", FaultCode.WINDOW_NOT_QUARTER, place)
        elif window.starts_minute == window.ends_minute or not window.days:
            yield Fault("windows", FaultCode.WINDOW_EMPTY, place)


def _is_on_clock(window: Window) -> bool:
    return (
        0 <= window.starts_minute < MINUTES_PER_DAY and 0 <= window.ends_minute <= MINUTES_PER_DAY
    )


def _find_battery_faults(draft: RulesDraft) -> Iterator[Fault]:
    if not _is_within(draft.battery_stop_pct, BATTERY_STOP_RANGE_PCT):
        yield Fault("battery_stop_pct", FaultCode.STOP_OUT_OF_RANGE)
    if draft.battery_resume_pct > BATTERY_RESUME_MAX_PCT:
        yield Fault("battery_resume_pct", FaultCode.RESUME_OUT_OF_RANGE)
    if draft.battery_resume_pct < draft.battery_stop_pct:
        yield Fault("battery_resume_pct", FaultCode.RESUME_BELOW_STOP)


def _find_temperature_faults(draft: RulesDraft) -> Iterator[Fault]:
    if draft.temp_high_c is not None and not _is_within(draft.temp_high_c, TEMP_HIGH_RANGE_C):
        yield Fault("temp_high_c", FaultCode.HIGH_OUT_OF_RANGE)
    if draft.temp_low_c is not None and not _is_within(draft.temp_low_c, TEMP_LOW_RANGE_C):
        yield Fault("temp_low_c", FaultCode.LOW_OUT_OF_RANGE)


def _find_limit_faults(draft: RulesDraft, rated_power_w: int) -> Iterator[Fault]:
    for kind in ("energy_wh", "compute_s"):
        day_field, month_field = f"{kind}_per_day_max", f"{kind}_per_month_max"
        day, month = getattr(draft, day_field), getattr(draft, month_field)
        for field, limit in ((day_field, day), (month_field, month)):
            if limit is not None and limit <= 0:
                yield Fault(field, FaultCode.LIMIT_NOT_POSITIVE)
        if day is not None and month is not None and day > month:
            yield Fault(day_field, FaultCode.DAY_OVER_MONTH)
    if draft.power_limit_w is not None and draft.power_limit_w <= 0:
        yield Fault("power_limit_w", FaultCode.LIMIT_NOT_POSITIVE)
    elif draft.power_limit_w is not None and draft.power_limit_w > rated_power_w:
        yield Fault("power_limit_w", FaultCode.POWER_NEVER_BINDS)


def _find_work_faults(draft: RulesDraft) -> Iterator[Fault]:
    if not draft.categories:
        yield Fault("categories", FaultCode.NO_CATEGORIES)


def _is_within(value: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]
