-- Write the lines of `ready` (named by 40_rate.sql or 59_waited.sql, which stand before this) and
-- sum them, in one pass; everything that follows is read from these sums.
--
-- The outcome of a line: 1 when it is against the owner's rules, whatever the booking says; else
-- what the files before said (3 over the booking, 4 superseded); else 2 when no buyer pays.
-- Who pays for what: the buyer first, in the order electricity, wear, reward; the rest comes
-- from the platform (its fee when the buyer pays, unbilled usage when no buyer does). The fee is
-- what is left of the buyer's money.
, written AS (
    INSERT INTO billing_ratedline (record_id, settlement_id, owner_id, vehicle_id, booking_id,
        organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
        electricity_micros, wear_micros, reward_micros, job_micros, compensation_micros,
        charge_micros, job_charge_micros, fee_micros, on_date, energy_wh, duration_s, refusals,
        kind, outcome, is_billed, currency)
    SELECT record_id, %(settlement_id)s, owner_id, vehicle_id, booking_id,
        organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
        electricity_micros, wear_micros, reward_micros, job_micros,
        CASE WHEN refusals <> 0
            THEN greatest(0, 2 * reward_micros + electricity_micros - compensated_micros)
            ELSE 0 END,
        coalesce(charge_micros, 0), job_charge_micros,
        coalesce(charge_micros + job_charge_micros
            - electricity_micros - wear_micros - reward_micros - job_micros, 0),
        on_date, energy_wh, duration_s, refusals, 0,
        CASE WHEN refusals <> 0 THEN 1 WHEN outcome <> 0 THEN outcome
            WHEN charge_micros IS NULL THEN 2 ELSE 0 END,
        charge_micros IS NOT NULL, currency
    FROM ready
)
INSERT INTO settling_sum
SELECT owner_id, vehicle_id, booking_id, on_date, local_date,
    charge_micros IS NOT NULL AS is_billed,
    billing_sum(CASE WHEN charge_micros >= electricity_micros THEN electricity_micros
        ELSE charge_micros END) AS electricity,
    billing_sum(CASE WHEN charge_micros >= electricity_micros + wear_micros THEN wear_micros
        WHEN charge_micros > electricity_micros THEN charge_micros - electricity_micros
        ELSE 0 END) AS wear,
    billing_sum(CASE
        WHEN charge_micros >= electricity_micros + wear_micros + reward_micros THEN reward_micros
        WHEN charge_micros > electricity_micros + wear_micros
            THEN charge_micros - electricity_micros - wear_micros
        ELSE 0 END) AS reward,
    billing_sum(least(job_micros, job_charge_micros)) AS job,
    billing_sum(electricity_micros) AS all_electricity, billing_sum(wear_micros) AS all_wear,
    billing_sum(reward_micros) AS all_reward, billing_sum(job_micros) AS all_job,
    billing_sum(charge_micros) AS charge, billing_sum(job_charge_micros) AS job_charge,
    billing_sum(CASE WHEN refusals <> 0
        THEN greatest(0, 2 * reward_micros + electricity_micros - compensated_micros)
        ELSE 0 END) AS compensation,
    sum(energy_wh) AS energy_wh, sum(duration_s) AS compute_s, sum(wear_wh) AS wear_wh,
    billing_sum(mobile_data_bytes) AS mobile_data_bytes,
    count(*) FILTER (WHERE job_charge_micros <> 0) AS billed_jobs,
    count(*) FILTER (WHERE refusals = 0 AND outcome = 0 AND charge_micros IS NOT NULL)
        AS accepted_count,
    count(*) FILTER (WHERE refusals <> 0) AS outside_consent_count,
    count(*) FILTER (WHERE refusals = 0 AND outcome = 0 AND charge_micros IS NULL)
        AS outside_booking_count,
    count(*) FILTER (WHERE refusals = 0 AND outcome = 3) AS over_booking_count,
    count(*) FILTER (WHERE outcome = 4) AS superseded_count
FROM ready
GROUP BY owner_id, vehicle_id, booking_id, on_date, local_date, charge_micros IS NOT NULL;
