"""
The last 24 hours of one car as a lane, a curve and a table.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.queries.sessions import Stretch
from consent.queries import VehicleCard
from consent.queries.hours import PastHours
from consent.queries.samples import HOLDS_FOR, Said
from web.charts import Curve, Fill, Lane, Point, Span, Tone, draw_curve, draw_lane
from web.components import Cell, Column, DataTable, Row
from web.templatetags.parado import local_span, pct


DAY = timedelta(days=1)
# Shorter than this is the moment between two settlement periods.
GAP_MIN = timedelta(minutes=1)
# A car that is heard says something at least every hour; a line over more would be a guess.
SILENT_FOR = timedelta(minutes=75)


@dataclass(frozen=True, kw_only=True)
class DayView:
    lane: Lane
    curve: Curve | None
    table: DataTable


Interval = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """
    When the car was away, unplugged, or had to fill up first, by what it said.
    """

    away: tuple[Interval, ...]
    unplugged: tuple[Interval, ...]
    filling: tuple[Interval, ...]


def draw_day(
    *,
    vehicle: VehicleCard,
    stretches: tuple[Stretch, ...],
    hours: PastHours,
    said: tuple[Said, ...] = (),
    now: datetime,
) -> DayView:
    """
    Return the 24 hours before now: what the car did, from its meter readings, from what it
    said where nothing was metered, and from its owner's consent, pauses and hours.
    """
    starts_at = now - DAY
    there = _find_whereabouts(said, vehicle, now)
    spans = tuple(_fill_day(stretches, hours, there, starts_at, now))
    points = tuple(_list_points(stretches, said))
    return DayView(
        lane=draw_lane(spans=spans, starts_at=starts_at, ends_at=now, time_zone=vehicle.time_zone),
        curve=_draw_charge(points, vehicle, starts_at, now),
        table=_make_table(spans, vehicle),
    )


def _find_whereabouts(said: tuple[Said, ...], vehicle: VehicleCard, now: datetime) -> Whereabouts:
    """
    Return where the car stood: each word of it holds until the next, for half a day at most.
    """
    floor = vehicle.rules.battery_stop_pct * 10 if vehicle.rules else 0
    ends = [*(each.at for each in said[1:]), now]
    held = [
        (each, (each.at, min(end, each.at + HOLDS_FOR)))
        for each, end in zip(said, ends, strict=False)
    ]
    is_gone = [each.is_moving or each.is_home is False for each in said]
    return Whereabouts(
        away=_join(span for gone, (_each, span) in zip(is_gone, held, strict=True) if gone),
        unplugged=_join(
            span
            for gone, (each, span) in zip(is_gone, held, strict=True)
            if not gone and each.plugged_in is False
        ),
        filling=_join(
            span
            for each, span in held
            if each.plugged_in and (each.is_recovering or (each.charge_permille or floor) < floor)
        ),
    )


def _join(spans: Iterable[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)


class _Mark(NamedTuple):
    """
    A known charge; `place` is that of its stretch, None: the car said it.
    """

    at: datetime
    charge_permille: int | None
    place: int | None


def _list_points(stretches: tuple[Stretch, ...], said: tuple[Said, ...]) -> Iterator[Point]:
    """
    Yield the charge at both ends of each stretch, and what the car said between them; a point
    without a value breaks the line where nothing is known.
    """
    marks = [
        mark
        for place, stretch in enumerate(stretches)
        for mark in (
            _Mark(stretch.starts_at, stretch.first_charge_permille, place),
            _Mark(stretch.ends_at, stretch.last_charge_permille, place),
        )
    ]
    starts = [stretch.starts_at for stretch in stretches]
    for each in said:
        place = bisect_right(starts, each.at)
        if not place or stretches[place - 1].ends_at < each.at:
            marks.append(_Mark(each.at, each.charge_permille, None))
    before: _Mark | None = None
    for mark in sorted(marks, key=lambda mark: mark.at):
        if before is not None and _is_broken(before, mark):
            yield Point(at=before.at, value=None)
        yield Point(at=mark.at, value=_percent(mark.charge_permille))
        before = mark


def _is_broken(before: _Mark, mark: _Mark) -> bool:
    if before.place is None or mark.place is None:
        return mark.at - before.at > SILENT_FOR
    return before.place != mark.place and mark.at - before.at >= GAP_MIN


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
    hours: PastHours,
    there: Whereabouts,
    first: datetime,
    last: datetime,
) -> Iterator[Span]:
    at = first
    for stretch in stretches:
        yield from _fill_gap(hours, there, at, stretch.starts_at)
        yield _draw_work(stretch)
        at = max(at, stretch.ends_at)
    yield from _fill_gap(hours, there, at, last)


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


def _fill_gap(
    hours: PastHours, there: Whereabouts, first: datetime, last: datetime
) -> Iterator[Span]:
    """
    Yield what an idle stretch was: away before unplugged, both before the owner's word.
    """
    if last - first < GAP_MIN:
        return
    for begin, end, is_away in _cut(there.away, first, last):
        if is_away:
            yield _draw_idle(begin, end, _("Driving or away"), "idle")
            continue
        for starts_at, ends_at, is_unplugged in _cut(there.unplugged, begin, end):
            if is_unplugged:
                yield _draw_idle(starts_at, ends_at, _("Not plugged in"), "idle", "hatch")
            else:
                yield from _fill_consent(hours, there, starts_at, ends_at)


def _fill_consent(
    hours: PastHours, there: Whereabouts, first: datetime, last: datetime
) -> Iterator[Span]:
    """
    Yield what the owner's word made of a stretch: no consent before a pause, both before hours.
    """
    for begin, end, is_agreed in _cut(hours.agreed, first, last):
        if not is_agreed:
            yield _draw_idle(begin, end, _("Without your consent"), "quiet", "outline")
            continue
        for starts_at, ends_at, is_paused in _cut(hours.paused, begin, end):
            if is_paused:
                yield _draw_idle(starts_at, ends_at, _("Paused by you"), "idle", "outline")
            else:
                yield from _fill_hours(hours, there, starts_at, ends_at)


def _fill_hours(
    hours: PastHours, there: Whereabouts, first: datetime, last: datetime
) -> Iterator[Span]:
    for begin, end, is_open in _cut(hours.open, first, last):
        if not is_open:
            yield _draw_idle(begin, end, _("Outside your hours"), "quiet")
            continue
        for starts_at, ends_at, is_filling in _cut(there.filling, begin, end):
            if is_filling:
                yield _draw_idle(starts_at, ends_at, _("Kept for charging"), "allow", "hatch")
            else:
                label = _("Your hours, not working")
                yield _draw_idle(starts_at, ends_at, label, "brand", "outline")


def _cut(
    spans: tuple[Interval, ...], first: datetime, last: datetime
) -> Iterator[tuple[datetime, datetime, bool]]:
    """
    Yield the parts of [first, last) inside and outside of the spans, but for mere moments.
    """
    at = first
    for span_begin, span_end in spans:
        begin, end = max(span_begin, at), min(span_end, last)
        if end - begin < GAP_MIN:
            continue
        if begin - at >= GAP_MIN:
            yield at, begin, False
        yield begin, end, True
        at = end
    if last - at >= GAP_MIN:
        yield at, last, False


def _draw_idle(
    first: datetime, last: datetime, label: str, tone: Tone, fill: Fill = "solid"
) -> Span:
    return Span(starts_at=first, ends_at=last, label=label, tone=tone, fill=fill)


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
