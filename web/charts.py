"""
The geometry of charts: pure functions from values to the numbers that stand in SVG attributes.

Lengths along an axis are percentages as text ("69.3%"), so a chart stretches with its panel and no
number meets the page's language. Colours are tones (static/css/tokens.css), never values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo


Tone = Literal["brand", "allow", "earn", "cost", "wear", "stop", "idle", "quiet", ""]
Fill = Literal["solid", "hatch", "outline"]

CURVE_WIDTH = 1000
CURVE_HEIGHT = 100
WORTH_LEVELS = 10


# ------------------------------------------------------------------ waterfall
@dataclass(frozen=True, kw_only=True)
class FallStep:
    """One amount in the order of the sum; a total must equal what stands before it."""

    label: str
    amount_micros: int
    tone: Tone
    note: str = ""
    is_total: bool = False


@dataclass(frozen=True, kw_only=True)
class FallBar:
    """A step with its place: `x` and `width` in percent of the track."""

    label: str
    note: str
    amount_micros: int
    tone: Tone
    is_total: bool
    x: str
    width: str


@dataclass(frozen=True, kw_only=True)
class Waterfall:
    """A table that draws itself; `zero` is where the line of nought stands, in percent."""

    caption: str
    currency: str
    bars: tuple[FallBar, ...]
    zero: str


class TotalDiffers(ValueError):
    """A total of a waterfall is not the sum of its steps: the page would show a lie."""


def draw_waterfall(*, caption: str, currency: str, steps: Sequence[FallStep]) -> Waterfall:
    """
    Return the bars of an amount that shrinks and grows step by step.

    :raises TotalDiffers: a total is not the sum of the steps before it.
    """
    spans = list(_stack_steps(steps))
    low = min((start for start, _ in spans), default=0)
    high = max((end for _, end in spans), default=0)
    scale = max(high, 0) - min(low, 0)
    bars = tuple(
        FallBar(
            label=step.label,
            note=step.note,
            amount_micros=step.amount_micros,
            tone=step.tone,
            is_total=step.is_total,
            x=percent(start - min(low, 0), scale),
            width=percent(end - start, scale),
        )
        for step, (start, end) in zip(steps, spans, strict=True)
    )
    return Waterfall(
        caption=caption, currency=currency, bars=bars, zero=percent(-min(low, 0), scale)
    )


def _stack_steps(steps: Sequence[FallStep]) -> Iterator[tuple[int, int]]:
    level = 0
    for step in steps:
        if step.is_total:
            if step.amount_micros != level:
                raise TotalDiffers(f"{step.label}: {step.amount_micros} is not {level}")
            yield min(0, level), max(0, level)
            continue
        after = level + step.amount_micros
        yield min(level, after), max(level, after)
        level = after


# ------------------------------------------------------------------ time: lane, curve, axis
@dataclass(frozen=True, kw_only=True)
class Span:
    """What a vehicle did from one instant to another; `detail` is for the table ("21 jobs")."""

    starts_at: datetime
    ends_at: datetime
    label: str
    tone: Tone
    fill: Fill = "solid"
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class LaneSegment:
    """A span with its place in percent of the lane."""

    label: str
    tone: Tone
    fill: Fill
    x: str
    width: str


@dataclass(frozen=True, kw_only=True)
class Key:
    """One entry of a legend."""

    label: str
    tone: Tone
    fill: Fill = "solid"


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One time on the axis; `anchor` keeps the outermost inside the chart."""

    x: str
    label: str
    anchor: Literal["start", "middle", "end"] = "middle"


@dataclass(frozen=True, kw_only=True)
class Lane:
    segments: tuple[LaneSegment, ...]
    legend: tuple[Key, ...]
    ticks: tuple[Tick, ...]


def draw_lane(
    *, spans: Sequence[Span], starts_at: datetime, ends_at: datetime, time_zone: str
) -> Lane:
    """
    Return the segments of [starts_at, ends_at), cut to it, with one legend entry per label.
    """
    whole_s = (ends_at - starts_at).total_seconds()
    segments: list[LaneSegment] = []
    keys: dict[str, Key] = {}
    for span in spans:
        first, last = max(span.starts_at, starts_at), min(span.ends_at, ends_at)
        if first >= last:
            continue
        keys.setdefault(span.label, Key(label=span.label, tone=span.tone, fill=span.fill))
        segments.append(
            LaneSegment(
                label=span.label,
                tone=span.tone,
                fill=span.fill,
                x=percent((first - starts_at).total_seconds(), whole_s),
                width=percent((last - first).total_seconds(), whole_s),
            )
        )
    ticks = draw_ticks(starts_at=starts_at, ends_at=ends_at, time_zone=time_zone)
    return Lane(segments=tuple(segments), legend=tuple(keys.values()), ticks=ticks)


