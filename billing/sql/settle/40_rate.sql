-- Check and price every record: one line each. Integer arithmetic, rounded half-up, as
-- billing.rules has it. Followed by 60_write_and_sum.sql, which writes the plain lines (`ready`)
-- in the same statement. All others wait in settling_line, where 45 to 57 put right what is rare.
--
-- 1970 began on a Thursday, 288 quarter-hours into its week.
-- In this order of joins the wide rows of vehicles are looked up last and carried nowhere.
SET LOCAL join_collapse_limit = 1;
WITH priced AS (
SELECT r.record_id, r.on_date, r.owner_id, r.vehicle_id, r.booking_id, b.organization_id,
    t.version_id AS consent_version_id, b.rate_card_id, t.tariff_id, r.starts_at, r.ends_at,
    CASE WHEN t.currency = b.currency THEN
        (r.energy_wh * t.band_micros_per_kwh[1 + get_byte(t.bands, CASE
            WHEN t.tariff_offset_quarters IS NOT NULL
                THEN (r.period + t.tariff_offset_quarters + 288) %% 672
            ELSE ((floor(date_part('epoch', r.starts_at AT TIME ZONE t.tariff_zone) / 900)::bigint
                + 288) %% 672)::integer
        END)] + 500) / 1000
    END AS electricity_micros,
    (r.energy_wh * b.wear_micros_per_kwh + 500) / 1000 AS wear_micros,
    (r.energy_wh * b.reward_micros_per_kwh + 500) / 1000 AS reward_micros,
    CASE WHEN r.job_completed
            AND r.record_id NOT IN (SELECT record_id FROM settling_unpaid_job)
        THEN b.reward_micros_per_job ELSE 0 END AS job_micros,
    -- NULL: not within its booking, so no buyer pays.
    CASE WHEN b.is_live AND r.starts_at >= b.starts_at AND r.ends_at <= b.ends_at
            AND r.category_bit = b.category_bit
        THEN (r.energy_wh * b.price_micros_per_kwh + 500) / 1000 END AS charge_micros,
    CASE WHEN r.job_completed
            AND r.record_id NOT IN (SELECT record_id FROM settling_unpaid_job)
            AND b.is_live AND r.starts_at >= b.starts_at AND r.ends_at <= b.ends_at
            AND r.category_bit = b.category_bit
        THEN b.price_micros_per_job ELSE 0 END AS job_charge_micros,
    r.energy_wh, r.duration_s,
    consent_wear_wh(r.energy_wh, r.battery_temp_max_decic)::integer AS wear_wh,
    r.mobile_data_bytes,
    -- An interval that outlasts its version is refused here and judged by 52.
    CASE WHEN r.ends_at > t.version_ends_at THEN 1 ELSE consent_refusals_at(
        t.is_withdrawn,
        CASE WHEN t.version_offset_quarters IS NOT NULL
            THEN (r.period + t.version_offset_quarters + 288) %% 672
            ELSE ((floor(date_part('epoch', r.starts_at AT TIME ZONE t.time_zone) / 900)::bigint
                + 288) %% 672)::integer
        END, t.week_mask, t.battery_stop_pct, t.plugged_in_only,
        t.home_only, t.temp_high_c, t.temp_low_c, t.energy_wh_per_day_max,
        t.energy_wh_per_month_max, t.compute_s_per_day_max, t.compute_s_per_month_max,
        t.power_limit_w, t.categories_mask, t.expires_at, r.starts_at, r.ends_at, r.energy_wh,
        r.category_bit, r.state_of_charge_min_permille, r.plugged_in, r.is_home,
        r.battery_temp_min_decic, r.battery_temp_max_decic,
        u.day_energy_wh, u.day_compute_s, u.month_energy_wh, u.month_compute_s
    ) END AS refusals,
    CASE WHEN t.local_offset_quarters IS NOT NULL
        THEN DATE '1970-01-01' + (r.period + t.local_offset_quarters) / 96
        ELSE (r.starts_at AT TIME ZONE t.local_zone)::date END AS local_date,
    b.currency,
    t.is_plain AND NOT b.is_tight AND r.supersedes_record_id IS NULL
        AND r.record_id NOT IN (SELECT record_id FROM settling_superseded) AS is_plain
FROM settling_record r
LEFT JOIN settling_before u ON u.record_id = r.record_id
LEFT JOIN settling_sale b ON b.booking_id = r.booking_id
    AND b.rate_starts_at <= r.starts_at AND b.rate_ends_at > r.starts_at
JOIN settling_place t ON t.vehicle_id = r.vehicle_id
    AND t.starts_at <= r.starts_at AND t.ends_at > r.starts_at
WHERE r.record_id NOT IN (SELECT record_id FROM settling_refused)
-- What is worked out above is worked out once.
OFFSET 0
), rated AS MATERIALIZED (
    -- is_plain comes first: whoever asks for nothing else unpacks nothing else.
    SELECT coalesce(is_plain, false) AND electricity_micros IS NOT NULL AND wear_micros IS NOT NULL
            AND (refusals = 0 OR NOT (SELECT EXISTS (SELECT FROM consent_grace_v))) AS is_plain,
        record_id, on_date, owner_id, vehicle_id, booking_id, organization_id,
        consent_version_id, rate_card_id, tariff_id, starts_at, ends_at, electricity_micros,
        wear_micros, reward_micros, job_micros, charge_micros, job_charge_micros, energy_wh,
        duration_s, wear_wh, mobile_data_bytes, refusals, local_date, currency
    FROM priced
), waiting AS (
    INSERT INTO settling_line SELECT * FROM rated WHERE NOT is_plain
), ready AS NOT MATERIALIZED (
    -- Constants, which take no room in what is handed over.
    SELECT *, 0::bigint AS compensated_micros, 0::smallint AS outcome FROM rated WHERE is_plain
)
