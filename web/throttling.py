"""
Counting requests with one atomic statement per request.

The generic cell rate algorithm: one row per caller holds the time at which the next
request would be on time. A caller may run ahead of it by the length of the burst. Two
processes can never both take the last place, and no header says who the caller is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from web import limits
from web.callers import get_caller
from web.models import ThrottleBucket


# DRF's views import this module by its settings, so it can not import them while loading.
if TYPE_CHECKING:
    from rest_framework.views import APIView


@dataclass(frozen=True, slots=True)
class Rate:
    requests_per_minute: int
    burst: int

    @property
    def interval(self) -> timedelta:
        return timedelta(minutes=1) / self.requests_per_minute

    @property
    def lead(self) -> timedelta:
        """
        Return how far ahead of time a caller may be.
        """
        return self.interval * self.burst


RATES = {
    "scheduler": Rate(limits.SCHEDULER_REQUESTS_PER_MINUTE, limits.SCHEDULER_BURST),
    "finance": Rate(limits.BUYER_REQUESTS_PER_MINUTE, limits.BUYER_BURST),
    "buyer": Rate(limits.BUYER_REQUESTS_PER_MINUTE, limits.BUYER_BURST),
    "anonymous": Rate(limits.ANONYMOUS_REQUESTS_PER_MINUTE, limits.ANONYMOUS_BURST),
}

_TAKE = """
INSERT INTO web_throttlebucket AS bucket (key, next_on_time_at)
VALUES (%(key)s, %(now)s + %(interval)s)
ON CONFLICT (key) DO UPDATE
    SET next_on_time_at = greatest(bucket.next_on_time_at, %(now)s) + %(interval)s
    WHERE greatest(bucket.next_on_time_at, %(now)s) + %(interval)s <= %(now)s + %(lead)s
RETURNING 1
"""


def take(*, key: str, rate: Rate, now: datetime) -> timedelta | None:
    """
    Take one place; None when there was one, else how long to wait for the next.
    """
    values: dict[str, Any] = {
        "key": key,
        "now": now,
        "interval": rate.interval,
        "lead": rate.lead,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        if cursor.fetchone() is not None:
            return None
    on_time_at = ThrottleBucket.objects.values_list("next_on_time_at", flat=True).get(key=key)
    return max(on_time_at + rate.interval - rate.lead - now, rate.interval)


def forget_idle(*, now: datetime) -> int:
    """
    Delete the rows of callers who are on time again: a missing row means the same.
    """
    deleted, _ = ThrottleBucket.objects.filter(next_on_time_at__lte=now).delete()
    return deleted


class ApiThrottle(BaseThrottle):
    """
    Counts a key's organisation or source; without a key the address of the connection.
    """

    def __init__(self) -> None:
        self.wait_s: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002 - DRF's signature
        self.wait_s = count(request)
        return self.wait_s is None

    def wait(self) -> float | None:
        return self.wait_s


def count(request: Request) -> float | None:
    """
    Count a request for whoever sent it; None when there was a place, else the wait in s.
    """
    kind, caller = _identify(request)
    wait = take(key=f"{kind}:{caller}", rate=RATES[kind], now=timezone.now())
    return None if wait is None else wait.total_seconds()


def _identify(request: Request) -> tuple[str, str]:
    caller = get_caller(request)
    if caller is None:
        return "anonymous", request.META.get("REMOTE_ADDR", "")
    return caller.kind, caller.principal
