-- The end of posting: the balances of buyers, in the order of their ids. Their rows are shared by
-- all workers, so they are held as short as can be, and after the rows of bookings.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
UPDATE billing_account a
SET balance_micros = a.balance_micros + d.delta_micros
FROM (
    SELECT account_id, billing_sum(delta_micros) AS delta_micros
    FROM (
        SELECT debit_account_id AS account_id, -amount_micros AS delta_micros
        FROM posting WHERE debit_kind LIKE 'buyer\_%%'
        UNION ALL
        SELECT credit_account_id, amount_micros FROM posting WHERE credit_kind LIKE 'buyer\_%%'
    ) moved
    GROUP BY account_id HAVING billing_sum(delta_micros) <> 0
    ORDER BY account_id OFFSET 0
) d
WHERE a.id = d.account_id;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

TRUNCATE posting RESTART IDENTITY;
