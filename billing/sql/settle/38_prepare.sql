-- Lines that cannot be written before what is rare is looked at; 40_rate.sql fills it.
CREATE TEMPORARY TABLE settling_line (
    is_plain boolean, record_id bigint, on_date date, owner_id bigint, vehicle_id bigint,
    booking_id bigint, organization_id bigint, consent_version_id bigint, rate_card_id bigint,
    tariff_id bigint, starts_at timestamptz, ends_at timestamptz, electricity_micros bigint,
    wear_micros bigint, reward_micros bigint, job_micros bigint, charge_micros bigint,
    job_charge_micros bigint, energy_wh integer, duration_s integer, wear_wh integer,
    mobile_data_bytes bigint, refusals integer, local_date date, currency text,
    compensated_micros bigint DEFAULT 0, outcome smallint DEFAULT 0
) ON COMMIT DROP;

-- What the lines come to, by vehicle, booking, day and outcome; 60_write_and_sum.sql fills it.
-- The first four sums are what the buyer pays of it.
CREATE TEMPORARY TABLE settling_sum (
    owner_id bigint, vehicle_id bigint, booking_id bigint, on_date date, local_date date,
    outcome smallint, is_billed boolean, electricity bigint, wear bigint, reward bigint,
    job bigint, all_electricity bigint, all_wear bigint, all_reward bigint, all_job bigint,
    charge bigint, job_charge bigint, compensation bigint, energy_wh bigint, compute_s bigint,
    wear_wh bigint, mobile_data_bytes bigint, billed_jobs bigint, line_count bigint
) ON COMMIT DROP;

-- Lines to take back; filled by 54_corrections.sql.
CREATE TEMPORARY TABLE settling_reversal (
    new_record_id bigint, LIKE billing_ratedline, is_released boolean, is_closed boolean,
    corrected_entry_id bigint
) ON COMMIT DROP;

-- The versions with further rules, and what their vehicles had used before each record in the
-- month of the owner's calendar; filled by 45_further_rules.sql.
CREATE TEMPORARY TABLE settling_further (
    vehicle_id bigint, time_zone text, LIKE consent_further_terms_v
) ON COMMIT DROP;
CREATE TEMPORARY TABLE settling_worn (
    record_id bigint, vehicle_id bigint, starts_at timestamptz, local_month date, time_zone text,
    month_wear_wh bigint, month_compute_s bigint, month_data_bytes bigint,
    stored_wear_wh bigint, stored_compute_s bigint, stored_data_bytes bigint
) ON COMMIT DROP;
