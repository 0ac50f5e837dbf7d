"""
Words for quantities, and the icon tag: what templates load to write Parado's pages.

Amounts come in as whole micros, watt-hours, watts and seconds, and leave as text in the language
of the page. The minus sign stands before the currency: "−€4.14".
"""
# ruff: noqa: RUF002 the examples show the very characters that readers get

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

import lucide
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import (
    NumberPattern,
    format_currency,
    format_decimal,
    get_currency_precision,
    parse_pattern,
)
from django import template
from django.forms import BoundField, CheckboxInput
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext


register = template.Library()

MICROS = Decimal(1_000_000)
# A forecast is written with cents below this.
CENTS_BELOW_MICROS = 10 * MICROS
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"
# What a cell without a value shows; screen readers skip a lone dash, so tables say it in words too.
NOTHING = EN_DASH
CODE_BEFORE_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")

MESSAGE_TONES = {
    "success": "earn",
    "warning": "cost",
    "error": "stop",
    "info": "brand",
    "debug": "quiet",
}
MESSAGE_ICONS = {"success": "circle-check", "warning": "triangle-alert", "error": "circle-alert"}


# ------------------------------------------------------------------ money
@register.filter
def money(amount_micros: int | None, currency: str = "EUR") -> str:
    """
    Return an amount rounded half-up to the currency's own decimals: "€46.13", "−€4.14".
    """
    if amount_micros is None:
        return NOTHING
    decimals = get_currency_precision(currency)
    return _write_money(amount_micros, currency, decimals=decimals, decimals_max=decimals)


@register.filter
def money_exact(amount_micros: int | None, currency: str = "EUR") -> str:
    """
    Return an amount down to the last micro that is not zero: "€0.0414", "€3.00".
    """
    if amount_micros is None:
        return NOTHING
    return _write_money(
        amount_micros, currency, decimals=get_currency_precision(currency), decimals_max=6
    )


@register.filter
def money_signed(amount_micros: int | None, currency: str = "EUR") -> str:
    """
    Return an amount that always carries its sign: "+€3.10", "−€2.20", "€0.00".
    """
    text = money(amount_micros, currency)
    return f"+{text}" if amount_micros and amount_micros > 0 else text


@register.filter
def money_about(amount_micros: int | None, currency: str = "EUR") -> str:
    """
    Return an amount as exact as a forecast can be: "€44", and below ten "€3.10".
    """
    if amount_micros is None:
        return NOTHING
    if abs(amount_micros) < CENTS_BELOW_MICROS:
        return money(amount_micros, currency)
    return _write_money(amount_micros, currency, decimals=0, decimals_max=0)


@register.filter
def amount(amount_micros: int | None, decimals: int = 2) -> str:
    """
    Return an amount without its currency, for columns whose head names it: "2.28", "−0.69".
    """
    if amount_micros is None:
        return NOTHING
    return _write_number(Decimal(amount_micros) / MICROS, decimals=decimals, decimals_max=decimals)


@register.filter
def price_kwh(micros_per_kwh: int | None, currency: str = "EUR") -> str:
    """
    Return a price per kilowatt-hour with at least two and at most four decimals: "€0.2143/kWh".
    """
    if micros_per_kwh is None:
        return NOTHING
    return f"{_write_money(micros_per_kwh, currency, decimals=2, decimals_max=4)}/kWh"


# ------------------------------------------------------------------ energy, power, time
@register.filter
def energy(energy_wh: int | None, decimals: int = 1) -> str:
    """
    Return watt-hours as kilowatt-hours: 5800 → "5.8 kWh".
    """
    return NOTHING if energy_wh is None else f"{energy_kwh(energy_wh, decimals)}{SPACE}kWh"


@register.filter
def energy_kwh(energy_wh: int | None, decimals: int = 1) -> str:
    """
    Return watt-hours as kilowatt-hours without the unit, for columns whose head names it.
    """
    if energy_wh is None:
        return NOTHING
    kilowatt_hours = Decimal(energy_wh) / 1000
    return _write_number(kilowatt_hours, decimals=decimals, decimals_max=decimals)


