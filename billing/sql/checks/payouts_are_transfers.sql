-- What left for owners, payout by payout, is what was booked as transferred and come back.
WITH booked AS (
    SELECT split_part(e.business_key, ':', 2)::bigint AS payout_id, t.currency,
        sum(CASE WHEN e.code = 'payout_transferred' THEN t.amount_micros
            ELSE -t.amount_micros END) AS micros
    FROM billing_entry e
    JOIN billing_transfer t ON t.entry_id = e.id
    WHERE e.code IN ('payout_transferred', 'payout_failed')
    GROUP BY 1, 2
), sent AS (
    SELECT id, currency, amount_micros - reversed_micros AS micros
    FROM billing_payout WHERE provider_id <> ''
)
SELECT coalesce(s.currency, b.currency) AS currency, sum(coalesce(s.micros, 0)) AS expected_micros,
    sum(coalesce(b.micros, 0)) AS found_micros,
    count(*) FILTER (WHERE coalesce(s.micros, 0) <> coalesce(b.micros, 0)) AS broken_count
FROM sent s
FULL JOIN booked b ON b.payout_id = s.id
GROUP BY 1;
