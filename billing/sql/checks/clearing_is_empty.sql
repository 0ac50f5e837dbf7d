-- Accounts that only pass money on return to zero once nothing is open.
SELECT t.currency, 0 AS expected_micros,
    sum(CASE WHEN a.id = t.credit_account_id THEN t.amount_micros ELSE -t.amount_micros END)
        AS found_micros,
    0 AS broken_count
FROM billing_account a
JOIN billing_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
WHERE a.kind IN ('refund_in_transit', 'suspense')
GROUP BY t.currency;
