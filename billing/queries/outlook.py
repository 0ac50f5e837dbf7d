"""
What a quarter-hour of work would pay an owner, and how likely work is: what forecasts rest on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from billing.models import HOURS_PER_WEEK, Tariff, WorkOutlook
from consent.rules.week import QUARTER_S
from web.rows import fetch_rows


# A share of few quarters says little: as many of the week's average are counted with it.
PRIOR_QUARTERS = 8


class Metered(NamedTuple):
    """
    What a car's meter reported in one quarter-hour `n`, counted from 1970 (UTC), and what it
    paid. Corrected records count as corrected. None: the meter did not say.
    """

    n: int
    energy_wh: int
    duration_s: int
    electricity_micros: int
    wear_micros: int
    reward_micros: int
    job_micros: int
    data_bytes: int
    category_bit: int
    organization_id: int
    is_clean: bool
    charge_permille: int | None
    plugged_in: bool | None
    is_home: bool | None
    coldest_decic: int | None
    hottest_decic: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """
    What work of a pool pays in [starts_at, ends_at); `ends_at` None: until further notice.
    """

    starts_at: datetime
    ends_at: datetime | None
    wear_micros_per_kwh: int
    reward_micros_per_kwh: int
    reward_micros_per_job: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Electricity:
    """
    What electricity costs in [starts_at, ends_at), by quarter-hour of `time_zone`'s week.
    """

    starts_at: datetime
    ends_at: datetime | None
    time_zone: str
    micros_per_kwh: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOutlook:
    """
    One kind of work on average in a permitted quarter-hour, by hour of the week: mWh, seconds,
    and the rewards of its completed jobs.

    `buyers` has the share of each organisation in thousandths of the energy.
    """

    category_bit: int
    energy_mwh: tuple[int, ...]
    compute_s: tuple[int, ...]
    job_micros: tuple[int, ...]
    buyers: dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """
    Prices and usual work where a car is parked, with the computer that it has.

    `plugged_permille` is how often cars there are plugged in, by hour of the week. Without a
    pool there are no rates and no work, and before anybody counted no work.
    """

    pool_id: int | None
    currency: str
    time_zone: str
    rated_power_w: int
    rates: tuple[Rate, ...]
    electricity: tuple[Electricity, ...]
    work: tuple[KindOutlook, ...]
    plugged_permille: tuple[int, ...]
    vehicle_count: int

    @property
    def has_work(self) -> bool:
        return any(any(kind.energy_mwh) for kind in self.work)


class CarNotFound(Exception):
    """
    There is no such car of this owner.
    """


_METERED = """
SELECT n, sum(energy_wh), sum(duration_s), sum(electricity_micros), sum(wear_micros),
    sum(reward_micros), sum(job_micros), coalesce(sum(mobile_data_bytes), 0), max(category_bit),
    max(organization_id), bool_and(refusals = 0), min(state_of_charge_min_permille),
    bool_and(plugged_in), bool_and(is_home), min(battery_temp_min_decic),
    max(battery_temp_max_decic)
FROM (
    SELECT floor(date_part('epoch', l.starts_at) / 900)::integer AS n, l.energy_wh,
        CASE l.kind WHEN 0 THEN l.duration_s ELSE -l.duration_s END AS duration_s,
        l.electricity_micros, l.wear_micros, l.reward_micros, l.job_micros, l.organization_id,
        -- Of a record that was corrected only the money counts, which its reversal takes back.
        CASE WHEN r.id IS NULL THEN 0 ELSE l.refusals END AS refusals, r.category_bit,
        r.mobile_data_bytes, r.state_of_charge_min_permille, r.plugged_in, r.is_home,
        r.battery_temp_min_decic, r.battery_temp_max_decic
    FROM billing_ratedline l
    LEFT JOIN billing_usagerecord r ON r.on_date = l.on_date AND r.id = l.record_id
        AND l.kind = 0 AND l.outcome <> 4
        AND NOT EXISTS (
            SELECT FROM billing_supersession s WHERE s.old_record_id = l.record_id)
        AND r.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
            AND (%(ends_at)s AT TIME ZONE 'UTC')::date
    WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = %(vehicle_id)s
      AND l.currency = %(currency)s
      AND l.starts_at >= %(starts_at)s AND l.starts_at < %(ends_at)s
      AND l.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
          AND (%(ends_at)s AT TIME ZONE 'UTC')::date
) line
GROUP BY n
HAVING sum(energy_wh) > 0
ORDER BY n
"""


def list_metered(
    *,
    owner_id: int,
    vehicle_id: int,
    currency: str,
    starts_at: datetime,
    ends_at: datetime,
) -> tuple[Metered, ...]:
    """
    Return what was metered in each quarter-hour of [starts_at, ends_at), in one SQL query.
    """
    rows = fetch_rows(
        _METERED,
        {
            "owner_id": owner_id,
            "vehicle_id": vehicle_id,
            "currency": currency,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return tuple(Metered._make((row[0], *map(int, row[1:10]), *row[10:])) for row in rows)


_CAR = """
SELECT v.region_code, v.rated_power_w, v.time_zone, p.pool_id, p.currency, p.time_zone
FROM consent_vehicle_v v
LEFT JOIN marketplace_pool_v p ON p.region_code = v.region_code
    AND p.hardware_class_code = v.hardware_class_code
