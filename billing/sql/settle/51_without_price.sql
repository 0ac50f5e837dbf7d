-- No price, no pay: a person looks first. The job of such a record is not complete yet.
CREATE TEMPORARY TABLE settling_unpriced ON COMMIT DROP AS
SELECT record_id, booking_id, rate_card_id
FROM settling_line
WHERE electricity_micros IS NULL OR wear_micros IS NULL OR organization_id IS NULL;

INSERT INTO settling_refused
SELECT u.record_id, CASE WHEN b.booking_id IS NULL THEN 'unknown_booking' ELSE 'unknown_price' END,
    CASE WHEN b.booking_id IS NULL THEN 'There is no such booking.'
        WHEN u.rate_card_id IS NULL THEN 'The pool of the booking has no rate card at this time.'
        ELSE 'No electricity price in the currency of the booking is known at this time.' END
FROM settling_unpriced u
LEFT JOIN settling_booking b ON b.booking_id = u.booking_id;

DELETE FROM settling_line l
USING settling_unpriced u WHERE u.record_id = l.record_id;

DELETE FROM billing_completedjob j
USING settling_unpriced u, settling_record r
WHERE r.record_id = u.record_id AND j.source_id = r.source_id
    AND j.job_id = r.completed_job_id AND j.record_id = r.record_id;

-- What it would have corrected keeps its job.
INSERT INTO billing_completedjob (source_id, job_id, record_id)
SELECT o.source_id, o.job_id, o.id
FROM settling_unpriced u
JOIN settling_correction c ON c.new_record_id = u.record_id AND c.is_fit AND NOT c.is_pending
JOIN billing_usagerecord o
    ON o.on_date = c.old_on_date AND o.id = c.old_record_id AND o.job_completed
ON CONFLICT DO NOTHING;
