-- What vehicles with caps had used before each record, in their local day and month: what is
-- stored, and what comes before it here.
--
-- Only of vehicles that can come near: where all that is stored and all that is here stay below
-- every cap, no record has a row, and what it had used is NULL and compared with nothing. A late
-- record is always looked at, since what is stored is not what came before it.
CREATE TEMPORARY TABLE settling_before ON COMMIT DROP AS
WITH capped AS (
    SELECT vehicle_id, max(time_zone) AS time_zone,
        min(energy_wh_per_day_max) AS energy_wh_per_day_max,
        min(energy_wh_per_month_max) AS energy_wh_per_month_max,
        min(compute_s_per_day_max) AS compute_s_per_day_max,
        min(compute_s_per_month_max) AS compute_s_per_month_max
    FROM settling_terms GROUP BY vehicle_id HAVING bool_or(is_capped)
), near AS (
    SELECT c.vehicle_id, c.time_zone, z.offset_quarters
    FROM capped c
    JOIN settling_vehicle v ON v.vehicle_id = c.vehicle_id
    JOIN settling_zone z ON z.time_zone = c.time_zone
    CROSS JOIN LATERAL (
        SELECT (v.first_at AT TIME ZONE c.time_zone)::date AS first_date,
            (v.last_at AT TIME ZONE c.time_zone)::date AS last_date
    ) d
    CROSS JOIN LATERAL (
        SELECT coalesce(max(energy_wh) FILTER (WHERE on_date >= d.first_date), 0) AS day_wh,
            coalesce(max(compute_s) FILTER (WHERE on_date >= d.first_date), 0) AS day_s,
            coalesce(sum(energy_wh), 0) AS month_wh, coalesce(sum(compute_s), 0) AS month_s
        FROM consent_day_use_v u
        WHERE u.vehicle_id = c.vehicle_id
            AND u.on_date >= d.first_date - date_part('day', d.first_date)::integer + 1
            AND u.on_date <= d.last_date
        OFFSET 0
    ) u
    WHERE v.first_at < v.latest_ends_at
        OR u.day_wh + v.energy_wh >= c.energy_wh_per_day_max
        OR u.month_wh + v.energy_wh >= c.energy_wh_per_month_max
        OR u.day_s + v.compute_s_max >= c.compute_s_per_day_max
        OR u.month_s + v.compute_s_max >= c.compute_s_per_month_max
), dated AS (
    SELECT m.*, local_date - date_part('day', local_date)::integer + 1 AS local_month
    FROM (
        SELECT r.record_id, r.vehicle_id, r.starts_at, r.energy_wh, r.duration_s,
            CASE WHEN c.offset_quarters IS NOT NULL
                THEN DATE '1970-01-01' + (r.period + c.offset_quarters) / 96
                ELSE (r.starts_at AT TIME ZONE c.time_zone)::date END AS local_date, c.time_zone
        FROM near c
        JOIN settling_record r ON r.vehicle_id = c.vehicle_id
        WHERE r.record_id NOT IN (SELECT record_id FROM settling_refused)
            AND r.record_id NOT IN (SELECT record_id FROM settling_superseded)
    ) m
), stored AS (
    SELECT d.vehicle_id, d.on_date, d.energy_wh, d.compute_s,
        d.on_date - date_part('day', d.on_date)::integer + 1 AS local_month
    FROM (
        SELECT vehicle_id, min(local_month) AS first_date, max(local_date) AS last_date
        FROM dated GROUP BY vehicle_id
    ) s
    JOIN consent_day_use_v d
        ON d.vehicle_id = s.vehicle_id AND d.on_date BETWEEN s.first_date AND s.last_date
), stored_month AS (
    SELECT vehicle_id, local_month, sum(energy_wh)::bigint AS energy_wh,
        sum(compute_s)::bigint AS compute_s
    FROM stored GROUP BY 1, 2
)
SELECT d.record_id, d.vehicle_id, d.starts_at, d.local_date, d.local_month, d.time_zone,
    coalesce(sum(d.energy_wh) OVER day, 0) + coalesce(u.energy_wh, 0) AS day_energy_wh,
    coalesce(sum(d.duration_s) OVER day, 0) + coalesce(u.compute_s, 0) AS day_compute_s,
    coalesce(sum(d.energy_wh) OVER month, 0) + coalesce(m.energy_wh, 0) AS month_energy_wh,
    coalesce(sum(d.duration_s) OVER month, 0) + coalesce(m.compute_s, 0) AS month_compute_s,
    coalesce(u.energy_wh, 0)::bigint AS stored_day_wh,
    coalesce(u.compute_s, 0)::bigint AS stored_day_s,
    coalesce(m.energy_wh, 0) AS stored_month_wh, coalesce(m.compute_s, 0) AS stored_month_s
FROM dated d
LEFT JOIN stored u ON u.vehicle_id = d.vehicle_id AND u.on_date = d.local_date
LEFT JOIN stored_month m ON m.vehicle_id = d.vehicle_id AND m.local_month = d.local_month
WINDOW day AS (
    PARTITION BY d.vehicle_id, d.local_month, d.local_date ORDER BY d.starts_at, d.record_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
), month AS (
    PARTITION BY d.vehicle_id, d.local_month ORDER BY d.local_date, d.starts_at, d.record_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
);

-- A late record came before some of what is stored: count only what lies before it.
UPDATE settling_before b
SET (day_energy_wh, day_compute_s, month_energy_wh, month_compute_s) = (
    SELECT b.day_energy_wh - b.stored_day_wh
            + coalesce(sum(l.energy_wh) FILTER (WHERE l.starts_at >= day.starts_at), 0),
        b.day_compute_s - b.stored_day_s
            + coalesce(sum(CASE l.kind WHEN 0 THEN l.duration_s ELSE -l.duration_s END)
                FILTER (WHERE l.starts_at >= day.starts_at), 0),
        b.month_energy_wh - b.stored_month_wh + coalesce(sum(l.energy_wh), 0),
        b.month_compute_s - b.stored_month_s
            + coalesce(sum(CASE l.kind WHEN 0 THEN l.duration_s ELSE -l.duration_s END), 0)
    FROM (SELECT b.local_date::timestamp AT TIME ZONE b.time_zone AS starts_at) day
    LEFT JOIN billing_ratedline l ON l.vehicle_id = b.vehicle_id
        AND l.starts_at >= b.local_month::timestamp AT TIME ZONE b.time_zone
        AND l.starts_at < b.starts_at
        AND l.on_date >= b.local_month - 1 AND l.on_date <= b.local_date + 1
)
FROM settling_vehicle v
WHERE v.vehicle_id = b.vehicle_id AND b.starts_at < v.latest_ends_at;
ANALYZE settling_before (record_id);
