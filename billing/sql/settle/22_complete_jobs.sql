-- What is set aside is known now: say who is paid for which completed job.
ANALYZE settling_refused, settling_superseded, settling_correction;

-- A job is paid once: who says first that it is complete. A correction takes its job over.
DELETE FROM billing_completedjob j
USING settling_correction c, billing_usagerecord u
WHERE c.is_fit AND NOT c.is_pending
    AND NOT EXISTS (SELECT FROM settling_refused x WHERE x.record_id = c.new_record_id)
    AND u.on_date = c.old_on_date AND u.id = c.old_record_id AND u.job_completed
    AND j.source_id = u.source_id AND j.job_id = u.job_id AND j.record_id = u.id;

-- Who completes a job and is not paid for it: whoever is replaced, set aside, or second.
CREATE TEMPORARY TABLE settling_unpaid_job ON COMMIT DROP AS
WITH claimed AS MATERIALIZED (
    SELECT record_id, source_id, completed_job_id FROM settling_record WHERE job_completed
), paid AS (
    INSERT INTO billing_completedjob (source_id, job_id, record_id)
    SELECT source_id, completed_job_id, record_id
    FROM claimed
    WHERE record_id NOT IN (SELECT record_id FROM settling_refused)
        AND record_id NOT IN (SELECT record_id FROM settling_superseded)
    ORDER BY record_id
    ON CONFLICT DO NOTHING
    RETURNING record_id
)
SELECT record_id FROM claimed
WHERE (SELECT count(*) FROM paid) < (SELECT count(*) FROM claimed)
    AND record_id NOT IN (SELECT record_id FROM paid);
