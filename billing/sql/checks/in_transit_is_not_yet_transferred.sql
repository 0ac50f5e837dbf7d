-- payout_in_transit holds what was approved and has neither left nor come back.
WITH waiting AS (
    SELECT currency, sum(amount_micros) AS micros FROM billing_payout
    WHERE state IN ('created', 'submitting', 'unknown')
    GROUP BY currency
), booked AS (
    SELECT t.currency, sum(CASE WHEN a.id = t.credit_account_id THEN t.amount_micros
        ELSE -t.amount_micros END) AS micros
    FROM billing_account a
    JOIN billing_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
    WHERE a.kind = 'payout_in_transit'
    GROUP BY t.currency
)
SELECT coalesce(w.currency, b.currency) AS currency, coalesce(w.micros, 0) AS expected_micros,
    coalesce(b.micros, 0) AS found_micros, 0 AS broken_count
FROM waiting w
FULL JOIN booked b ON b.currency = w.currency;
