"""
The week as a form sends it: ticked hours, and times typed to the quarter-hour.

Both show the same week when the page is drawn. Whichever of them was changed counts; when
both were, and differ, the form asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from consent.queries.evidence import read_minute, write_minute
from consent.queries.words import DAY_SETS, Text
from consent.rules import Window, mask_from_windows
from consent.rules.week import (
    MINUTES_PER_DAY,
    QUARTER_MINUTES,
    QUARTERS_PER_WEEK,
    windows_from_mask,
)
from web.week import UnreadableCell, Week, draw_week, read_week


ROWS_SPARE = 2
ROWS_MAX = 60
GRID, TIMES = "grid", "times"
DAYS_BY_NAME: dict[str, tuple[int, ...]] = {
    "all": (0, 1, 2, 3, 4, 5, 6),
    "weekdays": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
    **{str(day): (day,) for day in range(7)},
}
NAMES_BY_DAYS = {days: name for name, days in DAYS_BY_NAME.items()}


@dataclass(frozen=True, slots=True)
class WindowRow:
    """
    One line of typed times; all empty is no window.
    """

    days: str = ""
    starts: str = ""
    ends: str = ""
    error: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.starts and not self.ends


@dataclass(frozen=True, slots=True)
class WeekInput:
    """
    The week as it was sent. `before` is the mask that the page was drawn from, in hex.
    """

    cells: tuple[str, ...]
    rows: tuple[WindowRow, ...]
    before: str
    counts: str = ""


def make_week_input(windows: tuple[Window, ...]) -> WeekInput:
    """
    Return what a page sends that shows these windows and is not touched.
    """
    mask = mask_from_windows(windows)
    cells = (cell.value for day in draw_mask(mask).days for cell in day.cells if cell.is_checked)
    return WeekInput(tuple(cells), make_rows(windows), f"{mask:x}")


def draw_mask(mask: int) -> Week:
    return draw_week(is_open=[bool(mask >> quarter & 1) for quarter in range(QUARTERS_PER_WEEK)])


def make_rows(windows: tuple[Window, ...]) -> tuple[WindowRow, ...]:
    """
    Return the lines that show these windows, a line per day where the days have no name.
    """
    return tuple(
        WindowRow(name, write_minute(window.starts_minute), _write_end(window))
        for window in windows
        for name in _name_days(window.days)
    )


def _name_days(days: tuple[int, ...]) -> tuple[str, ...]:
    name = NAMES_BY_DAYS.get(days)
    return (name,) if name else tuple(str(day) for day in days)


def _write_end(window: Window) -> str:
    # Browsers know no 24:00; as an end, midnight is the end of the day.
    return write_minute(window.ends_minute % MINUTES_PER_DAY)


class WeekWidget(forms.Widget):
    """
    Reads the week out of a form; the page draws it by hand.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> WeekInput:  # noqa: ANN401, ARG002 - Django's signature
        columns = (data.getlist(f"{name}_{part}")[:ROWS_MAX] for part in ("days", "from", "to"))
        return WeekInput(
            cells=tuple(data.getlist(name)),
            rows=tuple(WindowRow(*row) for row in zip(*columns, strict=False)),
            before=data.get(f"{name}_before", ""),
            counts=data.get(f"{name}_counts", ""),
        )

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:  # noqa: ANN401, ARG002 - Django's signature
        return False


class WeekField(forms.Field):
    """
    Gives windows; see the module for which of the two ways counts.
    """

    widget = WeekWidget

    def clean(self, value: WeekInput) -> tuple[Window, ...]:
        """
        Return the windows that count.

        :raises ValidationError: unreadable, or both ways were changed and differ.
        """
        try:
            grid = _read_grid(value.cells)
            before = int(value.before or "0", 16)
        except ValueError as error:
            raise ValidationError(_("Draw the week again: it could not be read.")) from error
        rows = read_rows(value.rows)
        if any(row.error for row in rows):
            raise ValidationError(_("Some of the typed times need another look."))
        typed = tuple(_read_window(row) for row in rows if not row.is_empty)
        times = mask_from_windows(typed)
        if times == grid or value.counts == TIMES or grid == before:
            return typed
        if times == before or value.counts == GRID:
            return windows_from_mask(grid)
        raise ValidationError(
            _("You changed the grid and the typed times. Say which of them counts."),
            code="two_weeks",
        )


def read_rows(rows: tuple[WindowRow, ...]) -> tuple[WindowRow, ...]:
    """
    Return the lines, each with what is wrong with it.
    """
    return tuple(row if row.is_empty else replace(row, error=_find_error(row)) for row in rows)


def pad_rows(rows: tuple[WindowRow, ...]) -> tuple[WindowRow, ...]:
    """
    Return the lines that say something, and some empty ones to go on.
    """
    return (*(row for row in rows if not row.is_empty), *[WindowRow()] * ROWS_SPARE)


def list_day_choices() -> tuple[tuple[str, Text], ...]:
    return tuple(
        (name, DAY_SETS[days] if days in DAY_SETS else WEEKDAYS[days[0]])
        for name, days in DAYS_BY_NAME.items()
    )


def _find_error(row: WindowRow) -> str:
    try:
        window = _read_window(row)
    except (KeyError, ValueError):
        return _("Choose the days and give both times, such as 22:00 and 07:00.")
    if window.starts_minute % QUARTER_MINUTES or window.ends_minute % QUARTER_MINUTES:
        return _("Times go by quarter-hours: 22:00, 22:15, 22:30 or 22:45.")
    if window.starts_minute == window.ends_minute % MINUTES_PER_DAY:
        return _("It starts and ends at the same time. For a whole day, tick its hours.")
    return ""


def _read_window(row: WindowRow) -> Window:
    starts, ends = read_minute(row.starts), read_minute(row.ends)
    return Window(DAYS_BY_NAME[row.days], starts, ends or MINUTES_PER_DAY)


def _read_grid(cells: tuple[str, ...]) -> int:
    try:
        is_open = read_week(values=cells)
    except UnreadableCell as error:
        raise ValueError(str(error)) from error
    return sum(1 << quarter for quarter, is_on in enumerate(is_open) if is_on)
