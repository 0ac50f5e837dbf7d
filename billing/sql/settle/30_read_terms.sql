-- Read the terms that can apply: consent versions, pauses, tariffs, bookings, rate cards.
-- By vehicle, so that the cost follows the work at hand and not the size of the fleet.

CREATE TEMPORARY TABLE settling_terms ON COMMIT DROP AS
SELECT t.*,
    t.energy_wh_per_day_max IS NOT NULL OR t.compute_s_per_day_max IS NOT NULL
        OR t.energy_wh_per_month_max IS NOT NULL OR t.compute_s_per_month_max IS NOT NULL
        AS is_capped,
    t.starts_at > v.first_at - interval '15 minutes' OR t.ends_at < v.last_at AS is_changing
FROM settling_vehicle v
CROSS JOIN LATERAL (
    -- The version before counts too: what it permits may end within a lease of the change.
    SELECT * FROM consent_terms_v c
    WHERE c.vehicle_id = v.vehicle_id
        AND c.starts_at < v.last_at AND c.ends_at > v.first_at - interval '15 minutes'
    OFFSET 0
) t;
ANALYZE settling_terms (vehicle_id, starts_at, ends_at, is_capped);
-- The stretch before the first version is a row without one.
INSERT INTO settling_terms (vehicle_id, starts_at, ends_at)
SELECT v.vehicle_id, '-infinity', coalesce(min(t.starts_at), 'infinity')
FROM settling_vehicle v
LEFT JOIN settling_terms t ON t.vehicle_id = v.vehicle_id
WHERE NOT EXISTS (
    SELECT FROM settling_terms b WHERE b.vehicle_id = v.vehicle_id AND b.starts_at <= v.first_at
)
GROUP BY v.vehicle_id;

CREATE TEMPORARY TABLE settling_pause ON COMMIT DROP AS
SELECT p.vehicle_id, p.starts_at, p.ends_at
FROM settling_vehicle v
JOIN consent_pause_v p ON p.vehicle_id = v.vehicle_id
WHERE p.starts_at < v.last_at AND p.ends_at > v.first_at;

-- An owner's own tariff comes first; whenever none of theirs is in force, the average of the
-- region holds. One table after the other and nothing joined with what it was made of: how many
-- owners have a tariff cannot be guessed, and a loop over all of them for each would be squared.
CREATE TEMPORARY TABLE settling_own_tariff ON COMMIT DROP AS
SELECT v.vehicle_id, v.region_code, tstzrange(v.first_at, v.last_at) AS during, t.tariff_id,
    t.in_force, t.time_zone
FROM settling_vehicle v
LEFT JOIN LATERAL (
    SELECT id AS tariff_id, in_force, time_zone FROM billing_tariff
    WHERE coalesce(owner_id, 0) = v.owner_id AND region_code = ''
        AND in_force && tstzrange(v.first_at, v.last_at)
    OFFSET 0
) t ON true;

-- Where cars stood at the time that have moved since: nearly always nothing.
CREATE TEMPORARY TABLE settling_stay ON COMMIT DROP AS
SELECT v.vehicle_id, p.region_code, p.during
FROM settling_vehicle v
JOIN consent_former_place_v p ON p.vehicle_id = v.vehicle_id
WHERE p.during && tstzrange(v.first_at, v.last_at);

CREATE TEMPORARY TABLE settling_tariff ON COMMIT DROP AS
SELECT vehicle_id, tariff_id, lower(in_force) AS starts_at,
    coalesce(upper(in_force), 'infinity') AS ends_at, time_zone
FROM settling_own_tariff
WHERE tariff_id IS NOT NULL
UNION ALL
SELECT o.vehicle_id, t.id, lower(free), coalesce(upper(free), 'infinity'), t.time_zone
FROM (
    SELECT vehicle_id, region_code, during, coalesce(range_agg(in_force), '{}') AS taken
    FROM settling_own_tariff
    GROUP BY vehicle_id, region_code, during
    HAVING NOT coalesce(bool_or(in_force @> during), false)
) o
JOIN billing_tariff t ON t.owner_id IS NULL AND t.region_code = o.region_code
    AND t.in_force && o.during
LEFT JOIN (
    SELECT vehicle_id, max(upper(during)) AS moved_at FROM settling_stay GROUP BY vehicle_id
) m ON m.vehicle_id = o.vehicle_id
CROSS JOIN LATERAL unnest(
    tstzmultirange(t.in_force * tstzrange(m.moved_at, NULL)) - o.taken
) free
UNION ALL
SELECT s.vehicle_id, t.id, lower(free), coalesce(upper(free), 'infinity'), t.time_zone
FROM settling_stay s
JOIN billing_tariff t ON t.owner_id IS NULL AND t.region_code = s.region_code
    AND t.in_force && s.during
LEFT JOIN (
    SELECT vehicle_id, range_agg(in_force) AS taken FROM settling_own_tariff GROUP BY vehicle_id
) o ON o.vehicle_id = s.vehicle_id
CROSS JOIN LATERAL unnest(
    tstzmultirange(t.in_force * s.during) - coalesce(o.taken, '{}')
) free;
ANALYZE settling_tariff;
-- And a stretch without a tariff, where the owner has some: most have one all along.
INSERT INTO settling_tariff (vehicle_id, starts_at, ends_at)
SELECT t.vehicle_id, lower(gap), upper(gap)
FROM (
    SELECT vehicle_id, range_agg(tstzrange(starts_at, ends_at)) AS covered
    FROM settling_tariff
    WHERE vehicle_id IN (
        SELECT vehicle_id FROM settling_tariff GROUP BY vehicle_id
        HAVING count(*) > 1 OR min(starts_at) > (SELECT min(first_at) FROM settling_vehicle)
            OR max(ends_at) < (SELECT max(last_at) FROM settling_vehicle)
    )
    GROUP BY vehicle_id
) t
CROSS JOIN LATERAL unnest('{[-infinity, infinity)}'::tstzmultirange - t.covered) gap;

