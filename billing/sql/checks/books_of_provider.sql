-- What our books say the provider holds for us, by currency.
SELECT t.currency, sum(CASE WHEN a.id = t.debit_account_id THEN t.amount_micros
    ELSE -t.amount_micros END) AS micros
FROM billing_account a
JOIN billing_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
WHERE a.kind IN ('stripe_pending', 'stripe_available')
GROUP BY t.currency;
