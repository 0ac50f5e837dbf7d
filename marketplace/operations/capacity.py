"""
How much each pool can be sold, hour by hour, from what owners allow.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from marketplace import rules
from marketplace.models import CapacityBucket, Pool
from web.transactions import durable


# Owners change their minds in minutes; a sale in between is covered by the unsold share.
REFRESH_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class CapacityRefresh:
    bucket_count: int
    vehicle_count: int


# Cars that share a zone, a week and a power are one row before the hours come in, so the
# cost grows with the number of different weeks and hours and not with the cars. Those with a
# pause, dates out of turn or quiet hours are cut into spans first: what an open date adds is
# open around the clock inside it, and a quarter that is not wholly open counts for nothing.
REFRESH = """
WITH span AS (
    SELECT %(starts_at)s::timestamptz AS starts_at,
           %(starts_at)s::timestamptz + %(hours)s * interval '1 hour' AS ends_at
), allowed AS MATERIALIZED (
    SELECT p.id AS pool_id, t.version_id, t.vehicle_id, t.time_zone, t.week_mask,
           greatest(t.starts_at, s.starts_at) AS starts_at, least(e.ends_at, s.ends_at) AS ends_at,
           least(v.rated_power_w, coalesce(t.power_limit_w, v.rated_power_w))::bigint AS power_w,
           t.has_further_rules
    FROM span s
    JOIN consent_terms_v t ON t.starts_at < s.ends_at AND t.ends_at > s.starts_at
                          AND NOT t.is_withdrawn
    CROSS JOIN LATERAL (SELECT least(t.ends_at, t.expires_at) AS ends_at) e
    JOIN consent_vehicle_v v ON v.vehicle_id = t.vehicle_id
    JOIN marketplace_pool p ON p.region_id = v.region_code
                           AND p.hardware_class_id = v.hardware_class_code
    WHERE e.ends_at > greatest(t.starts_at, s.starts_at)
), paused AS MATERIALIZED (
    SELECT b.vehicle_id, range_agg(tstzrange(b.starts_at, b.ends_at)) AS spans
    FROM consent_pause_v b JOIN span s ON b.starts_at < s.ends_at AND b.ends_at > s.starts_at
    GROUP BY b.vehicle_id
), apart AS (
    SELECT a.*, tstzmultirange(tstzrange(a.starts_at, a.ends_at))
                    - coalesce(b.spans, '{}') AS awake,
           coalesce(f.closed, '{}') AS closed, coalesce(f.opened, '{}') AS opened,
           coalesce(f.quiet_mask, 0::bit(672)) AS quiet_mask, f.quiet_power_limit_w
    FROM allowed a
    LEFT JOIN paused b ON b.vehicle_id = a.vehicle_id
    LEFT JOIN consent_further_terms_v f ON f.version_id = a.version_id AND a.has_further_rules
    WHERE a.has_further_rules OR b.vehicle_id IS NOT NULL
), weeks AS MATERIALIZED (
    SELECT a.pool_id, a.time_zone, a.week_mask, a.starts_at, a.ends_at, sum(a.power_w) AS power_w
    FROM allowed a
    WHERE NOT a.has_further_rules
      AND NOT EXISTS (SELECT FROM paused b WHERE b.vehicle_id = a.vehicle_id)
    GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT a.pool_id, a.time_zone, m.mask, lower(r.open), upper(r.open), sum(m.power_w)
    FROM apart a
    CROSS JOIN LATERAL (VALUES (a.awake - a.closed - a.opened, a.week_mask),
                               (a.awake * a.opened, ~0::bit(672))) AS w(spans, mask)
    CROSS JOIN LATERAL unnest(w.spans) AS r(open)
    CROSS JOIN LATERAL (VALUES (w.mask & ~a.quiet_mask, a.power_w),
                               (w.mask & a.quiet_mask, least(a.power_w, a.quiet_power_limit_w))
                       ) AS m(mask, power_w)
    WHERE m.mask <> 0::bit(672)
    GROUP BY 1, 2, 3, 4, 5
), hours AS MATERIALIZED (
    SELECT z.time_zone, h.starts_at, q.quarter,
           (extract(isodow FROM l.local)::int - 1) * 96
           + extract(hour FROM l.local)::int * 4 + extract(minute FROM l.local)::int / 15 AS bit
    FROM (SELECT DISTINCT time_zone FROM weeks) z, span s,
         generate_series(s.starts_at, s.ends_at - interval '1 hour', interval '1 hour')
             AS h(starts_at),
         generate_series(0, 3) AS q(quarter),
         LATERAL (SELECT (h.starts_at + q.quarter * interval '15 minutes')
                         AT TIME ZONE z.time_zone AS local) l
), expected AS (
    SELECT w.pool_id, h.starts_at, sum(w.power_w) / 4 AS forecast_w
    FROM weeks w
    JOIN hours h ON h.time_zone = w.time_zone
                AND h.starts_at + h.quarter * interval '15 minutes' >= w.starts_at
                AND h.starts_at + (h.quarter + 1) * interval '15 minutes' <= w.ends_at
    WHERE get_bit(w.week_mask, h.bit) = 1
    GROUP BY w.pool_id, h.starts_at
)
INSERT INTO marketplace_capacitybucket AS b
    (pool_id, starts_at, forecast_w, sellable_w, reserved_w, refreshed_at)
