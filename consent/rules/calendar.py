"""
Dates that differ from the week: closed ones, public holidays, and openings out of turn.

They become spans of instants once, when an owner agrees, so that Python and SQL read the
same and a calendar that changes later changes nothing that was agreed.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from consent.rules.drafts import DateException
from consent.rules.spans import merge, subtract
from consent.rules.terms import Spans
from consent.rules.week import MINUTES_PER_DAY, Window, find_clock_change, start_of_day


DAY = timedelta(days=1)


def close_dates(*, dates: Iterable[date], windows: tuple[Window, ...], zone: ZoneInfo) -> Spans:
    """
    Return when closed dates are closed.

    From the date's first midnight to its last, and so long afterwards as only windows that
    would have begun on it are open: a night belongs to the day on which it starts.
    """
    closed: list[tuple[datetime, datetime]] = []
    for on_date in dates:
        midnight = start_of_day(on_date=on_date + DAY, zone=zone)
        closed.append((start_of_day(on_date=on_date, zone=zone), midnight))
        tail = max((each.ends_minute for each in _overnight(windows, on_date.weekday())), default=0)
        night = [(midnight, _instant(on_date + DAY, tail, zone, fold=1))] if tail else []
        closed += subtract(night, _spans_of(windows, on_date + DAY, zone))
    return merge(closed)


def open_dates(*, exceptions: Iterable[DateException], zone: ZoneInfo) -> Spans:
    """
    Return when the dates that are open out of turn are open.
    """
    return merge(
        _span(each.on_date, each.starts_minute, each.ends_minute, zone)
        for each in exceptions
        if each.is_open
    )


@lru_cache(maxsize=256)
def list_holidays(*, country: str, first: date, last: date) -> tuple[date, ...]:
    """
    Return the public holidays of a country ("NO") or a part of one ("DE-BW"), both ends in.

    :raises KeyError: the library `holidays` does not know it.
    """
    name, _, part = country.partition("-")
    try:
        known = holidays.country_holidays(
            name, subdiv=part or None, years=range(first.year, last.year + 1)
        )
    except NotImplementedError as error:
        raise KeyError(country) from error
    return tuple(sorted(on_date for on_date in known if first <= on_date <= last))


def _overnight(windows: tuple[Window, ...], day: int) -> Iterator[Window]:
    for window in windows:
        if day in window.days and window.starts_minute + window.length_minutes > MINUTES_PER_DAY:
            yield window


def _spans_of(
    windows: tuple[Window, ...], on_date: date, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    for window in windows:
        if on_date.weekday() in window.days:
            yield _span(on_date, window.starts_minute, window.ends_minute, zone)


def _span(
    on_date: date, starts_minute: int, ends_minute: int, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    last = on_date if ends_minute > starts_minute else on_date + DAY
    return _instant(on_date, starts_minute, zone), _instant(last, ends_minute, zone)


def _instant(on_date: date, minute: int, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    """
    Return when a clock shows that time; one that the clocks leave out is when they do so.

    `fold` 1 is the second pass of an hour that comes twice: where a closed night ends.
    """
    if minute >= MINUTES_PER_DAY:
        return start_of_day(on_date=on_date + DAY, zone=zone)
    local = datetime.combine(on_date, time(minute // 60, minute % 60, fold=fold), zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # The offset after the change reads a time that does not exist as before it, and vice versa.
    before, after = (local.replace(fold=each).astimezone(UTC) for each in (1, 0))
    return find_clock_change(before, after, zone)
