"""
The statement behind `consent.queries.past`: one car, quarter-hour by quarter-hour.

Its parts build on each other from top to bottom; those that a draft does not need are left
out. Materialized parts and OFFSET 0 keep columns columns: the published functions of refusals
are inlined for columns only, and a planner that unfolds everything takes longer than the work.
"""

from functools import lru_cache

from consent.queries.past_facts import DRAFT, FACTS, LATCHES, mask
from consent.rules import ReasonCode


_HOURS = mask(ReasonCode.OUTSIDE_HOURS, ReasonCode.CLOSED_DATE)
_BY_CHARGE = mask(ReasonCode.BATTERY_LOW, ReasonCode.BATTERY_RECOVERING, ReasonCode.READY_BY)
_BY_HEAT = mask(ReasonCode.TOO_HOT, ReasonCode.COOLING_DOWN)
_BY_COLD = mask(ReasonCode.TOO_COLD, ReasonCode.WARMING_UP)
_LIVE = {"paused": mask(ReasonCode.PAUSED), "driving": mask(ReasonCode.DRIVING)}

# The refusals of the draft, but for its budgets, and the rules that were in force then.
_JUDGED = """, pause AS MATERIALIZED (
    SELECT p.during FROM consent_pause p
    WHERE p.vehicle_id = %(vehicle_id)s AND NOT isempty(p.during)
      AND p.during && tstzrange(to_timestamp(%(first_n)s * 900::bigint),
                                to_timestamp(%(last_n)s * 900::bigint))
), reward AS MATERIALIZED (
    SELECT * FROM unnest(%(reward_n)s::integer[], %(reward_until_n)s::integer[],
        %(reward_micros_per_h)s::bigint[]) AS w (n, until_n, micros_per_h)
), base AS (
    SELECT q.*, q.starts_at + interval '15 minutes' AS ends_at, w.micros_per_h,
        h.charge_latch, h.heat_latch, h.cold_latch,
        EXISTS (SELECT FROM pause p WHERE p.during @> q.starts_at) AS is_paused,
        CASE WHEN q.has_run THEN d.buyers_mode ELSE 'all' END AS buyers_mode,
        consent_refusals(
            false, d.time_zone, d.week_mask, d.stop_pct, d.plugged_in_only, d.home_only,
            d.high_c, d.low_c, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
            NULL::integer, d.categories_mask, NULL::timestamptz, q.starts_at, q.starts_at,
            0::bigint, q.category_bit, q.charge, q.plugged_in, q.is_home, q.coldest, q.hottest,
            0::bigint, 0::bigint, 0::bigint, 0::bigint) AS refusals
    FROM quarter q
    JOIN held h ON h.n = q.n
    CROSS JOIN draft d
    LEFT JOIN reward w ON w.n <= q.n AND w.until_n > q.n
    OFFSET 0
), drafted AS (
    SELECT b.*, {refusals} | CASE WHEN b.is_paused THEN {paused} ELSE 0 END
        | CASE WHEN b.is_moving THEN {driving} ELSE 0 END AS drafted
    FROM base b CROSS JOIN draft d
    OFFSET 0
), looked_at AS (
    SELECT r.*, r.drafted | r.charge_latch | r.heat_latch | r.cold_latch AS found FROM drafted r
    OFFSET 0
)"""
_BASE_ONLY = "b.refusals"
_WITH_FURTHER = """consent_further_refusals(
            b.refusals, d.time_zone, d.closed, d.opened, NULL::bit(672), NULL::integer, d.floors,
            NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, d.reward_min,
            b.buyers_mode, d.buyer_ids, b.starts_at, b.ends_at, 0::bigint, b.charge, 0::bigint,
            0::bigint, 0::bigint, b.buyer_id, b.micros_per_h)"""

