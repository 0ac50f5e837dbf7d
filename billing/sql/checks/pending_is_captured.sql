-- What is pending at the provider is what buyers paid that is not available yet.
WITH captured AS (
    SELECT currency, sum(amount_micros - fee_micros) AS micros
    FROM billing_topup WHERE state = 'captured' GROUP BY currency
), booked AS (
    SELECT t.currency, sum(CASE WHEN a.id = t.debit_account_id THEN t.amount_micros
        ELSE -t.amount_micros END) AS micros
    FROM billing_account a
    JOIN billing_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
    WHERE a.kind = 'stripe_pending'
    GROUP BY t.currency
)
SELECT coalesce(c.currency, b.currency) AS currency, coalesce(c.micros, 0) AS expected_micros,
    coalesce(b.micros, 0) AS found_micros, 0 AS broken_count
FROM captured c
FULL JOIN booked b ON b.currency = c.currency;
