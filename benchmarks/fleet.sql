-- A fleet for benchmarks, made set-based. Parameter: vehicles.
-- Half of the owners have a tariff of their own, a fifth of the vehicles have caps, a third
-- allow the night only, and one in a hundred never gave consent.

INSERT INTO accounts_user (id, password, is_superuser, email, display_name, time_zone, language,
    theme, is_owner, staff_role, is_active, is_staff)
SELECT i, '!', false, 'owner' || i || '@example.com', 'Owner ' || i, 'Europe/Oslo', 'en', '', true,
    '', true, false
FROM generate_series(1, %(vehicles)s) i;

INSERT INTO accounts_organization (id, name, country, currency)
SELECT i, 'Buyer ' || i, 'NO', 'EUR' FROM generate_series(1, 20) i;

INSERT INTO marketplace_region (code, name, country, time_zone, vehicle_count)
SELECT 'region-' || i, 'Region ' || i, 'NO',
    (ARRAY['Europe/Oslo', 'Europe/Lisbon', 'Europe/Berlin', 'Europe/Helsinki'])[i], %(vehicles)s
FROM generate_series(1, 4) i;
INSERT INTO marketplace_hardwareclass (code, name, power_w, wear_micros_per_kwh)
VALUES ('ai4', '1 kW inference', 1000, 50000);
INSERT INTO marketplace_pool (id, region_id, hardware_class_id, currency)
SELECT i, 'region-' || i, 'ai4', 'EUR' FROM generate_series(1, 4) i;
INSERT INTO marketplace_ratecard (id, pool_id, version, in_force, buyer_micros_per_kwh,
    buyer_micros_per_job, reward_micros_per_kwh, reward_micros_per_job, wear_micros_per_kwh,
    created_at)
SELECT i, i, 1, tstzrange('2026-01-01', NULL), 500000, 2500, 100000, 2000, 50000, '2026-01-01'
FROM generate_series(1, 4) i;

INSERT INTO marketplace_booking (id, state, starts_at, ends_at, power_w, energy_wh,
    workload_category, category_bit, price_micros_per_kwh, price_micros_per_job, jobs_max,
    held_micros, currency, created_at, organization_id, pool_id, rate_card_id)
SELECT i, 'held', '2026-11-01', '2026-12-01', 1000000000, 720000000000, 'inference', 1, 500000,
    2500, 100000000, 720000000000::bigint * 500 + 2500 * 100000000::bigint, 'EUR', '2026-11-01',
    1 + i %% 20, 1 + i %% 4, 1 + i %% 4
FROM generate_series(1, 200) i;
INSERT INTO consent_workterms (booking_id, buyer_id, reward_micros_per_kwh)
SELECT id, organization_id, 100000 FROM marketplace_booking;
INSERT INTO billing_account (kind, currency, organization_id, balance_micros)
SELECT 'buyer_held', 'EUR', organization_id, sum(held_micros)
FROM marketplace_booking GROUP BY organization_id;

INSERT INTO consent_vehicle (id, owner_id, name, plate, region_code, hardware_class_code,
    rated_power_w, battery_wh, time_zone)
SELECT i, i, 'Car ' || i, 'P' || i, 'region-' || 1 + i %% 4, 'ai4', 1000, 60000,
    (ARRAY['Europe/Oslo', 'Europe/Lisbon', 'Europe/Berlin', 'Europe/Helsinki'])[1 + i %% 4]
FROM generate_series(1, %(vehicles)s) i;

INSERT INTO consent_consentversion (number, state, in_force, time_zone, windows, week_mask,
    battery_stop_pct, battery_resume_pct, plugged_in_only, home_only, temp_high_c,
    energy_wh_per_day_max, energy_wh_per_month_max, categories_mask, notice_version,
    notice_language, previous_digest, digest, actor_id, owner_id, vehicle_id, exceptions, ready_by,
    temp_hold_min, buyers_mode, buyer_ids, quiet_windows, grace, kept, expires_at, closed, opened,
    battery_wh, charge_power_w, wear_micros_per_kwh, compute_micros_per_h, own_fields)
SELECT 1, 'given', tstzrange('2026-10-01', NULL),
    (ARRAY['Europe/Oslo', 'Europe/Lisbon', 'Europe/Berlin', 'Europe/Helsinki'])[1 + i %% 4], '[]',
    CASE WHEN i %% 3 = 0
        THEN repeat(repeat('1', 32) || repeat('0', 36) || repeat('1', 28), 7)
        ELSE repeat('1', 672) END::bit(672),
    30, 40, true, i %% 2 = 0, CASE WHEN i %% 4 = 0 THEN 45 END,
    CASE WHEN i %% 5 = 0 THEN 8000 END, CASE WHEN i %% 5 = 0 THEN 150000 END, 63, '1', 'en', '', '',
    i, i, i, '[]', '[]', 0, 'all', '{}', '[]', '[]', '{}', '2027-11-01', '{}', '{}', 60000, 3680,
    57500, 20000, '[]'
FROM generate_series(1, %(vehicles)s) i WHERE i %% 100 <> 99;

INSERT INTO billing_tariff (owner_id, region_code, version, currency, time_zone, in_force, bands,
    band_micros_per_kwh, windows, created_at)
SELECT NULL, 'region-' || i, 1, 'EUR', 'Europe/Oslo', tstzrange('2026-01-01', NULL),
    decode(repeat(repeat('00', 24) || repeat('01', 64) || repeat('02', 8), 7), 'hex'),
    ARRAY[180000, 240000, 150000], '[]', '2026-01-01'
FROM generate_series(1, 4) i;
INSERT INTO billing_tariff (owner_id, region_code, version, currency, time_zone, in_force, bands,
    band_micros_per_kwh, windows, created_at)
SELECT i, '', 1, 'EUR', 'Europe/Oslo', tstzrange('2026-01-01', NULL),
    decode(repeat(repeat('01', 28) || repeat('00', 68), 7), 'hex'),
    ARRAY[200000 + i %% 100 * 1000, 120000], '[]', '2026-01-01'
FROM generate_series(1, %(vehicles)s) i WHERE i %% 2 = 0;

INSERT INTO billing_usagesource (id, name) VALUES (1, 'urn:scheduler:eu-1');
SELECT setval(pg_get_serial_sequence('billing_tariff', 'id'), (SELECT max(id) FROM billing_tariff));

-- Owners have earned before: their accounts exist, as after the first day of a fleet.
INSERT INTO billing_account (kind, currency, owner_id)
SELECT 'owner_pending', 'EUR', i FROM generate_series(1, %(vehicles)s) i;
