"""
Owners whose own electricity price is far above what their region pays.

What an owner types is paid back first, so a price that nobody else has deserves a look.
"""

from dataclasses import dataclass
from datetime import datetime

from web.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class TariffOutlier:
    """
    An owner's tariff beside the average of a region where they have cars, dearest hours compared.

    Prices are micros per kWh; energy and money are what was paid at this tariff there since the
    start that was asked for.
    """

    owner_id: int
    region_code: str
    region_name: str
    currency: str
    micros_per_kwh: int
    average_micros_per_kwh: int
    in_force_since: datetime
    energy_wh: int
    electricity_micros: int

    @property
    def percent_of_average(self) -> int:
        """
        Return the price as a share of the average's; an average of nought makes any price 0 %.
        """
        return self.micros_per_kwh * 100 // (self.average_micros_per_kwh or self.micros_per_kwh)


# A tariff has up to 24 prices. Dearest beside dearest: a mean would hide one dear hour, and a
# dear evening is usual where the region has one too.
_OUTLIERS = """
WITH own AS (
    SELECT id, owner_id, currency, lower(in_force) AS starts_at,
        (SELECT max(price) FROM unnest(band_micros_per_kwh) price) AS price
    FROM billing_tariff
    WHERE owner_id IS NOT NULL AND in_force @> %(now)s
), average AS (
    SELECT region_code, currency,
        (SELECT max(price) FROM unnest(band_micros_per_kwh) price) AS price
    FROM billing_tariff
    WHERE owner_id IS NULL AND in_force @> %(now)s
), outlier AS (
    SELECT DISTINCT o.id, o.owner_id, v.region_code, o.currency, o.price, a.price AS average,
        o.starts_at
    FROM own o
    JOIN consent_vehicle_v v ON v.owner_id = o.owner_id
    JOIN average a ON a.region_code = v.region_code AND a.currency = o.currency
    WHERE o.price * 100 > a.price * %(outlier_pct)s
), shown AS (
    SELECT * FROM outlier
    ORDER BY price::numeric / greatest(average, 1) DESC, owner_id, region_code
    LIMIT %(limit)s
)
SELECT s.owner_id, s.region_code, coalesce(min(p.region_name), s.region_code), s.currency,
    s.price, s.average, s.starts_at, coalesce(min(paid.energy_wh), 0)::bigint,
    coalesce(min(paid.micros), 0)::bigint
FROM shown s
LEFT JOIN marketplace_pool_v p ON p.region_code = s.region_code
LEFT JOIN LATERAL (
    SELECT sum(l.energy_wh) AS energy_wh, sum(l.electricity_micros) AS micros
    FROM consent_vehicle_v v
    JOIN billing_ratedline l ON l.vehicle_id = v.vehicle_id AND l.tariff_id = s.id
        AND l.starts_at >= %(since)s AND l.on_date >= (%(since)s AT TIME ZONE 'UTC')::date
    WHERE v.owner_id = s.owner_id AND v.region_code = s.region_code
) paid ON true
GROUP BY s.id, s.owner_id, s.region_code, s.currency, s.price, s.average, s.starts_at
ORDER BY s.price::numeric / greatest(s.average, 1) DESC, s.owner_id, s.region_code
"""


def list_tariff_outliers(
    *, since: datetime, now: datetime, outlier_pct: int, limit: int
) -> tuple[TariffOutlier, ...]:
    """
    Return own tariffs above `outlier_pct` percent of a region's average, the farthest first.
    """
    values = {"since": since, "now": now, "outlier_pct": outlier_pct, "limit": limit}
    return tuple(TariffOutlier(*row) for row in fetch_rows(_OUTLIERS, values))
