"""
The week as 672 local quarter-hours, and the instants at which it opens and closes.

A week mask is a whole number whose bit q stands for quarter q of the owner's local
week: q = weekday (Monday 0) x 96 + quarter of the day. SQL keeps the same mask as
`bit(672)`, whose character q is quarter q. Wall-clock time is turned into instants
only here. Every zone in use is off UTC by whole quarter-hours, so a quarter of UTC
never straddles two local ones; `tests/properties` proves it for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


QUARTER_MINUTES = 15
QUARTER = timedelta(minutes=QUARTER_MINUTES)
QUARTER_S = 900
QUARTERS_PER_DAY = 96
QUARTERS_PER_WEEK = 672
MINUTES_PER_DAY = 1440
DAY = timedelta(days=1)
FULL_WEEK = (1 << QUARTERS_PER_WEEK) - 1
NO_HOURS = 0


@dataclass(frozen=True, slots=True)
class Window:
    """
    One daily window on each of `days` (Monday 0), in minutes after local midnight.

    An end at or before the start is on the next day: the window belongs to the day
    on which it starts. 1440 is midnight at the end of the day.
    """

    days: tuple[int, ...]
    starts_minute: int
    ends_minute: int

    @property
    def length_minutes(self) -> int:
        return (self.ends_minute - self.starts_minute) % MINUTES_PER_DAY or MINUTES_PER_DAY


def mask_from_windows(windows: tuple[Window, ...]) -> int:
    """
    Return the union of the windows. Sunday night runs on into Monday.
    """
    mask = 0
    for window in windows:
        quarters = window.length_minutes // QUARTER_MINUTES
        for day in window.days:
            start = day * QUARTERS_PER_DAY + window.starts_minute // QUARTER_MINUTES
            mask |= ((1 << quarters) - 1) << start
    return (mask & FULL_WEEK) | (mask >> QUARTERS_PER_WEEK)


def windows_from_mask(mask: int) -> tuple[Window, ...]:
    """
    Return windows that cover exactly the mask, alike days joined, by start.

    A stretch of under a day that crosses midnight stays one overnight window; a
    longer one is cut at its midnights.
    """
    days_by_times: dict[tuple[int, int], list[int]] = {}
    for start, length in _stretches(mask):
        for piece_start, piece_length in _cut_at_midnights(start, length):
            day, quarter = divmod(piece_start, QUARTERS_PER_DAY)
            ends_minute = (quarter + piece_length) * QUARTER_MINUTES
            if ends_minute > MINUTES_PER_DAY:
                ends_minute -= MINUTES_PER_DAY
            days_by_times.setdefault((quarter * QUARTER_MINUTES, ends_minute), []).append(day)
    return tuple(
        Window(days=tuple(sorted(days)), starts_minute=starts, ends_minute=ends)
        for (starts, ends), days in sorted(days_by_times.items())
    )


def _stretches(mask: int) -> Iterator[tuple[int, int]]:
    """
    Yield (first quarter, quarters) of each unbroken stretch, Sunday joined to Monday.
    """
    if mask == FULL_WEEK:
        yield 0, QUARTERS_PER_WEEK
        return
    for quarter in range(QUARTERS_PER_WEEK):
        if mask >> quarter & 1 and not mask >> (quarter - 1) % QUARTERS_PER_WEEK & 1:
            yield quarter, _quarters_until(mask ^ FULL_WEEK, quarter)


def _cut_at_midnights(start: int, length: int) -> Iterator[tuple[int, int]]:
    if length < QUARTERS_PER_DAY:
        yield start, length
        return
    end = start + length
    while start < end:
        midnight = (start // QUARTERS_PER_DAY + 1) * QUARTERS_PER_DAY
        yield start % QUARTERS_PER_WEEK, min(midnight, end) - start
        start = midnight


def bits_from_mask(mask: int) -> str:
    """
    Return the mask as PostgreSQL writes a `bit(672)`.
    """
    return format(mask, f"0{QUARTERS_PER_WEEK}b")[::-1]


def mask_from_bits(bits: str) -> int:
    return int(bits[::-1], 2)


def quarter_of_week(local: datetime) -> int:
    """
    Return the quarter [0, 672) of a wall-clock time.
    """
    return local.weekday() * QUARTERS_PER_DAY + local.hour * 4 + local.minute // QUARTER_MINUTES


@lru_cache(maxsize=256)
def read_wall_clock(now: datetime, zone: ZoneInfo) -> tuple[datetime, int]:
    """
    Return a moment on a zone's wall clock, and its quarter of the week.

    Remembered: a batch asks a thousand times about one moment in few zones.
    """
    local = now.astimezone(zone)
    return local, quarter_of_week(local)


def is_open(*, mask: int, now: datetime, zone: ZoneInfo) -> bool:
    return bool(mask >> quarter_of_week(now.astimezone(zone)) & 1)


def find_opening(*, mask: int, after: datetime, zone: ZoneInfo) -> datetime | None:
    """
    Return the first instant (UTC) at or after `after` when the mask is open; None: never.
    """
    if mask == NO_HOURS:
        return None
    instant = after.astimezone(UTC)
    quarter = floor_to_quarter(instant)
    opening = find_open_quarter(mask, quarter, zone)
    return instant if opening == quarter else opening


def find_closing(*, mask: int, after: datetime, zone: ZoneInfo) -> datetime | None:
    """
    Return the first instant (UTC) at or after `after` when the mask is closed; None: never.
    """
    return find_opening(mask=mask ^ FULL_WEEK, after=after, zone=zone)


@lru_cache(maxsize=8192)
def find_open_quarter(mask: int, quarter: datetime, zone: ZoneInfo) -> datetime:
    """
    Return the first quarter (UTC) from this one on that is open; the mask is not empty.

    Remembered: most owners keep one of few weeks, and a thousand cars are asked about within
    one quarter-hour.
    """
    while True:
        local = quarter.astimezone(zone)
        gap = _quarters_until(mask, quarter_of_week(local))
        opening = quarter + gap * QUARTER
        if gap == 0 or opening.astimezone(zone).utcoffset() == local.utcoffset():
            return opening
        # The clocks change on the way there. Nothing opens before they do, so
        # the search begins again at the change, under the new offset.
        quarter = find_clock_change(quarter, opening, zone)


def floor_to_quarter(instant: datetime) -> datetime:
    return instant.replace(
        minute=instant.minute - instant.minute % QUARTER_MINUTES, second=0, microsecond=0
    )


@lru_cache(maxsize=8192)
def start_of_day(*, on_date: date, zone: ZoneInfo) -> datetime:
    """
    Return the first instant (UTC) of a local date, also where midnight does not exist.
    """
    return datetime.combine(on_date, time.min, zone).astimezone(UTC)


def start_of_next_day(local: datetime, zone: ZoneInfo) -> datetime:
    return start_of_day(on_date=local.date() + DAY, zone=zone)


def start_of_next_month(local: datetime, zone: ZoneInfo) -> datetime:
    return _start_of_month_after(local.year, local.month, zone)


@lru_cache(maxsize=8192)
def _start_of_month_after(year: int, month: int, zone: ZoneInfo) -> datetime:
    first = (date(year, month, 1) + timedelta(days=32)).replace(day=1)
    return start_of_day(on_date=first, zone=zone)


def _quarters_until(mask: int, quarter: int) -> int:
    """
    Return how many quarters after `quarter` the next set bit comes, 0 when it is set.
    """
    ahead = mask >> quarter or mask << (QUARTERS_PER_WEEK - quarter)
    return (ahead & -ahead).bit_length() - 1


@lru_cache(maxsize=8192)
def find_clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """
    Return the first quarter whose offset from UTC is not that of `before`, by halving.

    Both are whole quarters. Remembered, because every decision of one quarter-hour and
    zone in the week before a change asks the same.
    """
    offset = before.astimezone(zone).utcoffset()
    first, last = 0, (after - before) // QUARTER
    while last - first > 1:
        middle = (first + last) // 2
        if (before + middle * QUARTER).astimezone(zone).utcoffset() == offset:
            first = middle
        else:
            last = middle
    return before + last * QUARTER
