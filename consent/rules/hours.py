"""
When an owner's hours are open: the week, closed dates, openings out of turn, and breaks.

The one place that puts them together, for decisions, pages and previews alike. Date
exceptions begin and end on quarter-hours, as the week does; breaks at any instant.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from consent.rules.spans import FOREVER, find_next, find_span, merge
from consent.rules.terms import Pause, Rules, Spans
from consent.rules.week import (
    FULL_WEEK,
    find_closing,
    find_opening,
    quarter_of_week,
    start_of_next_day,
)


DAY = timedelta(days=1)


class Hours(NamedTuple):
    """
    All that decides whether the hours are open. `breaks` close whatever else is true.

    Without a break: an `opened` span is open, else a `closed` one is closed, else the week
    decides. `within` is a second week that must be open too, whatever the dates say.
    """

    mask: int
    zone: ZoneInfo
    closed: Spans = ()
    opened: Spans = ()
    breaks: Spans = ()
    within: int = FULL_WEEK

    @classmethod
    def of(cls, rules: Rules, *, breaks: Iterable[Pause | None] = ()) -> Self:
        """
        Return the hours of a consent version, less the breaks that its owner takes.
        """
        return cls(rules.week_mask, rules.zone, rules.closed, rules.opened, unite_breaks(*breaks))

    def is_open(self, at: datetime) -> bool:
        if find_span(self.breaks, at) is not None:
            return False
        quarter = quarter_of_week(at.astimezone(self.zone))
        if not self.within >> quarter & 1:
            return False
        if find_span(self.opened, at) is not None:
            return True
        return bool(self.mask >> quarter & 1) and find_span(self.closed, at) is None

    def find_opening(self, *, after: datetime) -> datetime | None:
        """
        Return the first instant (UTC) at or after `after` when it is open; None: never.
        """
        instant = after.astimezone(UTC)
        while True:
            opening = self._find_unbroken_opening(instant)
            if opening is None:
                return None
            pause = find_span(self.breaks, opening)
            if pause is None:
                return opening
            if pause[1] == FOREVER:
                return None
            instant = pause[1]

    def find_closing(self, *, after: datetime) -> datetime | None:
        """
        Return the first instant (UTC) at or after `after` when it is closed; None: never.
        """
        instant = after.astimezone(UTC)
        ends = (
            self._find_dated_closing(instant),
            find_closing(mask=self.within, after=instant, zone=self.zone),
            find_next(self.breaks, instant),
        )
        return min((end for end in ends if end is not None), default=None)

    def open_spans(
        self, *, starts_at: datetime, ends_at: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """
        Yield the open stretches [from, to) inside [starts_at, ends_at), in UTC.
        """
        instant = starts_at
        while True:
            opens = self.find_opening(after=instant)
            if opens is None or opens >= ends_at:
                return
            closes = self.find_closing(after=opens)
            if closes is None or closes >= ends_at:
                yield opens, ends_at.astimezone(UTC)
                return
            yield opens, closes
            instant = closes

    def find_end_of_tonight(self, *, now: datetime) -> datetime:
        """
        Return when the hours that are open, or open within a day, close.

        Without any, or when they stay open for more than a day: the end of the local day.
        """
        opens_at = self.find_opening(after=now)
        if opens_at is not None and opens_at < now + DAY:
            closes_at = self.find_closing(after=opens_at)
            if closes_at is not None and closes_at <= opens_at + DAY:
                return closes_at
        return start_of_next_day(now.astimezone(self.zone), self.zone)

    def _find_unbroken_opening(self, after: datetime) -> datetime | None:
        mask, instant = self.mask & self.within, after
        while True:
            opening = find_opening(mask=mask, after=instant, zone=self.zone)
            closed = None if opening is None else find_span(self.closed, opening)
            if closed is None:
                break
            instant = closed[1]
        for begin, end in self.opened:
            if opening is not None and opening <= begin:
                break
            if after < end:
                dated = find_opening(mask=self.within, after=max(begin, after), zone=self.zone)
                if dated is None or dated < end:
                    return dated if opening is None or dated is None else min(dated, opening)
        return opening

    def _find_dated_closing(self, after: datetime) -> datetime | None:
        instant = after
        while True:
            ends = (
                find_closing(mask=self.mask, after=instant, zone=self.zone),
                find_next(self.closed, instant),
            )
            closing = min((end for end in ends if end is not None), default=None)
            opened = None if closing is None else find_span(self.opened, closing)
            if opened is None:
                return closing
            instant = opened[1]


@lru_cache(maxsize=1024)
def unite_breaks(*breaks: Pause | None) -> Spans:
    """
    Return the spans of breaks, one that follows another joined to it.

    Remembered: one decision asks for the same breaks three times.
    """
    spans = [(each.starts_at, each.ends_at or FOREVER) for each in breaks if each is not None]
    return merge(spans) if len(spans) > 1 else tuple(spans)


def is_closed_date(rules: Rules, at: datetime) -> bool:
    """
    Return whether a date is closed at that instant, and no opening out of turn wins.
    """
    return find_span(rules.closed, at) is not None and find_span(rules.opened, at) is None
