-- Lines to take back; filled by 54_corrections.sql.
CREATE TEMPORARY TABLE settling_reversal (
    new_record_id bigint, LIKE billing_ratedline, is_released boolean, is_closed boolean,
    corrected_entry_id bigint
) ON COMMIT DROP;
