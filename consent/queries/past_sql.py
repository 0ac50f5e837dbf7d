"""
The statement behind `consent.queries.past`: a draft over what is known of one car,
quarter-hour by quarter-hour.

Its parts build on each other from top to bottom; those that a draft does not need are left
out. For materialized parts and OFFSET 0 see `consent.queries.past_facts`.
"""

from functools import lru_cache

from consent.queries.past_facts import COLUMNS, mask
from consent.rules import ReasonCode


_HOURS = mask(ReasonCode.OUTSIDE_HOURS, ReasonCode.CLOSED_DATE)
_BY_CHARGE = mask(ReasonCode.BATTERY_LOW, ReasonCode.BATTERY_RECOVERING, ReasonCode.READY_BY)
_BY_HEAT = mask(ReasonCode.TOO_HOT, ReasonCode.COOLING_DOWN)
_BY_COLD = mask(ReasonCode.TOO_COLD, ReasonCode.WARMING_UP)
_LIVE = {"paused": mask(ReasonCode.PAUSED), "driving": mask(ReasonCode.DRIVING)}

# The draft's rules as columns of one row. A quarter n counts from 1970 (UTC).
_DRAFT = """
WITH draft AS MATERIALIZED (
    SELECT %(vehicle_id)s::bigint AS vehicle_id, %(owner_id)s::bigint AS owner_id,
        %(first_n)s::integer AS first_n, %(last_n)s::integer AS last_n,
        to_timestamp(%(first_n)s * 900::bigint) AS first_at,
        to_timestamp(%(last_n)s * 900::bigint) AS last_at,
        %(time_zone)s::text AS time_zone, %(week_mask)s::bit(672) AS week_mask,
        %(battery_stop_pct)s::integer AS stop_pct, %(battery_resume_pct)s::integer AS resume_pct,
        %(plugged_in_only)s::boolean AS plugged_in_only, %(home_only)s::boolean AS home_only,
        %(temp_high_c)s::integer AS high_c, %(temp_high_resume_c)s::integer AS high_resume_c,
        %(temp_low_c)s::integer AS low_c, %(temp_low_resume_c)s::integer AS low_resume_c,
        %(temp_hold_s)s::integer AS hold_s, %(categories_mask)s::integer AS categories_mask,
        %(power_limit_w)s::integer AS power_limit_w, %(quiet_mask)s::bit(672) AS quiet_mask,
        %(quiet_power_limit_w)s::integer AS quiet_power_limit_w,
        %(closed)s::tstzmultirange AS closed, %(opened)s::tstzmultirange AS opened,
        %(ready_floors_permille)s::smallint[] AS floors,
        %(reward_micros_per_h_min)s::bigint AS reward_min, %(buyers_mode)s::text AS buyers_mode,
        %(buyer_ids)s::bigint[] AS buyer_ids, %(bytes_per_kwh)s::bigint AS bytes_per_kwh,
        %(work_zone)s::text AS work_zone
)"""

_KNOWN = f""", quarter AS MATERIALIZED (
    SELECT k.*, (local_n + 288) %% 672 AS slot
    FROM (
        SELECT k.*, floor(date_part('epoch', starts_at AT TIME ZONE %(time_zone)s) / 900)::integer
            AS local_n
        FROM (
            SELECT *, to_timestamp(n * 900::bigint) AS starts_at
            FROM unnest(
                {", ".join(f"%(known_{name})s::{kind}[]" for name, kind in COLUMNS.items())})
                AS k ({", ".join(COLUMNS)})
            OFFSET 0
        ) k
        OFFSET 0
    ) k
)"""  # noqa: S608 - made of the names of columns

# When the battery was last under the stop level, or at the resume level; when it was last too
# hot or too cold, and since then cool or warm enough again with the hold over.
_LATCHES = f""", passed AS (
    SELECT q.*,
        max(CASE WHEN q.charge < d.stop_pct * 10 THEN q.n END) OVER past AS low_n,
        max(CASE WHEN q.charge >= d.resume_pct * 10 THEN q.n END) OVER past AS filled_n,
        max(CASE WHEN q.hottest > d.high_c * 10 THEN q.n END) OVER past AS hot_n,
        max(CASE WHEN q.coldest < d.low_c * 10 THEN q.n END) OVER past AS cold_n
    FROM quarter q CROSS JOIN draft d
    WINDOW past AS (ORDER BY q.n ROWS UNBOUNDED PRECEDING)
), held AS MATERIALIZED (
    SELECT p.*, CASE WHEN low_n > coalesce(filled_n, 0) AND charge >= stop_pct * 10
                     THEN {mask(ReasonCode.BATTERY_RECOVERING)} ELSE 0 END AS charge_latch,
        CASE WHEN hot_n > coalesce(max(CASE WHEN hottest <= high_resume_c * 10
                        AND (n - hot_n) * 900 >= hold_s THEN n END) OVER past, 0)
                  AND hottest <= high_c * 10
             THEN {mask(ReasonCode.COOLING_DOWN)} ELSE 0 END AS heat_latch,
        CASE WHEN cold_n > coalesce(max(CASE WHEN coldest >= low_resume_c * 10
                        AND (n - cold_n) * 900 >= hold_s THEN n END) OVER past, 0)
                  AND coldest >= low_c * 10
             THEN {mask(ReasonCode.WARMING_UP)} ELSE 0 END AS cold_latch
    FROM passed p CROSS JOIN draft d
    WINDOW past AS (ORDER BY n ROWS UNBOUNDED PRECEDING)
)"""  # noqa: S608 - made of the bits of reasons

