-- Over the booking: in the order of time, from the first record that no longer fits. What
-- corrections take back makes room.
CREATE TEMPORARY TABLE settling_room ON COMMIT DROP AS
SELECT b.booking_id, b.room_wh + coalesce(x.energy_wh, 0) AS room_wh,
    b.room_jobs + coalesce(x.jobs, 0) AS room_jobs
FROM settling_booking b
LEFT JOIN (
    SELECT booking_id, sum(energy_wh) AS energy_wh,
        count(*) FILTER (WHERE job_charge_micros <> 0) AS jobs
    FROM settling_reversal WHERE is_billed GROUP BY booking_id
) x ON x.booking_id = b.booking_id
WHERE b.is_tight;

UPDATE settling_line l
SET charge_micros = NULL, job_charge_micros = 0, outcome = 3
FROM (
    SELECT l.record_id, d.room_wh, sum(l.energy_wh) OVER (
        PARTITION BY l.booking_id ORDER BY l.starts_at, l.record_id
    ) AS energy_wh
    FROM settling_room d
    JOIN settling_line l ON l.booking_id = d.booking_id AND l.charge_micros IS NOT NULL
) o
WHERE o.record_id = l.record_id AND o.energy_wh > o.room_wh;

UPDATE settling_line l
SET job_charge_micros = 0
FROM (
    SELECT l.record_id, d.room_jobs, count(*) OVER (
        PARTITION BY l.booking_id ORDER BY l.starts_at, l.record_id
    ) AS jobs
    FROM settling_room d
    JOIN settling_line l ON l.booking_id = d.booking_id AND l.job_charge_micros <> 0
) o
WHERE o.record_id = l.record_id AND o.jobs > o.room_jobs;