WHERE v.vehicle_id = %(vehicle_id)s AND v.owner_id = %(owner_id)s
ORDER BY p.pool_id
LIMIT 1
"""
_RATES = """
SELECT starts_at, nullif(ends_at, 'infinity'), wear_micros_per_kwh, reward_micros_per_kwh,
    reward_micros_per_job
FROM marketplace_rate_terms_v
WHERE pool_id = %(pool_id)s AND starts_at < %(ends_at)s AND ends_at > %(starts_at)s
ORDER BY starts_at
"""


def get_outlook(
    *, owner_id: int, vehicle_id: int, currency: str, starts_at: datetime, ends_at: datetime
) -> Outlook:
    """
    Return the prices of [starts_at, ends_at) for an owner's car, and its pool's usual work.

    :raises CarNotFound: there is no such car of this owner.
    """
    found = fetch_rows(_CAR, {"vehicle_id": vehicle_id, "owner_id": owner_id})
    if not found:
        raise CarNotFound(vehicle_id)
    [(region_code, rated_power_w, car_zone, pool_id, pool_currency, pool_zone)] = found
    rates = fetch_rows(_RATES, {"pool_id": pool_id, "starts_at": starts_at, "ends_at": ends_at})
    counted = list(WorkOutlook.objects.filter(pool_id=pool_id).order_by("category_bit"))
    any_kind = counted[0] if counted else None
    return Outlook(
        pool_id=pool_id,
        currency=pool_currency or currency,
        time_zone=pool_zone or car_zone,
        rated_power_w=rated_power_w,
        rates=tuple(
            Rate(**dict(zip(Rate.__dataclass_fields__, row, strict=True))) for row in rates
        ),
        electricity=_list_electricity(owner_id, region_code, starts_at, ends_at),
        work=tuple(_read_kind(kind, rated_power_w) for kind in counted),
        plugged_permille=_share(any_kind.plugged, any_kind.seen) if any_kind else _NOTHING,
        vehicle_count=any_kind.vehicle_count if any_kind else 0,
    )


_NOTHING = (0,) * HOURS_PER_WEEK


def _list_electricity(
    owner_id: int, region_code: str, starts_at: datetime, ends_at: datetime
) -> tuple[Electricity, ...]:
    """
    Return prices, those that count first: the owner's own, then the average of the region.
    """
    rows = (
        Tariff.objects.alias(key=Coalesce("owner_id", 0))
        .filter(Q(key=owner_id, region_code="") | Q(key=0, region_code=region_code))
        .filter(in_force__overlap=(starts_at, ends_at))
        .order_by(F("owner_id").asc(nulls_last=True), "in_force")
    )
    return tuple(_read_tariff(row) for row in rows)


def _read_tariff(row: Tariff) -> Electricity:
    starts_at = row.in_force.lower
    assert starts_at is not None, "a tariff has a start"
    return Electricity(
        starts_at=starts_at,
        ends_at=row.in_force.upper,
        time_zone=row.time_zone,
        micros_per_kwh=tuple(row.band_micros_per_kwh[band] for band in bytes(row.bands)),
    )


def _read_kind(kind: WorkOutlook, rated_power_w: int) -> KindOutlook:
    most_mwh = rated_power_w * QUARTER_S * 1000 // 3600
    energy = _average([energy_wh * 1000 for energy_wh in kind.energy_wh], kind.permitted)
    bought = {int(name): int(energy_wh) for name, energy_wh in kind.buyers.items()}
    whole = sum(bought.values())
    return KindOutlook(
        category_bit=kind.category_bit,
        energy_mwh=tuple(min(energy_mwh, most_mwh) for energy_mwh in energy),
        compute_s=_average(kind.worked_s, kind.permitted),
        job_micros=_average(kind.job_micros, kind.permitted),
        buyers={each: energy_wh * 1000 // whole for each, energy_wh in bought.items()},
    )


def _average(sums: Sequence[int], quarters: Sequence[int]) -> tuple[int, ...]:
    """
    Return the mean of each hour, drawn towards that of the week where there are few quarters.
    """
    whole = sum(quarters)
    if not whole:
        return _NOTHING
    usual = sum(sums) / whole
    return tuple(
        round((amount + PRIOR_QUARTERS * usual) / (count + PRIOR_QUARTERS))
        for amount, count in zip(sums, quarters, strict=True)
    )


def _share(part: Sequence[int], whole: Sequence[int]) -> tuple[int, ...]:
    return tuple(1000 * some // many if many else 0 for some, many in zip(part, whole, strict=True))
