-- Against the owner's rules: 60 and 65 say what is paid for it. What was paid for earlier
-- versions of a corrected record is not paid again.
WITH RECURSIVE earlier AS (
    SELECT new_record_id, record_id, on_date, compensation_micros FROM settling_reversal
    UNION ALL
    SELECT e.new_record_id, l.record_id, l.on_date, l.compensation_micros
    FROM earlier e
    JOIN billing_usagerecord u ON u.on_date = e.on_date AND u.id = e.record_id
    JOIN billing_ratedline l
        ON l.on_date = u.supersedes_on_date AND l.record_id = u.supersedes_record_id AND l.kind = 0
)
UPDATE settling_line l
SET compensated_micros = c.micros
FROM (
    SELECT new_record_id, sum(compensation_micros) AS micros FROM earlier GROUP BY new_record_id
) c
WHERE c.new_record_id = l.record_id AND l.refusals <> 0;