SELECT p.id, g.starts_at, f.forecast_w, f.forecast_w * %(share)s / 1000, 0, %(now)s
FROM marketplace_pool p
CROSS JOIN span s
CROSS JOIN generate_series(s.starts_at, s.ends_at - interval '1 hour', interval '1 hour')
    AS g(starts_at)
LEFT JOIN expected e ON e.pool_id = p.id AND e.starts_at = g.starts_at
CROSS JOIN LATERAL (SELECT coalesce(e.forecast_w, 0)::bigint AS forecast_w) f
ORDER BY p.id, g.starts_at
ON CONFLICT (pool_id, starts_at) DO UPDATE
SET forecast_w = EXCLUDED.forecast_w,
    -- What is sold stays sold: a forecast that falls only stops further sales.
    sellable_w = greatest(EXCLUDED.sellable_w, b.reserved_w),
    refreshed_at = EXCLUDED.refreshed_at
"""

COUNT_VEHICLES = """
UPDATE marketplace_region r SET vehicle_count = c.vehicle_count
FROM (
    SELECT g.code, count(v.vehicle_id) AS vehicle_count
    FROM marketplace_region g LEFT JOIN consent_vehicle_v v ON v.region_code = g.code
                                                     AND NOT v.is_retired
    GROUP BY g.code
) c
WHERE c.code = r.code AND r.vehicle_count <> c.vehicle_count
"""


@durable
def refresh_due_capacity(*, now: datetime) -> bool:
    """
    Refresh all hours of the horizon when that was last done REFRESH_EVERY ago.

    Return False when it is not due, or another worker is at it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('capacity', 0))")
        (is_mine,) = cursor.fetchone()
    if not is_mine or not _is_due(now=now):
        return False
    _refresh(start=rules.floor_to_hour(now), hours=rules.CAPACITY_HORIZON_HOURS, now=now)
    return True


@durable
def refresh_capacity(
    *, now: datetime, hours: int = rules.CAPACITY_HORIZON_HOURS, starts_at: datetime | None = None
) -> CapacityRefresh:
    """
    Set forecast and sellable power of every pool for `hours` hours from starts_at (now).

    The forecast is the sum of what owners allow by the clock: weeks, dates that are open or
    closed out of turn, pauses, and consent that is withdrawn or expires, as watts of each car
    or its owner's power limit of that hour. Budgets and batteries are covered by the share
    that is not sold. Rows are written in the order in which sales lock them.
    """
    return _refresh(start=rules.floor_to_hour(starts_at or now), hours=hours, now=now)


def _is_due(*, now: datetime) -> bool:
    """
    Look at the end of the horizon, which moves on even when nobody books.
    """
    last_hour = rules.floor_to_hour(now) + (rules.CAPACITY_HORIZON_HOURS - 1) * rules.HOUR
    fresh = CapacityBucket.objects.filter(starts_at=last_hour, refreshed_at__gt=now - REFRESH_EVERY)
    return Pool.objects.exists() and fresh.count() < Pool.objects.count()


def _refresh(*, start: datetime, hours: int, now: datetime) -> CapacityRefresh:
    share = rules.SELLABLE_SHARE_PERMILLE
    with connection.cursor() as cursor:
        cursor.execute(REFRESH, {"starts_at": start, "hours": hours, "share": share, "now": now})
        bucket_count = cursor.rowcount
        cursor.execute(COUNT_VEHICLES)
        cursor.execute("SELECT coalesce(sum(vehicle_count), 0) FROM marketplace_region")
        (vehicle_count,) = cursor.fetchone()
    return CapacityRefresh(bucket_count=bucket_count, vehicle_count=int(vehicle_count))
