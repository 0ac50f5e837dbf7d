"""
Dates that differ from the week, as lines of a form: closed or open, from one date to another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consent.forms.windows import (
    RowsWidget,
    find_time_error,
    read_end,
    write_end,
)
from consent.rules import DateException
from consent.rules.faults import EXCEPTIONS_MAX
from consent.rules.week import MINUTES_PER_DAY
from consent.rules.written import read_minute, write_minute


CLOSED, OPEN = "closed", "open"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DateRow:
    """
    One line: a date, or all from the first to the last. Without a first date it says nothing.
    """

    kind: str = CLOSED
    first: str = ""
    last: str = ""
    starts: str = ""
    ends: str = ""
    error: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.first and not self.last


class DatesWidget(RowsWidget):
    parts = ("kind", "first", "last", "from", "to")


class DatesField(forms.Field):
    """
    Gives date exceptions, by date.
    """

    widget = DatesWidget

    def clean(self, value: Sequence[tuple[str, ...]]) -> tuple[DateException, ...]:
        """
        Return the exceptions.

        :raises ValidationError: a line cannot be read.
        """
        rows = read_date_rows(tuple(DateRow(*row) for row in value))
        if any(row.error for row in rows):
            raise ValidationError(_("Some of the dates need another look."))
        found = [each for row in rows if not row.is_empty for each in _read_row(row)]
        return tuple(sorted(found, key=lambda each: each.on_date))


def make_date_rows(exceptions: tuple[DateException, ...]) -> tuple[DateRow, ...]:
    """
    Return the lines that show these dates, dates in a row that are alike joined into one.
    """
    rows: list[DateRow] = []
    for each in sorted(exceptions, key=lambda each: each.on_date):
        row = _make_row(each)
        before = rows[-1] if rows else None
        is_next = (
            before is not None
            and date.fromisoformat(before.last or before.first) + DAY == each.on_date
            and replace(before, first=row.first, last="") == row
        )
        if is_next and before is not None:
            rows[-1] = replace(before, last=row.first)
        else:
            rows.append(row)
    return tuple(rows)


def read_date_rows(rows: tuple[DateRow, ...]) -> tuple[DateRow, ...]:
    """
    Return the lines, each with what is wrong with it.
    """
    return tuple(row if row.is_empty else replace(row, error=_find_error(row)) for row in rows)


def pad_date_rows(rows: tuple[DateRow, ...], *, is_adding: bool = False) -> tuple[DateRow, ...]:
    """
    Return the lines that say something; an empty one where there is none, or one is added.
    """
    said = tuple(row for row in rows if not row.is_empty)
    return (*said, DateRow()) if is_adding or not said else said


def _make_row(each: DateException) -> DateRow:
    if not each.is_open:
        return DateRow(CLOSED, each.on_date.isoformat())
    starts, ends = write_minute(each.starts_minute), write_end(each.ends_minute)
    return DateRow(OPEN, each.on_date.isoformat(), "", starts, ends)


def _read_row(row: DateRow) -> Iterator[DateException]:
    first = date.fromisoformat(row.first)
    last = date.fromisoformat(row.last) if row.last else first
    is_open = row.kind == OPEN
    starts = read_minute(row.starts) if is_open else 0
    ends = read_end(row.ends) if is_open else MINUTES_PER_DAY
    for days in range((last - first).days + 1):
        yield DateException(
            first + timedelta(days=days), is_open=is_open, starts_minute=starts, ends_minute=ends
        )


def _find_error(row: DateRow) -> str:
    try:
        first = date.fromisoformat(row.first)
        last = date.fromisoformat(row.last) if row.last else first
    except ValueError:
        return _("Give the date, or the first and the last of several.")
    if last < first:
        return _("The last date is before the first.")
    if (last - first).days >= EXCEPTIONS_MAX:
        return _("These are more than %(max)s days.") % {"max": EXCEPTIONS_MAX}
    return "" if row.kind == CLOSED else _find_opening_error(row)


def _find_opening_error(row: DateRow) -> str:
    if row.kind != OPEN:
        return _("Choose closed or open.")
    try:
        return find_time_error(read_minute(row.starts), read_end(row.ends))
    except ValueError:
        return _("Say from when to when it is open, such as 09:00 and 12:00.")
