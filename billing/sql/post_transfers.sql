-- Post every row of the temporary table `posting` (see posting_table.sql) as one transfer.
--
-- Parameters: effective_at, booked_at; and entry_id, settlement_id for rows that name none.
-- An entry is posted to once: its numbers begin with 1, so a second time raises a unique
-- violation. A row whose account cannot be found or opened raises a NOT NULL violation.

INSERT INTO billing_transfer (entry_id, number, code, debit_account_id, credit_account_id,
    component, amount_micros, currency, effective_at, booked_at, owner_id, organization_id,
    booking_id, settlement_id, on_date)
SELECT coalesce(entry_id, %(entry_id)s), number, code, debit_account_id,
    credit_account_id, component, amount_micros, currency, coalesce(effective_at, %(effective_at)s),
    %(booked_at)s, owner_id, organization_id, booking_id,
    coalesce(settlement_id, %(settlement_id)s), on_date
FROM posting;

-- Rows are locked as the nested loop meets them, in the order of their ids. Owners belong to
-- one worker at a time. Buyers, whom all workers share, follow in post_buyers.sql.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
UPDATE billing_account a
SET balance_micros = a.balance_micros + d.micros,
    electricity_micros = a.electricity_micros + d.electricity,
    wear_micros = a.wear_micros + d.wear, reward_micros = a.reward_micros + d.reward,
    job_micros = a.job_micros + d.job,
    compensation_micros = a.compensation_micros + d.compensation,
    returned_micros = a.returned_micros + d.returned
FROM (
    SELECT account_id, billing_sum(micros) AS micros,
        billing_sum(micros) FILTER (WHERE component = 'electricity') AS electricity,
        billing_sum(micros) FILTER (WHERE component = 'wear') AS wear,
        billing_sum(micros) FILTER (WHERE component = 'reward') AS reward,
        billing_sum(micros) FILTER (WHERE component = 'job') AS job,
        billing_sum(micros) FILTER (WHERE component = 'compensation') AS compensation,
        billing_sum(micros) FILTER (WHERE component = 'returned') AS returned
    FROM (
        SELECT debit_account_id AS account_id, -amount_micros AS micros,
            CASE WHEN debit_kind <> 'owner_receivable' THEN component END AS component
        FROM posting WHERE debit_kind LIKE 'owner\_%%'
        UNION ALL
        SELECT credit_account_id, amount_micros,
            CASE WHEN credit_kind <> 'owner_receivable' THEN component END
        FROM posting WHERE credit_kind LIKE 'owner\_%%'
    ) moved
    GROUP BY account_id
    ORDER BY account_id OFFSET 0
) d
WHERE a.id = d.account_id;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;