# The refusals of the draft, but for its budgets.
_JUDGED = """, base AS (
    SELECT q.*,
        CASE WHEN q.has_run THEN d.buyers_mode ELSE 'all' END AS buyers_mode,
        consent_refusals_at(
            false, q.slot, d.week_mask, d.stop_pct, d.plugged_in_only, d.home_only,
            d.high_c, d.low_c, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
            NULL::integer, d.categories_mask, NULL::timestamptz, q.starts_at, q.starts_at,
            0::bigint, q.category_bit, q.charge, q.plugged_in, q.is_home, q.coldest, q.hottest,
            0::bigint, 0::bigint, 0::bigint, 0::bigint) AS refusals
    FROM held q
    CROSS JOIN draft d
    OFFSET 0
), drafted AS (
    SELECT b.*, {refusals} | CASE WHEN b.is_paused THEN {paused} ELSE 0 END
        | CASE WHEN b.is_moving THEN {driving} ELSE 0 END AS drafted
    FROM base b CROSS JOIN draft d
    OFFSET 0
)"""
_BASE_ONLY = "b.refusals"
_WITH_FURTHER = """consent_further_refusals(
            b.refusals, d.time_zone, d.closed, d.opened, NULL::bit(672), NULL::integer, d.floors,
            NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, d.reward_min,
            b.buyers_mode, d.buyer_ids, b.starts_at, b.starts_at + interval '15 minutes', 0::bigint,
            b.charge, 0::bigint, 0::bigint, 0::bigint, b.buyer_id, b.micros_per_h)"""

# Work that ran within the rules of then was let through all of them, so only what is stricter
# in the draft stands against it; and an idle quarter that they permitted had no work of the
# kinds that they allowed.
_SETTLED = """, version AS MATERIALIZED (
    SELECT c.id AS version_id,
        d.stop_pct <= c.battery_stop_pct AND d.resume_pct <= c.battery_resume_pct
            AS lets_charge_pass,
        (d.high_c IS NULL OR d.high_c >= c.temp_high_c
            AND d.high_resume_c >= coalesce(c.temp_high_resume_c, c.temp_high_c)
            AND d.hold_s <= c.temp_hold_min * 60) IS TRUE AS lets_heat_pass,
        (d.low_c IS NULL OR d.low_c <= c.temp_low_c
            AND d.low_resume_c <= coalesce(c.temp_low_resume_c, c.temp_low_c)
            AND d.hold_s <= c.temp_hold_min * 60) IS TRUE AS lets_cold_pass
    FROM draft d
    JOIN consent_consentversion c ON c.vehicle_id = %(vehicle_id)s
        AND c.in_force && tstzrange(d.first_at, d.last_at)
), settled AS (
    SELECT c.*, CASE WHEN c.has_run AND c.is_clean
        THEN c.drafted & ~(c.then_refusals | {paused})
            | CASE WHEN v.lets_charge_pass THEN 0 ELSE c.charge_latch END
            | CASE WHEN v.lets_heat_pass THEN 0 ELSE c.heat_latch END
            | CASE WHEN v.lets_cold_pass THEN 0 ELSE c.cold_latch END
        ELSE c.drafted | c.charge_latch | c.heat_latch | c.cold_latch END AS refused,
        CASE WHEN NOT c.has_run THEN 63 & ~CASE
            WHEN c.then_refusals = 0 AND NOT (c.is_paused OR c.is_latched OR c.is_moving)
            THEN c.then_categories ELSE 0 END
        END AS kinds
    FROM drafted c LEFT JOIN version v ON v.version_id = c.version_id
    OFFSET 0
)"""

