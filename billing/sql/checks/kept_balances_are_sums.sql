-- The balance kept on an account is the sum of its transfers.
WITH summed AS (
    SELECT account_id, sum(micros)::bigint AS micros
    FROM (
        SELECT debit_account_id AS account_id, -sum(amount_micros) AS micros
        FROM billing_transfer GROUP BY debit_account_id
        UNION ALL
        SELECT credit_account_id, sum(amount_micros)
        FROM billing_transfer GROUP BY credit_account_id
    ) side
    GROUP BY account_id
)
SELECT a.currency, coalesce(sum(s.micros), 0) AS expected_micros,
    coalesce(sum(a.balance_micros), 0) AS found_micros,
    count(*) FILTER (WHERE a.balance_micros <> coalesce(s.micros, 0)) AS broken_count
FROM billing_account a
LEFT JOIN summed s ON s.account_id = a.id
WHERE a.owner_id IS NOT NULL OR a.organization_id IS NOT NULL
GROUP BY a.currency;
