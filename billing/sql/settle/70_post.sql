-- Say in `posting` what the lines move: per owner, buyer, day and component.

-- By owner, so that what follows meets accounts and their index entries side by side. What is
-- charged for a booking that is over comes from the prepaid balance and names its booking_id.
-- The accounts are looked up row by row, since a join would read those of all owners; posting
-- opens those that are missing.
CREATE TEMPORARY TABLE settling_due ON COMMIT DROP AS
SELECT d.*, p.pending_id, a.available_id
FROM (
    SELECT s.owner_id, b.organization_id, b.currency, s.on_date, s.is_billed, c.booking_id,
        (s.on_date + 1)::timestamp AT TIME ZONE 'UTC' AS effective_at,
        CASE WHEN c.booking_id IS NULL THEN 'buyer_held' ELSE 'buyer_prepaid' END AS buyer_kind,
        billing_sum(s.electricity) AS electricity, billing_sum(s.wear) AS wear,
        billing_sum(s.reward) AS reward, billing_sum(s.job) AS job,
        billing_sum(s.all_electricity - s.electricity) AS rest_electricity,
        billing_sum(s.all_wear - s.wear) AS rest_wear,
        billing_sum(s.all_reward - s.reward) AS rest_reward,
        billing_sum(s.all_job - s.job) AS rest_job,
        billing_sum(s.charge - s.electricity - s.wear - s.reward) AS kept,
        billing_sum(s.job_charge - s.job) AS kept_job,
        billing_sum(s.compensation) AS compensation
    FROM settling_sum s
    JOIN settling_booking b ON b.booking_id = s.booking_id
    CROSS JOIN LATERAL (SELECT CASE WHEN b.is_closed THEN b.booking_id END AS booking_id) c
    GROUP BY s.owner_id, b.organization_id, b.currency, s.on_date, s.is_billed, c.booking_id
    ORDER BY s.owner_id
    OFFSET 0
) d
LEFT JOIN LATERAL (
    SELECT id AS pending_id FROM billing_account
    WHERE coalesce(owner_id, 0) = d.owner_id AND coalesce(organization_id, 0) = 0
        AND kind = 'owner_pending' AND currency = d.currency
    OFFSET 0
) p ON true
LEFT JOIN LATERAL (
    SELECT id AS available_id FROM billing_account
    WHERE d.compensation > 0 AND coalesce(owner_id, 0) = d.owner_id
        AND coalesce(organization_id, 0) = 0 AND kind = 'owner_available' AND currency = d.currency
    OFFSET 0
) a ON true;
ANALYZE settling_due (owner_id);

CREATE TEMPORARY TABLE settling_buyer ON COMMIT DROP AS
SELECT d.organization_id, d.currency, d.buyer_kind, a.id AS account_id
FROM (SELECT DISTINCT organization_id, currency, buyer_kind FROM settling_due) d
JOIN billing_account a ON coalesce(a.owner_id, 0) = 0
    AND coalesce(a.organization_id, 0) = d.organization_id AND a.kind = d.buyer_kind
    AND a.currency = d.currency;
ANALYZE settling_buyer;

-- Those of the platform, once for all rows.
CREATE TEMPORARY TABLE settling_platform ON COMMIT DROP AS
SELECT kind, currency, id AS account_id FROM billing_account
WHERE coalesce(owner_id, 0) = 0 AND coalesce(organization_id, 0) = 0
    AND kind IN ('platform_fee', 'unbilled_usage', 'breach_compensation');
ANALYZE settling_platform;

INSERT INTO posting (code, debit_kind, credit_kind, component, currency, owner_id,
    organization_id, booking_id, on_date, amount_micros, effective_at, debit_account_id,
    credit_account_id)
SELECT v.code, d.buyer_kind, 'owner_pending', v.component, d.currency, d.owner_id,
    d.organization_id, d.booking_id, d.on_date, v.micros, d.effective_at, b.account_id,
    d.pending_id
FROM settling_due d
LEFT JOIN settling_buyer b ON b.organization_id = d.organization_id AND b.currency = d.currency
    AND b.buyer_kind = d.buyer_kind
CROSS JOIN LATERAL (
    VALUES
        ('usage_settled', 'electricity', d.electricity),
        ('usage_settled', 'wear', d.wear),
        ('usage_settled', 'reward', d.reward),
        ('job_completed', 'job', d.job)
) v (code, component, micros)
WHERE v.micros > 0;

-- What no buyer pays, compensation, and what the platform keeps.
INSERT INTO posting (code, debit_kind, credit_kind, component, currency, owner_id,
    organization_id, booking_id, on_date, amount_micros, effective_at, debit_account_id,
    credit_account_id)
SELECT p.code, p.debit_kind, p.credit_kind, p.component, p.currency, p.owner_id,
    p.organization_id, p.booking_id, p.on_date, p.micros,
    (p.on_date + 1)::timestamp AT TIME ZONE 'UTC',
    coalesce(b.account_id, debited.account_id), coalesce(p.owner_account_id, credited.account_id)
FROM (
    SELECT v.code, v.debit_kind, v.credit_kind, v.component, d.currency, d.owner_id,
        d.organization_id, d.booking_id, d.on_date, v.micros, v.owner_account_id
    FROM (
        SELECT *, CASE WHEN is_billed THEN 'low_margin' ELSE 'usage_unbilled' END AS rest_code,
            CASE WHEN is_billed THEN 'platform_fee' ELSE 'unbilled_usage' END AS rest_kind
        FROM settling_due
        WHERE rest_electricity + rest_wear + rest_reward + rest_job + compensation > 0
    ) d
    CROSS JOIN LATERAL (
        VALUES
            (rest_code, rest_kind, 'owner_pending', 'electricity', d.rest_electricity,
                d.pending_id),
            (rest_code, rest_kind, 'owner_pending', 'wear', d.rest_wear, d.pending_id),
            (rest_code, rest_kind, 'owner_pending', 'reward', d.rest_reward, d.pending_id),
            (rest_code, rest_kind, 'owner_pending', 'job', d.rest_job, d.pending_id),
            ('consent_breach', 'breach_compensation', 'owner_available', 'compensation',
                d.compensation, d.available_id)
    ) v (code, debit_kind, credit_kind, component, micros, owner_account_id)
    WHERE v.micros > 0
    UNION ALL
    SELECT v.code, k.buyer_kind, 'platform_fee', '', k.currency, NULL, k.organization_id,
        k.booking_id, k.on_date, v.micros, NULL
    FROM (
        SELECT organization_id, currency, on_date, buyer_kind, booking_id,
            billing_sum(kept) AS kept, billing_sum(kept_job) AS kept_job
        FROM settling_due GROUP BY 1, 2, 3, 4, 5
    ) k
    CROSS JOIN LATERAL (
        VALUES ('usage_settled', k.kept), ('job_completed', k.kept_job)
    ) v (code, micros)
    WHERE v.micros > 0
) p
LEFT JOIN settling_buyer b ON b.organization_id = p.organization_id AND b.currency = p.currency
    AND b.buyer_kind = p.debit_kind
LEFT JOIN settling_platform debited
    ON debited.kind = p.debit_kind AND debited.currency = p.currency
LEFT JOIN settling_platform credited
    ON credited.kind = p.credit_kind AND credited.currency = p.currency;
