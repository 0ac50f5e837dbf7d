"""
What an owner's electricity costs: which prices count now, their own to fill in, and history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import groupby

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import PersonRequest, owner_required
from billing.forms.tariff import DAY_SETS, TariffForm, WindowRow, make_initial
from billing.operations.tariffs import NoAverage, TariffOverlaps, end_own_tariff, set_tariff
from billing.queries.tariffs import (
    Location,
    TariffView,
    get_tariff_in_force,
    list_locations,
    list_tariff_versions,
)
from billing.rules import QUARTERS_PER_DAY
from consent.rules.written import write_minute
from web.charts import Tick, percent
from web.components import Cell, Column, DataTable, Row, TimelineEntry
from web.templatetags.parado import local_datetime, price_kwh


CURRENCY = "EUR"
DAYS = range(7)
# Bars leave room above them for their price, and say it only where it fits.
BAR_TOP = 0.82
LABEL_QUARTERS_MIN = 12
TICK_HOURS = 3
ROWS_SHOWN_MIN = 2


@dataclass(frozen=True, kw_only=True)
class PriceBar:
    """
    One unbroken stretch of a day at one price; lengths are percentages for SVG.
    """

    title: str
    label: str
    x: str
    middle: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, kw_only=True)
class DayBars:
    """
    The days that are priced alike.
    """

    name: str | Promise
    bars: tuple[PriceBar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class CurrentTariff:
    """
    What counts at one place, in words, as a drawing and as a table. `tariff` None: nothing.
    """

    place: str
    tariff: TariffView | None
    days: tuple[DayBars, ...]
    table: DataTable | None


@require_http_methods(["GET", "HEAD", "POST"])
@owner_required
def edit_tariff(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    versions = list_tariff_versions(owner_id=request.user.pk)
    locations = list_locations(owner_id=request.user.pk)
    current = _find_current(request.user.pk, locations, now)
    own = next((version for version in versions if version.ends_at is None), None)
    zones = _list_zones(locations, own, request.user.time_zone)
    currency = next((each.tariff.currency for each in current if each.tariff), CURRENCY)
    form = TariffForm(
        request.POST or None, zones=zones, currency=currency, initial=make_initial(own)
    )
    if request.method == "POST" and form.is_valid() and _save(request, form, currency, now):
        messages.success(request, _("Saved. These prices count from now on."))
        return redirect("billing:tariff")
    context = {
        "form": form,
        "own": own,
        "current": current,
        "currency": currency,
        "history": _make_history(versions, request.user.time_zone),
        **_split_rows(form),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "billing/tariff.html", context, status=status)


@require_POST
@owner_required
def return_to_average(request: PersonRequest) -> HttpResponse:
    try:
        is_ended = end_own_tariff(
            owner_id=request.user.pk, actor_id=request.user.pk, now=timezone.now()
        )
    except NoAverage:
        messages.error(
            request,
            _("No average is known where one of your cars stands. Your prices still count."),
        )
    except TariffOverlaps:
        messages.error(request, _("Your prices were changed a moment ago. Look at them again."))
    else:
        if is_ended:
            messages.success(request, _("From now on the average of the region counts."))
    return redirect("billing:tariff")


def _save(request: PersonRequest, form: TariffForm, currency: str, now: datetime) -> bool:
    try:
        set_tariff(
            owner_id=request.user.pk,
            currency=currency,
            time_zone=form.cleaned_data["time_zone"],
            base_micros_per_kwh=form.cleaned_data["base"],
            windows=form.make_windows(),
            actor_id=request.user.pk,
            now=now,
        )
    except TariffOverlaps:
        form.add_error(None, _("Your prices were changed a moment ago. Look at them again."))
        return False
    return True


def _list_zones(
    locations: tuple[Location, ...], own: TariffView | None, zone: str
) -> tuple[str, ...]:
    """
    Return the clocks to choose from: those of the cars, else the owner's.
    """
    zones = [own.time_zone] if own else []
    zones += [location.time_zone for location in locations]
    return tuple(dict.fromkeys(zones or [zone]))


def _split_rows(form: TariffForm) -> dict[str, tuple[WindowRow, ...]]:
    """
    Return the rows of windows: those in use and a spare one, and the rest behind a fold.
    """
    rows = form.rows
    last_used = max((row.number for row in rows if row.is_used), default=0)
    count = max(last_used + 1, ROWS_SHOWN_MIN)
    return {"shown_rows": rows[:count], "more_rows": rows[count:]}


# ------------------------------------------------------------------ what counts now
def _find_current(
    owner_id: int, locations: tuple[Location, ...], now: datetime
) -> tuple[CurrentTariff, ...]:
    """
    Return the owner's own tariff, or the average of each region where they have a car.
    """
    places = {each.region_code: each.region_name or each.region_code for each in locations} or {
        "": ""
    }
    found = []
    for code, name in places.items():
        tariff = get_tariff_in_force(owner_id=owner_id, region_code=code, at=now)
        if tariff and tariff.is_own:
            return (_describe(tariff, place=""),)
        if code:
            found.append(_describe(tariff, place=name))
    return tuple(found)


def _describe(tariff: TariffView | None, *, place: str) -> CurrentTariff:
    return CurrentTariff(
        place=place,
        tariff=tariff,
        days=tuple(_draw_days(tariff)) if tariff else (),
        table=_make_table(tariff) if tariff else None,
    )


def _draw_days(tariff: TariffView) -> Iterator[DayBars]:
    highest = max(tariff.prices) or 1
    alike: dict[bytes, list[int]] = {}
    for day in DAYS:
        bands = tariff.bands[day * QUARTERS_PER_DAY : (day + 1) * QUARTERS_PER_DAY]
        alike.setdefault(bands, []).append(day)
    for bands, days in alike.items():
        yield DayBars(
            name=_name_days(tuple(days)),
            bars=tuple(_draw_bars(bands, tariff, highest)),
            ticks=_draw_ticks(),
        )


def _name_days(days: tuple[int, ...]) -> str | Promise:
    return DAY_SETS.get(days) or ", ".join(str(WEEKDAYS_ABBR[day]) for day in days)


def _draw_bars(bands: bytes, tariff: TariffView, highest: int) -> Iterator[PriceBar]:
    first = 0
    for band, quarters in groupby(bands):
        length = sum(1 for _quarter in quarters)
        price = tariff.prices[band]
        text = price_kwh(price, tariff.currency)
        span = f"{write_minute(first * 15)}\N{EN DASH}{write_minute((first + length) * 15)}"
        share = price / highest * BAR_TOP
        yield PriceBar(
            title=f"{span}: {text}",
            label=text.partition("/")[0] if length >= LABEL_QUARTERS_MIN else "",
            x=percent(first, QUARTERS_PER_DAY),
            middle=percent(first + length / 2, QUARTERS_PER_DAY),
            width=percent(length, QUARTERS_PER_DAY),
            y=percent(1 - share, 1),
            height=percent(share, 1),
        )
        first += length


def _draw_ticks() -> tuple[Tick, ...]:
    return tuple(
        Tick(
            x=percent(hour, 24),
            label=write_minute(hour * 60),
            anchor="start" if hour == 0 else "end" if hour == 24 else "middle",
        )
        for hour in range(0, 25, TICK_HOURS)
    )


def _make_table(tariff: TariffView) -> DataTable:
    rows = [
        Row(
            cells=(
                Cell(text=_name_days(window.days)),
                Cell(
                    text=f"{write_minute(window.starts_minute)}"
                    f"\N{EN DASH}{write_minute(window.ends_minute)}"
                ),
                Cell(text=price_kwh(window.micros_per_kwh, tariff.currency)),
            )
        )
        for window in tariff.windows
    ]
    rest = _("All other hours") if rows else _("Every day")
    base = price_kwh(tariff.base_micros_per_kwh, tariff.currency)
    times = "" if rows else f"{write_minute(0)}\N{EN DASH}{write_minute(1440)}"
    rows.append(Row(cells=(Cell(text=rest), Cell(text=times), Cell(text=base))))
    return DataTable(
        caption=_("Prices by day and time, on the clock of %(zone)s")
        % {"zone": tariff.time_zone.replace("_", " ")},
        columns=(
            Column(label=_("Days")),
            Column(label=_("Time")),
            Column(label=_("Price"), is_number=True),
        ),
        rows=tuple(rows),
        is_dense=True,
    )


# ------------------------------------------------------------------ history
def _make_history(versions: tuple[TariffView, ...], zone: str) -> tuple[TimelineEntry, ...]:
    return tuple(
        TimelineEntry(
            label=_("Version %(number)s: %(prices)s")
            % {"number": version.version, "prices": _sum_up(version)},
            note=_write_span(version, zone),
            tone="brand" if version.ends_at is None else "idle",
        )
        for version in versions
    )


def _sum_up(tariff: TariffView) -> str:
    base = price_kwh(tariff.base_micros_per_kwh, tariff.currency)
    count = len(tariff.windows)
    if not count:
        return base
    return ngettext("%(base)s and %(count)s window", "%(base)s and %(count)s windows", count) % {
        "base": base,
        "count": count,
    }


def _write_span(tariff: TariffView, zone: str) -> str:
    starts = local_datetime(tariff.starts_at, zone)
    if tariff.ends_at is None:
        return _("since %(start)s") % {"start": starts}
    return _("%(start)s to %(end)s") % {
        "start": starts,
        "end": local_datetime(tariff.ends_at, zone),
    }
