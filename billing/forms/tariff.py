"""
An owner's electricity prices: one for most hours, and windows in which another one holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.queries.tariffs import TariffView
from billing.rules import TariffWindow
from consent.rules.written import read_minute, write_minute
from web.limits import TARIFF_MICROS_PER_KWH_MAX, TARIFF_WINDOWS_MAX


MICROS_PER_UNIT = 1_000_000
MINUTES_PER_DAY = 1440
QUARTER_MINUTES = 15
DAY_SETS: dict[tuple[int, ...], str | Promise] = {
    (0, 1, 2, 3, 4, 5, 6): gettext_lazy("Every day"),
    (0, 1, 2, 3, 4): gettext_lazy("Monday to Friday"),
    (5, 6): gettext_lazy("Saturday and Sunday"),
    **{(day,): WEEKDAYS[day] for day in range(7)},
}
# The days are a list that always says something; a row is used when one of these does.
TYPED = ("starts", "ends", "price")
DAYS_BY_NAME = {"".join(map(str, days)): days for days in DAY_SETS}


class PriceField(forms.DecimalField):
    """
    A price per kilowatt-hour as on the bill; `cleaned_data` has whole micros.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        super().__init__(
            min_value=Decimal(0),
            max_value=Decimal(TARIFF_MICROS_PER_KWH_MAX) / MICROS_PER_UNIT,
            max_digits=9,
            decimal_places=6,
            widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
            **kwargs,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # Chrome's arrows would go by millionths.
        return {**super().widget_attrs(widget), "step": "any"}

    def clean(self, value: Any) -> int | None:  # noqa: ANN401 - Django's signature
        price = super().clean(value)
        return None if price is None else int(price * MICROS_PER_UNIT)


class ClockField(forms.CharField):
    """
    A wall-clock time by quarter-hours; `cleaned_data` has minutes after midnight, or None.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        widget = forms.TimeInput(attrs={"type": "time", "step": QUARTER_MINUTES * 60})
        super().__init__(required=False, max_length=8, widget=widget, **kwargs)

    def clean(self, value: Any) -> int | None:  # noqa: ANN401 - Django's signature
        text = super().clean(value)
        if not text:
            return None
        try:
            minute = read_minute(text[:5])
        except ValueError as error:
            raise forms.ValidationError(_("Give a time, such as 22:00.")) from error
        if minute % QUARTER_MINUTES:
            raise forms.ValidationError(
                _("Prices change by quarter-hours: 22:00, 22:15, 22:30 or 22:45.")
            )
        return minute % MINUTES_PER_DAY


@dataclass(frozen=True, kw_only=True)
class WindowRow:
    """
    One window of the form: days, from, to, price. Used when anything but the days says something.
    """

    number: int
    fields: tuple[BoundField, ...]
    is_used: bool


class TariffForm(forms.Form):
    """
    The base price, and TARIFF_WINDOWS_MAX rows of which empty ones say nothing.
    """

    base = PriceField(
        help_text=gettext_lazy("What one more kWh adds to your bill, grid fees and taxes included.")
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Clock"))

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - Django's signature
        zones: tuple[str, ...],
        currency: str,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base"].label = _("Price, %(currency)s per kWh") % {"currency": currency}
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(zone, zone.replace("_", " ")) for zone in zones]
        if len(zones) == 1:
            field.widget = forms.HiddenInput()
            field.initial = zones[0]
        for row in range(TARIFF_WINDOWS_MAX):
            self.fields |= _make_row(row)

    @property
    def rows(self) -> tuple[WindowRow, ...]:
        return tuple(
            WindowRow(
                number=row + 1,
                fields=tuple(self[f"{name}_{row}"] for name in ("days", *TYPED)),
                is_used=any(self[f"{name}_{row}"].value() for name in TYPED),
            )
            for row in range(TARIFF_WINDOWS_MAX)
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for row in range(TARIFF_WINDOWS_MAX):
            self._check_row(row)
        return cleaned

    def _check_row(self, row: int) -> None:
        days, typed = f"days_{row}", [f"{name}_{row}" for name in TYPED]
        if not any(self.data.get(self.add_prefix(name)) for name in typed):
            return
        for name in (days, *typed):
            if self.cleaned_data.get(name) in {None, ""} and name not in self.errors:
                self.add_error(name, _("Fill this in, or empty the whole row."))
        starts, ends = (self.cleaned_data.get(name) for name in typed[:2])
        # From midnight to midnight is a whole day; any other such window is a slip.
        if starts is not None and starts == ends != 0:
            self.add_error(typed[1], _("It starts and ends at the same time."))

    def make_windows(self) -> tuple[TariffWindow, ...]:
        """
        Return the windows of a valid form, in the order of the rows.
        """
        return tuple(
            TariffWindow(
                days=DAYS_BY_NAME[self.cleaned_data[f"days_{row}"]],
                starts_minute=self.cleaned_data[f"starts_{row}"],
                ends_minute=self.cleaned_data[f"ends_{row}"] or MINUTES_PER_DAY,
                micros_per_kwh=self.cleaned_data[f"price_{row}"],
            )
            for row in range(TARIFF_WINDOWS_MAX)
            if self.cleaned_data.get(f"starts_{row}") is not None
        )


def make_initial(tariff: TariffView | None) -> dict[str, str]:
    """
    Return the form's values that say what a tariff says.
    """
    if tariff is None:
        return {}
    initial = {"base": write_price(tariff.base_micros_per_kwh), "time_zone": tariff.time_zone}
    for row, window in enumerate(_name_windows(tariff.windows)):
        days, starts, ends, price = window
        initial |= {
            f"days_{row}": days,
            f"starts_{row}": starts,
            f"ends_{row}": ends,
            f"price_{row}": price,
        }
    return initial


def write_price(micros_per_kwh: int) -> str:
    """
    Return a price with two decimals or as many as it needs: "0.24", "0.2143".
    """
    text = f"{Decimal(micros_per_kwh) / MICROS_PER_UNIT:.6f}".rstrip("0")
    whole, _dot, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def _name_windows(windows: tuple[TariffWindow, ...]) -> Iterator[tuple[str, str, str, str]]:
    for window in windows:
        # Days that have no name of their own take a row each.
        named = [window.days] if window.days in DAY_SETS else [(day,) for day in window.days]
        for days in named:
            yield (
                "".join(map(str, days)),
                write_minute(window.starts_minute),
                write_minute(window.ends_minute % MINUTES_PER_DAY),
                write_price(window.micros_per_kwh),
            )


def _make_row(row: int) -> dict[str, forms.Field]:
    number = row + 1
    choices = [(name, DAY_SETS[days]) for name, days in DAYS_BY_NAME.items()]
    return {
        f"days_{row}": forms.ChoiceField(
            label=_("Window %(n)s, days") % {"n": number}, choices=choices, required=False
        ),
        f"starts_{row}": ClockField(label=_("Window %(n)s, from") % {"n": number}),
        f"ends_{row}": ClockField(label=_("Window %(n)s, to") % {"n": number}),
        f"price_{row}": PriceField(label=_("Window %(n)s, price") % {"n": number}, required=False),
    }
