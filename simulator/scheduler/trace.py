"""
The inference trace: how much work arrives at one car during an interval.
"""

from __future__ import annotations

import csv
import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, kw_only=True)
class InferenceRequest:
    """``arrived_at_s`` counts from the first request of the trace."""

    arrived_at_s: float
    prompt_tokens: int
    generated_tokens: int


@dataclass(frozen=True, kw_only=True)
class Work:
    """What arrives in an interval."""

    requests: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0


def parse_trace(lines: Iterable[str]) -> list[InferenceRequest]:
    """Read the published table; its seconds have seven decimals."""
    first_s: float | None = None
    origin: dt.datetime | None = None
    found = []
    for row in csv.DictReader(lines):
        whole, _, fraction = row["TIMESTAMP"].partition(".")
        moment = dt.datetime.fromisoformat(whole).replace(tzinfo=dt.UTC)
        # Counted from a near moment: seven decimals of seconds since 1970 do not fit a float.
        origin = origin or moment
        at_s = (moment - origin).total_seconds() + float(f"0.{fraction or 0}")
        first_s = at_s if first_s is None else first_s
        found.append(
            InferenceRequest(
                arrived_at_s=at_s - first_s,
                prompt_tokens=int(row["ContextTokens"]),
                generated_tokens=int(row["GeneratedTokens"]),
            )
        )
    return sorted(found, key=lambda request: request.arrived_at_s)


class Lane:
    """Every n-th request of the trace, over and over: the stream that one car serves."""

    def __init__(self, requests: list[InferenceRequest], *, period_s: int) -> None:
        self.period_s = period_s
        self._arrivals = [request.arrived_at_s for request in requests]
        self._prompts = [0, *accumulate(request.prompt_tokens for request in requests)]
        self._generated = [0, *accumulate(request.generated_tokens for request in requests)]

    def _count_until(self, at_s: int) -> tuple[int, int, int]:
        rounds, rest_s = divmod(at_s, self.period_s)
        index = bisect_left(self._arrivals, rest_s)
        return (
            rounds * len(self._arrivals) + index,
            rounds * self._prompts[-1] + self._prompts[index],
            rounds * self._generated[-1] + self._generated[index],
        )

    def get_work(self, starts_at_s: int, ends_at_s: int) -> Work:
        """Return what arrives in [starts, ends), the lane repeating for ever."""
        before, after = self._count_until(starts_at_s), self._count_until(ends_at_s)
        return Work(
            requests=after[0] - before[0],
            prompt_tokens=after[1] - before[1],
            generated_tokens=after[2] - before[2],
        )


def deal_lanes(requests: list[InferenceRequest], *, one_in: int) -> list[Lane]:
    """Deal the trace to ``one_in`` lanes, each taking every ``one_in``-th request."""
    period_s = int(requests[-1].arrived_at_s) + 1
    return [Lane(requests[start::one_in], period_s=period_s) for start in range(one_in)]
