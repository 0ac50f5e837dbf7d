-- What was metered of jobs to which something is granted still, for consent to take it off.
CREATE TEMPORARY TABLE settlement_job ON COMMIT DROP AS
SELECT l.vehicle_id, u.job_id, sum(l.energy_wh)::bigint AS energy_wh,
    sum(l.duration_s)::bigint AS compute_s
FROM (
    SELECT vehicle_id, on_date, record_id, energy_wh, duration_s
    FROM settling_record
    WHERE vehicle_id IN (SELECT vehicle_id FROM consent_reserved_v)
        AND record_id NOT IN (SELECT record_id FROM settling_refused)
        AND record_id NOT IN (SELECT record_id FROM settling_superseded)
    OFFSET 0
) l
CROSS JOIN LATERAL (
    SELECT job_id FROM billing_usagerecord r
    WHERE r.on_date = l.on_date AND r.id = l.record_id
    OFFSET 0
) u
GROUP BY l.vehicle_id, u.job_id;
