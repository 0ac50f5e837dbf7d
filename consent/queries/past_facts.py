"""
What is known of a car whatever a draft says, quarter-hour by quarter-hour: what it said, what
it ran, and what the rules of then made of it.

Materialized parts and OFFSET 0 keep columns columns: the published functions of refusals are
inlined for columns only, and a planner that unfolds everything takes longer than the work.
"""

from functools import lru_cache

from consent.rules.history import Circumstances


# What the car said last holds while it is plugged in, until it says something else, and for
# twelve hours (48 quarters) at most. A meter's own reading of the car comes first: settlement
# judged the work by it.
_FACTS = """
WITH said AS (
    SELECT floor(date_part('epoch', observed_at) / 900)::integer AS n,
        state_of_charge_permille::integer AS charge, battery_temp_decic::integer AS temp,
        plugged_in, is_home, is_moving,
        -- The last sample of a quarter as one number: the rest of the epoch, then what it said.
        ((date_part('epoch', observed_at) * 1000)::bigint %% 900000 << 38)
            | (coalesce(state_of_charge_permille + 1, 0)::bigint << 24)
            | (coalesce(battery_temp_decic + 4096, 0)::bigint << 8)
            | (CASE plugged_in WHEN true THEN 1 WHEN false THEN 2 ELSE 0 END
                | CASE is_home WHEN true THEN 4 WHEN false THEN 8 ELSE 0 END
                | CASE WHEN is_moving THEN 16 ELSE 0 END
                | CASE WHEN is_recovering OR is_cooling OR is_warming THEN 32 ELSE 0 END)
            AS packed
    FROM consent_statesample
    WHERE vehicle_id = %(vehicle_id)s AND fault = ''
      AND observed_at >= to_timestamp((%(first_n)s - 48) * 900::bigint)
      AND observed_at < to_timestamp(%(last_n)s * 900::bigint)
), heard AS (
    SELECT n, min(charge) AS charge, bool_and(plugged_in) AS plugged_in,
        bool_and(is_home) AS is_home, bool_or(is_moving) AS is_moving,
        min(temp) AS coldest, max(temp) AS hottest, max(packed) AS packed
    FROM said GROUP BY n
), followed AS MATERIALIZED (
    SELECT h.*, nullif((packed >> 24 & 16383)::integer, 0) - 1 AS last_charge,
        nullif((packed >> 8 & 65535)::integer, 0) - 4096 AS last_temp,
        CASE packed & 3 WHEN 1 THEN true WHEN 2 THEN false END AS last_plugged_in,
        CASE packed & 12 WHEN 4 THEN true WHEN 8 THEN false END AS last_is_home,
        packed & 16 <> 0 AS last_is_moving, packed & 32 <> 0 AS is_latched,
        lead(n) OVER (ORDER BY n) AS next_n
    FROM heard h
), state AS MATERIALIZED (
    SELECT q.n, h.is_latched,
        CASE WHEN q.n = h.n THEN h.charge ELSE h.last_charge END AS charge,
        CASE WHEN q.n = h.n THEN h.plugged_in ELSE h.last_plugged_in END AS plugged_in,
        CASE WHEN q.n = h.n THEN h.is_home ELSE h.last_is_home END AS is_home,
        CASE WHEN q.n = h.n THEN h.is_moving ELSE h.last_is_moving END AS is_moving,
        CASE WHEN q.n = h.n THEN h.coldest ELSE h.last_temp END AS coldest,
        CASE WHEN q.n = h.n THEN h.hottest ELSE h.last_temp END AS hottest
    FROM followed h
    CROSS JOIN LATERAL generate_series(h.n, CASE WHEN h.last_plugged_in
        THEN least(coalesce(h.next_n, %(last_n)s) - 1, h.n + 48) ELSE h.n END) AS q (n)
    WHERE q.n >= %(first_n)s
), ran AS MATERIALIZED (
    SELECT * FROM unnest(
        %(ran_n)s::integer[], %(ran_energy_mwh)s::bigint[], %(ran_compute_s)s::bigint[],
        %(ran_data_bytes)s::bigint[], %(ran_category_bit)s::integer[], %(ran_buyer_id)s::bigint[],
        %(ran_is_clean)s::boolean[], %(ran_charge_permille)s::integer[],
        %(ran_plugged_in)s::boolean[], %(ran_is_home)s::boolean[],
        %(ran_coldest_decic)s::integer[], %(ran_hottest_decic)s::integer[]
    ) AS r (n, energy_mwh, compute_s, data_bytes, category_bit, buyer_id, is_clean, charge,
        plugged_in, is_home, coldest, hottest)
), quarter AS MATERIALIZED (
    SELECT coalesce(r.n, s.n) AS n, to_timestamp(coalesce(r.n, s.n) * 900::bigint) AS starts_at,
        r.n IS NOT NULL AS has_run, coalesce(r.is_clean, false) AS is_clean,
        coalesce(s.is_latched, false) AS is_latched,
        CASE WHEN r.n IS NULL THEN s.charge ELSE r.charge END AS charge,
        CASE WHEN r.n IS NULL THEN s.plugged_in ELSE r.plugged_in END AS plugged_in,
        CASE WHEN r.n IS NULL THEN s.is_home ELSE r.is_home END AS is_home,
        r.n IS NULL AND coalesce(s.is_moving, false) AS is_moving,
        CASE WHEN r.n IS NULL THEN s.coldest ELSE r.coldest END AS coldest,
        CASE WHEN r.n IS NULL THEN s.hottest ELSE r.hottest END AS hottest,
        r.energy_mwh, r.compute_s, r.data_bytes, r.buyer_id,
        coalesce(r.category_bit, 63) AS category_bit
    FROM state s
    FULL JOIN ran r ON r.n = s.n
)"""

