-- Cars with a past, their prices and bookings, made set-based. Parameters: vehicles, days.
-- Every car stands at home from 17:00 to 8:00 UTC, reports what changes and once a quarter-hour
-- at least, and charges in the evening. All allow their nights; a third have caps besides.

INSERT INTO accounts_user (id, password, is_superuser, email, display_name, time_zone, language,
    theme, is_owner, staff_role, is_active, is_staff)
SELECT i, '!', false, 'owner' || i || '@example.com', 'Owner ' || i, 'Europe/Oslo', 'en', '', true,
    '', true, false
FROM generate_series(1, %(vehicles)s) i;
INSERT INTO accounts_organization (id, name, country, currency)
SELECT i, 'Buyer ' || i, 'NO', 'EUR' FROM generate_series(1, 20) i;

INSERT INTO marketplace_region (code, name, country, time_zone, vehicle_count)
VALUES ('no-trondheim', 'Trondheim', 'NO', 'Europe/Oslo', %(vehicles)s);
INSERT INTO marketplace_hardwareclass (code, name, power_w, wear_micros_per_kwh)
VALUES ('ai4', '1 kW inference', 1000, 50000);
INSERT INTO marketplace_pool (id, region_id, hardware_class_id, currency)
VALUES (1, 'no-trondheim', 'ai4', 'EUR');
INSERT INTO marketplace_ratecard (id, pool_id, version, in_force, buyer_micros_per_kwh,
    buyer_micros_per_job, reward_micros_per_kwh, reward_micros_per_job, wear_micros_per_kwh,
    created_at)
VALUES (1, 1, 1, tstzrange(now() - interval '1 year', NULL), 500000, 2500, 100000, 2000, 50000,
    now());
INSERT INTO marketplace_booking (id, state, starts_at, ends_at, power_w, energy_wh,
    workload_category, category_bit, price_micros_per_kwh, price_micros_per_job, jobs_max,
    held_micros, currency, created_at, organization_id, pool_id, rate_card_id)
SELECT i, 'held', date_trunc('day', now()) - interval '200 days',
    date_trunc('day', now()) + interval '10 days', 1000000000, 210 * 24 * 1000000000::bigint,
    'inference', 1, 500000, 2500, 100000000,
    210 * 24 * 1000000000::bigint * 500 + 2500 * 100000000::bigint, 'EUR', now(), 1 + i %% 20, 1, 1
FROM generate_series(1, 200) i;
INSERT INTO consent_workterms (booking_id, buyer_id, reward_micros_per_kwh)
SELECT id, organization_id, 100000 FROM marketplace_booking;
INSERT INTO billing_account (kind, currency, organization_id, balance_micros)
SELECT 'buyer_held', 'EUR', organization_id, sum(held_micros)
FROM marketplace_booking GROUP BY organization_id;
INSERT INTO billing_tariff (owner_id, region_code, version, currency, time_zone, in_force, bands,
    band_micros_per_kwh, windows, created_at)
VALUES (NULL, 'no-trondheim', 1, 'EUR', 'Europe/Oslo', tstzrange(now() - interval '1 year', NULL),
    decode(repeat(repeat('00', 24) || repeat('01', 64) || repeat('02', 8), 7), 'hex'),
    ARRAY[180000, 240000, 150000], '[]', now());
INSERT INTO billing_usagesource (id, name) VALUES (1, 'urn:scheduler:eu-1');

INSERT INTO consent_vehicle (id, owner_id, name, plate, region_code, hardware_class_code,
    rated_power_w, battery_wh, time_zone)
SELECT i, i, 'Car ' || i, 'P' || i, 'no-trondheim', 'ai4', 1000, 60000, 'Europe/Oslo'
FROM generate_series(1, %(vehicles)s) i;
-- The week in the editor's words, and as a mask: from 18:00 to 8:00.
INSERT INTO consent_consentversion (number, state, in_force, time_zone, windows, week_mask,
    battery_stop_pct, battery_resume_pct, plugged_in_only, home_only, temp_high_c,
    energy_wh_per_day_max, energy_wh_per_month_max, categories_mask, notice_version,
    notice_language, previous_digest, digest, actor_id, owner_id, vehicle_id, exceptions, ready_by,
    temp_hold_min, buyers_mode, buyer_ids, quiet_windows, grace, kept, expires_at, closed, opened,
    battery_wh, charge_power_w, wear_micros_per_kwh, compute_micros_per_h, own_fields)
SELECT 1, 'given', tstzrange(now() - interval '200 days', NULL), 'Europe/Oslo',
    '[{"days": [0, 1, 2, 3, 4, 5, 6], "starts": "18:00", "ends": "08:00"}]',
    repeat(repeat('1', 32) || repeat('0', 40) || repeat('1', 24), 7)::bit(672),
    30, 40, true, true, 45, CASE WHEN i %% 3 = 0 THEN 8000 END, CASE WHEN i %% 3 = 0 THEN 150000 END,
    63, '1', 'en', '', '', i, i, i, '[]', '[]', 0, 'all', '{}', '[]', '[]', '{}',
    now() + interval '1 year', '{}', '{}', 60000, 3680, 57500, 20000, '[]'
FROM generate_series(1, %(vehicles)s) i;

INSERT INTO consent_statesample (vehicle_id, observed_at, received_at, state_of_charge_permille,
    plugged_in, is_home, is_moving, battery_temp_decic, is_late, fault, faulty_samples,
    is_recovering, is_cooling, is_warming)
SELECT v, at, at,
    CASE WHEN hour BETWEEN 17 AND 20 THEN 400 + 10 * minute / 4 ELSE 900 - minute %% 200 END,
    hour >= 17 OR hour < 8, hour >= 17 OR hour < 8, hour IN (8, 16), 150 + minute %% 90, false, '',
    0, false, false, false
FROM (
    SELECT v, at, extract(hour FROM at AT TIME ZONE 'UTC')::integer AS hour,
        (extract(epoch FROM at)::bigint / 60 %% 180)::integer AS minute
    FROM generate_series(1, %(vehicles)s) v,
        generate_series(date_trunc('hour', now()) - (%(days)s + 1) * interval '1 day', now(),
                        interval '2 minutes') at
) said
-- What repeats itself within a quarter-hour is not kept; charge and heat move while it charges.
WHERE hour BETWEEN 17 AND 20 OR hour IN (8, 16) OR minute %% 15 = 0;

INSERT INTO consent_vehiclestate (vehicle_id, observed_at, received_at, heard_at,
    state_of_charge_permille, plugged_in, is_home, is_moving, battery_temp_decic, is_recovering)
SELECT id, now(), now(), now(), 800, true, true, false, 180, false FROM consent_vehicle;
