"""
A limit that can be switched off: a switch, a number, and whole units inside.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consent.queries.words import Text


@dataclass(frozen=True, slots=True)
class LimitInput:
    """
    A limit as it was sent.
    """

    is_on: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """
    A limit as a page draws it; `has_range`: with a slider beside the number.
    """

    name: str
    label: Text
    help_text: Text
    is_on: bool
    text: str
    low: str
    high: str
    step: str
    unit: Text
    has_range: bool
    errors: tuple[str, ...]


class LimitWidget(forms.Widget):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> LimitInput:  # noqa: ANN401, ARG002 - Django's signature
        return LimitInput(f"{name}_on" in data, str(data.get(name, "")).strip())

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ANN401, ARG002 - Django's signature
        return False


class LimitField(forms.Field):
    """
    Gives a whole number of small units (Wh, s, W, °C, micros), None when it is off.

    `scale` small units make one of what is typed: 1000 Wh a kWh. `low`, `high` and `step` are
    in typed units; `usual` is shown while the limit is off and nothing else was typed.
    """

    widget = LimitWidget

    def __init__(
        self,
        *,
        unit: Text,
        scale: int = 1,
        low: str,
        high: str,
        step: str = "1",
        usual: str,
        has_range: bool = False,
        **rest: Any,  # noqa: ANN401 - Django's own arguments
    ) -> None:
        super().__init__(required=False, **rest)
        self.unit, self.scale, self.usual = unit, scale, usual
        self.low, self.high, self.step, self.has_range = low, high, step, has_range

    def clean(self, value: LimitInput) -> int | None:
        """
        Return the limit in small units.

        :raises ValidationError: switched on without a number that it can be.
        """
        if not value.is_on:
            return None
        limit = self._read(value.text)
        if limit is None:
            text = _("Give a number from %(low)s to %(high)s %(unit)s, or switch it off.")
            raise ValidationError(text % {"low": self.low, "high": self.high, "unit": self.unit})
        return limit

    def keep(self, value: LimitInput) -> int | None:
        """
        Return what stands in a limit that is switched off, for the day it returns.
        """
        if value.is_on or value.text == self.usual:
            return None
        return self._read(value.text)

    def show(self, limit: int | None, kept: int | None = None) -> LimitInput:
        """
        Return what a page sends that shows this limit and is not touched.
        """
        if limit is None and kept is None:
            return LimitInput(is_on=False, text=self.usual)
        shown = kept if limit is None else limit
        assert shown is not None, "one of both is there"
        typed = (Decimal(shown) / self.scale).normalize()
        return LimitInput(is_on=limit is not None, text=f"{typed:f}")

    def _read(self, text: str) -> int | None:
        typed = _read_number(text)
        if typed is None or not Decimal(self.low) <= typed <= Decimal(self.high):
            return None
        return int((typed * self.scale).to_integral_value())


def _read_number(text: str) -> Decimal | None:
    """
    Return a number typed with a point or a comma; None: it is none, or not a finite one.
    """
    try:
        typed = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return typed if typed.is_finite() else None
