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
