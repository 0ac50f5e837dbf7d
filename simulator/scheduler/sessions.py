"""
The Trondheim charging sessions: read, checked, moved to end now.

Pure: text in, sessions out, every row accounted for.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


OSLO = ZoneInfo("Europe/Oslo")
WEEK = dt.timedelta(weeks=1)
SHORTEST_S = 60
QUARTER_S = 900
# Read by hand: strptime takes most of the time of a short replay.
_TIME = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d):(\d\d)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class RawSession:
    """
    One row as published: wall-clock times of Europe/Oslo, without a zone.

    ``energy_wh`` is None where the table says NA.
    """

    session_id: str
    resident: str
    plugged_in_at: dt.datetime
    plugged_out_at: dt.datetime
    energy_wh: int | None


@dataclass(frozen=True, kw_only=True)
class Session:
    """A car that is parked and plugged in during [starts_at_s, ends_at_s)."""

    session_id: str
    resident: str
    starts_at_s: int
    ends_at_s: int
    energy_wh: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """``left_out`` counts rows by reason; read = kept + Σ left out."""

    read: int
    sessions: list[Session]
    left_out: Counter[str] = field(default_factory=Counter)
    clipped: int = 0
    shift_weeks: int = 0


class Unreadable(Exception):
    """A row that cannot become a session; the argument is the reason."""


def parse_decimal_kwh(text: str) -> int | None:
    """
    Return whole watt-hours of a decimal-comma kWh figure, None for NA.

    :raises Unreadable: neither a number nor NA.
    """
    text = text.strip()
    if text in {"", "NA"}:
        return None
    try:
        return round(float(text.replace(",", ".")) * 1_000)
    except ValueError as error:
        raise Unreadable("unreadable_energy") from error


def parse_wall_clock(text: str, *, reason: str) -> dt.datetime:
    """
    Return a published time, which has no zone.

    :raises Unreadable: with ``reason`` for NA, ``unreadable_time`` for other text.
    """
    text = text.strip()
    if text in {"", "NA"}:
        raise Unreadable(reason)
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise Unreadable("unreadable_time")
        day, month, year, hour, minute = map(int, match.groups())
        # The published times carry no zone; localize() gives them theirs.
        return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001
    except ValueError as error:
        raise Unreadable("unreadable_time") from error


def parse_row(row: dict[str, str]) -> RawSession:
    """
    Return what one row says.

    :raises Unreadable: ``no_plug_in``, ``no_plug_out``, ``no_resident``, ``unreadable_…``.
    """
    resident = (row.get("User_ID") or "").strip()
    if resident in {"", "NA"}:
        raise Unreadable("no_resident")
    return RawSession(
        session_id=row["session_ID"],
        resident=resident,
        plugged_in_at=parse_wall_clock(row["Start_plugin"], reason="no_plug_in"),
        plugged_out_at=parse_wall_clock(row["End_plugout"], reason="no_plug_out"),
        energy_wh=parse_decimal_kwh(row["El_kWh"]),
    )


def parse_table(lines: Iterable[str]) -> tuple[list[RawSession], Counter[str]]:
    """Return the readable rows, and the count of the others by reason."""
    found, left_out = [], Counter[str]()
    for row in csv.DictReader(lines, delimiter=";"):
        try:
            found.append(parse_row(row))
        except Unreadable as reason:
            left_out[str(reason)] += 1
    return found, left_out


def localize(wall_clock: dt.datetime, *, is_second: bool = False) -> int:
    """
    Return the instant of an Oslo wall-clock time.

    In the hour that autumn has twice, the first is meant unless ``is_second``. A
    time in the hour that spring leaves out is read with the offset before it.
    """
    aware = wall_clock.replace(tzinfo=OSLO, fold=1 if is_second else 0)
    return int(aware.timestamp())


def count_shift_weeks(*, last: dt.datetime, now: dt.datetime) -> int:
    """Return the fewest whole weeks that bring ``last`` to ``now`` or just after it."""
    local_now = now.astimezone(OSLO).replace(tzinfo=None)
    return -((last - local_now) // WEEK)


def shift(raw: RawSession, *, weeks: int) -> tuple[int, int]:
    """
    Move a session by whole weeks of the wall clock: weekday and hour stay.

    The length changes by an hour where a daylight-saving change is crossed on
    one side only, as it would for a car parked from evening to morning.
    """
    starts_at_s = localize(raw.plugged_in_at + weeks * WEEK)
    ends_at_s = localize(raw.plugged_out_at + weeks * WEEK)
    if ends_at_s <= starts_at_s < localize(raw.plugged_out_at + weeks * WEEK, is_second=True):
        ends_at_s = localize(raw.plugged_out_at + weeks * WEEK, is_second=True)
    return starts_at_s, ends_at_s


def select(
    raws: list[RawSession],
    *,
    left_out: Counter[str],
    residents: frozenset[str],
    window: tuple[int, int],
    weeks: int,
) -> Reading:
    """
    Keep the sessions of ``residents`` inside the window, moved by ``weeks``.

    Sessions that reach out of the window are kept whole, used inside it only,
    and counted as clipped.
    """
    reading_left_out = Counter(left_out)
    kept: list[Session] = []
    clipped = 0
    free_from_s: dict[str, int] = {}
    for raw in sorted(raws, key=lambda raw: (raw.plugged_in_at, raw.plugged_out_at)):
        starts_at_s, ends_at_s = shift(raw, weeks=weeks)
        reason = _find_reason(
            raw,
            span=(starts_at_s, ends_at_s),
            window=window,
            residents=residents,
            free_from_s=free_from_s.get(raw.resident, 0),
        )
        if reason:
            reading_left_out[reason] += 1
            continue
        free_from_s[raw.resident] = ends_at_s
        clipped += starts_at_s < window[0] or ends_at_s > window[1]
        kept.append(
            Session(
                session_id=raw.session_id,
                resident=raw.resident,
                starts_at_s=starts_at_s,
                ends_at_s=ends_at_s,
                energy_wh=raw.energy_wh or 0,
            )
        )
    read = len(raws) + left_out.total()
    return Reading(
        read=read, sessions=kept, left_out=reading_left_out, clipped=clipped, shift_weeks=weeks
    )


def _find_reason(
    raw: RawSession,
    *,
    span: tuple[int, int],
    window: tuple[int, int],
    residents: frozenset[str],
    free_from_s: int,
) -> str:
    """Return why a session is left out, '' when it is kept."""
    starts_at_s, ends_at_s = span
    checks = (
        ("plug_out_before_plug_in", ends_at_s < starts_at_s),
        ("under_a_minute", ends_at_s - starts_at_s < SHORTEST_S),
        ("resident_without_vehicle", raw.resident not in residents),
        ("older_than_window", ends_at_s <= window[0]),
        ("not_yet_begun", starts_at_s >= window[1]),
        ("overlaps_same_resident", starts_at_s < free_from_s),
    )
    return next((reason for reason, applies in checks if applies), "")


def list_quarters(starts_at_s: int, ends_at_s: int) -> Iterator[tuple[int, int]]:
    """Cut [starts, ends) at the quarter-hours of UTC; the pieces tile it exactly."""
    at_s = starts_at_s
    while at_s < ends_at_s:
        until_s = min(at_s - at_s % QUARTER_S + QUARTER_S, ends_at_s)
        yield at_s, until_s
        at_s = until_s
