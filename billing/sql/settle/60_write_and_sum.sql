-- Write the lines of `ready` (named by 40_rate.sql or 59_waited.sql, which stand before this) and
-- sum them, in one pass; everything that follows is read from these sums.
--
-- The outcome of a line: 1 when it is against the owner's rules, whatever the booking says; else
-- what the files before said (3 over the booking, 4 superseded); else 2 when no buyer pays.
-- Who pays for what: the buyer first, in the order electricity, wear, reward; the rest comes
-- from the platform (its fee when the buyer pays, unbilled usage when no buyer does). The fee is
-- what is left of the buyer's money.
, settled AS NOT MATERIALIZED (
    SELECT *, CASE WHEN refusals <> 0 THEN 1 WHEN outcome <> 0 THEN outcome
            WHEN charge_micros IS NULL THEN 2 ELSE 0 END AS final_outcome,
        CASE WHEN refusals <> 0
            THEN greatest(0, 2 * reward_micros + electricity_micros - compensated_micros)
            ELSE 0 END AS compensation_micros
    FROM ready
), written AS (
    INSERT INTO billing_ratedline (record_id, settlement_id, owner_id, vehicle_id, booking_id,
        organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
        electricity_micros, wear_micros, reward_micros, job_micros, compensation_micros,
        charge_micros, job_charge_micros, fee_micros, on_date, energy_wh, duration_s, refusals,
        kind, outcome, is_billed, currency)
    SELECT record_id, %(settlement_id)s, owner_id, vehicle_id, booking_id,
        organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
        electricity_micros, wear_micros, reward_micros, job_micros,
        compensation_micros, coalesce(charge_micros, 0), job_charge_micros,
        coalesce(charge_micros + job_charge_micros
            - electricity_micros - wear_micros - reward_micros - job_micros, 0),
        on_date, energy_wh, duration_s, refusals, 0, final_outcome,
        charge_micros IS NOT NULL, currency
    FROM settled
)
INSERT INTO settling_sum
SELECT owner_id, vehicle_id, booking_id, on_date, local_date, outcome, covered > 0 AS is_billed,
    CASE WHEN covered > 1 THEN electricity ELSE charge END,
    CASE WHEN covered > 2 THEN wear WHEN covered = 2 THEN charge - electricity ELSE 0 END,
    CASE WHEN covered > 3 THEN reward WHEN covered = 3 THEN charge - electricity - wear ELSE 0 END,
    CASE WHEN covered > 0 AND is_job_covered THEN job ELSE job_charge END,
    electricity, wear, reward, job, charge, job_charge, compensation, energy_wh, compute_s,
    wear_wh, mobile_data_bytes, billed_jobs, line_count
FROM (
    -- Lines whose money covers the same are summed together, so that what the buyer pays of
    -- each part follows from the sums. How much is covered: 0 nothing, since no buyer pays;
    -- 1 some electricity, 2 all of it, 3 wear too, 4 everything.
    SELECT owner_id, vehicle_id, booking_id, on_date, local_date,
        final_outcome AS outcome,
        CASE WHEN charge_micros >= electricity_micros + wear_micros + reward_micros THEN 4
            WHEN charge_micros >= electricity_micros + wear_micros THEN 3
            WHEN charge_micros >= electricity_micros THEN 2
            WHEN charge_micros IS NOT NULL THEN 1 ELSE 0 END AS covered,
        charge_micros IS NULL OR job_charge_micros >= job_micros AS is_job_covered,
        billing_sum(electricity_micros) AS electricity, billing_sum(wear_micros) AS wear,
        billing_sum(reward_micros) AS reward, billing_sum(job_micros) AS job,
        billing_sum(charge_micros) AS charge, billing_sum(job_charge_micros) AS job_charge,
        billing_sum(compensation_micros) AS compensation,
        sum(energy_wh) AS energy_wh, sum(duration_s) AS compute_s, sum(wear_wh) AS wear_wh,
        billing_sum(mobile_data_bytes) AS mobile_data_bytes,
        count(nullif(job_charge_micros, 0)) AS billed_jobs, count(*) AS line_count
    FROM settled
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
) s;
