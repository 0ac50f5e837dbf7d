-- Lines that corrections take back, with all amounts as they were. The buyer of a booking that
-- is over gets the money back into the prepaid balance. Compensation stays with the owner.
-- In a chain of corrections the last one takes the place of what is taken back.
INSERT INTO settling_reversal
SELECT coalesce(z.new_record_id, c.new_record_id), l.*, d.released_at IS NOT NULL, k.closed_at IS NOT NULL, e.id
FROM settling_correction c
JOIN settling_line n ON n.record_id = c.new_record_id
JOIN billing_ratedline l
    ON l.on_date = c.old_on_date AND l.record_id = c.old_record_id AND l.kind = 0
JOIN billing_settlementday d ON d.settlement_id = l.settlement_id AND d.on_date = l.on_date
LEFT JOIN billing_entry e ON e.business_key = 'settlement:' || l.settlement_id
LEFT JOIN billing_bookingdelivery k ON k.booking_id = l.booking_id
LEFT JOIN settling_replaced z ON z.old_record_id = c.old_record_id
    AND c.new_record_id IN (SELECT record_id FROM settling_superseded)
    AND z.new_record_id NOT IN (SELECT record_id FROM settling_superseded)
    AND z.new_record_id NOT IN (SELECT record_id FROM settling_refused)
WHERE c.is_fit AND NOT c.is_pending AND l.outcome <> 4;

-- What a buyer was charged for the original may be charged for the correction, also when the
-- booking is over by now.
UPDATE settling_line l
SET charge_micros = (l.energy_wh * b.price_micros_per_kwh + 500) / 1000,
    job_charge_micros = CASE WHEN l.job_micros > 0 AND x.job_charge_micros > 0
        THEN b.price_micros_per_job ELSE 0 END
FROM settling_reversal x
JOIN settling_booking b ON b.booking_id = x.booking_id
WHERE x.new_record_id = l.record_id AND x.is_billed AND x.booking_id = l.booking_id
    AND l.charge_micros IS NULL AND b.is_closed
    AND l.starts_at >= b.starts_at AND l.ends_at <= b.ends_at;

-- Replaced before they were ever priced: the line says so and moves nothing.
UPDATE settling_line l
SET outcome = 4, refusals = 0, energy_wh = 0, duration_s = 0, wear_wh = 0,
    mobile_data_bytes = NULL,
    electricity_micros = 0, wear_micros = 0, reward_micros = 0, charge_micros = NULL,
    job_micros = 0, job_charge_micros = 0
FROM settling_superseded s
WHERE s.record_id = l.record_id;
