-- Last, because these rows are shared with the workers of other lanes: what was billed to each
-- booking. The CHECK refuses more than was booked; then all of this is done again with the
-- bookings locked first.
INSERT INTO billing_bookingdelivery (booking_id, booked_wh, jobs_max, billed_wh, billed_jobs,
    charged_micros)
SELECT booking_id, booked_wh, jobs_max, 0, 0, 0
FROM settling_delivery
ORDER BY booking_id
ON CONFLICT DO NOTHING;

DO $$
BEGIN
    PERFORM d.booking_id FROM billing_bookingdelivery d
    WHERE d.booking_id IN (SELECT booking_id FROM settling_delivery)
    ORDER BY d.booking_id FOR NO KEY UPDATE;
END $$;

-- A booking that was closed since its terms were read takes no more: the CHECK says so.
UPDATE billing_bookingdelivery d
SET billed_wh = d.billed_wh + n.added_wh, billed_jobs = d.billed_jobs + n.added_jobs,
    charged_micros = d.charged_micros + n.added_micros,
    booked_wh = CASE WHEN d.closed_at IS NOT NULL AND NOT n.is_closed THEN d.billed_wh
        ELSE d.booked_wh END,
    jobs_max = CASE WHEN d.closed_at IS NOT NULL AND NOT n.is_closed THEN d.billed_jobs
        ELSE d.jobs_max END
FROM settling_delivery n
WHERE n.booking_id = d.booking_id
    AND (n.added_wh <> 0 OR n.added_jobs <> 0 OR n.added_micros <> 0);

UPDATE billing_usagepart p
SET settlement_id = %(settlement_id)s
FROM settling_part s
WHERE s.part_id = p.id;
