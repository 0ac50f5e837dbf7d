"""
What a buyer may choose from.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from marketplace import rules
from marketplace.models import Pool, RateCard


# In a region of fewer cars than this, numbers would be about people.
REGION_VEHICLES_MIN = 20


@dataclass(frozen=True, kw_only=True)
class PoolRow:
    """
    A pool and its price now; the price is None while the pool has no rate card.
    """

    id: int
    region_code: str
    region_name: str
    country: str
    time_zone: str
    hardware_class_code: str
    hardware_class_name: str
    currency: str
    price: rules.Price | None


def list_pools(*, now: datetime) -> tuple[PoolRow, ...]:
    """
    Return the pools that buyers see, by region and hardware, in one SQL query.
    """
    return tuple(_row(pool) for pool in _visible(now=now))


def get_pool(*, pool_id: int, now: datetime) -> PoolRow | None:
    """
    Return the pool, or None when there is none that buyers see.
    """
    pool = _visible(now=now).filter(pk=pool_id).first()
    return _row(pool) if pool else None


def get_price(*, pool_id: int, at: datetime) -> rules.Price | None:
    """
    Return the buyers' price of energy delivered from that time on, None when not on sale.
    """
    card = (
        RateCard.objects.filter(pool_id=pool_id, in_force__contains=at)
        .select_related("pool")
        .first()
    )
    return card.buyer_price() if card else None


def _visible(*, now: datetime) -> QuerySet[Pool]:
    card = RateCard.objects.filter(pool=OuterRef("pk"), in_force__contains=now)
    return (
        Pool.objects.filter(region__vehicle_count__gte=REGION_VEHICLES_MIN)
        .select_related("region", "hardware_class")
        .annotate(
            micros_per_kwh=Subquery(card.values("buyer_micros_per_kwh")[:1]),
            micros_per_job=Subquery(card.values("buyer_micros_per_job")[:1]),
        )
        .order_by("region_id", "hardware_class_id")
    )


def _row(pool: Pool) -> PoolRow:
    # The annotations are not declared on the model.
    per_kwh: int | None = getattr(pool, "micros_per_kwh", None)
    per_job: int | None = getattr(pool, "micros_per_job", None)
    price = None
    if per_kwh is not None and per_job is not None:
        price = rules.Price(currency=pool.currency, micros_per_kwh=per_kwh, micros_per_job=per_job)
    return PoolRow(
        id=pool.pk,
        region_code=pool.region.code,
        region_name=pool.region.name,
        country=pool.region.country,
        time_zone=pool.region.time_zone,
        hardware_class_code=pool.hardware_class.code,
        hardware_class_name=pool.hardware_class.name,
        currency=pool.currency,
        price=price,
    )