-- How many quarter-hours each zone's clocks are ahead of UTC; NULL where they change among these
-- records, and then the vehicle's own records are asked, and each of them last of all.
CREATE TEMPORARY TABLE settling_zone ON COMMIT DROP AS
SELECT z.time_zone, billing_offset_quarters(d.first_at, d.last_at, z.time_zone) AS offset_quarters
FROM (SELECT min(first_at) AS first_at, max(last_at) AS last_at FROM settling_vehicle) d
CROSS JOIN (
    SELECT time_zone FROM settling_vehicle
    UNION
    SELECT time_zone FROM settling_terms
    UNION
    SELECT time_zone FROM settling_tariff
) z;
ANALYZE settling_zone;

-- All that one vehicle's records need, wide but few, so that the many records meet one join:
-- a row for each stretch of time in which its consent version and its tariff stay the same.
-- A stretch before the first version, or without a tariff, has NULL there.
-- is_plain: no pause, change of consent or further rule can touch the vehicle's records.
-- What always has a value and one width comes first: columns behind it take longer to reach.
CREATE TEMPORARY TABLE settling_place ON COMMIT DROP AS
SELECT v.vehicle_id, greatest(t.starts_at, r.starts_at) AS starts_at,
    least(t.ends_at, r.ends_at) AS ends_at, t.ends_at AS version_ends_at,
    t.version_id, r.tariff_id,
    coalesce(vz.offset_quarters, billing_offset_quarters(v.first_at, v.last_at, v.time_zone))
        AS local_offset_quarters,
    coalesce(tz.offset_quarters, billing_offset_quarters(v.first_at, v.last_at, t.time_zone))
        AS version_offset_quarters,
    coalesce(pz.offset_quarters, billing_offset_quarters(v.first_at, v.last_at, p.time_zone))
        AS tariff_offset_quarters,
    w.vehicle_id IS NULL AS is_plain, t.is_withdrawn, t.plugged_in_only, t.home_only,
    t.battery_stop_pct, t.categories_mask, t.expires_at, t.temp_high_c, t.temp_low_c,
    t.energy_wh_per_day_max, t.energy_wh_per_month_max, t.compute_s_per_day_max,
    t.compute_s_per_month_max, t.power_limit_w, t.week_mask, p.currency, p.bands,
    p.band_micros_per_kwh, t.time_zone, p.time_zone AS tariff_zone, v.time_zone AS local_zone
FROM settling_vehicle v
JOIN settling_terms t ON t.vehicle_id = v.vehicle_id
LEFT JOIN settling_tariff r
    ON r.vehicle_id = v.vehicle_id AND r.starts_at < t.ends_at AND r.ends_at > t.starts_at
LEFT JOIN billing_tariff p ON p.id = r.tariff_id
LEFT JOIN settling_zone vz ON vz.time_zone = v.time_zone
LEFT JOIN settling_zone tz ON tz.time_zone = t.time_zone
LEFT JOIN settling_zone pz ON pz.time_zone = p.time_zone
LEFT JOIN (
    SELECT vehicle_id FROM settling_pause
    UNION
    SELECT vehicle_id FROM settling_terms WHERE is_changing OR has_further_rules
) w ON w.vehicle_id = v.vehicle_id
WHERE greatest(t.starts_at, r.starts_at) < v.last_at
    AND least(t.ends_at, r.ends_at) > v.first_at
ORDER BY v.vehicle_id;
ANALYZE settling_place (vehicle_id, starts_at, ends_at);

-- is_tight: these records may be more than the booking has room for.
CREATE TEMPORARY TABLE settling_booking ON COMMIT DROP AS
SELECT b.booking_id, b.organization_id, b.pool_id, b.currency, b.starts_at, b.ends_at,
    b.energy_wh, b.jobs_max, b.price_micros_per_kwh, b.price_micros_per_job, b.category_bit,
    b.is_live AND d.closed_at IS NULL AS is_live, d.closed_at IS NOT NULL AS is_closed,
    m.room_wh, m.room_jobs, r.energy_wh > m.room_wh OR r.jobs > m.room_jobs AS is_tight
FROM (
    SELECT booking_id, sum(energy_wh) AS energy_wh, count(*) FILTER (WHERE job_completed) AS jobs
    FROM settling_record GROUP BY booking_id
) r
JOIN marketplace_booking_terms_v b ON b.booking_id = r.booking_id
LEFT JOIN billing_bookingdelivery d ON d.booking_id = r.booking_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.closed_at IS NULL THEN b.energy_wh - coalesce(d.billed_wh, 0) ELSE 0 END
            AS room_wh,
        CASE WHEN d.closed_at IS NULL THEN b.jobs_max - coalesce(d.billed_jobs, 0) ELSE 0 END
            AS room_jobs
) m;
ANALYZE settling_booking;

-- A booking with its pool's rate card, for each card that can apply.
CREATE TEMPORARY TABLE settling_sale ON COMMIT DROP AS
SELECT b.booking_id, b.organization_id, b.currency, b.starts_at, b.ends_at, b.category_bit,
    b.price_micros_per_kwh, b.price_micros_per_job, b.is_live, b.is_tight, t.rate_card_id,
    t.reward_micros_per_kwh, t.reward_micros_per_job, t.wear_micros_per_kwh,
    t.starts_at AS rate_starts_at, t.ends_at AS rate_ends_at
FROM settling_booking b
JOIN marketplace_rate_terms_v t ON t.pool_id = b.pool_id;
ANALYZE settling_sale;