def draw_ticks(
    *, starts_at: datetime, ends_at: datetime, time_zone: str, step_hours: int = 3
) -> tuple[Tick, ...]:
    """
    Return the full local hours that `step_hours` divides, right across daylight saving.
    """
    zone, whole_s = ZoneInfo(time_zone), (ends_at - starts_at).total_seconds()
    quarter = timedelta(minutes=15)
    at = starts_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    ticks = []
    while at < ends_at:
        local = at.astimezone(zone)
        if at >= starts_at and local.minute == 0 and local.hour % step_hours == 0:
            share = (at - starts_at).total_seconds() / whole_s
            ticks.append(
                Tick(x=percent(share, 1), label=f"{local:%H:%M}", anchor=_anchor_within(share))
            )
        # Quarters, because some zones stand half an hour or three quarters off.
        at += quarter
    return tuple(ticks)


def _anchor_within(share: float) -> Literal["start", "middle", "end"]:
    edge = 0.03
    if share < edge:
        return "start"
    return "end" if share > 1 - edge else "middle"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A measured value at an instant; None says that nothing was heard and breaks the line."""

    at: datetime
    value: float | None


@dataclass(frozen=True, kw_only=True)
class CurveLabel:
    """A value written beside the line, at a place in percent, moved off it by `dy` pixels."""

    text: str
    x: str
    y: str
    anchor: Literal["start", "middle", "end"]
    tone: Tone
    dy: int


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Paths in a box of 1000 by 100; `limit_y` is a height in it, "" without a limit."""

    stroke: str
    area: str
    limit_y: str
    labels: tuple[CurveLabel, ...]


def draw_curve(
    *,
    points: Sequence[Point],
    starts_at: datetime,
    ends_at: datetime,
    limit: float | None = None,
    limit_label: str = "",
    unit: str = "%",
    high: float = 100,
) -> Curve:
    """
    Return the line of a value between 0 and `high`, its area, its limit and three labels.
    """
    runs = list(_place_runs(points, starts_at, ends_at, high))
    labels: list[CurveLabel] = []
    if limit is not None and limit_label:
        y = percent(high - limit, high)
        labels.append(CurveLabel(text=limit_label, x="0%", y=y, anchor="start", tone="stop", dy=4))
    placed = [(point, x, y) for run in runs for point, x, y in run]
    if placed:
        labels.extend(_label_extremes(placed, unit))
    return Curve(
        stroke=" ".join(_join_points(run) for run in runs),
        area=" ".join(
            f"{_join_points(run)} L{run[-1][1]:.1f} {CURVE_HEIGHT} L{run[0][1]:.1f} {CURVE_HEIGHT}Z"
            for run in runs
        ),
        limit_y="" if limit is None else f"{(high - limit) / high * CURVE_HEIGHT:.1f}",
        labels=tuple(labels),
    )


Run = list[tuple[Point, float, float]]


def _place_runs(
    points: Sequence[Point], starts_at: datetime, ends_at: datetime, high: float
) -> Iterator[Run]:
    whole_s = (ends_at - starts_at).total_seconds()
    run: Run = []
    for point in points:
        if point.value is None:
            if run:
                yield run
            run = []
        elif starts_at <= point.at <= ends_at:
            x = (point.at - starts_at).total_seconds() / whole_s * CURVE_WIDTH
            run.append((point, x, (high - min(point.value, high)) / high * CURVE_HEIGHT))
    if run:
        yield run


def _join_points(run: Run) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for _, x, y in run)


def _label_extremes(placed: Run, unit: str) -> Iterator[CurveLabel]:
    top = max(placed, key=lambda place: place[0].value or 0)
    last = placed[-1]
    if top[1] < 0.85 * CURVE_WIDTH:
        yield _label_point(top, unit, tone="brand", dy=-7)
    yield _label_point(last, unit, tone="", dy=-9)


def _label_point(
    place: tuple[Point, float, float], unit: str, *, tone: Tone, dy: int
) -> CurveLabel:
    point, x, y = place
    return CurveLabel(
        text=f"{point.value:.0f}\N{NO-BREAK SPACE}{unit}",
        x=percent(x, CURVE_WIDTH),
        y=percent(y, CURVE_HEIGHT),
        anchor=_anchor_within(x / CURVE_WIDTH),
        tone=tone,
        dy=dy,
    )


# ------------------------------------------------------------------ funnel and worth
@dataclass(frozen=True, kw_only=True)
class FunnelStep:
    """How much was left after one condition; `text` is the value as read ("81 h")."""

    label: str
    value: float
    text: str
    tone: Tone = "brand"


@dataclass(frozen=True, kw_only=True)
class FunnelBar:
    label: str
    text: str
    tone: Tone
    width: str


def draw_funnel(*, steps: Sequence[FunnelStep]) -> tuple[FunnelBar, ...]:
    """
    Return bars in proportion to the largest step.
    """
    largest = max((step.value for step in steps), default=0)
    return tuple(
        FunnelBar(
            label=step.label, text=step.text, tone=step.tone, width=percent(step.value, largest)
        )
        for step in steps
    )


def find_level(*, value: float, largest: float) -> int:
    """
    Return a value as one of 0 … 10 levels, for the bars over the hours of the week.
    """
    if largest <= 0:
        return 0
    return max(0, min(WORTH_LEVELS, round(abs(value) / largest * WORTH_LEVELS)))


def percent(part: float, whole: float) -> str:
    """
    Return a share as an SVG length, "69.3%"; "0%" of nothing.
    """
    if not whole:
        return "0%"
    return f"{round(part / whole * 100, 3):g}%"
