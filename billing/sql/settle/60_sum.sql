-- One pass over the lines; everything that follows is read from these sums.
--
-- The outcome of a line: 1 when it is against the owner's rules, whatever the booking says; else
-- what the files before said (3 over the booking, 4 superseded); else 2 when no buyer pays.
-- Here and in 65 it is read so and not written into the lines, which would be each written twice.
-- Who pays for what: the buyer first, in the order electricity, wear, reward; the rest comes
-- from the platform (its fee when the buyer pays, unbilled usage when no buyer does).
CREATE TEMPORARY TABLE settling_sum ON COMMIT DROP AS
SELECT owner_id, vehicle_id, booking_id, on_date, local_date,
    charge_micros IS NOT NULL AS is_billed,
    coalesce(sum(CASE WHEN charge_micros >= electricity_micros THEN electricity_micros
        ELSE charge_micros END)::bigint, 0) AS electricity,
    coalesce(sum(CASE WHEN charge_micros >= electricity_micros + wear_micros THEN wear_micros
        WHEN charge_micros > electricity_micros THEN charge_micros - electricity_micros
        ELSE 0 END)::bigint, 0) AS wear,
    coalesce(sum(CASE
        WHEN charge_micros >= electricity_micros + wear_micros + reward_micros THEN reward_micros
        WHEN charge_micros > electricity_micros + wear_micros
            THEN charge_micros - electricity_micros - wear_micros
        ELSE 0 END)::bigint, 0) AS reward,
    sum(least(job_micros, job_charge_micros))::bigint AS job,
    sum(electricity_micros)::bigint AS all_electricity, sum(wear_micros)::bigint AS all_wear,
    sum(reward_micros)::bigint AS all_reward, sum(job_micros)::bigint AS all_job,
    coalesce(sum(charge_micros)::bigint, 0) AS charge, sum(job_charge_micros)::bigint AS job_charge,
    sum(CASE WHEN refusals <> 0
        THEN greatest(0, 2 * reward_micros + electricity_micros - compensated_micros)
        ELSE 0 END)::bigint AS compensation,
    sum(energy_wh) AS energy_wh, sum(duration_s) AS compute_s, sum(wear_wh) AS wear_wh,
    coalesce(sum(mobile_data_bytes)::bigint, 0) AS mobile_data_bytes,
    count(*) FILTER (WHERE job_charge_micros <> 0) AS billed_jobs,
    count(*) FILTER (WHERE refusals = 0 AND outcome = 0 AND charge_micros IS NOT NULL)
        AS accepted_count,
    count(*) FILTER (WHERE refusals <> 0) AS outside_consent_count,
    count(*) FILTER (WHERE refusals = 0 AND outcome = 0 AND charge_micros IS NULL)
        AS outside_booking_count,
    count(*) FILTER (WHERE refusals = 0 AND outcome = 3) AS over_booking_count,
    count(*) FILTER (WHERE outcome = 4) AS superseded_count
FROM settling_line
GROUP BY owner_id, vehicle_id, booking_id, on_date, local_date, charge_micros IS NOT NULL;
ANALYZE settling_sum (owner_id, booking_id);

-- What these lines add to each booking, and the room that it has.
CREATE TEMPORARY TABLE settling_delivery ON COMMIT DROP AS
SELECT b.booking_id, b.energy_wh AS booked_wh, b.jobs_max, b.is_closed,
    CASE WHEN b.is_closed THEN 0 ELSE b.energy_wh - b.billed_wh END
        + coalesce(x.energy_wh, 0) AS room_wh,
    CASE WHEN b.is_closed THEN 0 ELSE b.jobs_max - b.billed_jobs END
        + coalesce(x.jobs, 0) AS room_jobs,
    coalesce(n.energy_wh, 0) AS energy_wh, coalesce(n.jobs, 0) AS jobs,
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
