-- Count one pool's work by hour of the region's week, from a sample of its cars.
-- Parameters: pool_id, starts_at, ends_at, now, cars.
--
-- A quarter-hour n counts from 1970 (UTC). A car that said that it is plugged in is so until
-- it says something else, for twelve hours at most, as consent's own history has it.
WITH pool AS (
    SELECT pool_id, region_code, hardware_class_code, time_zone
    FROM marketplace_pool_v WHERE pool_id = %(pool_id)s
), car AS MATERIALIZED (
    SELECT v.vehicle_id
    FROM consent_vehicle_v v
    JOIN pool p ON p.region_code = v.region_code
        AND p.hardware_class_code = v.hardware_class_code
    -- By a hash: neither the oldest nor the newest of a large pool.
    ORDER BY hashint8(v.vehicle_id), v.vehicle_id
    LIMIT %(cars)s
), said AS (
    SELECT s.vehicle_id, floor(date_part('epoch', s.observed_at) / 900)::integer AS n,
        s.state_of_charge_permille::integer AS charge, s.plugged_in, s.is_home, s.is_moving,
        s.battery_temp_decic::integer AS temp,
        lead(floor(date_part('epoch', s.observed_at) / 900)::integer)
            OVER (PARTITION BY s.vehicle_id ORDER BY s.observed_at) AS next_n
    FROM car
    JOIN consent_sample_v s ON s.vehicle_id = car.vehicle_id
        AND s.observed_at >= %(starts_at)s AND s.observed_at < %(ends_at)s
), heard AS (
    SELECT vehicle_id, n, max(next_n) AS next_n, min(charge) AS charge,
        bool_and(plugged_in) AND NOT coalesce(bool_or(is_moving), false) AS plugged_in,
        bool_and(is_home) AS is_home, min(temp) AS coldest, max(temp) AS hottest,
        max(charge) FILTER (WHERE next_n IS DISTINCT FROM n) AS last_charge,
        bool_and(plugged_in AND NOT coalesce(is_moving, false))
            FILTER (WHERE next_n IS DISTINCT FROM n) AS last_plugged_in,
        bool_and(is_home) FILTER (WHERE next_n IS DISTINCT FROM n) AS last_is_home,
        max(temp) FILTER (WHERE next_n IS DISTINCT FROM n) AS last_temp
    FROM said GROUP BY vehicle_id, n
), plugged AS (
    SELECT h.vehicle_id, q.n, to_timestamp(q.n * 900::bigint) AS starts_at,
        to_timestamp((q.n + 1) * 900::bigint) AS ends_at, true AS plugged_in,
        CASE WHEN q.n = h.n THEN h.charge ELSE h.last_charge END AS charge,
        CASE WHEN q.n = h.n THEN h.is_home ELSE h.last_is_home END AS is_home,
        CASE WHEN q.n = h.n THEN h.coldest ELSE h.last_temp END AS coldest,
        CASE WHEN q.n = h.n THEN h.hottest ELSE h.last_temp END AS hottest
    FROM heard h
    CROSS JOIN LATERAL generate_series(h.n, CASE WHEN h.last_plugged_in THEN
        least(coalesce(h.next_n - 1, floor(date_part('epoch', %(ends_at)s) / 900)::integer - 1),
            h.n + 48)
        ELSE h.n END) AS q (n)
    WHERE CASE WHEN q.n = h.n THEN h.plugged_in ELSE h.last_plugged_in END
), line AS (
    SELECT l.vehicle_id, floor(date_part('epoch', l.starts_at) / 900)::integer AS n,
        sum(CASE l.kind WHEN 0 THEN l.duration_s ELSE -l.duration_s END) AS duration_s,
        sum(l.energy_wh) AS energy_wh, sum(l.job_micros) AS job_micros,
        min(b.category_bit) AS category_bit, min(l.organization_id) AS organization_id
    FROM car
    JOIN billing_ratedline l ON l.vehicle_id = car.vehicle_id
        AND l.starts_at >= %(starts_at)s AND l.starts_at < %(ends_at)s
        AND l.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
            AND (%(ends_at)s AT TIME ZONE 'UTC')::date
    JOIN marketplace_booking_terms_v b ON b.booking_id = l.booking_id
    GROUP BY 1, 2
    HAVING sum(l.energy_wh) > 0
), used AS MATERIALIZED (
    -- What its budgets had spent before: a car whose day is done is not waiting for work.
    SELECT p.*, coalesce(l.duration_s, 0) AS duration_s, coalesce(l.energy_wh, 0) AS energy_wh,
        coalesce(l.job_micros, 0) AS job_micros, l.category_bit, l.organization_id,
        0::bigint AS none, (coalesce(sum(l.energy_wh) OVER day, 0))::bigint AS day_energy_wh,
        (coalesce(sum(l.duration_s) OVER day, 0))::bigint AS day_compute_s,
        (coalesce(sum(l.energy_wh) OVER month, 0))::bigint AS month_energy_wh,
        (coalesce(sum(l.duration_s) OVER month, 0))::bigint AS month_compute_s
    FROM (
        SELECT p.*, date_trunc('day', p.starts_at AT TIME ZONE z.time_zone) AS local_day
        FROM plugged p CROSS JOIN pool z
        WHERE p.starts_at >= %(starts_at)s
    ) p
    LEFT JOIN line l ON l.vehicle_id = p.vehicle_id AND l.n = p.n
    WINDOW day AS (PARTITION BY p.vehicle_id, p.local_day ORDER BY p.n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        month AS (PARTITION BY p.vehicle_id, date_trunc('month', p.local_day) ORDER BY p.n
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), permitted AS (
    SELECT u.vehicle_id, u.n, t.categories_mask, u.category_bit, u.organization_id, u.duration_s,
        u.energy_wh, u.job_micros
    FROM used u
    JOIN consent_terms_v t ON t.vehicle_id = u.vehicle_id
        AND t.starts_at <= u.starts_at AND t.ends_at > u.starts_at
    WHERE consent_refusals(
            t.is_withdrawn, t.time_zone, t.week_mask, t.battery_stop_pct, t.plugged_in_only,
            t.home_only, t.temp_high_c, t.temp_low_c, t.energy_wh_per_day_max,
            t.energy_wh_per_month_max, t.compute_s_per_day_max, t.compute_s_per_month_max,
            t.power_limit_w, t.categories_mask, t.expires_at, u.starts_at, u.ends_at, u.none,
            t.categories_mask, u.charge, u.plugged_in, u.is_home, u.coldest, u.hottest,
            u.day_energy_wh, u.day_compute_s, u.month_energy_wh, u.month_compute_s
        ) = 0
        AND NOT EXISTS (
            SELECT FROM consent_pause_v b
            WHERE b.vehicle_id = u.vehicle_id
                AND b.starts_at < u.ends_at AND b.ends_at > u.starts_at
        )
), clock AS MATERIALIZED (
    SELECT q.n, ((floor(date_part('epoch', to_timestamp(q.n * 900::bigint)
        AT TIME ZONE p.time_zone) / 900)::bigint + 288) %% 672)::integer / 4 AS hour
    FROM pool p, generate_series(
        floor(date_part('epoch', %(starts_at)s) / 900)::integer,
        floor(date_part('epoch', %(ends_at)s) / 900)::integer - 1) AS q (n)
), seen AS (
    SELECT c.hour, count(*) AS quarters
    FROM (SELECT vehicle_id, min(n) AS n FROM heard GROUP BY vehicle_id) f
    JOIN clock c ON c.n >= f.n
    GROUP BY c.hour
), present AS (
    SELECT c.hour, count(*) AS quarters
    FROM plugged p JOIN clock c ON c.n = p.n
    GROUP BY c.hour
), counted AS (
    SELECT k.category_bit, c.hour, count(*) AS permitted,
        count(*) FILTER (WHERE p.category_bit = k.category_bit) AS worked,
        coalesce(sum(p.duration_s) FILTER (WHERE p.category_bit = k.category_bit), 0) AS worked_s,
        coalesce(sum(p.energy_wh) FILTER (WHERE p.category_bit = k.category_bit), 0) AS energy_wh,
        coalesce(sum(p.job_micros) FILTER (WHERE p.category_bit = k.category_bit), 0)
            AS job_micros
    FROM permitted p
    JOIN clock c ON c.n = p.n
    JOIN (SELECT 1 << bit AS category_bit FROM generate_series(0, 5) AS bit) k
        ON p.categories_mask & k.category_bit <> 0
    GROUP BY k.category_bit, c.hour
), bought AS (
    SELECT category_bit, jsonb_object_agg(organization_id, energy_wh) AS buyers
    FROM (
        SELECT category_bit, organization_id, sum(energy_wh) AS energy_wh
        FROM permitted WHERE category_bit IS NOT NULL GROUP BY 1, 2
    ) b
    GROUP BY category_bit
)
INSERT INTO billing_workoutlook (pool_id, category_bit, starts_at, ends_at, refreshed_at,
    vehicle_count, time_zone, seen, plugged, permitted, worked, worked_s, energy_wh, job_micros, buyers)
SELECT p.pool_id, k.category_bit, %(starts_at)s, %(ends_at)s, %(now)s,
    (SELECT count(*) FROM car), p.time_zone, w.seen, w.plugged, w.permitted, w.worked, w.worked_s, w.energy_wh, w.job_micros,
    coalesce((SELECT b.buyers FROM bought b WHERE b.category_bit = k.category_bit), '{}')
FROM pool p
CROSS JOIN (SELECT 1 << bit AS category_bit FROM generate_series(0, 5) AS bit) k
CROSS JOIN LATERAL (
    SELECT array_agg(coalesce(s.quarters, 0) ORDER BY h.hour)::integer[] AS seen,
        array_agg(coalesce(r.quarters, 0) ORDER BY h.hour)::integer[] AS plugged,
        array_agg(coalesce(c.permitted, 0) ORDER BY h.hour)::integer[] AS permitted,
        array_agg(coalesce(c.worked, 0) ORDER BY h.hour)::integer[] AS worked,
        array_agg(coalesce(c.worked_s, 0) ORDER BY h.hour)::bigint[] AS worked_s,
        array_agg(coalesce(c.energy_wh, 0) ORDER BY h.hour)::bigint[] AS energy_wh,
        array_agg(coalesce(c.job_micros, 0) ORDER BY h.hour)::bigint[] AS job_micros
    FROM generate_series(0, 167) AS h (hour)
    LEFT JOIN seen s ON s.hour = h.hour
    LEFT JOIN present r ON r.hour = h.hour
    LEFT JOIN counted c ON c.hour = h.hour AND c.category_bit = k.category_bit
) w
ON CONFLICT (pool_id, category_bit) DO UPDATE
SET starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,
    refreshed_at = EXCLUDED.refreshed_at, vehicle_count = EXCLUDED.vehicle_count, time_zone = EXCLUDED.time_zone, seen = EXCLUDED.seen,
    plugged = EXCLUDED.plugged, permitted = EXCLUDED.permitted, worked = EXCLUDED.worked,
    worked_s = EXCLUDED.worked_s, energy_wh = EXCLUDED.energy_wh,
    job_micros = EXCLUDED.job_micros, buyers = EXCLUDED.buyers