@register.filter
def power(power_w: int | None) -> str:
    """
    Return watts as kilowatts, or megawatts from 10,000 kW on: 3700 → "3.7 kW".
    """
    if power_w is None:
        return NOTHING
    if abs(power_w) >= 10_000_000:
        text, unit = _write_number(Decimal(power_w) / 1_000_000, decimals=1, decimals_max=1), "MW"
    else:
        text, unit = _write_number(Decimal(power_w) / 1000, decimals=0, decimals_max=1), "kW"
    return f"{text}{SPACE}{unit}"


@register.filter
def duration(duration_s: float | timedelta | None) -> str:
    """
    Return a length of time in its two largest units: "2 h 10 min", "45 min", "12 s", "3 d 4 h".
    """
    if duration_s is None:
        return NOTHING
    if isinstance(duration_s, timedelta):
        duration_s = duration_s.total_seconds()
    sign, seconds = (MINUS, -int(duration_s)) if duration_s < 0 else ("", int(duration_s))
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    shown = [f"{count}{SPACE}{unit}" for count, unit in parts[first : first + 2] if count]
    # Seconds matter only while there is nothing larger to say.
    if first == 2 and seconds % 60 and minutes >= 10:
        shown = shown[:1]
    return sign + (" ".join(shown) or f"0{SPACE}s")


@register.filter
def pct(value: float | Decimal | None, decimals: int = 0) -> str:
    """
    Return a percentage that is given in percent: 47 → "47 %".
    """
    if value is None:
        return NOTHING
    text = _write_number(Decimal(str(value)), decimals=0, decimals_max=decimals)
    return f"{text}{SPACE}%"


@register.filter
def number(value: float | Decimal | None, decimals: int = 0) -> str:
    """
    Return a number with thousands separated and at most `decimals` decimals: 1284 → "1,284".
    """
    if value is None:
        return NOTHING
    return _write_number(Decimal(str(value)), decimals=0, decimals_max=decimals)


# ------------------------------------------------------------------ clocks
@register.filter
def local_time(at: datetime | None, zone: str = "UTC") -> str:
    """
    Return the wall-clock time of an instant in an IANA zone: "21:52".
    """
    if at is None:
        return NOTHING
    return format_time(_to_local(at, zone), "HH:mm", locale=_locale())


@register.filter
def local_date(at: datetime | None, zone: str = "UTC") -> str:
    """
    Return the local day of an instant: "Sat 22 Nov"; with the year when it is not this one.

    A day never breaks over two lines: its spaces are no-break spaces.
    """
    if at is None:
        return NOTHING
    local = _to_local(at, zone)
    is_this_year = local.year == timezone.now().astimezone(local.tzinfo).year
    text = format_date(local, "EEE d MMM" if is_this_year else "d MMM y", locale=_locale())
    return text.replace(" ", SPACE)


@register.filter
def short_date(at: datetime | None, zone: str = "UTC") -> str:
    """
    Return the local day of an instant without its weekday, for small print: "22 Nov".
    """
    if at is None:
        return NOTHING
    return format_date(_to_local(at, zone), "d MMM", locale=_locale()).replace(" ", SPACE)


@register.filter
def local_datetime(at: datetime | None, zone: str = "UTC") -> str:
    """
    Return day and time of an instant: "Sat 22 Nov, 21:52".
    """
    return NOTHING if at is None else f"{local_date(at, zone)}, {local_time(at, zone)}"


@register.filter
def full_datetime(at: datetime | None, zone: str = "UTC") -> str:
    """
    Return an instant to the second with its zone, for evidence: "22 Nov 2026, 21:52:07 CET".
    """
    if at is None:
        return NOTHING
    local = _to_local(at, zone)
    day, time = (
        format_datetime(local, pattern, locale=_locale()).replace(" ", SPACE)
        for pattern in ("d MMM y", "HH:mm:ss z")
    )
    return f"{day}, {time}"


@register.filter
def local_span(starts_at: datetime | None, ends_at: datetime | None) -> str:
    """
    Return two clock times of the same zone, which the instants carry themselves: "22:10–04:35".
    """
    if starts_at is None:
        return NOTHING
    last = gettext("now") if ends_at is None else f"{ends_at:%H:%M}"
    return f"{starts_at:%H:%M}{EN_DASH}{last}"


