-- Find what must not be priced: corrections and what they replace, and more energy than a
-- vehicle can draw. 21_overlaps.sql adds two records of one vehicle at one time.

-- What corrections replace. is_pending: the original is among these records.
CREATE TEMPORARY TABLE settling_correction ON COMMIT DROP AS
SELECT c.record_id AS new_record_id, c.supersedes_record_id AS old_record_id,
    c.supersedes_on_date AS old_on_date,
    row_number() OVER (PARTITION BY c.supersedes_record_id ORDER BY c.record_id) = 1
        AND s.old_record_id IS NULL
        AND o.vehicle_id IS NOT DISTINCT FROM c.vehicle_id
        AND o.owner_id IS NOT DISTINCT FROM c.owner_id AS is_fit,
    EXISTS (SELECT FROM settling_record p WHERE p.record_id = c.supersedes_record_id) AS is_pending
FROM settling_record c
LEFT JOIN billing_usagerecord o
    ON o.on_date = c.supersedes_on_date AND o.id = c.supersedes_record_id
LEFT JOIN billing_supersession s
    ON s.old_record_id = c.supersedes_record_id AND s.new_record_id <> c.record_id
-- Nearly always there is none, and then no record is read.
WHERE c.supersedes_record_id IS NOT NULL
    AND (SELECT bool_or(is_corrected) FROM settling_vehicle);

CREATE TEMPORARY TABLE settling_refused (
    record_id bigint PRIMARY KEY, code text NOT NULL, detail text NOT NULL
) ON COMMIT DROP;

INSERT INTO settling_refused
SELECT r.record_id, 'energy_implausible',
    format('%%s Wh in %%s s; at %%s W the vehicle can draw %%s Wh',
        r.energy_wh, date_part('epoch', r.ends_at - r.starts_at), v.rated_power_w,
        floor(v.rated_power_w * 1.05 * date_part('epoch', r.ends_at - r.starts_at) / 3600))
FROM settling_vehicle v
JOIN settling_record r ON r.vehicle_id = v.vehicle_id
WHERE v.power_w > v.rated_power_w * 1.04
    AND r.energy_wh * 360000::double precision
        > v.rated_power_w * 105::double precision * date_part('epoch', r.ends_at - r.starts_at)
    AND NOT r.is_energy_cleared;

INSERT INTO settling_refused
SELECT new_record_id, 'supersedes_unfit',
    'The record that it corrects is of another vehicle, or was corrected before.'
FROM settling_correction WHERE NOT is_fit
ON CONFLICT DO NOTHING;

-- Records that were replaced and need no price: by a correction here, or (when they come back
-- from quarantine) by one that was settled before.
CREATE TEMPORARY TABLE settling_superseded ON COMMIT DROP AS
SELECT c.old_record_id AS record_id
FROM settling_correction c
WHERE c.is_fit AND c.is_pending
    AND NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = c.new_record_id)
UNION
SELECT r.record_id
FROM settling_record r
JOIN billing_supersession s ON s.old_record_id = r.record_id
WHERE r.is_requeued;

-- For 21_overlaps.sql, which may have to run more than once.
CREATE TEMPORARY TABLE settling_neighbour (
    record_id bigint, vehicle_id bigint, starts_at timestamptz, ends_at timestamptz,
    is_overlap_cleared boolean
) ON COMMIT DROP;
CREATE TEMPORARY TABLE settling_replaced (
    new_record_id bigint, old_record_id bigint
) ON COMMIT DROP;
