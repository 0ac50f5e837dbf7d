-- Every transfer names two accounts of its own currency, so each currency sums to nothing.
SELECT t.currency, sum(t.amount_micros) AS expected_micros,
    sum(t.amount_micros) FILTER (
        WHERE d.currency = t.currency AND c.currency = t.currency
    ) AS found_micros,
    count(*) FILTER (WHERE d.id IS NULL OR c.id IS NULL OR d.currency <> t.currency
        OR c.currency <> t.currency) AS broken_count
FROM billing_transfer t
LEFT JOIN billing_account d ON d.id = t.debit_account_id
LEFT JOIN billing_account c ON c.id = t.credit_account_id
GROUP BY t.currency;
