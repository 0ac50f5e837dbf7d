"""
Lines of a form that are typed: windows by days and times, and how any such lines are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from consent.queries.words import DAY_SETS, Text
from consent.rules import Window
from consent.rules.week import MINUTES_PER_DAY, QUARTER_MINUTES
from consent.rules.written import read_minute, write_minute


ROWS_MAX = 60
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


class RowsWidget(forms.Widget):
    """
    Reads lines that the page draws by hand: `name_part` once for each line and part.
    """

    parts: tuple[str, ...] = ("days", "from", "to")

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401, ARG002 - Django's signature
        return tuple(take_rows(data, name, self.parts))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ANN401, ARG002 - Django's signature
        return False


def take_rows(data: Any, name: str, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - a QueryDict or like one
    """
    Return the lines of a list as they were sent, each with its parts.
    """
    columns = ([each.strip() for each in data.getlist(f"{name}_{part}")] for part in parts)
    return zip(*(column[:ROWS_MAX] for column in columns), strict=False)


class WindowsField(forms.Field):
    """
    Gives the windows of typed lines alone, without a grid.
    """

    widget = RowsWidget

    def clean(self, value: Sequence[tuple[str, ...]]) -> tuple[Window, ...]:
        """
        Return the windows.

        :raises ValidationError: a line cannot be read.
        """
        rows = read_window_rows(tuple(WindowRow(*row) for row in value))
        if any(row.error for row in rows):
            raise ValidationError(_("Some of the typed times need another look."))
        return tuple(read_window(row) for row in rows if not row.is_empty)


def make_window_rows(windows: tuple[Window, ...]) -> tuple[WindowRow, ...]:
    """
    Return the lines that show these windows, a line per day where the days have no name.
    """
    return tuple(
        WindowRow(name, write_minute(window.starts_minute), write_end(window.ends_minute))
        for window in windows
        for name in name_days(window.days)
    )


def read_window_rows(rows: tuple[WindowRow, ...]) -> tuple[WindowRow, ...]:
    """
    Return the lines, each with what is wrong with it.
    """
    return tuple(row if row.is_empty else replace(row, error=_find_error(row)) for row in rows)


def pad_window_rows(
    rows: tuple[WindowRow, ...], *, is_adding: bool = False
) -> tuple[WindowRow, ...]:
    """
    Return the lines that say something; an empty one where there is none, or one is added.
    """
    said = tuple(row for row in rows if not row.is_empty)
    return (*said, WindowRow()) if is_adding or not said else said


def read_window(row: WindowRow) -> Window:
    """
    Return the window of a line.

    :raises KeyError, ValueError: it cannot be read.
    """
    return Window(DAYS_BY_NAME[row.days], read_minute(row.starts), read_end(row.ends))


def name_days(days: tuple[int, ...]) -> tuple[str, ...]:
    """
    Return the choices that stand for these days: one where they have a name together.
    """
    name = NAMES_BY_DAYS.get(tuple(sorted(days)))
    return (name,) if name else tuple(str(day) for day in sorted(days))


def write_end(minute: int) -> str:
    """
    Return an end as browsers know it: they have no 24:00.
    """
    return write_minute(minute % MINUTES_PER_DAY)


def read_end(text: str) -> int:
    """
    Return the minute of an end, of which midnight is the end of the day.

    :raises ValueError: this is no time.
    """
    return read_minute(text) or MINUTES_PER_DAY


def list_day_choices() -> tuple[tuple[str, Text], ...]:
    return tuple(
        (name, DAY_SETS[days] if days in DAY_SETS else WEEKDAYS[days[0]])
        for name, days in DAYS_BY_NAME.items()
    )


def find_time_error(starts_minute: int, ends_minute: int) -> str:
    """
    Return what is wrong with a pair of times, "" if nothing is.
    """
    if starts_minute % QUARTER_MINUTES or ends_minute % QUARTER_MINUTES:
        return _("Times go by quarter-hours: 22:00, 22:15, 22:30 or 22:45.")
    # Midnight to midnight is the whole day: `read_end` took the second one for its end.
    if starts_minute == ends_minute:
        return _("It starts and ends at the same time. A whole day is 00:00 to 00:00.")
    return ""


def _find_error(row: WindowRow) -> str:
    try:
        window = read_window(row)
    except (KeyError, ValueError):
        return _("Choose the days and give both times, such as 22:00 and 07:00.")
    return find_time_error(window.starts_minute, window.ends_minute)
