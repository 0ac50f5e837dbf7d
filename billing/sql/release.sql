-- Release earnings whose hold window is over: owner_pending to owner_available, one transfer per
-- owner and component. Parameters: lane, now, days.
--
-- The days are those of one lane, whose lock the caller holds; what they hold is read from the
-- transfers of their settlements, corrections among them.
CREATE TEMPORARY TABLE releasing_day ON COMMIT DROP AS
SELECT id, settlement_id, on_date FROM billing_settlementday
WHERE lane = %(lane)s AND released_at IS NULL AND release_due_at <= %(now)s
ORDER BY release_due_at, id LIMIT %(days)s;

CREATE TEMPORARY TABLE releasing ON COMMIT DROP AS
SELECT m.account_id, a.owner_id, m.component, a.currency, sum(m.micros)::bigint AS micros,
    r.id AS receivable_id, coalesce(-r.balance_micros, 0) AS owed_micros
FROM (
    SELECT t.credit_account_id AS account_id, t.component, t.amount_micros AS micros
    FROM releasing_day d
    JOIN billing_entry e ON e.settlement_id = d.settlement_id
    JOIN billing_transfer t ON t.entry_id = e.id AND t.on_date = d.on_date
    WHERE t.owner_id IS NOT NULL
    UNION ALL
    SELECT t.debit_account_id, t.component, -t.amount_micros
    FROM releasing_day d
    JOIN billing_entry e ON e.settlement_id = d.settlement_id
    JOIN billing_transfer t ON t.entry_id = e.id AND t.on_date = d.on_date
    WHERE t.owner_id IS NOT NULL
) m
JOIN billing_account a ON a.id = m.account_id AND a.kind = 'owner_pending'
LEFT JOIN billing_account r ON coalesce(r.owner_id, 0) = a.owner_id
    AND coalesce(r.organization_id, 0) = 0 AND r.kind = 'owner_receivable'
    AND r.currency = a.currency AND r.balance_micros < 0
GROUP BY m.account_id, a.owner_id, m.component, a.currency, r.id, r.balance_micros;

-- A debt is set off against rewards and jobs only: electricity is never taken back.
CREATE TEMPORARY TABLE releasing_offset ON COMMIT DROP AS
SELECT account_id, component, least(micros, greatest(0, owed_micros - before)) AS micros
FROM (
    SELECT account_id, component, micros, owed_micros,
        coalesce(sum(micros) OVER (
            PARTITION BY owner_id, currency ORDER BY component DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS before
    FROM releasing WHERE owed_micros > 0 AND component IN ('reward', 'job') AND micros > 0
) o
WHERE owed_micros > before;

INSERT INTO posting (code, debit_kind, credit_kind, component, currency, owner_id,
    amount_micros, debit_account_id)
SELECT 'receivable_offset', 'owner_pending', 'owner_receivable', r.component, r.currency,
    r.owner_id, o.micros, r.account_id
FROM releasing_offset o
JOIN releasing r ON r.account_id = o.account_id AND r.component = o.component
WHERE o.micros > 0
UNION ALL
SELECT 'earnings_released', 'owner_pending', 'owner_available', r.component, r.currency,
    r.owner_id, r.micros - coalesce(o.micros, 0), r.account_id
FROM releasing r
LEFT JOIN releasing_offset o ON o.account_id = r.account_id AND o.component = r.component
WHERE r.micros - coalesce(o.micros, 0) > 0
UNION ALL
-- More was taken back on this day than was earned: the owner owes the rest.
SELECT 'earnings_released', 'owner_receivable', 'owner_pending', r.component, r.currency,
    r.owner_id, -r.micros, NULL
FROM releasing r
WHERE r.micros < 0;

UPDATE billing_settlementday s
SET released_at = %(now)s
FROM releasing_day d
WHERE d.id = s.id;
