-- Find records of one vehicle at one time, among these and against lines that stand already.
--
-- Its last statement deletes from settling_superseded what a correction that was set aside here
-- would have replaced. Those records count again and have not been compared with any other: as
-- long as there are some, this runs once more.

-- No interval leaves its settlement period, so only records of one period can overlap.
DELETE FROM settling_neighbour;
INSERT INTO settling_neighbour
WITH crowded AS (
    SELECT r.record_id, r.vehicle_id, r.starts_at, r.ends_at, r.is_overlap_cleared, r.period
    FROM settling_vehicle v
    JOIN settling_record r ON r.vehicle_id = v.vehicle_id
    WHERE v.is_crowded
        AND NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = r.record_id)
        AND NOT EXISTS (SELECT FROM settling_superseded x WHERE x.record_id = r.record_id)
)
SELECT c.record_id, c.vehicle_id, c.starts_at, c.ends_at, c.is_overlap_cleared
FROM (SELECT vehicle_id, period FROM crowded GROUP BY 1, 2 HAVING count(*) > 1) n
JOIN crowded c ON c.vehicle_id = n.vehicle_id AND c.period = n.period;

INSERT INTO settling_refused
SELECT record_id, 'overlap', 'Another record of this vehicle covers part of the same time.'
FROM (
    SELECT record_id, starts_at, is_overlap_cleared,
        max(ends_at) OVER (
            PARTITION BY vehicle_id ORDER BY starts_at, record_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM settling_neighbour
) n
WHERE starts_at < busy_until AND NOT is_overlap_cleared
ON CONFLICT DO NOTHING;

-- A correction may itself be corrected before either is settled: what each replaces, and what
-- that would have replaced.
DELETE FROM settling_replaced;
INSERT INTO settling_replaced
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
WHERE v.first_at < v.latest_ends_at AND NOT r.is_overlap_cleared
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
