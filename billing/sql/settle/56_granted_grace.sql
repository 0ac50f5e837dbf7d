-- Grace that a decision granted to a job takes refusals away, reason by reason: work that nobody
-- asked for is a breach as before.
--
-- The grants of a reason must reach to the end of the record, from where the reason can have
-- begun: with the record, its version or its pause, less the lease (60 s) that the job still had;
-- or, for a reading of plug and home (bits 3 to 6), where the first grant in the record begins,
-- since the meter says of the whole interval what became true within it.
WITH granted AS (
    SELECT l.record_id, l.vehicle_id, l.consent_version_id, l.starts_at, l.ends_at,
        g.starts_at AS granted_at, g.ends_at AS granted_until, g.reasons_mask & l.refusals AS mask
    FROM (SELECT DISTINCT vehicle_id FROM settling_line WHERE refusals <> 0) x
    JOIN settling_vehicle v ON v.vehicle_id = x.vehicle_id
    CROSS JOIN LATERAL (
        SELECT * FROM consent_grace_v c
        WHERE c.vehicle_id = v.vehicle_id AND c.starts_at < v.last_at AND c.ends_at > v.first_at
        OFFSET 0
    ) g
    JOIN settling_line l ON l.vehicle_id = v.vehicle_id AND l.refusals & g.reasons_mask <> 0
        AND g.starts_at < l.ends_at AND g.ends_at > l.starts_at
    JOIN billing_usagerecord u
        ON u.on_date = l.on_date AND u.id = l.record_id AND u.job_id = g.job_id
), reason AS (
    SELECT g.record_id, g.vehicle_id, g.consent_version_id, g.starts_at, g.ends_at, n.bit,
        min(g.granted_at) AS granted_at,
        range_agg(tstzrange(g.granted_at - interval '60 seconds', g.granted_until)) AS granted
    FROM granted g
    JOIN generate_series(0, 30) n (bit) ON g.mask & (1 << n.bit) <> 0
    GROUP BY g.record_id, g.vehicle_id, g.consent_version_id, g.starts_at, g.ends_at, n.bit
), lifted AS (
    SELECT r.record_id, bit_or(1 << r.bit) AS mask
    FROM reason r
    LEFT JOIN settling_terms t ON t.version_id = r.consent_version_id
    LEFT JOIN LATERAL (
        SELECT min(p.starts_at) AS starts_at FROM settling_pause p
        WHERE r.bit = 2 AND p.vehicle_id = r.vehicle_id
            AND p.starts_at < r.ends_at AND p.ends_at > r.starts_at
    ) p ON true
    WHERE r.granted @> tstzrange(
        greatest(r.starts_at, t.starts_at, p.starts_at,
            CASE WHEN r.bit BETWEEN 3 AND 6 THEN r.granted_at END),
        r.ends_at)
    GROUP BY r.record_id
)
UPDATE settling_line l
SET refusals = l.refusals & ~f.mask
FROM lifted f
WHERE f.record_id = l.record_id;
