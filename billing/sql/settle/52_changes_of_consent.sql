-- A change of consent: what the version before permitted may end within a lease (60 s) of it,
-- and an interval on both sides of a change is judged by every version that it touches.
WITH plain AS (
    SELECT l.record_id, t.version_id, t.starts_at, l.starts_at AS line_starts_at,
        l.ends_at <= t.starts_at + interval '60 seconds' AS is_leased,
        lag(t.ends_at) OVER versions = t.starts_at AS has_previous,
        t.ends_at > l.starts_at AS is_touched,
        consent_refusals(
            t.is_withdrawn, t.time_zone, t.week_mask, t.battery_stop_pct, t.plugged_in_only,
            t.home_only, t.temp_high_c, t.temp_low_c, t.energy_wh_per_day_max,
            t.energy_wh_per_month_max, t.compute_s_per_day_max, t.compute_s_per_month_max,
            t.power_limit_w, t.categories_mask, t.expires_at, r.starts_at, r.ends_at, r.energy_wh,
            r.category_bit, r.state_of_charge_min_permille, r.plugged_in, r.is_home,
            r.battery_temp_min_decic, r.battery_temp_max_decic,
            u.day_energy_wh, u.day_compute_s, u.month_energy_wh, u.month_compute_s
        ) AS refusals,
        r.ends_at, r.energy_wh, r.state_of_charge_min_permille, l.organization_id,
        b.reward_micros_per_kwh * s.rated_power_w / 1000 AS reward_micros_per_h
    FROM settling_line l
    JOIN settling_record r ON r.record_id = l.record_id
    JOIN settling_vehicle s ON s.vehicle_id = l.vehicle_id
    LEFT JOIN consent_work_v b ON b.booking_id = l.booking_id
    JOIN settling_terms t ON t.vehicle_id = l.vehicle_id AND t.version_id IS NOT NULL
        AND t.starts_at < l.ends_at AND t.ends_at > l.starts_at - interval '15 minutes'
    LEFT JOIN settling_before u ON u.record_id = l.record_id
    WHERE l.refusals <> 0
        -- Where one version held all along, what was found stands.
        AND l.vehicle_id IN (SELECT vehicle_id FROM settling_terms WHERE is_changing)
    WINDOW versions AS (PARTITION BY l.record_id ORDER BY t.starts_at)
), around AS (
    SELECT p.record_id, p.version_id, p.starts_at, p.line_starts_at, p.is_leased,
        p.has_previous, p.is_touched,
        CASE WHEN f.version_id IS NULL THEN p.refusals ELSE consent_further_refusals(
            p.refusals, f.time_zone, f.closed, f.opened, f.quiet_mask, f.quiet_power_limit_w,
            f.ready_floors_permille, f.wear_wh_per_month_max, f.wear_micros_per_month_max,
            f.wear_micros_per_kwh, f.compute_micros_per_h, f.mobile_data_bytes_per_month_max,
            f.reward_micros_per_h_min, f.buyers_mode, f.buyer_ids, p.line_starts_at, p.ends_at,
            p.energy_wh, p.state_of_charge_min_permille, w.month_wear_wh, w.month_compute_s,
            w.month_data_bytes, p.organization_id, p.reward_micros_per_h
        ) END AS refusals
    FROM plain p
    LEFT JOIN settling_further f ON f.version_id = p.version_id
    LEFT JOIN settling_worn w ON w.record_id = p.record_id
), judged AS (
    SELECT record_id, version_id, starts_at, line_starts_at, is_touched,
        CASE WHEN is_leased AND has_previous
                AND lag(refusals) OVER (PARTITION BY record_id ORDER BY starts_at) = 0
            THEN 0 ELSE refusals END AS refusals
    FROM around
), summed AS (
    SELECT record_id, max(version_id) AS version_id,
        bit_or(refusals)
            | CASE WHEN min(starts_at) > min(line_starts_at) THEN 1 ELSE 0 END AS refusals
    FROM judged WHERE is_touched
    GROUP BY record_id
)
UPDATE settling_line l
SET refusals = s.refusals, consent_version_id = s.version_id
FROM summed s
WHERE s.record_id = l.record_id
    AND (s.refusals <> l.refusals OR l.consent_version_id IS NULL);
