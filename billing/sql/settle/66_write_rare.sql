-- Write reversals, what replaced what, and what was set aside.
INSERT INTO billing_ratedline (record_id, settlement_id, owner_id, vehicle_id, booking_id,
    organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
    electricity_micros, wear_micros, reward_micros, job_micros, compensation_micros,
    charge_micros, job_charge_micros, fee_micros, on_date, energy_wh, duration_s, refusals,
    kind, outcome, is_billed, currency)
SELECT record_id, %(settlement_id)s, owner_id, vehicle_id, booking_id,
    organization_id, consent_version_id, rate_card_id, tariff_id, starts_at, ends_at,
    -electricity_micros, -wear_micros, -reward_micros, -job_micros, 0,
    -charge_micros, -job_charge_micros, -fee_micros, on_date, -energy_wh, duration_s, refusals,
    1, outcome, is_billed, currency
FROM settling_reversal;

INSERT INTO billing_supersession (old_record_id, new_record_id)
SELECT c.old_record_id, c.new_record_id
FROM settling_correction c
JOIN settling_line n ON n.record_id = c.new_record_id
WHERE c.is_fit
ON CONFLICT DO NOTHING;

UPDATE billing_quarantinedrecord q
SET state = 'superseded', resolved_at = %(booked_at)s
FROM settling_correction c
JOIN settling_line n ON n.record_id = c.new_record_id
WHERE c.is_fit AND q.record_id = c.old_record_id AND q.state = 'open';

INSERT INTO billing_quarantinedrecord (source_id, batch_id, position, event_id, digest, code,
    pointer, detail, body, vehicle_id, record_id, on_date, received_at, seen_count, state,
    resolution)
SELECT u.source_id, u.id / 10000, u.id %% 10000, u.event_id, 0, x.code, '', x.detail, '',
    u.vehicle_id, u.id, u.on_date, %(booked_at)s, 1, 'open', ''
FROM settling_refused x
JOIN settling_record r ON r.record_id = x.record_id
JOIN billing_usagerecord u ON u.on_date = r.on_date AND u.id = r.record_id
ORDER BY u.id
ON CONFLICT (record_id) WHERE record_id IS NOT NULL DO UPDATE
SET code = excluded.code, detail = excluded.detail, state = 'open', resolved_at = NULL,
    resolved_by_id = NULL, seen_count = billing_quarantinedrecord.seen_count + 1;
