"""
Bars over hours: how much of each was booked, and how much of it was delivered or is free.

Geometry only: lengths are percentages for SVG attributes, colours are tones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from web.charts import Key, Tick, Tone, draw_ticks, percent
from web.templatetags.parado import local_date


# Of one hour's place, so that bars stand apart; thin bars of a long window touch.
BAR_SHARE = 0.86
HOURS_PER_DAY = 24
DAY_TICKS_FROM_HOURS = 72


@dataclass(frozen=True, kw_only=True)
class HourBar:
    """
    One hour: `outline` is drawn empty behind `filled`, both from the base line up.
    """

    title: str
    x: str
    width: str
    outline_y: str
    outline_height: str
    filled_y: str
    filled_height: str


@dataclass(frozen=True, kw_only=True)
class HourBars:
    bars: tuple[HourBar, ...]
    ticks: tuple[Tick, ...]
    keys: tuple[Key, ...]
    tone: Tone


@dataclass(frozen=True, kw_only=True)
class HourValue:
    """
    What stands in one hour; the outline is at least as high as what fills it, or zero.
    """

    starts_at: datetime
    filled: int
    outline: int = 0
    title: str = ""


def draw_hours(
    *, hours: Sequence[HourValue], ends_at: datetime, time_zone: str, keys: tuple[Key, ...]
) -> HourBars:
    """
    Return the bars of consecutive hours, the highest of which fills the height.
    """
    largest = max((max(hour.filled, hour.outline) for hour in hours), default=0)
    place = 1 / max(len(hours), 1)
    return HourBars(
        bars=tuple(_draw(hour, index * place, place, largest) for index, hour in enumerate(hours)),
        ticks=_draw_ticks(hours, ends_at, time_zone),
        keys=keys,
        tone="brand",
    )


def _draw_ticks(hours: Sequence[HourValue], ends_at: datetime, time_zone: str) -> tuple[Tick, ...]:
    """
    Return clock times, or for a long window the days, each at its first hour.
    """
    if not hours:
        return ()
    if len(hours) < DAY_TICKS_FROM_HOURS:
        return draw_ticks(
            starts_at=hours[0].starts_at,
            ends_at=ends_at,
            time_zone=time_zone,
            step_hours=3 if len(hours) <= HOURS_PER_DAY else 6,
        )
    zone = ZoneInfo(time_zone)
    return tuple(
        Tick(
            x=percent(index, len(hours)),
            label=local_date(hour.starts_at, time_zone).rpartition("\N{NO-BREAK SPACE}")[0],
            anchor="start",
        )
        for index, hour in enumerate(hours)
        if hour.starts_at.astimezone(zone).hour == 0 and index <= len(hours) - HOURS_PER_DAY
    )


def _draw(hour: HourValue, start: float, place: float, largest: int) -> HourBar:
    return HourBar(
        title=hour.title,
        x=percent(start + place * (1 - BAR_SHARE) / 2, 1),
        width=percent(place * BAR_SHARE, 1),
        outline_y=percent(largest - hour.outline, largest),
        outline_height=percent(hour.outline, largest),
        filled_y=percent(largest - hour.filled, largest),
        filled_height=percent(hour.filled, largest),
    )
