-- Accounts that only pass money on return to zero once nothing is open. Open is a disputed card
-- payment that was neither returned nor, by an entry of its own, lost.
SELECT t.currency,
    coalesce(sum(s.micros) FILTER (WHERE a.kind = 'suspense' AND e.code = 'card_dispute'
        AND NOT EXISTS (
            SELECT FROM billing_entry l
            WHERE l.business_key = 'dispute:' || split_part(e.business_key, ':', 2) || ':lost'
        )), 0) AS expected_micros,
    sum(s.micros) AS found_micros,
    0 AS broken_count
FROM billing_account a
JOIN billing_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
JOIN billing_entry e ON e.id = t.entry_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.id = t.credit_account_id THEN t.amount_micros ELSE -t.amount_micros END
        AS micros
) s
WHERE a.kind IN ('refund_in_transit', 'suspense')
GROUP BY t.currency;