_AROUND = """, pause AS MATERIALIZED (
    SELECT p.during FROM consent_pause p
    WHERE p.vehicle_id = %(vehicle_id)s AND NOT isempty(p.during)
      AND p.during && tstzrange(to_timestamp(%(first_n)s * 900::bigint),
                                to_timestamp(%(last_n)s * 900::bigint))
), reward AS MATERIALIZED (
    SELECT * FROM unnest(%(reward_n)s::integer[], %(reward_until_n)s::integer[],
        %(reward_micros_per_h)s::bigint[]) AS w (n, until_n, micros_per_h)
), version AS MATERIALIZED (
    SELECT t.*, f.closed, f.opened, f.ready_floors_permille, f.wear_wh_per_month_max,
        f.wear_micros_per_month_max, f.wear_micros_per_kwh, f.compute_micros_per_h,
        f.mobile_data_bytes_per_month_max, f.reward_micros_per_h_min, f.buyers_mode, f.buyer_ids
    FROM consent_terms_v t
    JOIN consent_further_terms_v f ON f.version_id = t.version_id
    WHERE t.vehicle_id = %(vehicle_id)s AND t.owner_id = %(owner_id)s
      AND t.starts_at < to_timestamp(%(last_n)s * 900::bigint)
      AND t.ends_at > to_timestamp(%(first_n)s * 900::bigint)
), placed AS MATERIALIZED (
    SELECT q.*, q.starts_at + interval '15 minutes' AS ends_at, w.micros_per_h, v.version_id,
        EXISTS (SELECT FROM pause p WHERE p.during @> q.starts_at) AS is_paused,
        q.starts_at AT TIME ZONE v.time_zone AS local_at
    FROM quarter q
    LEFT JOIN version v ON v.starts_at <= q.starts_at AND v.ends_at > q.starts_at
    LEFT JOIN reward w ON w.n <= q.n AND w.until_n > q.n
)"""

