-- A fleet that is asked about, made set-based. Parameter: vehicles.
-- A fifth of the vehicles have caps, a third allow the night only, one in ten has rules of the
-- rarer kinds, one in a hundred is paused, and one in a hundred never gave consent. Every vehicle
-- was decided about before, and one in four works now.

INSERT INTO accounts_user (id, password, is_superuser, email, display_name, time_zone, language,
    theme, is_owner, staff_role, is_active, is_staff)
SELECT i, '!', false, 'owner' || i || '@example.com', 'Owner ' || i, 'Europe/Oslo', 'en', '', true,
    '', true, false
FROM generate_series(1, %(vehicles)s) i;
INSERT INTO accounts_organization (id, name, country, currency)
SELECT i, 'Buyer ' || i, 'NO', 'EUR' FROM generate_series(1, 20) i;
INSERT INTO consent_workterms (booking_id, buyer_id, reward_micros_per_kwh)
SELECT i, 1 + i %% 20, 60000 + i * 100 FROM generate_series(1, 200) i;

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
    battery_wh, charge_power_w, wear_micros_per_kwh, compute_micros_per_h, own_fields,
    quiet_mask, quiet_power_limit_w, reward_micros_per_h_min)
SELECT 1, 'given', tstzrange(now() - interval '50 days', NULL),
    (ARRAY['Europe/Oslo', 'Europe/Lisbon', 'Europe/Berlin', 'Europe/Helsinki'])[1 + i %% 4], '[]',
    CASE WHEN i %% 3 = 0
        THEN repeat(repeat('1', 32) || repeat('0', 36) || repeat('1', 28), 7)
        ELSE repeat('1', 672) END::bit(672),
    30, 40, true, i %% 2 = 0, CASE WHEN i %% 4 = 0 THEN 45 END,
    CASE WHEN i %% 5 = 0 THEN 8000 END, CASE WHEN i %% 5 = 0 THEN 150000 END, 63, '1', 'en', '', '',
    i, i, i, '[]', '[]', CASE WHEN i %% 10 = 1 THEN 10 ELSE 0 END,
    CASE WHEN i %% 10 = 1 THEN 'except' ELSE 'all' END,
    CASE WHEN i %% 10 = 1 THEN ARRAY[1 + i %% 20]::bigint[] ELSE '{}' END, '[]',
    CASE WHEN i %% 10 = 1 THEN '[{"gate": "hours", "minutes": 15}]'::jsonb ELSE '[]' END,
    '{}', now() + interval '1 year', '{}', '{}', 60000, 3680, 57500, 20000, '[]',
    CASE WHEN i %% 10 = 1 THEN repeat(repeat('1', 24) || repeat('0', 72), 7)::bit(672) END,
    CASE WHEN i %% 10 = 1 THEN 500 END, CASE WHEN i %% 10 = 1 THEN 50000 END
FROM generate_series(1, %(vehicles)s) i WHERE i %% 100 <> 99;

INSERT INTO consent_pause (vehicle_id, during, kind, lets_jobs_finish, actor_id)
SELECT i, tstzrange(now() - interval '1 hour', NULL), 'until_resumed', false, i
FROM generate_series(1, %(vehicles)s) i WHERE i %% 100 = 7;

-- Loading takes minutes, after which these samples would be stale.
INSERT INTO consent_vehiclestate (vehicle_id, observed_at, received_at, heard_at,
    state_of_charge_permille, plugged_in, is_home, is_moving, battery_temp_decic, is_recovering)
SELECT id, now() + interval '1 hour', now(), now() + interval '1 hour', 200 + id %% 800, id %% 7 <> 0, id %% 11 <> 0, false, 180, false
FROM consent_vehicle;
-- Those with caps have worked every day of the month, the others in the last three days.
INSERT INTO consent_dayuse (vehicle_id, on_date, energy_wh, compute_s)
SELECT v.id, d::date, 3000, 14400
FROM generate_series(date_trunc('month', now()), now(), interval '1 day') d, consent_vehicle v
WHERE v.id %% 5 = 0 OR d > now() - interval '3 days';

INSERT INTO consent_decisionrecord (vehicle_id, asked_at, decided_for, job_id, booking_id,
    category_bit, number, permit, reasons_mask, graced_mask, valid_until)
SELECT id, now(), now(), 'j-' || id, 1 + id %% 200, 1, 1, true, 0, 0, now() + interval '60 s'
FROM consent_vehicle;
INSERT INTO consent_lease (vehicle_id, job_id, booking_id, started_at, expires_at,
    reserved_energy_wh, reserved_compute_s)
SELECT id, 'j-' || id, 1 + id %% 200, now() - interval '5 min', now() + interval '1 hour',
    CASE WHEN id %% 5 = 0 THEN 100 ELSE 0 END, CASE WHEN id %% 5 = 0 THEN 300 ELSE 0 END
FROM consent_vehicle WHERE id %% 4 = 0;
