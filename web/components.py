"""
What the templates in templates/components/ are given: frozen values, one class per component.

Text is already in the reader's language, amounts are whole micros, addresses are paths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from django.utils.functional import Promise
from django.utils.safestring import SafeString

from web.charts import Tone


Text = str | SafeString | Promise
TAG_LENGTH_WHOLE = 28


# ------------------------------------------------------------------ the sign
@dataclass(frozen=True, kw_only=True)
class Gate:
    """
    One check, in the order in which it is made: met, not met, or not reached.

    `value` is the figure that was compared ("47 / 60 %"), `url` leads to the rule.
    """

    state: Literal["ok", "no", "later"]
    label: Text
    value: Text
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Sign:
    """
    The one plate of a page. `text` may carry <strong>; `refresh_url` answers with this sign again.
    """

    title: Text
    text: Text = ""
    state: Literal["waiting", "earning", "off"] = "waiting"
    gates: tuple[Gate, ...] = ()
    gates_title: Text = ""
    refresh_url: str = ""
    key: str = "now"


# ------------------------------------------------------------------ rows and lists
@dataclass(frozen=True, kw_only=True)
class Tag:
    label: Text
    tone: Tone = ""
    url: str = ""

    @property
    def css(self) -> str:
        """Its classes: words that fit on one line stay on it."""
        return "tag tag-long" if len(str(self.label)) > TAG_LENGTH_WHOLE else "tag"


@dataclass(frozen=True, kw_only=True)
class MenuItem:
    """
    An entry of a menu: a link when it has a `url`, otherwise a button of the form around the menu
    that sends name=value. `note` stands at the end ("until 22:52").
    """

    label: Text
    note: Text = ""
    url: str = ""
    name: str = ""
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One thing to do, with where to do it."""

    label: Text
    note: Text = ""
    is_done: bool = False
    url: str = ""
    action: Text = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stage of a process; "stopped" is a stage that failed or was cancelled."""

    label: Text
    note: Text = ""
    state: Literal["done", "now", "later", "stopped"] = "later"


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One thing that happened, newest first; tone "idle" has not happened yet."""

    label: Text
    note: Text = ""
    tone: Tone = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """
    One line of a key-value list. `note` stands under the label, `value_note` under the value;
    `is_total` draws the line of a sum above it.
    """

    label: Text
    value: Text
    note: Text = ""
    value_note: Text = ""
    is_total: bool = False


@dataclass(frozen=True, kw_only=True)
class TiePart:
    """One amount of a tie-out; `sign` is what stands before it: "", "=", "+" or "-"."""

    label: Text
    amount_micros: int
    sign: Literal["", "=", "+", "-"] = ""


@dataclass(frozen=True, kw_only=True)
class TieOut:
    """Figures that must add up, and by how much they do not."""

    parts: tuple[TiePart, ...]
    difference_micros: int
    currency: str = "EUR"


@dataclass(frozen=True, kw_only=True)
class Meter:
    """How much of a limit is used, in [0, 100] percent; `text` says it ("0.52 of 1.00")."""

    key: str
    label: Text
    text: Text
    percent: float
    tone: Tone = ""


# ------------------------------------------------------------------ tables
@dataclass(frozen=True, kw_only=True)
class Column:
    """
    A table's column. `is_optional` leaves it out on a phone; `sort_url` makes its head a link;
    `is_whole`: its texts are short and wrap only where they say so themselves.
    """

    label: Text
    is_number: bool = False
    is_optional: bool = False
    is_whole: bool = False
    sort_url: str = ""
    sorted: Literal["", "ascending", "descending"] = ""

    @cached_property
    def css(self) -> str:
        """The classes of its cells, put together once and not for every row."""
        classes = {"n": self.is_number, "opt": self.is_optional, "whole": self.is_whole}
        return " ".join(name for name, is_so in classes.items() if is_so)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: text with an optional link, a small line under it, or a tag in its place."""

    text: Text = ""
    note: Text = ""
    url: str = ""
    tag: Tag | None = None
    is_strong: bool = False

    @property
    def is_plain(self) -> bool:
        """Most cells are only a text, which a table of 300 cells need not find out by asking."""
        return not (self.note or self.url or self.tag or self.is_strong)


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One row; its first cell is its heading. `select` is the value of its checkbox in a form.
    """

    cells: tuple[Cell, ...]
    select: str = ""
    is_selected: bool = False
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class DataTable:
    """A table; `foot` is a row of totals. `select_name` puts a checkbox before every row."""

    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    foot: Row | None = None
    is_dense: bool = False
    select_name: str = ""
    key: str = ""

    @property
    def foot_rows(self) -> tuple[Row, ...]:
        """The row of totals as rows, which is how the template draws them."""
        return (self.foot,) if self.foot else ()


@dataclass(frozen=True, kw_only=True)
class View:
    """One saved view over a table, with how many rows it holds."""

    label: Text
    url: str
    count: int | None = None
    is_current: bool = False


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Where a keyset-paged list goes on; "" where it does not."""

    next_url: str = ""
    previous_url: str = ""
    text: Text = ""


# ------------------------------------------------------------------ the consent editor
@dataclass(frozen=True, kw_only=True)
class RangeNumber:
    """
    A range and its number, which is the field that counts. `attributes` go to the number.
    """

    name: str
    label: Text
    value: float | int | str
    low: float
    high: float
    step: float
    unit: Text
    help_text: Text = ""
    price: Text = ""
    errors: tuple[Text, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