# What their budgets had really spent before each quarter, on their own calendar; of the month
# that the period begins in, also what was used before it.
_SPENT = """, early AS MATERIALIZED (
    SELECT date_trunc('month', first.on_date)::date AS on_month,
        coalesce(sum(u.energy_wh), 0)::bigint * 1000 AS energy_mwh,
        coalesce(sum(u.compute_s), 0)::bigint AS compute_s,
        coalesce(sum(u.wear_wh), 0)::bigint * 1000 AS wear_mwh,
        coalesce(sum(u.mobile_data_bytes), 0)::bigint AS data_bytes
    FROM (
        SELECT (to_timestamp(%(first_n)s * 900::bigint) AT TIME ZONE time_zone)::date AS on_date
        FROM version ORDER BY starts_at LIMIT 1
    ) first
    LEFT JOIN consent_dayuse u ON u.vehicle_id = %(vehicle_id)s AND u.on_date < first.on_date
        AND u.on_date >= date_trunc('month', first.on_date)::date
    GROUP BY 1
), dated AS (
    SELECT n, local_at::date AS on_date, date_trunc('month', local_at)::date AS on_month,
        energy_mwh, compute_s, data_bytes, hottest
    FROM placed
), spent AS MATERIALIZED (
    SELECT c.n, coalesce(sum(c.energy_mwh) OVER day, 0)::bigint / 1000 AS day_wh,
        coalesce(sum(c.compute_s) OVER day, 0)::bigint AS day_s,
        (coalesce(sum(c.energy_mwh) OVER month, 0)::bigint + coalesce(e.energy_mwh, 0)) / 1000
            AS month_wh,
        coalesce(sum(c.compute_s) OVER month, 0)::bigint + coalesce(e.compute_s, 0) AS month_s,
        (coalesce(sum(consent_wear_wh(c.energy_mwh, c.hottest)) OVER month, 0)::bigint
            + coalesce(e.wear_mwh, 0)) / 1000 AS month_wear_wh,
        coalesce(sum(c.data_bytes) OVER month, 0)::bigint + coalesce(e.data_bytes, 0)
            AS month_bytes
    FROM dated c LEFT JOIN early e ON e.on_month = c.on_month
    WINDOW day AS (PARTITION BY c.on_date ORDER BY c.n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        month AS (PARTITION BY c.on_month ORDER BY c.n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)"""

_THEN = """, then_base AS (
    SELECT p.*, consent_refusals(
            v.is_withdrawn, v.time_zone, v.week_mask, v.battery_stop_pct, v.plugged_in_only,
            v.home_only, v.temp_high_c, v.temp_low_c, v.energy_wh_per_day_max,
            v.energy_wh_per_month_max, v.compute_s_per_day_max, v.compute_s_per_month_max,
            NULL::integer, v.categories_mask, v.expires_at, p.starts_at, p.ends_at, 0::bigint,
            p.category_bit, p.charge, p.plugged_in, p.is_home, p.coldest, p.hottest,
            {day_wh}, {day_s}, {month_wh}, {month_s}) AS then_base
    FROM placed p
    {spent_of_p}
    LEFT JOIN version v ON v.version_id = p.version_id
    OFFSET 0
), known AS (
    SELECT b.*, CASE WHEN v.has_further_rules THEN consent_further_refusals(
            b.then_base, v.time_zone, v.closed, v.opened, NULL::bit(672), NULL::integer,
            v.ready_floors_permille, v.wear_wh_per_month_max, v.wear_micros_per_month_max,
            v.wear_micros_per_kwh, v.compute_micros_per_h, v.mobile_data_bytes_per_month_max,
            v.reward_micros_per_h_min,
            CASE WHEN b.has_run THEN v.buyers_mode ELSE 'all' END, v.buyer_ids, b.starts_at,
            b.ends_at, 0::bigint, b.charge, {month_wear_wh}, {month_s}, {month_bytes}, b.buyer_id,
            b.micros_per_h)
        ELSE b.then_base END AS then_refusals, v.categories_mask AS then_categories
    FROM then_base b
    {spent_of_b}
    LEFT JOIN version v ON v.version_id = b.version_id
    OFFSET 0
)"""

_WITHOUT_SPENT = {
    **dict.fromkeys(
        ("day_wh", "day_s", "month_wh", "month_s", "month_wear_wh", "month_bytes"), "0::bigint"
    ),
    "spent_of_p": "",
    "spent_of_b": "",
}
_WITH_SPENT = {
    **{name: f"s.{name}" for name in _WITHOUT_SPENT if not name.startswith("spent")},
    "spent_of_p": "JOIN spent s ON s.n = p.n",
    "spent_of_b": "JOIN spent s ON s.n = b.n",
}
# Columns of their own, then those of `Circumstances`.
_COLUMNS = ", ".join(
    (
        *("n", "charge", "coldest", "hottest"),
        *(f"coalesce({name}, 0)" for name in ("energy_mwh", "compute_s", "data_bytes")),
        *Circumstances._fields,
    )
)


@lru_cache(maxsize=2)
def write_facts_statement(*, had_budgets: bool) -> str:
    """
    Return the statement, whose rows are the quarters that are known, oldest first.

    `had_budgets`: the rules of then had any.
    """
    return "".join(
        (
            _FACTS,
            _AROUND,
            _SPENT if had_budgets else "",
            _THEN.format(**(_WITH_SPENT if had_budgets else _WITHOUT_SPENT)),
            f"SELECT {_COLUMNS} FROM known ORDER BY n",  # noqa: S608 - made of the names above
        )
    )
