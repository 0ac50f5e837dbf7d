-- Find, and where they are missing open, the accounts that rows of `posting` do not name.
--
-- owner_id and organization_id of a row complete the key of its owner_* and buyer_* accounts.

-- One row per account key, in key order, so that two workers that miss the same accounts
-- wait for each other instead of meeting head on.
INSERT INTO billing_account (kind, currency, owner_id, organization_id)
SELECT s.kind, s.currency, nullif(s.owner, 0), nullif(s.organization, 0)
FROM (
    SELECT DISTINCT side.kind, p.currency,
        CASE WHEN side.kind LIKE 'owner\_%' THEN p.owner_id ELSE 0 END AS owner,
        CASE WHEN side.kind LIKE 'buyer\_%' THEN p.organization_id ELSE 0 END AS organization
    FROM posting p
    CROSS JOIN LATERAL (
        VALUES (p.debit_account_id, p.debit_kind), (p.credit_account_id, p.credit_kind)
    ) AS side (account_id, kind)
    WHERE (p.debit_account_id IS NULL OR p.credit_account_id IS NULL)
        AND side.account_id IS NULL
) s
WHERE NOT EXISTS (
    SELECT FROM billing_account a
    WHERE coalesce(a.owner_id, 0) = s.owner
        AND coalesce(a.organization_id, 0) = s.organization
        AND a.kind = s.kind AND a.currency = s.currency
)
ORDER BY s.owner, s.organization, s.kind, s.currency
ON CONFLICT DO NOTHING;

UPDATE posting p
SET debit_account_id = a.id
FROM billing_account a
WHERE p.debit_account_id IS NULL
    AND coalesce(a.owner_id, 0) = CASE WHEN p.debit_kind LIKE 'owner\_%' THEN p.owner_id ELSE 0 END
    AND coalesce(a.organization_id, 0)
        = CASE WHEN p.debit_kind LIKE 'buyer\_%' THEN p.organization_id ELSE 0 END
    AND a.kind = p.debit_kind AND a.currency = p.currency;

UPDATE posting p
SET credit_account_id = a.id
FROM billing_account a
WHERE p.credit_account_id IS NULL
    AND coalesce(a.owner_id, 0)
        = CASE WHEN p.credit_kind LIKE 'owner\_%' THEN p.owner_id ELSE 0 END
    AND coalesce(a.organization_id, 0)
        = CASE WHEN p.credit_kind LIKE 'buyer\_%' THEN p.organization_id ELSE 0 END
    AND a.kind = p.credit_kind AND a.currency = p.currency;
