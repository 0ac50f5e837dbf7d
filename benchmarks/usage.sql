-- Usage as ingest stores it: one record per vehicle and quarter-hour, in batches of 5,000 that
-- were posted quarter by quarter, each sorted by lane, vehicle and time.
-- Parameters: vehicles, quarters, first_at, first_batch.

SELECT billing_ensure_days(%(first_at)s::timestamptz::date,
    (%(first_at)s::timestamptz + %(quarters)s * interval '15 minutes')::date);

CREATE TEMPORARY TABLE event AS
SELECT q, v, 1 + (n - 1) / 5000 AS batch_number, v %% 8 AS lane,
    %(first_at)s::timestamptz + q * interval '15 minutes' AS starts_at
FROM (
    SELECT q, v, row_number() OVER (ORDER BY q, v) AS n
    FROM generate_series(0, %(quarters)s - 1) q, generate_series(1, %(vehicles)s) v
) e;

CREATE TEMPORARY TABLE placed AS
SELECT *, (%(first_batch)s + batch_number) * 10000
    + row_number() OVER (PARTITION BY batch_number ORDER BY lane, v, starts_at) - 1 AS record_id
FROM event;
DROP TABLE event;

INSERT INTO billing_usagebatch (id, source_id, received_at, event_count, accepted_count,
    duplicate_count, quarantined_count)
SELECT %(first_batch)s + batch_number, 1, max(starts_at) + interval '15 minutes', count(*), count(*),
    0, 0
FROM placed GROUP BY batch_number;

INSERT INTO billing_usagepart (batch_id, lane, first_record_id, last_record_id, first_date,
    last_date, record_count, is_requeued, is_energy_cleared, is_overlap_cleared)
SELECT %(first_batch)s + batch_number, lane, min(record_id), max(record_id),
    min(starts_at AT TIME ZONE 'UTC')::date, max(starts_at AT TIME ZONE 'UTC')::date, count(*),
    false, false, false
FROM placed GROUP BY batch_number, lane ORDER BY batch_number, lane;

INSERT INTO billing_usagerecord (id, owner_id, vehicle_id, booking_id, sequence, starts_at,
    ends_at, on_date, energy_wh, category_bit, consent_number, source_id,
    state_of_charge_min_permille, battery_temp_min_decic, battery_temp_max_decic, plugged_in,
    is_home, job_completed, event_id, job_id)
SELECT record_id, v, v, 1 + v %% 200, settled.sequence + 1 + q, starts_at,
    starts_at + interval '15 minutes', (starts_at AT TIME ZONE 'UTC')::date, 200 + v %% 52, 1, 1, 1,
    400 + v %% 600, 120, 260, true, true, (q + v) %% 10 = 0,
    'eu1-' || lpad(record_id::text, 12, '0'), 'job-' || lpad((record_id)::text, 12, '0')
FROM placed, (SELECT coalesce(max(last_sequence), 0) AS sequence FROM billing_vehiclemeter) settled
ORDER BY record_id;
DROP TABLE placed;
