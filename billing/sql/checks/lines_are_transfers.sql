-- Settlement by settlement, what its rated lines give owners, charge buyers and leave the
-- platform is what its transfers moved. The figures shown are the owners'.
WITH line AS (
    SELECT settlement_id, currency,
        sum(electricity_micros + wear_micros + reward_micros + job_micros
            + compensation_micros) AS owner_micros,
        sum(charge_micros + job_charge_micros) AS buyer_micros,
        sum(fee_micros) AS fee_micros
    FROM billing_ratedline GROUP BY settlement_id, currency
), moved AS (
    SELECT t.settlement_id, t.currency,
        sum(t.amount_micros * ((c.owner_id IS NOT NULL)::int - (d.owner_id IS NOT NULL)::int))
            AS owner_micros,
        sum(t.amount_micros * ((d.organization_id IS NOT NULL)::int
            - (c.organization_id IS NOT NULL)::int)) AS buyer_micros,
        sum(t.amount_micros * ((c.kind = 'platform_fee')::int - (d.kind = 'platform_fee')::int))
            AS fee_micros
    FROM billing_transfer t
    JOIN billing_account d ON d.id = t.debit_account_id
    JOIN billing_account c ON c.id = t.credit_account_id
    WHERE t.settlement_id IS NOT NULL
    GROUP BY t.settlement_id, t.currency
)
SELECT coalesce(l.currency, m.currency) AS currency,
    sum(coalesce(l.owner_micros, 0)) AS expected_micros,
    sum(coalesce(m.owner_micros, 0)) AS found_micros,
    count(*) FILTER (WHERE (l.owner_micros, l.buyer_micros, l.fee_micros)
        IS DISTINCT FROM (m.owner_micros, m.buyer_micros, m.fee_micros)
        AND (coalesce(l.owner_micros, 0), coalesce(l.buyer_micros, 0), coalesce(l.fee_micros, 0))
        <> (coalesce(m.owner_micros, 0), coalesce(m.buyer_micros, 0), coalesce(m.fee_micros, 0))
    ) AS broken_count
FROM line l
FULL JOIN moved m ON m.settlement_id = l.settlement_id AND m.currency = l.currency
GROUP BY 1;
