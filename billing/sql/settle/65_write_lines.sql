-- Write the lines. The fee is what is left of the buyer's money.
INSERT INTO billing_ratedline (record_id, settlement_id, owner_id, vehicle_id, booking_id,
    organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
    electricity_micros, wear_micros, reward_micros, job_micros, compensation_micros,
    charge_micros, job_charge_micros, fee_micros, on_date, energy_wh, duration_s, refusals,
    kind, outcome, is_billed, currency)
SELECT record_id, %(settlement_id)s, owner_id, vehicle_id, booking_id,
    organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
    electricity_micros, wear_micros, reward_micros, job_micros, compensation_micros,
    coalesce(charge_micros, 0), job_charge_micros,
    coalesce(charge_micros + job_charge_micros
        - electricity_micros - wear_micros - reward_micros - job_micros, 0),
    on_date, energy_wh, duration_s, refusals, 0, outcome, charge_micros IS NOT NULL, currency
FROM settling_line;
