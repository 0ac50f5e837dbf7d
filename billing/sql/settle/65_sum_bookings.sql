ANALYZE settling_sum (owner_id, booking_id);

-- What these lines add to each booking.
CREATE TEMPORARY TABLE settling_delivery ON COMMIT DROP AS
SELECT b.booking_id, b.energy_wh AS booked_wh, b.jobs_max, b.is_closed,
    coalesce(n.energy_wh, 0) - coalesce(x.energy_wh, 0) AS added_wh,
    coalesce(n.jobs, 0) - coalesce(x.jobs, 0) AS added_jobs,
    coalesce(n.micros, 0) - coalesce(x.micros, 0) AS added_micros
FROM settling_booking b
LEFT JOIN (
    SELECT booking_id, sum(energy_wh) AS energy_wh, sum(billed_jobs) AS jobs,
        sum(charge + job_charge) AS micros
    FROM settling_sum WHERE is_billed GROUP BY booking_id
) n ON n.booking_id = b.booking_id
LEFT JOIN (
    SELECT booking_id, sum(energy_wh) AS energy_wh,
        count(*) FILTER (WHERE job_charge_micros <> 0) AS jobs,
        sum(charge_micros + job_charge_micros) AS micros
    FROM settling_reversal WHERE is_billed GROUP BY booking_id
) x ON x.booking_id = b.booking_id;