# The local days of the draft's clock, counted from 1970, and what the month of each had used
# before the period began: for budgets only.
_DATES = """, early AS MATERIALIZED (
    SELECT date_trunc('month', first.on_date)::date AS on_month,
        coalesce(sum(u.energy_wh), 0)::bigint * 1000 AS energy_mwh,
        coalesce(sum(u.compute_s), 0)::bigint AS compute_s,
        coalesce(sum(u.wear_wh), 0)::bigint * 1000 AS wear_mwh,
        coalesce(sum(u.mobile_data_bytes), 0)::bigint AS data_bytes
    FROM (SELECT (first_at AT TIME ZONE time_zone)::date AS on_date FROM draft) first
    LEFT JOIN consent_dayuse u ON u.vehicle_id = %(vehicle_id)s AND u.on_date < first.on_date
        AND u.on_date >= date_trunc('month', first.on_date)::date
    GROUP BY 1
), calendar AS MATERIALIZED (
    SELECT c.*, coalesce(e.energy_mwh, 0) AS early_mwh, coalesce(e.compute_s, 0) AS early_s,
        coalesce(e.wear_mwh, 0) AS early_wear_mwh, coalesce(e.data_bytes, 0) AS early_bytes
    FROM (
        SELECT day, date_trunc('month', (DATE '1970-01-01' + day)::timestamp)::date AS on_month
        FROM (SELECT DISTINCT local_n / 96 AS day FROM quarter) q
    ) c
    LEFT JOIN early e ON e.on_month = c.on_month
)"""

# What each quarter would take: what was metered; else what work usually takes, of the kinds
# that the rules of then kept away. `whole_mwh` is before the draft's power limits.
_PRICED = """, usual AS MATERIALIZED (
    SELECT * FROM unnest(%(likely_kinds)s::integer[], %(likely_hour)s::integer[],
        %(likely_energy_mwh)s::bigint[], %(likely_compute_s)s::bigint[])
        AS u (kinds, hour, energy_mwh, compute_s)
), priced AS MATERIALIZED (
    SELECT s.n, s.local_n, s.refused, s.kinds, s.has_run, s.charge, s.coldest, s.hottest,
        s.data_bytes, s.most_mwh, s.bytes_per_kwh,
        CASE WHEN s.has_run THEN s.energy_mwh ELSE coalesce(u.energy_mwh, 0) END AS whole_mwh,
        CASE WHEN s.has_run THEN s.compute_s ELSE coalesce(u.compute_s, 0) END AS would_s
    FROM (
        SELECT s.*, d.bytes_per_kwh, d.categories_mask,
            CASE WHEN d.quiet_power_limit_w < coalesce(d.power_limit_w, 2147483647)
                  AND get_bit(d.quiet_mask, s.slot) = 1
                 THEN d.quiet_power_limit_w ELSE d.power_limit_w END::bigint * 250 AS most_mwh,
            CASE WHEN d.work_zone = d.time_zone THEN s.slot ELSE
                ((floor(date_part('epoch', s.starts_at AT TIME ZONE d.work_zone) / 900)::bigint
                    + 288) %% 672)::integer END / 4 AS hour
        FROM settled s CROSS JOIN draft d
        OFFSET 0
    ) s
    LEFT JOIN usual u ON u.kinds = s.kinds & s.categories_mask AND u.hour = s.hour
), weighed AS (
    -- Meters report whole watt-hours: half of one is forgiven.
    SELECT p.*, CASE WHEN has_run AND whole_mwh <= most_mwh + 500 THEN whole_mwh
                     ELSE least(whole_mwh, most_mwh) END AS would_mwh,
        CASE WHEN has_run THEN data_bytes
             ELSE least(whole_mwh, most_mwh) * bytes_per_kwh / 1000000 END AS would_bytes
    FROM priced p
)"""

# Budgets count what ran before. Up to the first quarter that finds the day's spent all that
# nothing else refuses ran, so their running sum is what was used; alike, of what the day's
# leave, for the month's. What runs after both is what is counted in the end.
_DAY_BITS = f"""(
    CASE WHEN day_mwh >= %(energy_wh_per_day_max)s::bigint * 1000
         THEN {mask(ReasonCode.DAY_ENERGY_SPENT)} ELSE 0 END
    | CASE WHEN day_s >= %(compute_s_per_day_max)s::bigint
           THEN {mask(ReasonCode.DAY_COMPUTE_SPENT)} ELSE 0 END)"""
