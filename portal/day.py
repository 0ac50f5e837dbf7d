"""
The last 24 hours of one car as a lane, a curve and a table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.queries.sessions import Stretch
from consent.queries import VehicleCard
from web.charts import Curve, Lane, Point, Span, draw_curve, draw_lane
from web.components import Cell, Column, DataTable, Row
from web.templatetags.parado import local_span, pct


DAY = timedelta(days=1)
# Shorter than this is the moment between two settlement periods.
GAP_MIN = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class DayView:
    lane: Lane
    curve: Curve | None
    table: DataTable


Interval = tuple[datetime, datetime]


def draw_day(
    *,
    vehicle: VehicleCard,
    stretches: tuple[Stretch, ...],
    open_spans: Iterable[Interval],
    now: datetime,
) -> DayView:
    """
    Return the 24 hours before now: what the car did, from its meter readings and its owner's hours.
    """
    starts_at = now - DAY
    spans = tuple(_fill_day(stretches, tuple(open_spans), starts_at, now))
    points = tuple(_list_points(stretches))
    return DayView(
        lane=draw_lane(spans=spans, starts_at=starts_at, ends_at=now, time_zone=vehicle.time_zone),
        curve=_draw_charge(points, vehicle, starts_at, now),
        table=_make_table(spans, vehicle),
    )


def _list_points(stretches: tuple[Stretch, ...]) -> Iterator[Point]:
    """
    Yield the charge at both ends of each stretch; a point without a value breaks the line
    where nothing was metered.
    """
    previous_ends_at = None
    for stretch in stretches:
        if previous_ends_at is not None and stretch.starts_at - previous_ends_at >= GAP_MIN:
            yield Point(at=previous_ends_at, value=None)
        yield Point(at=stretch.starts_at, value=_percent(stretch.first_charge_permille))
        yield Point(at=stretch.ends_at, value=_percent(stretch.last_charge_permille))
        previous_ends_at = stretch.ends_at


def _draw_charge(
    points: tuple[Point, ...], vehicle: VehicleCard, starts_at: datetime, ends_at: datetime
) -> Curve | None:
    if all(point.value is None for point in points):
        return None
    floor = vehicle.rules.battery_stop_pct if vehicle.rules else None
    return draw_curve(
        points=points,
        starts_at=starts_at,
        ends_at=ends_at,
        limit=floor,
        limit_label=_("floor %(percent)s") % {"percent": pct(floor)},
    )


def _percent(permille: int | None) -> float | None:
    return None if permille is None else permille / 10


def _fill_day(
    stretches: tuple[Stretch, ...],
    open_spans: tuple[Interval, ...],
    first: datetime,
    last: datetime,
) -> Iterator[Span]:
    at = first
    for stretch in stretches:
        yield from _fill_gap(open_spans, at, stretch.starts_at)
        yield _draw_work(stretch)
        at = max(at, stretch.ends_at)
    yield from _fill_gap(open_spans, at, last)


def _draw_work(stretch: Stretch) -> Span:
    jobs = ngettext("%(count)s job", "%(count)s jobs", stretch.job_count)
    charge = _percent(stretch.last_charge_permille)
    detail = jobs % {"count": stretch.job_count}
    return Span(
        starts_at=stretch.starts_at,
        ends_at=stretch.ends_at,
        label=_("Outside your rules") if stretch.breach_count else _("Earning"),
        tone="stop" if stretch.breach_count else "earn",
        fill="hatch" if stretch.breach_count else "solid",
        detail=detail if charge is None else f"{detail}, {pct(charge)}",
    )


def _fill_gap(open_spans: tuple[Interval, ...], first: datetime, last: datetime) -> Iterator[Span]:
    if last - first < GAP_MIN:
        return
    at = first
    for span_opens, span_closes in open_spans:
        opens, closes = max(span_opens, first), min(span_closes, last)
        if opens >= closes:
            continue
        if opens - at >= GAP_MIN:
            yield _draw_closed(at, opens)
        yield Span(
            starts_at=opens,
            ends_at=closes,
            label=_("Your hours, not working"),
            tone="brand",
            fill="outline",
        )
        at = closes
    if last - at >= GAP_MIN:
        yield _draw_closed(at, last)


def _draw_closed(first: datetime, last: datetime) -> Span:
    return Span(starts_at=first, ends_at=last, label=_("Outside your hours"), tone="quiet")


def _make_table(spans: tuple[Span, ...], vehicle: VehicleCard) -> DataTable:
    zone = ZoneInfo(vehicle.time_zone)
    return DataTable(
        caption=_("What happened in the last 24 hours"),
        columns=(
            Column(label=_("Time"), is_whole=True),
            Column(label=_("What happened")),
            Column(label=_("Detail")),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(
                        text=local_span(
                            span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
                        )
                    ),
                    Cell(text=span.label),
                    Cell(text=span.detail),
                )
            )
            for span in spans
        ),
    )
