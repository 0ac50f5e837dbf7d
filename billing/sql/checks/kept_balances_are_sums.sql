-- The balance kept on an account is the sum of its transfers; so is each of its parts.
WITH summed AS (
    SELECT account_id, sum(micros) AS micros,
        sum(micros) FILTER (WHERE component = 'electricity') AS electricity,
        sum(micros) FILTER (WHERE component = 'wear') AS wear,
        sum(micros) FILTER (WHERE component = 'reward') AS reward,
        sum(micros) FILTER (WHERE component = 'job') AS job,
        sum(micros) FILTER (WHERE component = 'compensation') AS compensation,
        sum(micros) FILTER (WHERE component = 'returned') AS returned
    FROM (
        SELECT debit_account_id AS account_id, component, -sum(amount_micros) AS micros
        FROM billing_transfer GROUP BY debit_account_id, component
        UNION ALL
        SELECT credit_account_id, component, sum(amount_micros)
        FROM billing_transfer GROUP BY credit_account_id, component
    ) side
    GROUP BY account_id
)
SELECT a.currency, coalesce(sum(s.micros), 0) AS expected_micros,
    coalesce(sum(a.balance_micros), 0) AS found_micros,
    count(*) FILTER (WHERE a.balance_micros <> coalesce(s.micros, 0)
        OR a.kind IN ('owner_pending', 'owner_available') AND (
            a.electricity_micros <> coalesce(s.electricity, 0)
            OR a.wear_micros <> coalesce(s.wear, 0)
            OR a.reward_micros <> coalesce(s.reward, 0)
            OR a.job_micros <> coalesce(s.job, 0)
            OR a.compensation_micros <> coalesce(s.compensation, 0)
            OR a.returned_micros <> coalesce(s.returned, 0))) AS broken_count
FROM billing_account a
LEFT JOIN summed s ON s.account_id = a.id
WHERE a.owner_id IS NOT NULL OR a.organization_id IS NOT NULL
GROUP BY a.currency;