# The local date of each quarter on the draft's clock, and what its month had used before the
# period began: for budgets only.
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
), dated AS (
    SELECT n, on_date, date_trunc('month', on_date)::date AS on_month, energy_mwh, compute_s,
        data_bytes, hottest
    FROM (SELECT q.*, local_at::date AS on_date FROM quarter q) q
), calendar AS MATERIALIZED (
    SELECT c.*, coalesce(e.energy_mwh, 0) AS early_mwh, coalesce(e.compute_s, 0) AS early_s,
        coalesce(e.wear_mwh, 0) AS early_wear_mwh, coalesce(e.data_bytes, 0) AS early_bytes
    FROM dated c LEFT JOIN early e ON e.on_month = c.on_month
)"""

# What the budgets of then had really spent before each quarter.
_SPENT = """, spent AS MATERIALIZED (
    SELECT n, coalesce(sum(energy_mwh) OVER day, 0)::bigint / 1000 AS day_wh,
        coalesce(sum(compute_s) OVER day, 0)::bigint AS day_s,
        (coalesce(sum(energy_mwh) OVER month, 0)::bigint + early_mwh) / 1000 AS month_wh,
        coalesce(sum(compute_s) OVER month, 0)::bigint + early_s AS month_s,
        (coalesce(sum(consent_wear_wh(energy_mwh, hottest)) OVER month, 0)::bigint
            + early_wear_mwh) / 1000 AS month_wear_wh,
        coalesce(sum(data_bytes) OVER month, 0)::bigint + early_bytes AS month_bytes
    FROM calendar
    WINDOW day AS (PARTITION BY on_date ORDER BY n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        month AS (PARTITION BY on_month ORDER BY n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)"""

# The refusals of the rules in force then, where they matter: where work ran, and where the
# draft would let it run but for one rule at most. Work that ran within the rules of then was
# let through all of them, so only what is stricter in the draft stands against it; and an idle
# quarter that they permitted had no work of the kinds that they allowed.
_THEN = """, version AS MATERIALIZED (
    SELECT t.*, f.closed, f.opened, f.ready_floors_permille, f.wear_wh_per_month_max,
        f.wear_micros_per_month_max, f.wear_micros_per_kwh, f.compute_micros_per_h,
        f.mobile_data_bytes_per_month_max, f.reward_micros_per_h_min, f.buyers_mode, f.buyer_ids,
        d.stop_pct <= c.battery_stop_pct AND d.resume_pct <= c.battery_resume_pct
            AS lets_charge_pass,
        (d.high_c IS NULL OR d.high_c >= c.temp_high_c
            AND d.high_resume_c >= coalesce(c.temp_high_resume_c, c.temp_high_c)
            AND d.hold_s <= c.temp_hold_min * 60) IS TRUE AS lets_heat_pass,
        (d.low_c IS NULL OR d.low_c <= c.temp_low_c
            AND d.low_resume_c <= coalesce(c.temp_low_resume_c, c.temp_low_c)
            AND d.hold_s <= c.temp_hold_min * 60) IS TRUE AS lets_cold_pass
    FROM draft d
    JOIN consent_terms_v t ON t.vehicle_id = %(vehicle_id)s AND t.owner_id = %(owner_id)s
        AND t.starts_at < d.last_at AND t.ends_at > d.first_at
    JOIN consent_further_terms_v f ON f.version_id = t.version_id
    JOIN consent_consentversion c ON c.id = t.version_id
), then_base AS (
    SELECT r.*, v.version_id, CASE WHEN r.has_run OR r.found & (r.found - 1) = 0
        THEN consent_refusals(
            v.is_withdrawn, v.time_zone, v.week_mask, v.battery_stop_pct, v.plugged_in_only,
            v.home_only, v.temp_high_c, v.temp_low_c, v.energy_wh_per_day_max,
            v.energy_wh_per_month_max, v.compute_s_per_day_max, v.compute_s_per_month_max,
            NULL::integer, v.categories_mask, v.expires_at, r.starts_at, r.ends_at, 0::bigint,
            r.category_bit, r.charge, r.plugged_in, r.is_home, r.coldest, r.hottest,
            {day_wh}, {day_s}, {month_wh}, {month_s})
        END AS then_base
    FROM looked_at r
    {spent_of_r}
    LEFT JOIN version v ON v.starts_at <= r.starts_at AND v.ends_at > r.starts_at
    OFFSET 0
), compared AS (
    SELECT b.*, CASE WHEN v.has_further_rules THEN consent_further_refusals(
            b.then_base, v.time_zone, v.closed, v.opened, NULL::bit(672), NULL::integer,
            v.ready_floors_permille, v.wear_wh_per_month_max, v.wear_micros_per_month_max,
            v.wear_micros_per_kwh, v.compute_micros_per_h, v.mobile_data_bytes_per_month_max,
            v.reward_micros_per_h_min,
            CASE WHEN b.has_run THEN v.buyers_mode ELSE 'all' END, v.buyer_ids, b.starts_at,
            b.ends_at, 0::bigint, b.charge, {month_wear_wh}, {month_s}, {month_bytes}, b.buyer_id,
            b.micros_per_h)
        ELSE b.then_base END AS then_refusals, v.categories_mask AS then_categories,
        v.lets_charge_pass, v.lets_heat_pass, v.lets_cold_pass
    FROM then_base b
    {spent_of_b}
    LEFT JOIN version v ON v.version_id = b.version_id
    OFFSET 0
), settled AS (
    SELECT c.*, CASE WHEN c.has_run AND c.is_clean
        THEN c.drafted & ~(c.then_refusals | {paused})
            | CASE WHEN c.lets_charge_pass THEN 0 ELSE c.charge_latch END
            | CASE WHEN c.lets_heat_pass THEN 0 ELSE c.heat_latch END
            | CASE WHEN c.lets_cold_pass THEN 0 ELSE c.cold_latch END
        ELSE c.found END AS refused,
        CASE WHEN NOT c.has_run THEN 63 & ~CASE
            WHEN c.then_refusals = 0 AND NOT (c.is_paused OR c.is_latched OR c.is_moving)
            THEN c.then_categories ELSE 0 END
        END AS kinds
    FROM compared c CROSS JOIN draft d
    OFFSET 0
)"""

_WITHOUT_SPENT = {
    **dict.fromkeys(
        ("day_wh", "day_s", "month_wh", "month_s", "month_wear_wh", "month_bytes"), "0::bigint"
    ),
    "spent_of_r": "",
    "spent_of_b": "",
}
_WITH_SPENT = {
    **{name: f"s.{name}" for name in _WITHOUT_SPENT if not name.startswith("spent")},
    "spent_of_r": "JOIN spent s ON s.n = r.n",
    "spent_of_b": "JOIN spent s ON s.n = b.n",
}

# What each quarter would take: what was metered; else what work usually takes, of the kinds
# that the rules of then kept away. `whole_mwh` is before the draft's power limits.
_PRICED = """, usual AS MATERIALIZED (
    SELECT * FROM unnest(%(likely_kinds)s::integer[], %(likely_hour)s::integer[],
        %(likely_energy_mwh)s::bigint[], %(likely_compute_s)s::bigint[])
        AS u (kinds, hour, energy_mwh, compute_s)
), priced AS MATERIALIZED (
    SELECT s.n, s.refused, s.kinds, s.has_run, s.plugged_in, s.is_home, s.is_moving, s.charge,
        s.coldest, s.hottest, s.data_bytes, s.most_mwh, s.bytes_per_kwh,
        CASE WHEN s.has_run THEN s.energy_mwh ELSE coalesce(u.energy_mwh, 0) END AS whole_mwh,
        CASE WHEN s.has_run THEN s.compute_s ELSE coalesce(u.compute_s, 0) END AS would_s
    FROM (
        SELECT s.*, d.bytes_per_kwh, d.categories_mask,
            CASE WHEN d.quiet_power_limit_w < coalesce(d.power_limit_w, 2147483647)
                  AND get_bit(d.quiet_mask,
                    ((floor(date_part('epoch', s.local_at) / 900)::bigint + 288) %% 672)::integer)
                    = 1
                 THEN d.quiet_power_limit_w ELSE d.power_limit_w END::bigint * 250 AS most_mwh,
            ((floor(date_part('epoch', CASE WHEN d.work_zone = d.time_zone THEN s.local_at
                ELSE s.starts_at AT TIME ZONE d.work_zone END) / 900)::bigint + 288)
                %% 672)::integer / 4 AS hour
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
_DAY = """day AS (PARTITION BY on_date ORDER BY n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""
_MONTH = """month AS (PARTITION BY on_month ORDER BY n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""
_COUNTED = """n, on_date, on_month, refused, would_mwh, would_s, would_bytes, would_wear_mwh,
        early_mwh, early_s, early_wear_mwh, early_bytes"""
_BUDGETS = f""", by_day AS (
    SELECT {_COUNTED}, {_DAY_SUMS.format(runs="refused = 0")}
    FROM (
        SELECT w.n, c.on_date, c.on_month, w.refused, w.would_mwh, w.would_s, w.would_bytes,
            consent_wear_wh(w.would_mwh, w.hottest) AS would_wear_mwh, c.early_mwh, c.early_s,
            c.early_wear_mwh, c.early_bytes
        FROM weighed w JOIN calendar c ON c.n = w.n
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
    SELECT n, {_DAY_SUMS.format(runs="runs")}, {_MONTH_SUMS.format(runs="runs")}
    FROM within_month WINDOW {_DAY}, {_MONTH}
), budgeted AS (
    SELECT n, {_DAY_BITS} | {_MONTH_BITS} AS reasons FROM used
)"""  # noqa: S608 - made of the constants above
# The reading that the rule compared which alone refuses: charge or temperature.
_RESULT = f"""
SELECT n, reasons, would_mwh, whole_mwh, would_s, coalesce(kinds, 0), has_run::integer,
    CASE WHEN reasons & {_BY_CHARGE} <> 0 THEN charge WHEN reasons & {_BY_HEAT} <> 0 THEN hottest
         WHEN reasons & {_BY_COLD} <> 0 THEN coldest END
FROM (
    SELECT w.*, {{reasons}} AS reasons FROM weighed w {{budgeted}}
) w
WHERE reasons & {_HOURS} = 0 OR reasons & (reasons - 1) = 0
ORDER BY n
"""  # noqa: S608 - made of the constants above


@lru_cache(maxsize=8)
def write_statement(*, has_further: bool, has_budgets: bool, had_budgets: bool) -> str:
    """
    Return the statement: `has_*` for the draft, `had_budgets` for the rules of then.
    """
    return "".join(
        (
            DRAFT,
            FACTS,
            LATCHES,
            _JUDGED.format(refusals=_WITH_FURTHER if has_further else _BASE_ONLY, **_LIVE),
            _DATES if has_budgets or had_budgets else "",
            _SPENT if had_budgets else "",
            _THEN.format(**(_WITH_SPENT if had_budgets else _WITHOUT_SPENT), **_LIVE),
            _PRICED,
            _BUDGETS if has_budgets else "",
            _RESULT.format(
                reasons="w.refused | b.reasons" if has_budgets else "w.refused",
                budgeted="JOIN budgeted b ON b.n = w.n" if has_budgets else "",
            ),
        )
    )
