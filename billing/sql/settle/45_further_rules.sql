-- Judge the records of versions with rules beyond those of 40: dates, ready by, wear, buyers.
INSERT INTO settling_further
SELECT t.vehicle_id, t.time_zone, f.*
FROM settling_terms t
JOIN consent_further_terms_v f ON f.version_id = t.version_id
WHERE t.has_further_rules;
ANALYZE settling_further (version_id, vehicle_id);

-- Where wear or data has a budget: the month's use that is stored, and what comes before each
-- record here.
INSERT INTO settling_worn
WITH capped AS (
    SELECT vehicle_id, max(time_zone) AS time_zone
    FROM settling_further
    WHERE coalesce(wear_wh_per_month_max, wear_micros_per_month_max,
        mobile_data_bytes_per_month_max) IS NOT NULL
    GROUP BY vehicle_id
), dated AS (
    SELECT r.record_id, r.vehicle_id, r.starts_at, r.duration_s, r.mobile_data_bytes,
        consent_wear_wh(r.energy_wh, r.battery_temp_max_decic) AS wear_wh, c.time_zone,
        date_trunc('month', r.starts_at AT TIME ZONE c.time_zone)::date AS local_month
    FROM capped c
    JOIN settling_record r ON r.vehicle_id = c.vehicle_id
    WHERE r.record_id NOT IN (SELECT record_id FROM settling_refused)
        AND r.record_id NOT IN (SELECT record_id FROM settling_superseded)
), stored AS (
    SELECT m.vehicle_id, m.local_month, sum(u.wear_wh)::bigint AS wear_wh,
        sum(u.compute_s)::bigint AS compute_s, sum(u.mobile_data_bytes)::bigint AS data_bytes
    FROM (
        SELECT vehicle_id, local_month, max(starts_at AT TIME ZONE time_zone)::date AS last_date
        FROM dated GROUP BY 1, 2
    ) m
    JOIN consent_day_use_v u
        ON u.vehicle_id = m.vehicle_id AND u.on_date BETWEEN m.local_month AND m.last_date
    GROUP BY 1, 2
)
SELECT d.record_id, d.vehicle_id, d.starts_at, d.local_month, d.time_zone,
    coalesce(sum(d.wear_wh) OVER month, 0) + coalesce(s.wear_wh, 0),
    coalesce(sum(d.duration_s) OVER month, 0) + coalesce(s.compute_s, 0),
    coalesce(sum(d.mobile_data_bytes) OVER month, 0) + coalesce(s.data_bytes, 0),
    coalesce(s.wear_wh, 0), coalesce(s.compute_s, 0), coalesce(s.data_bytes, 0)
FROM dated d
LEFT JOIN stored s ON s.vehicle_id = d.vehicle_id AND s.local_month = d.local_month
WINDOW month AS (
    PARTITION BY d.vehicle_id, d.local_month ORDER BY d.starts_at, d.record_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
);
ANALYZE settling_worn (record_id, vehicle_id);

-- A late record came before some of what is stored: count only what lies before it.
UPDATE settling_worn w
SET (month_wear_wh, month_compute_s, month_data_bytes) = (
    SELECT w.month_wear_wh - w.stored_wear_wh + coalesce(sum(
            l.sign * consent_wear_wh(u.energy_wh, u.battery_temp_max_decic)), 0),
        w.month_compute_s - w.stored_compute_s + coalesce(sum(l.sign * l.duration_s), 0),
        w.month_data_bytes - w.stored_data_bytes + coalesce(sum(l.sign * u.mobile_data_bytes), 0)
    FROM (
        SELECT on_date, record_id, duration_s, CASE kind WHEN 0 THEN 1 ELSE -1 END AS sign
        FROM billing_ratedline
        WHERE vehicle_id = w.vehicle_id AND outcome <> 4
            AND starts_at >= w.local_month::timestamp AT TIME ZONE w.time_zone
            AND starts_at < w.starts_at
            AND on_date >= w.local_month - 1 AND on_date <= w.starts_at::date + 1
    ) l
    JOIN billing_usagerecord u ON u.on_date = l.on_date AND u.id = l.record_id
)
FROM settling_vehicle v
WHERE v.vehicle_id = w.vehicle_id AND w.starts_at < v.latest_ends_at;

-- What the owner gets an hour, after electricity and wear: the reward at the car's rated power,
-- as the booking promised it when the work was permitted.
UPDATE settling_line l
SET refusals = n.refusals
FROM (
    SELECT l.record_id, consent_further_refusals(
            l.refusals, f.time_zone, f.closed, f.opened, f.quiet_mask, f.quiet_power_limit_w,
            f.ready_floors_permille, f.wear_wh_per_month_max, f.wear_micros_per_month_max,
            f.wear_micros_per_kwh, f.compute_micros_per_h, f.mobile_data_bytes_per_month_max,
            f.reward_micros_per_h_min, f.buyers_mode, f.buyer_ids, r.starts_at, r.ends_at,
            r.energy_wh, r.state_of_charge_min_permille, w.month_wear_wh, w.month_compute_s,
            w.month_data_bytes, l.organization_id, b.reward_micros_per_kwh * v.rated_power_w / 1000
        ) AS refusals
    FROM settling_further f
    JOIN settling_line l ON l.consent_version_id = f.version_id
    JOIN settling_record r ON r.record_id = l.record_id
    JOIN settling_vehicle v ON v.vehicle_id = l.vehicle_id
    LEFT JOIN consent_work_v b ON b.booking_id = l.booking_id
    LEFT JOIN settling_worn w ON w.record_id = l.record_id
) n
WHERE n.record_id = l.record_id AND n.refusals <> l.refusals;
