"""
The week as a form sends it: ticked hours, and times typed to the quarter-hour.

Both show the same week when the page is drawn. Whichever of them was changed counts; when
both were, and differ, the form asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consent.forms.windows import (
    WindowRow,
    make_window_rows,
    read_window,
    read_window_rows,
    take_rows,
)
from consent.rules import Window, mask_from_windows
from consent.rules.week import QUARTERS_PER_WEEK, windows_from_mask
from web.week import UnreadableCell, Week, draw_week, list_sent, read_week


GRID, TIMES = "grid", "times"


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
    return WeekInput(list_sent(is_open=list_open(mask)), make_window_rows(windows), f"{mask:x}")


def draw_mask(mask: int, *, kept_mask: int = 0) -> Week:
    """
    Return the grid of a week mask; `kept_mask` has the quarters that charging needs.
    """
    return draw_week(
        is_open=list_open(mask),
        reserved_hours=list_hours(kept_mask),
    )


def list_open(mask: int) -> list[bool]:
    """
    Return whether each quarter of a week is in a mask.
    """
    return [bool(mask >> quarter & 1) for quarter in range(QUARTERS_PER_WEEK)]


def list_hours(mask: int) -> Iterable[tuple[int, int]]:
    """
    Yield the (day, hour) of which a mask has any quarter.
    """
    for hour in range(QUARTERS_PER_WEEK // 4):
        if mask >> hour * 4 & 0b1111:
            yield divmod(hour, 24)


class WeekWidget(forms.Widget):
    """
    Reads the week out of a form; the page draws it by hand.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> WeekInput:  # noqa: ANN401, ARG002 - Django's signature
        return WeekInput(
            cells=tuple(data.getlist(name)),
            rows=tuple(WindowRow(*row) for row in take_rows(data, name, ("days", "from", "to"))),
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
        rows = read_window_rows(value.rows)
        if any(row.error for row in rows):
            raise ValidationError(_("Some of the typed times need another look."))
        typed = tuple(read_window(row) for row in rows if not row.is_empty)
        times = mask_from_windows(typed)
        if times == grid or value.counts == TIMES or grid == before:
            return typed
        if times == before or value.counts == GRID:
            return windows_from_mask(grid)
        raise ValidationError(
            _("You changed the grid and the typed times. Say which of them counts."),
            code="two_weeks",
        )


def _read_grid(cells: tuple[str, ...]) -> int:
    try:
        is_open = read_week(values=cells)
    except UnreadableCell as error:
        raise ValueError(str(error)) from error
    return sum(1 << quarter for quarter, is_on in enumerate(is_open) if is_on)
