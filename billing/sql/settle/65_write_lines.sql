-- Write the lines. The fee is what is left of the buyer's money.
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
FROM settling_line;
