"""
Half-open spans of instants: united, cut, and looked up.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import itemgetter

from consent.rules.terms import Spans


# The end of a span that has none.
FOREVER = datetime.max.replace(tzinfo=UTC)
Span = tuple[datetime, datetime]
_begin = itemgetter(0)


def merge(spans: Iterable[Span]) -> Spans:
    """
    Return the union of half-open spans, sorted, none touching another.
    """
    merged: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return tuple(merged)


def subtract(spans: Iterable[Span], taken: Iterable[Span]) -> Spans:
    """
    Return what of the spans is in none of those taken away.
    """
    left = list(spans)
    for begin, end in taken:
        left = [
            piece
            for span in left
            for piece in ((span[0], min(span[1], begin)), (max(span[0], end), span[1]))
            if piece[0] < piece[1]
        ]
    return merge(left)


def find_span(spans: Spans, instant: datetime) -> Span | None:
    """
    Return the span that an instant lies in.
    """
    place = bisect_right(spans, instant, key=_begin)
    if place and instant < spans[place - 1][1]:
        return spans[place - 1]
    return None


def find_next(spans: Spans, instant: datetime) -> datetime | None:
    """
    Return the first instant at or after `instant` that is in any span.
    """
    if find_span(spans, instant) is not None:
        return instant
    place = bisect_right(spans, instant, key=_begin)
    return spans[place][0] if place < len(spans) else None
