"""
How much is left to book, as a schedule.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import F

from marketplace import rules
from marketplace.models import CapacityBucket, RateCard


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
    Consecutive hours with the same power left and the same price: [starts_at, ends_at).

    The price is None while the pool is not on sale.
    """

    starts_at: datetime
    ends_at: datetime
    available_w: int
    price: rules.Price | None


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
    cards = _list_cards(pool_id=pool_id, starts_at=starts_at, ends_at=ends_at)
    priced = [(hour, _price_at(cards, hour.starts_at)) for hour in hours]
    steps = []
    for (available_w, price), run in groupby(
        priced, key=lambda each: (each[0].available_w, each[1])
    ):
        same = [hour for hour, _ in run]
        steps.append(
            Step(
                starts_at=same[0].starts_at,
                ends_at=same[-1].starts_at + rules.HOUR,
                available_w=available_w,
                price=price,
            )
        )
    return tuple(steps)


def _list_cards(*, pool_id: int, starts_at: datetime, ends_at: datetime) -> tuple[RateCard, ...]:
    cards = RateCard.objects.filter(pool_id=pool_id, in_force__overlap=(starts_at, ends_at))
    return tuple(cards.select_related("pool"))


def _price_at(cards: tuple[RateCard, ...], at: datetime) -> rules.Price | None:
    return next((card.buyer_price() for card in cards if card.is_in_force(at=at)), None)
