"""
The week as a grid of 168 checkboxes, over 672 quarter-hours.

A checkbox sends "day-hour-quarters": "5-22-f" is Saturday 22:00 to 23:00, all four quarters; in
"5-22-6" only the second and third are open. So a partly open hour keeps its quarters as long as
nobody touches it, with or without JavaScript.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext

from web.charts import Tone, find_level


DAYS = 7
HOURS = 24
QUARTERS_PER_HOUR = 4
QUARTERS = DAYS * HOURS * QUARTERS_PER_HOUR
CLOSED, WHOLE = 0, 15
CELL = re.compile(r"([0-6])-(\d|1\d|2[0-3])-([0-9a-f])", re.ASCII)


class UnreadableCell(ValueError):
    """A value that no checkbox of the week sends."""


@dataclass(frozen=True, kw_only=True)
class WeekCell:
    """One hour of one day. `quarters` is a hex digit when the hour is partly open, otherwise ""."""

    value: str
    label: str
    hour_label: str
    quarters: str
    is_checked: bool
    is_reserved: bool


@dataclass(frozen=True, kw_only=True)
class WeekDay:
    """One day; `number` 0 is Monday."""

    number: int
    name: str
    short_name: str
    cells: tuple[WeekCell, ...]


@dataclass(frozen=True, kw_only=True)
class WeekHour:
    """A column's head: what the hour is usually worth, as one of ten levels."""

    label: str
    tick: str
    level: int
    tone: Tone


@dataclass(frozen=True, kw_only=True)
class WeekPreset:
    """A chip that fills the week; `hours` is 168 characters of 0 and 1, Monday 00:00 first."""

    label: str
    hours: str


@dataclass(frozen=True, kw_only=True)
class Week:
    days: tuple[WeekDay, ...]
    hours: tuple[WeekHour, ...]
    open_hours: float
    has_worth: bool


def draw_week(
    *,
    is_open: Sequence[bool],
    worth_micros: Sequence[int] = (),
    reserved_hours: Iterable[tuple[int, int]] = (),
) -> Week:
    """
    Return the grid of 672 quarter-hours, Monday 00:00 first.

    `worth_micros` is the usual net of each of the 24 hours; `reserved_hours` are the (day, hour)
    that are allowed but needed for charging.
    """
    if len(is_open) != QUARTERS:
        raise ValueError(f"a week has {QUARTERS} quarter-hours, not {len(is_open)}")
    reserved = set(reserved_hours)
    return Week(
        days=tuple(_draw_day(day, is_open, reserved) for day in range(DAYS)),
        hours=_draw_hours(worth_micros),
        open_hours=sum(map(bool, is_open)) / QUARTERS_PER_HOUR,
        has_worth=bool(worth_micros),
    )


def list_sent(*, is_open: Sequence[bool]) -> tuple[str, ...]:
    """
    Return the values that a form sends for these quarter-hours when nobody touches the grid.
    """
    places = ((day, hour) for day in range(DAYS) for hour in range(HOURS))
    read = ((day, hour, _read_quarters(is_open, day, hour)) for day, hour in places)
    return tuple(_write_value(day, hour, quarters) for day, hour, quarters in read if quarters)


def read_week(*, values: Iterable[str]) -> tuple[bool, ...]:
    """
    Return the 672 quarter-hours that a form's checkboxes send; what is not sent is closed.

    :raises UnreadableCell: a value that the grid never sends.
    """
    quarters = [False] * QUARTERS
    for value in values:
        match = CELL.fullmatch(value)
        if match is None:
            raise UnreadableCell(value)
        first = (int(match[1]) * HOURS + int(match[2])) * QUARTERS_PER_HOUR
        for quarter in range(QUARTERS_PER_HOUR):
            quarters[first + quarter] |= bool(int(match[3], 16) >> quarter & 1)
    return tuple(quarters)


def make_preset(*, label: str, windows: Iterable[tuple[Iterable[int], int, int]]) -> WeekPreset:
    """
    Return a chip from windows of (days, from hour, to hour); a window that ends at or before its
    start runs into the next day: ((0, 1, 2, 3, 4), 22, 7) is every weeknight.
    """
    hours = ["0"] * (DAYS * HOURS)
    for days, first, last in windows:
        length = last - first if last > first else last - first + HOURS
        for day in days:
            for hour in range(length):
                hours[(day * HOURS + first + hour) % len(hours)] = "1"
    return WeekPreset(label=label, hours="".join(hours))


def _read_quarters(is_open: Sequence[bool], day: int, hour: int) -> int:
    first = (day * HOURS + hour) * QUARTERS_PER_HOUR
    return sum(1 << quarter for quarter in range(QUARTERS_PER_HOUR) if is_open[first + quarter])


def _draw_day(day: int, is_open: Sequence[bool], reserved: set[tuple[int, int]]) -> WeekDay:
    # A name is translated when it is used: once for the day, not once for each of its hours.
    name = str(WEEKDAYS[day])
    return WeekDay(
        number=day,
        name=name,
        short_name=str(WEEKDAYS_ABBR[day]),
        cells=tuple(
            _draw_cell(name, (day, hour), _read_quarters(is_open, day, hour), reserved)
            for hour in range(HOURS)
        ),
    )


def _write_value(day: int, hour: int, quarters: int) -> str:
    return f"{day}-{hour}-{quarters or WHOLE:x}"


def _draw_cell(
    name: str, place: tuple[int, int], quarters: int, reserved: set[tuple[int, int]]
) -> WeekCell:
    day, hour = place
    hour_label = f"{name} {_write_time(hour * 60)}\N{EN DASH}{_write_time(hour * 60 + 60)}"
    is_part = quarters not in (CLOSED, WHOLE)
    label = f"{hour_label}, {_name_parts(hour, quarters)}" if is_part else hour_label
    return WeekCell(
        value=_write_value(day, hour, quarters),
        label=label,
        hour_label=hour_label,
        quarters=f"{quarters:x}" if is_part else "",
        is_checked=quarters != CLOSED,
        is_reserved=place in reserved,
    )


def _name_parts(hour: int, quarters: int) -> str:
    """
    Return the open parts of an hour in words: "only 22:15 to 22:30, 22:45 to 23:00", with dashes.
    """
    bits = [bool(quarters >> quarter & 1) for quarter in range(QUARTERS_PER_HOUR)] + [False]
    parts, began = [], None
    for quarter, is_open in enumerate(bits):
        minute = hour * 60 + quarter * 15
        if is_open and began is None:
            began = minute
        elif not is_open and began is not None:
            parts.append(f"{_write_time(began)}\N{EN DASH}{_write_time(minute)}")
            began = None
    return gettext("only %(times)s") % {"times": ", ".join(parts)}


def _draw_hours(worth_micros: Sequence[int]) -> tuple[WeekHour, ...]:
    worth = [*worth_micros] or [0] * HOURS
    largest = max(map(abs, worth))
    return tuple(
        WeekHour(
            label=_write_time(hour * 60),
            tick=str(hour) if hour % 3 == 0 else "",
            level=find_level(value=worth[hour], largest=largest),
            tone="cost" if worth[hour] < 0 else "earn",
        )
        for hour in range(HOURS)
    )


def _write_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
