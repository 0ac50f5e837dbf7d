-- A pause refuses from its first second, less the lease that a running job still has.
UPDATE settling_line l
SET refusals = l.refusals | 4
FROM settling_pause p
WHERE p.vehicle_id = l.vehicle_id AND l.refusals & 3 = 0
    AND l.starts_at < p.ends_at AND l.ends_at > p.starts_at + interval '60 seconds';
