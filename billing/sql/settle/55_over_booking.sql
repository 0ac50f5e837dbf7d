-- Over the booking: in the order of time, from the first record that no longer fits.
UPDATE settling_line l
SET charge_micros = NULL, job_charge_micros = 0, outcome = 3
FROM (
    SELECT l.record_id, d.room_wh, sum(l.energy_wh) OVER (
        PARTITION BY l.booking_id ORDER BY l.starts_at, l.record_id
    ) AS energy_wh
    FROM settling_delivery d
    JOIN settling_line l ON l.booking_id = d.booking_id AND l.charge_micros IS NOT NULL
    WHERE d.energy_wh > d.room_wh
) o
WHERE o.record_id = l.record_id AND o.energy_wh > o.room_wh;

UPDATE settling_line l
SET job_charge_micros = 0
FROM (
    SELECT l.record_id, d.room_jobs, count(*) OVER (
        PARTITION BY l.booking_id ORDER BY l.starts_at, l.record_id
    ) AS jobs
    FROM settling_delivery d
    JOIN settling_line l ON l.booking_id = d.booking_id AND l.job_charge_micros <> 0
    WHERE d.jobs > d.room_jobs
) o
WHERE o.record_id = l.record_id AND o.jobs > o.room_jobs;
