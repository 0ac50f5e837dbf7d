"""
What is known of a car, quarter-hour by quarter-hour: the first half of the statement of
`consent.queries.past_sql`.
"""

from consent.rules import ReasonCode


def mask(*codes: ReasonCode) -> str:
    """
    Return the bits of reasons as a number in SQL.
    """
    return f"{sum(code.bit for code in codes)}::bigint"


# The draft's rules as columns of one row. A quarter n counts from 1970 (UTC).
DRAFT = """
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

# What the car said last holds while it is plugged in, until it says something else, and for
# twelve hours (48 quarters) at most. A meter's own reading of the car comes first: settlement
# judged the work by it.
FACTS = """, said AS (
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
        to_timestamp(coalesce(r.n, s.n) * 900::bigint) AT TIME ZONE %(time_zone)s AS local_at,
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

# When the battery was last under the stop level, or at the resume level; when it was last too
# hot or too cold, and since then cool or warm enough again with the hold over.
LATCHES = f""", passed AS (
    SELECT q.*, q.starts_at + interval '15 minutes' AS ends_at, d.stop_pct, d.resume_pct,
        d.high_c, d.high_resume_c, d.low_c, d.low_resume_c, d.hold_s,
        max(CASE WHEN q.charge < d.stop_pct * 10 THEN q.n END) OVER past AS low_n,
        max(CASE WHEN q.charge >= d.resume_pct * 10 THEN q.n END) OVER past AS filled_n,
        max(CASE WHEN q.hottest > d.high_c * 10 THEN q.n END) OVER past AS hot_n,
        max(CASE WHEN q.coldest < d.low_c * 10 THEN q.n END) OVER past AS cold_n
    FROM quarter q CROSS JOIN draft d
    WINDOW past AS (ORDER BY q.n ROWS UNBOUNDED PRECEDING)
), held AS MATERIALIZED (
    SELECT n, CASE WHEN low_n > coalesce(filled_n, 0) AND charge >= stop_pct * 10
                   THEN {mask(ReasonCode.BATTERY_RECOVERING)} ELSE 0 END AS charge_latch,
        CASE WHEN hot_n > coalesce(max(CASE WHEN hottest <= high_resume_c * 10
                        AND (n - hot_n) * 900 >= hold_s THEN n END) OVER past, 0)
                  AND hottest <= high_c * 10
             THEN {mask(ReasonCode.COOLING_DOWN)} ELSE 0 END AS heat_latch,
        CASE WHEN cold_n > coalesce(max(CASE WHEN coldest >= low_resume_c * 10
                        AND (n - cold_n) * 900 >= hold_s THEN n END) OVER past, 0)
                  AND coldest >= low_c * 10
             THEN {mask(ReasonCode.WARMING_UP)} ELSE 0 END AS cold_latch
    FROM passed
    WINDOW past AS (ORDER BY n ROWS UNBOUNDED PRECEDING)
)"""  # noqa: S608 - made of the bits of reasons
