-- Count: totals of the settlement, days in the hold window, meters, and (in settlement_use,
-- which consent reads) what each vehicle used on each of its owner's days.
UPDATE billing_settlement s
SET record_count = r.record_count, quarantined_count = x.quarantined_count,
    accepted_count = l.accepted_count, outside_consent_count = l.outside_consent_count,
    outside_booking_count = l.outside_booking_count, over_booking_count = l.over_booking_count,
    superseded_count = l.superseded_count, reversal_count = v.reversal_count,
    energy_wh = l.energy_wh - v.energy_wh
FROM (SELECT count(*) AS record_count FROM settling_record) r,
    (SELECT count(*) AS quarantined_count FROM settling_refused) x,
    (
        SELECT count(*) AS reversal_count, coalesce(sum(energy_wh), 0) AS energy_wh
        FROM settling_reversal
    ) v,
    (
        SELECT billing_sum(line_count) FILTER (WHERE outcome = 0) AS accepted_count,
            billing_sum(line_count) FILTER (WHERE outcome = 1) AS outside_consent_count,
            billing_sum(line_count) FILTER (WHERE outcome = 2) AS outside_booking_count,
            billing_sum(line_count) FILTER (WHERE outcome = 3) AS over_booking_count,
            billing_sum(line_count) FILTER (WHERE outcome = 4) AS superseded_count,
            billing_sum(energy_wh) AS energy_wh
        FROM settling_sum
    ) l
WHERE s.id = %(settlement_id)s;

INSERT INTO billing_settlementtotal (settlement_id, currency, electricity_micros, wear_micros,
    reward_micros, job_micros, compensation_micros, charge_micros, job_charge_micros, fee_micros,
    unbilled_micros)
SELECT %(settlement_id)s, currency, billing_sum(electricity), billing_sum(wear),
    billing_sum(reward), billing_sum(job), billing_sum(compensation), billing_sum(charge),
    billing_sum(job_charge),
    billing_sum(charge + job_charge - electricity - wear - reward - job) FILTER (WHERE is_billed),
    billing_sum(electricity + wear + reward + job) FILTER (WHERE NOT is_billed)
FROM (
    SELECT b.currency, s.is_billed, s.all_electricity AS electricity, s.all_wear AS wear,
        s.all_reward AS reward, s.all_job AS job, s.compensation, s.charge, s.job_charge
    FROM settling_sum s
    JOIN settling_booking b ON b.booking_id = s.booking_id
    UNION ALL
    SELECT currency, is_billed, -electricity_micros, -wear_micros, -reward_micros, -job_micros,
        0, -charge_micros, -job_charge_micros
    FROM settling_reversal
) l
GROUP BY currency;

INSERT INTO billing_settlementday (settlement_id, on_date, lane, release_due_at)
SELECT %(settlement_id)s, on_date, %(lane)s,
    (on_date + 1 + %(hold_days)s)::timestamp AT TIME ZONE 'UTC'
FROM (SELECT on_date FROM settling_sum UNION SELECT on_date FROM settling_reversal) d;

INSERT INTO billing_vehiclemeter (vehicle_id, first_sequence, last_sequence, record_count,
    latest_ends_at)
SELECT vehicle_id, first_sequence, last_sequence, record_count, last_at
FROM settling_vehicle
WHERE record_count > 0
ORDER BY vehicle_id
ON CONFLICT (vehicle_id) DO UPDATE
SET first_sequence = least(billing_vehiclemeter.first_sequence, excluded.first_sequence),
    last_sequence = greatest(billing_vehiclemeter.last_sequence, excluded.last_sequence),
    record_count = billing_vehiclemeter.record_count + excluded.record_count,
    latest_ends_at = greatest(billing_vehiclemeter.latest_ends_at, excluded.latest_ends_at);

CREATE TEMPORARY TABLE settlement_use ON COMMIT DROP AS
SELECT vehicle_id, on_date, billing_sum(energy_wh) AS energy_wh,
    billing_sum(compute_s) AS compute_s, billing_sum(wear_wh) AS wear_wh,
    billing_sum(mobile_data_bytes) AS mobile_data_bytes
FROM (
    SELECT vehicle_id, local_date AS on_date, energy_wh, compute_s, wear_wh, mobile_data_bytes
    FROM settling_sum
    UNION ALL
    SELECT x.vehicle_id, (x.starts_at AT TIME ZONE v.time_zone)::date, -x.energy_wh,
        -x.duration_s, -consent_wear_wh(x.energy_wh, u.battery_temp_max_decic),
        -coalesce(u.mobile_data_bytes, 0)
    FROM settling_reversal x
    JOIN billing_usagerecord u ON u.on_date = x.on_date AND u.id = x.record_id
    JOIN settling_vehicle v ON v.vehicle_id = x.vehicle_id
) used
GROUP BY vehicle_id, on_date;
