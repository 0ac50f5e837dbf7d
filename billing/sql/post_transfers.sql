-- Post every row of the temporary table `posting` (see posting_table.sql) as one transfer.
--
-- Parameters: effective_at, booked_at; and entry_id, settlement_id for rows that name none.
-- owner_id and organization_id of a row complete the key of its owner_* and buyer_* accounts.
-- A business key that is already in the ledger raises a unique violation: claim first.

ANALYZE posting;

-- One row per account key, in key order, so that two workers that miss the same accounts
-- wait for each other instead of meeting head on.
INSERT INTO billing_account (kind, component, currency, owner_id, organization_id)
SELECT s.kind, s.component, s.currency, nullif(s.owner, 0), nullif(s.organization, 0)
FROM (
    SELECT DISTINCT side.kind, side.component, p.currency,
        CASE WHEN side.kind LIKE 'owner\_%%' THEN p.owner_id ELSE 0 END AS owner,
        CASE WHEN side.kind LIKE 'buyer\_%%' THEN p.organization_id ELSE 0 END AS organization
    FROM posting p
    CROSS JOIN LATERAL (
        VALUES (p.debit_kind, p.debit_component), (p.credit_kind, p.credit_component)
    ) AS side (kind, component)
) s
WHERE NOT EXISTS (
    SELECT FROM billing_account a
    WHERE coalesce(a.owner_id, 0) = s.owner
        AND coalesce(a.organization_id, 0) = s.organization
        AND a.kind = s.kind AND a.component = s.component AND a.currency = s.currency
)
ORDER BY s.owner, s.organization, s.kind, s.component, s.currency
ON CONFLICT DO NOTHING;

CREATE TEMPORARY TABLE posting_account ON COMMIT DROP AS
SELECT p.business_key, d.id AS debit_account_id, c.id AS credit_account_id, p.amount_micros,
    d.owner_id IS NOT NULL OR d.organization_id IS NOT NULL AS is_debit_kept,
    c.owner_id IS NOT NULL OR c.organization_id IS NOT NULL AS is_credit_kept,
    p.code, p.currency, p.owner_id, p.organization_id, p.booking_id, p.on_date,
    coalesce(p.entry_id, %(entry_id)s) AS entry_id,
    coalesce(p.settlement_id, %(settlement_id)s) AS settlement_id
FROM posting p
JOIN billing_account d
    ON coalesce(d.owner_id, 0) = CASE WHEN p.debit_kind LIKE 'owner\_%%' THEN p.owner_id ELSE 0 END
    AND coalesce(d.organization_id, 0)
        = CASE WHEN p.debit_kind LIKE 'buyer\_%%' THEN p.organization_id ELSE 0 END
    AND d.kind = p.debit_kind AND d.component = p.debit_component AND d.currency = p.currency
JOIN billing_account c
    ON coalesce(c.owner_id, 0) = CASE WHEN p.credit_kind LIKE 'owner\_%%' THEN p.owner_id ELSE 0 END
    AND coalesce(c.organization_id, 0)
        = CASE WHEN p.credit_kind LIKE 'buyer\_%%' THEN p.organization_id ELSE 0 END
    AND c.kind = p.credit_kind AND c.component = p.credit_component AND c.currency = p.currency;

-- The trigger billing_transfer_sound sees what was inserted; a row that found no account
-- would not be, so the numbers are compared too.
DO $$
BEGIN
    IF (SELECT count(*) FROM posting) <> (SELECT count(*) FROM posting_account) THEN
        RAISE EXCEPTION 'a posting names an account without its owner or organisation'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
END $$;

INSERT INTO billing_transfer (entry_id, code, debit_account_id, credit_account_id, amount_micros,
    currency, effective_at, booked_at, owner_id, organization_id, booking_id, settlement_id,
    on_date, business_key)
SELECT entry_id, code, debit_account_id, credit_account_id, amount_micros,
    currency, %(effective_at)s, %(booked_at)s, owner_id, organization_id, booking_id, settlement_id,
    on_date, business_key
FROM posting_account;

CREATE TEMPORARY TABLE posting_delta ON COMMIT DROP AS
SELECT account_id, sum(delta_micros)::bigint AS delta_micros
FROM (
    SELECT debit_account_id AS account_id, -amount_micros AS delta_micros
    FROM posting_account WHERE is_debit_kept
    UNION ALL
    SELECT credit_account_id, amount_micros FROM posting_account WHERE is_credit_kept
) kept
GROUP BY account_id;
ANALYZE posting_delta;

-- Locks are taken in account order by a statement of their own: UPDATE … FROM promises none.
DO $$
BEGIN
    PERFORM a.id FROM billing_account a
    WHERE a.id IN (SELECT account_id FROM posting_delta) ORDER BY a.id FOR NO KEY UPDATE;
END $$;

UPDATE billing_account a
SET balance_micros = a.balance_micros + d.delta_micros
FROM posting_delta d
WHERE a.id = d.account_id AND d.delta_micros <> 0;

DROP TABLE posting_account, posting_delta;
TRUNCATE posting;
