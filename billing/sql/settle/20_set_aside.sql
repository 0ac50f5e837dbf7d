-- Find what must not be priced: corrections and what they replace, more energy than a vehicle
-- can draw, and two records of one vehicle at one time.

-- What corrections replace. is_pending: the original is among these records.
CREATE TEMPORARY TABLE settling_correction ON COMMIT DROP AS
SELECT c.record_id AS new_record_id, c.supersedes_record_id AS old_record_id,
    c.supersedes_on_date AS old_on_date,
    row_number() OVER (PARTITION BY c.supersedes_record_id ORDER BY c.record_id) = 1
        AND s.old_record_id IS NULL
        AND o.vehicle_id IS NOT DISTINCT FROM c.vehicle_id
        AND o.owner_id IS NOT DISTINCT FROM c.owner_id AS is_fit,
    EXISTS (SELECT FROM settling_record p WHERE p.record_id = c.supersedes_record_id) AS is_pending
FROM settling_record c
LEFT JOIN billing_usagerecord o
    ON o.on_date = c.supersedes_on_date AND o.id = c.supersedes_record_id
LEFT JOIN billing_supersession s
    ON s.old_record_id = c.supersedes_record_id AND s.new_record_id <> c.record_id
WHERE c.supersedes_record_id IS NOT NULL;

CREATE TEMPORARY TABLE settling_refused (
    record_id bigint PRIMARY KEY, code text NOT NULL, detail text NOT NULL
) ON COMMIT DROP;

INSERT INTO settling_refused
SELECT r.record_id, 'energy_implausible',
    format('%%s Wh in %%s s; at %%s W the vehicle can draw %%s Wh',
        r.energy_wh, date_part('epoch', r.ends_at - r.starts_at), v.rated_power_w,
        floor(v.rated_power_w * 1.05 * date_part('epoch', r.ends_at - r.starts_at) / 3600))
FROM settling_vehicle v
JOIN settling_record r ON r.vehicle_id = v.vehicle_id
WHERE v.power_w > v.rated_power_w * 1.04
    AND r.energy_wh * 360000::double precision
        > v.rated_power_w * 105::double precision * date_part('epoch', r.ends_at - r.starts_at)
    AND NOT r.is_cleared;

INSERT INTO settling_refused
SELECT new_record_id, 'supersedes_unfit',
    'The record that it corrects is of another vehicle, or was corrected before.'
FROM settling_correction WHERE NOT is_fit
ON CONFLICT DO NOTHING;

-- Records that were replaced and need no price: by a correction here, or (when they come back
-- from quarantine) by one that was settled before.
CREATE TEMPORARY TABLE settling_superseded ON COMMIT DROP AS
SELECT c.old_record_id AS record_id
FROM settling_correction c
WHERE c.is_fit AND c.is_pending
    AND NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = c.new_record_id)
UNION
SELECT r.record_id
FROM settling_record r
JOIN billing_supersession s ON s.old_record_id = r.record_id
WHERE r.is_requeued;

-- No interval leaves its settlement period, so only records of one period can overlap.
CREATE TEMPORARY TABLE settling_neighbour ON COMMIT DROP AS
WITH crowded AS (
    SELECT r.record_id, r.vehicle_id, r.starts_at, r.ends_at, r.is_cleared, r.period
    FROM settling_vehicle v
    JOIN settling_record r ON r.vehicle_id = v.vehicle_id
    WHERE v.is_crowded
        AND NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = r.record_id)
        AND NOT EXISTS (SELECT FROM settling_superseded x WHERE x.record_id = r.record_id)
)
SELECT c.record_id, c.vehicle_id, c.starts_at, c.ends_at, c.is_cleared
FROM (SELECT vehicle_id, period FROM crowded GROUP BY 1, 2 HAVING count(*) > 1) n
JOIN crowded c ON c.vehicle_id = n.vehicle_id AND c.period = n.period;

INSERT INTO settling_refused
SELECT record_id, 'overlap', 'Another record of this vehicle covers part of the same time.'
FROM (
    SELECT record_id, starts_at, is_cleared,
        max(ends_at) OVER (
            PARTITION BY vehicle_id ORDER BY starts_at, record_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM settling_neighbour
) n
WHERE starts_at < busy_until AND NOT is_cleared
ON CONFLICT DO NOTHING;

-- A correction may itself be corrected before either is settled: what each replaces, and what
-- that would have replaced.
CREATE TEMPORARY TABLE settling_replaced ON COMMIT DROP AS
WITH RECURSIVE replaced AS (
    SELECT new_record_id, old_record_id FROM settling_correction WHERE is_fit
    UNION
    SELECT r.new_record_id, c.old_record_id
    FROM replaced r
    JOIN settling_correction c ON c.new_record_id = r.old_record_id AND c.is_fit
    WHERE NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = c.new_record_id)
)
SELECT * FROM replaced;

-- Against lines that stand already: only where a record starts before its vehicle's latest end.
INSERT INTO settling_refused
SELECT r.record_id, 'overlap', 'A record settled before covers part of the same time.'
FROM settling_vehicle v
JOIN settling_record r ON r.vehicle_id = v.vehicle_id AND r.starts_at < v.latest_ends_at
WHERE v.first_at < v.latest_ends_at AND NOT r.is_cleared
    AND NOT EXISTS (SELECT FROM settling_superseded x WHERE x.record_id = r.record_id)
    AND EXISTS (
        SELECT FROM billing_ratedline l
        WHERE l.vehicle_id = r.vehicle_id AND l.on_date = r.on_date
            AND l.starts_at < r.ends_at AND l.ends_at > r.starts_at
            AND l.starts_at > r.starts_at - interval '15 minutes'
            AND l.kind = 0 AND l.outcome <> 4
            AND NOT EXISTS (
                SELECT FROM settling_replaced c
                WHERE c.new_record_id = r.record_id AND c.old_record_id = l.record_id
            )
            AND NOT EXISTS (
                SELECT FROM billing_ratedline x
                WHERE x.on_date = l.on_date AND x.record_id = l.record_id AND x.kind = 1
            )
    )
ON CONFLICT DO NOTHING;

-- A correction that is set aside replaces nothing.
DELETE FROM settling_superseded s
USING settling_correction c
JOIN settling_refused x ON x.record_id = c.new_record_id
WHERE s.record_id = c.old_record_id AND c.is_pending;
ANALYZE settling_refused, settling_superseded, settling_correction;

-- A job is paid once: who says first that it is complete. A correction takes its job over.
DELETE FROM billing_completedjob j
USING settling_correction c, billing_usagerecord u
WHERE c.is_fit AND NOT c.is_pending
    AND NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = c.new_record_id)
    AND u.on_date = c.old_on_date AND u.id = c.old_record_id AND u.job_completed
    AND j.source_id = u.source_id AND j.job_id = u.job_id AND j.record_id = u.id;

CREATE TEMPORARY TABLE settling_job ON COMMIT DROP AS
WITH paid AS (
    INSERT INTO billing_completedjob (source_id, job_id, record_id)
    SELECT r.source_id, r.completed_job_id, r.record_id
    FROM settling_record r
    WHERE r.completed_job_id IS NOT NULL
        AND r.record_id NOT IN (SELECT record_id FROM settling_refused)
        AND r.record_id NOT IN (SELECT record_id FROM settling_superseded)
    ORDER BY r.record_id
    ON CONFLICT DO NOTHING
    RETURNING record_id
)
SELECT record_id FROM paid;
ANALYZE settling_job;
