-- Owners: pending + available - owed + in transit + paid = rated lines + adjustments.
-- An adjustment is any other transfer between an owner's account and one of the platform.
WITH kept AS (
    SELECT currency, sum(balance_micros) AS micros FROM billing_account
    WHERE owner_id IS NOT NULL GROUP BY currency
), out AS (
    SELECT currency, sum(amount_micros - reversed_micros) AS micros FROM billing_payout
    WHERE state IN ('created', 'submitting', 'unknown', 'in_transit', 'paid')
        OR (state = 'failed' AND provider_id <> '')
    GROUP BY currency
), rated AS (
    SELECT currency, sum(electricity_micros + wear_micros + reward_micros + job_micros
        + compensation_micros) AS micros
    FROM billing_ratedline GROUP BY currency
), adjusted AS (
    SELECT t.currency, sum(t.amount_micros
        * ((c.owner_id IS NOT NULL)::int - (d.owner_id IS NOT NULL)::int)) AS micros
    FROM billing_transfer t
    JOIN billing_account d ON d.id = t.debit_account_id
    JOIN billing_account c ON c.id = t.credit_account_id
    WHERE t.settlement_id IS NULL
        AND t.code NOT IN ('payout_approved', 'payout_refused', 'payout_failed')
    GROUP BY t.currency
), currencies AS (
    SELECT currency FROM kept UNION SELECT currency FROM out
    UNION SELECT currency FROM rated UNION SELECT currency FROM adjusted
)
SELECT n.currency, coalesce(rated.micros, 0) + coalesce(adjusted.micros, 0) AS expected_micros,
    coalesce(kept.micros, 0) + coalesce(out.micros, 0) AS found_micros, 0 AS broken_count
FROM currencies n
LEFT JOIN kept ON kept.currency = n.currency
LEFT JOIN out ON out.currency = n.currency
LEFT JOIN rated ON rated.currency = n.currency
LEFT JOIN adjusted ON adjusted.currency = n.currency;
