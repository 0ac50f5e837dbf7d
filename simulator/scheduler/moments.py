"""
Whole seconds since 1970 UTC, and their RFC 3339 text.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache


DAY_S = 86_400
HOUR_S = 3_600


@lru_cache(maxsize=4_096)
def to_text(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> int:
    """
    Return the second a time lies in.

    :raises ValueError: not a time, or one without an offset.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {text}")
    return int(moment.timestamp())
