-- Read the records of the claimed parts (settling_part) and what is known of their vehicles.
--
-- OFFSET 0 keeps the planner from turning the walk along each part's ids into one scan of
-- every partition. `period` counts quarter-hours since 1970 (UTC). What is often NULL comes last:
-- columns behind a NULL take longer to reach.
CREATE TEMPORARY TABLE settling_record ON COMMIT DROP AS
SELECT r.id AS record_id, r.on_date, r.owner_id, r.vehicle_id, r.booking_id, r.starts_at,
    r.ends_at, floor(date_part('epoch', r.starts_at) / 900)::integer AS period,
    floor(date_part('epoch', r.ends_at - r.starts_at))::integer AS duration_s,
    r.sequence, r.energy_wh, r.category_bit, r.source_id, r.job_completed, p.is_requeued,
    p.is_energy_cleared, p.is_overlap_cleared,
    r.supersedes_record_id, r.supersedes_on_date,
    r.state_of_charge_min_permille::integer, r.battery_temp_min_decic::integer,
    r.battery_temp_max_decic::integer, r.plugged_in, r.is_home, r.mobile_data_bytes,
    CASE WHEN r.job_completed THEN r.job_id END AS completed_job_id
FROM settling_part p
CROSS JOIN LATERAL (
    SELECT * FROM billing_usagerecord u
    WHERE u.on_date BETWEEN p.first_date AND p.last_date
        AND u.id BETWEEN p.first_record_id AND p.last_record_id
    OFFSET 0
) r;
ANALYZE settling_record (record_id, vehicle_id, booking_id, owner_id, starts_at, ends_at);

-- is_crowded: two records share a period, or periods that are a multiple of 64 apart: then they
-- leave fewer bits than there are records. power_w: no record drew more. compute_s_max: no record
-- is longer than its quarter-hour.
CREATE TEMPORARY TABLE settling_vehicle ON COMMIT DROP AS
SELECT s.vehicle_id, s.first_at, s.last_at, s.owner_id, s.first_sequence, s.last_sequence,
    s.record_count, s.energy_wh, s.compute_s_max, s.is_corrected, s.is_crowded, s.power_w,
    v.region_code, v.rated_power_w, v.time_zone, m.latest_ends_at
FROM (
    SELECT vehicle_id, min(starts_at) AS first_at, max(ends_at) AS last_at,
        min(owner_id) AS owner_id,
        min(sequence) FILTER (WHERE NOT is_requeued) AS first_sequence,
        max(sequence) FILTER (WHERE NOT is_requeued) AS last_sequence,
        count(*) FILTER (WHERE NOT is_requeued) AS record_count,
        sum(energy_wh) AS energy_wh, 900 * count(*) AS compute_s_max,
        count(supersedes_record_id) > 0 AS is_corrected,
        bit_count(bit_or(1::bigint << period %% 64)::bit(64)) < count(*) AS is_crowded,
        3600 * max(energy_wh / greatest(duration_s, 1e-6::double precision)) AS power_w
    FROM settling_record
    GROUP BY vehicle_id
) s
JOIN consent_vehicle_v v ON v.vehicle_id = s.vehicle_id
LEFT JOIN billing_vehiclemeter m ON m.vehicle_id = s.vehicle_id
-- What follows meets the rows and index entries of vehicles side by side.
ORDER BY s.vehicle_id;
ANALYZE settling_vehicle (vehicle_id, owner_id, is_crowded);
