-- Take back what corrected lines moved: one entry for each settlement that is corrected, which
-- stays as it was. What an owner may have been paid out already becomes a debt of theirs.
INSERT INTO billing_entry (code, effective_at, booked_at, business_key, corrects_id,
    settlement_id, description)
SELECT 'correction', %(booked_at)s, %(booked_at)s,
    'settlement:' || %(settlement_id)s || ':corrects:' || corrected_entry_id, corrected_entry_id,
    %(settlement_id)s, ''
FROM (SELECT DISTINCT corrected_entry_id FROM settling_reversal) x;

WITH funded AS (
    SELECT x.owner_id, x.organization_id, x.currency, x.on_date, e.id AS entry_id,
        CASE WHEN x.is_released THEN 'owner_receivable' ELSE 'owner_pending' END AS owner_kind,
        CASE WHEN x.is_billed THEN 'platform_fee' ELSE 'unbilled_usage' END AS rest_kind,
        CASE WHEN x.is_closed THEN 'buyer_prepaid' ELSE 'buyer_held' END AS buyer_kind,
        CASE WHEN x.is_closed THEN x.booking_id END AS booking_id,
        x.electricity_micros, x.wear_micros, x.reward_micros, x.job_micros,
        x.charge_micros + x.job_charge_micros AS paid,
        least(x.electricity_micros, x.charge_micros) AS electricity,
        greatest(0, least(x.wear_micros, x.charge_micros - x.electricity_micros)) AS wear,
        greatest(0, least(x.reward_micros, x.charge_micros - x.electricity_micros
            - x.wear_micros)) AS reward,
        least(x.job_micros, x.job_charge_micros) AS job
    FROM settling_reversal x
    JOIN billing_entry e ON e.business_key
        = 'settlement:' || %(settlement_id)s || ':corrects:' || x.corrected_entry_id
), summed AS (
    SELECT entry_id, owner_id, organization_id, currency, on_date, owner_kind, rest_kind,
        buyer_kind, booking_id, sum(electricity)::bigint AS electricity, sum(wear)::bigint AS wear,
        sum(reward)::bigint AS reward, sum(job)::bigint AS job,
        sum(electricity_micros - electricity)::bigint AS rest_electricity,
        sum(wear_micros - wear)::bigint AS rest_wear,
        sum(reward_micros - reward)::bigint AS rest_reward,
        sum(job_micros - job)::bigint AS rest_job,
        sum(paid - electricity - wear - reward - job)::bigint AS kept
    FROM funded
    GROUP BY entry_id, owner_id, organization_id, currency, on_date, owner_kind, rest_kind,
        buyer_kind, booking_id
)
INSERT INTO posting (code, debit_kind, component, credit_kind, currency, owner_id,
    organization_id, booking_id, on_date, amount_micros, effective_at, entry_id)
SELECT 'correction', v.debit_kind,
    CASE WHEN v.debit_kind = 'owner_pending' THEN v.component ELSE '' END,
    v.credit_kind, s.currency, CASE WHEN v.component <> '' THEN s.owner_id END,
    s.organization_id, s.booking_id, s.on_date, v.micros,
    (s.on_date + 1)::timestamp AT TIME ZONE 'UTC', s.entry_id
FROM summed s
CROSS JOIN LATERAL (
    VALUES
        (s.owner_kind, 'electricity', s.buyer_kind, s.electricity),
        (s.owner_kind, 'wear', s.buyer_kind, s.wear),
        (s.owner_kind, 'reward', s.buyer_kind, s.reward),
        (s.owner_kind, 'job', s.buyer_kind, s.job),
        (s.owner_kind, 'electricity', s.rest_kind, s.rest_electricity),
        (s.owner_kind, 'wear', s.rest_kind, s.rest_wear),
        (s.owner_kind, 'reward', s.rest_kind, s.rest_reward),
        (s.owner_kind, 'job', s.rest_kind, s.rest_job),
        ('platform_fee', '', s.buyer_kind, s.kept)
) v (debit_kind, component, credit_kind, micros)
WHERE v.micros > 0;
