"""
How much is left to book, as a schedule.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import F

from marketplace import rules
from marketplace.models import CapacityBucket


@dataclass(frozen=True, kw_only=True)
class Hour:
    """
    What is left in one hour, in watts.
    """

    starts_at: datetime
    available_w: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """
    Consecutive hours with the same power left: [starts_at, ends_at).
    """

    starts_at: datetime
    ends_at: datetime
    available_w: int


def get_hours(*, pool_id: int, starts_at: datetime, ends_at: datetime) -> tuple[Hour, ...]:
    """
    Return one row per whole hour of [starts_at, ends_at), 0 W where nothing is forecast.

    Costs the number of hours, never the number of vehicles.
    """
    left = dict(
        CapacityBucket.objects.filter(
            pool_id=pool_id, starts_at__gte=starts_at, starts_at__lt=ends_at
        ).values_list("starts_at", F("sellable_w") - F("reserved_w"))
    )
    return tuple(
        Hour(starts_at=hour, available_w=left.get(hour, 0))
        for hour in rules.hours_of(starts_at=starts_at, ends_at=ends_at)
    )


def get_schedule(*, pool_id: int, starts_at: datetime, ends_at: datetime) -> tuple[Step, ...]:
    """
    Return what is left in [starts_at, ends_at) as steps, without gap or overlap.
    """
    hours = get_hours(pool_id=pool_id, starts_at=starts_at, ends_at=ends_at)
    steps = []
    for available_w, run in groupby(hours, key=lambda hour: hour.available_w):
        same = list(run)
        steps.append(
            Step(
                starts_at=same[0].starts_at,
                ends_at=same[-1].starts_at + rules.HOUR,
                available_w=available_w,
            )
        )
    return tuple(steps)