@register.filter
def in_zone(at: datetime, zone: str) -> datetime:
    """
    Return the same instant on the clock of an IANA zone, for `local_span`.
    """
    return _to_local(at, zone)


@register.filter
def since(at: datetime | None, now: datetime | None = None) -> str:
    """
    Return how long ago an instant was: "9 s ago"; pass the page's own `now`.
    """
    if at is None:
        return gettext("never")
    seconds = ((now or timezone.now()) - at).total_seconds()
    if 0 <= seconds < 60:
        return gettext("%(count)s s ago") % {"count": int(seconds)}
    return format_timedelta(
        timedelta(seconds=-seconds), add_direction=True, threshold=1.2, locale=_locale()
    )


# ------------------------------------------------------------------ small helpers of templates
@register.filter
def split(text: str, separator: str = " ") -> list[str]:
    """
    Return the words of a text, to loop over in a template.
    """
    return text.split(separator)


@register.filter
def pair(left: Sequence[object], right: Sequence[object]) -> Iterator[tuple[object, object]]:
    """
    Return two sequences side by side: the columns of a table with the cells of a row.

    :raises ValueError: the row has more or fewer cells than the table has columns.
    """
    return zip(left, right, strict=True)


@register.filter
def field_kind(field: BoundField) -> str:
    """
    Return how a form field is laid out: "check", "choices", "hidden" or "line".
    """
    if field.is_hidden:
        return "hidden"
    if isinstance(field.field.widget, CheckboxInput):
        return "check"
    return "choices" if field.use_fieldset else "line"


@register.filter
def message_tone(level_tag: str) -> str:
    """
    Return the tone of a message of django.contrib.messages.
    """
    return MESSAGE_TONES.get(level_tag, "brand")


@register.filter
def message_icon(level_tag: str) -> str:
    """
    Return the icon of a message of django.contrib.messages.
    """
    return MESSAGE_ICONS.get(level_tag, "info")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """
    Return a Lucide icon at the size of the text; hidden from screen readers unless labelled.
    """
    return _draw_icon(str(name), str(label))


@lru_cache(maxsize=256)
def _draw_icon(name: str, label: str) -> SafeString:
    said = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    svg = lucide._render_icon(  # noqa: SLF001 — the package's own tags call the same
        name, 24, **{"class": "i", "focusable": "false", **said}
    )
    return mark_safe(svg)  # noqa: S308 — drawn by the package from its own files


def _locale() -> Locale:
    return _find_locale(get_language() or "en")


@lru_cache(maxsize=16)
def _find_locale(language: str) -> Locale:
    # Day before month, as everywhere that Parado's cars stand.
    try:
        return Locale.parse("en-GB" if language == "en" else language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en", "GB")


def _to_local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(str(zone) or "UTC"))


def _write_money(amount_micros: int, currency: str, *, decimals: int, decimals_max: int) -> str:
    step = Decimal(1).scaleb(-decimals_max)
    value = (Decimal(amount_micros) / MICROS).quantize(step, rounding=ROUND_HALF_UP)
    locale = _locale()
    text = format_currency(
        abs(value),
        currency,
        format=_parse_money_pattern(locale, decimals, decimals_max),
        locale=locale,
        currency_digits=False,
        decimal_quantization=False,
    )
    # Babel writes "NOK4.14"; a symbol of letters wants a space.
    text = CODE_BEFORE_DIGIT.sub(SPACE, text)
    return f"{MINUS}{text}" if value < 0 else text


@lru_cache(maxsize=64)
def _parse_money_pattern(locale: Locale, decimals: int, decimals_max: int) -> NumberPattern:
    pattern = locale.currency_formats["standard"].pattern.split(";")[0]
    places = "." + "0" * decimals + "#" * (decimals_max - decimals) if decimals_max else ""
    return parse_pattern(pattern.replace(".00", places))


def _write_number(value: Decimal, *, decimals: int, decimals_max: int) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-decimals_max), rounding=ROUND_HALF_UP)
    places = "." + "0" * decimals + "#" * (decimals_max - decimals) if decimals_max else ""
    text = format_decimal(
        abs(rounded), format=f"#,##0{places}", locale=_locale(), decimal_quantization=False
    )
    return f"{MINUS}{text}" if rounded < 0 else text