_MONTH_BITS = f"""(
    CASE WHEN month_mwh >= %(energy_wh_per_month_max)s::bigint * 1000
         THEN {mask(ReasonCode.MONTH_ENERGY_SPENT)} ELSE 0 END
    | CASE WHEN month_s >= %(compute_s_per_month_max)s::bigint
           THEN {mask(ReasonCode.MONTH_COMPUTE_SPENT)} ELSE 0 END
    | CASE WHEN month_wear_mwh / 1000 >= %(wear_wh_per_month_max)s::bigint
                OR month_wear_mwh / 1000 * %(wear_micros_per_kwh)s / 1000
                    + month_s * %(compute_micros_per_h)s / 3600
                    >= %(wear_micros_per_month_max)s::bigint
           THEN {mask(ReasonCode.MONTH_WEAR_SPENT)} ELSE 0 END
    | CASE WHEN month_bytes >= %(mobile_data_bytes_per_month_max)s::bigint
           THEN {mask(ReasonCode.MONTH_DATA_SPENT)} ELSE 0 END)"""
_DAY_SUMS = """
        coalesce(sum(would_mwh) FILTER (WHERE {runs}) OVER day, 0)::bigint AS day_mwh,
        coalesce(sum(would_s) FILTER (WHERE {runs}) OVER day, 0)::bigint AS day_s"""
_MONTH_SUMS = """
        coalesce(sum(would_mwh) FILTER (WHERE {runs}) OVER month, 0)::bigint + early_mwh
            AS month_mwh,
        coalesce(sum(would_s) FILTER (WHERE {runs}) OVER month, 0)::bigint + early_s AS month_s,
        coalesce(sum(would_wear_mwh) FILTER (WHERE {runs}) OVER month, 0)::bigint
            + early_wear_mwh AS month_wear_mwh,
        coalesce(sum(would_bytes) FILTER (WHERE {runs}) OVER month, 0)::bigint + early_bytes
            AS month_bytes"""
_DAY = """day AS (PARTITION BY day ORDER BY n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""
_MONTH = """month AS (PARTITION BY on_month ORDER BY n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""
_TOLD = "n, would_mwh, whole_mwh, would_s, kinds, has_run, charge, hottest, coldest"
_COUNTED = f"""{_TOLD}, day, on_month, refused, would_bytes, would_wear_mwh, early_mwh, early_s,
        early_wear_mwh, early_bytes"""
_BUDGETS = f""", by_day AS (
    SELECT {_COUNTED}, {_DAY_SUMS.format(runs="refused = 0")}
    FROM (
        SELECT w.*, c.*, consent_wear_wh(w.would_mwh, w.hottest) AS would_wear_mwh
        FROM weighed w JOIN calendar c ON c.day = w.local_n / 96
    ) w
    WINDOW {_DAY}
), within_day AS (
    SELECT {_COUNTED}, refused = 0 AND {_DAY_BITS} = 0 AS is_within FROM by_day
), by_month AS (
    SELECT {_COUNTED}, is_within, {_MONTH_SUMS.format(runs="is_within")}
    FROM within_day WINDOW {_MONTH}
), within_month AS (
    SELECT {_COUNTED}, is_within AND {_MONTH_BITS} = 0 AS runs FROM by_month
), used AS (
    SELECT {_TOLD}, refused, {_DAY_SUMS.format(runs="runs")},
        {_MONTH_SUMS.format(runs="runs")}
    FROM within_month WINDOW {_DAY}, {_MONTH}
), budgeted AS (
    SELECT {_TOLD}, refused | {_DAY_BITS} | {_MONTH_BITS} AS refused FROM used
)"""  # noqa: S608 - made of the constants above
# The reading that the rule compared which alone refuses: charge or temperature.
_RESULT = f"""
SELECT n, reasons, would_mwh, whole_mwh, would_s, coalesce(kinds, 0), has_run::integer,
    CASE WHEN reasons & {_BY_CHARGE} <> 0 THEN charge WHEN reasons & {_BY_HEAT} <> 0 THEN hottest
         WHEN reasons & {_BY_COLD} <> 0 THEN coldest END
FROM (
    SELECT w.*, w.refused AS reasons FROM {{judged}} w
) w
WHERE reasons & {_HOURS} = 0 OR reasons & (reasons - 1) = 0
ORDER BY n
"""  # noqa: S608 - made of the constants above


@lru_cache(maxsize=4)
def write_statement(*, has_further: bool, has_budgets: bool) -> str:
    """
    Return the statement for a draft with or without rules of these kinds.
    """
    return "".join(
        (
            _DRAFT,
            _KNOWN,
            _LATCHES,
            _JUDGED.format(refusals=_WITH_FURTHER if has_further else _BASE_ONLY, **_LIVE),
            _SETTLED.format(**_LIVE),
            _DATES if has_budgets else "",
            _PRICED,
            _BUDGETS if has_budgets else "",
            _RESULT.format(judged="budgeted" if has_budgets else "weighed"),
        )
    )
