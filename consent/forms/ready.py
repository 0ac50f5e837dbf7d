"""
Ready by a certain hour, as lines of a form with one switch: days, level, time.
"""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consent.forms.windows import DAYS_BY_NAME, name_days, take_rows
from consent.rules import ReadyBy
from consent.rules.week import QUARTER_MINUTES
from consent.rules.written import read_minute, write_minute


LEVEL_RANGE_PCT = (1, 100)
KEPT = "ready_by"


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """
    One line; without a time it says nothing.
    """

    days: str = "weekdays"
    level: str = "80"
    time: str = ""
    error: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.time


USUAL = ReadyRow(time="07:30")


@dataclass(frozen=True, slots=True)
class ReadyInput:
    """
    The lines as they were sent, and whether they count.
    """

    is_on: bool
    rows: tuple[ReadyRow, ...]


class ReadyWidget(forms.Widget):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> ReadyInput:  # noqa: ANN401, ARG002 - Django's signature
        rows = take_rows(data, name, ("days", "level", "time"))
        return ReadyInput(f"{name}_on" in data, tuple(ReadyRow(*row) for row in rows))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ANN401, ARG002 - Django's signature
        return False


class ReadyField(forms.Field):
    """
    Gives the rules of a form, none when it is switched off.
    """

    widget = ReadyWidget

    def clean(self, value: ReadyInput) -> tuple[ReadyBy, ...]:
        """
        Return the rules.

        :raises ValidationError: a line cannot be read, or there is none.
        """
        if not value.is_on:
            return ()
        rows = [row for row in read_ready_rows(value.rows) if not row.is_empty]
        if not rows:
            raise ValidationError(_("Say by when the car must be ready, or switch it off."))
        if any(row.error for row in rows):
            raise ValidationError(_("Some of the times need another look."))
        return tuple(_read_row(row) for row in rows)


def make_ready_input(
    rules: tuple[ReadyBy, ...], kept: tuple[tuple[str, int], ...] = ()
) -> ReadyInput:
    """
    Return what a page sends that shows these rules, or the kept ones switched off.
    """
    shown = rules or read_kept_rules(kept)
    rows = tuple(
        ReadyRow(name, str(rule.level_pct), write_minute(rule.minute))
        for rule in shown
        for name in name_days(rule.days)
    )
    return ReadyInput(bool(rules), rows or (USUAL,))


def pad_ready_rows(rows: tuple[ReadyRow, ...], *, is_adding: bool = False) -> tuple[ReadyRow, ...]:
    """
    Return the lines that say something; an empty one where there is none, or one is added.
    """
    said = tuple(row for row in rows if not row.is_empty)
    return (*said, ReadyRow()) if is_adding or not said else said


def read_ready_rows(rows: tuple[ReadyRow, ...]) -> tuple[ReadyRow, ...]:
    """
    Return the lines, each with what is wrong with it.
    """
    return tuple(row if row.is_empty else replace(row, error=_find_error(row)) for row in rows)


def list_kept_rules(value: ReadyInput) -> dict[str, int]:
    """
    Return the readable lines of a rule that is switched off as values to keep.

    Values that are kept are whole numbers with a name each; the days are a mask.
    """
    rows = [row for row in value.rows if not row.is_empty and not _find_error(row)]
    kept: dict[str, int] = {}
    if rows == [USUAL]:
        return kept
    for place, rule in enumerate(map(_read_row, rows)):
        kept[f"{KEPT}.{place}.days"] = sum(1 << day for day in rule.days)
        kept[f"{KEPT}.{place}.level"] = rule.level_pct
        kept[f"{KEPT}.{place}.minute"] = rule.minute
    return kept


def read_kept_rules(kept: tuple[tuple[str, int], ...]) -> tuple[ReadyBy, ...]:
    """
    Return the rules that `list_kept_rules` kept.
    """
    values = dict(kept)
    places = sorted(name.split(".")[1] for name in values if name.startswith(f"{KEPT}."))
    return tuple(
        ReadyBy(
            days=tuple(day for day in range(7) if values[f"{KEPT}.{place}.days"] >> day & 1),
            minute=values[f"{KEPT}.{place}.minute"],
            level_pct=values[f"{KEPT}.{place}.level"],
        )
        for place in dict.fromkeys(places)
    )


def _read_row(row: ReadyRow) -> ReadyBy:
    return ReadyBy(DAYS_BY_NAME[row.days], read_minute(row.time), int(row.level))


def _find_error(row: ReadyRow) -> str:
    low, high = LEVEL_RANGE_PCT
    try:
        rule = _read_row(row)
    except (KeyError, ValueError):
        return _("Choose the days, a level in percent and a time, such as 80 and 07:30.")
    if not low <= rule.level_pct <= high:
        return _("The battery holds no more than 100 %.")
    if rule.minute % QUARTER_MINUTES or rule.minute >= 24 * 60:
        return _("Times go by quarter-hours: 22:00, 22:15, 22:30 or 22:45.")
    return ""
