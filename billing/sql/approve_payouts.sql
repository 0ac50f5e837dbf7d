-- Move the money of every ready line of run %(run_id)s out of the owners' balances, and
-- write the first attempt of each with its key and its body. Fills `posting`; the caller
-- posts it (post_transfers.sql) in the same transaction.

-- A table of its own with statistics: the lines were written a moment ago, and a plan for
-- the few rows that the planner remembers would compare each with each.
CREATE TEMPORARY TABLE approving ON COMMIT DROP AS
SELECT *, nextval(pg_get_serial_sequence('billing_entry', 'id')) AS entry_id,
    'payout:' || id || ':approved' AS business_key
FROM billing_payout
WHERE run_id = %(run_id)s AND state = 'ready'
ORDER BY id;
ANALYZE approving;

INSERT INTO billing_entry (id, code, effective_at, booked_at, business_key)
SELECT entry_id, 'payout_approved', %(now)s, %(now)s, business_key FROM approving;

INSERT INTO posting (code, debit_kind, component, credit_kind, currency, owner_id,
    amount_micros, entry_id)
SELECT part.code, 'owner_available', part.component, part.credit_kind, p.currency, p.owner_id,
    part.amount_micros, p.entry_id
FROM approving p
CROSS JOIN LATERAL (
    VALUES
        ('payout_approved', 'returned', 'payout_in_transit', p.returned_micros),
        ('payout_approved', 'compensation', 'payout_in_transit', p.compensation_micros),
        ('payout_approved', 'electricity', 'payout_in_transit', p.electricity_micros),
        ('payout_approved', 'wear', 'payout_in_transit', p.wear_micros),
        ('payout_approved', 'reward', 'payout_in_transit', p.reward_micros),
        ('payout_approved', 'job', 'payout_in_transit', p.job_micros),
        ('receivable_offset', 'reward', 'owner_receivable', p.offset_reward_micros),
        ('receivable_offset', 'job', 'owner_receivable', p.offset_job_micros)
) AS part (code, component, credit_kind, amount_micros)
WHERE part.amount_micros > 0;

INSERT INTO billing_payoutattempt (payout_id, number, idempotency_key, request, state,
    created_at, due_at)
SELECT id, 1, 'tr:' || id || ':1',
    jsonb_build_object(
        'amount', amount_micros / %(micros_per_cent)s,
        'currency', lower(currency),
        'destination', destination,
        'transfer_group', 'run:' || run_id,
        'description', %(description)s,
        'metadata', jsonb_build_object('run', run_id::text, 'item', id::text,
            'attempt', 'tr:' || id || ':1', 'owner', owner_id::text)
    ),
    'created', %(now)s, %(now)s
FROM approving;

UPDATE billing_payout SET state = 'created' WHERE run_id = %(run_id)s AND state = 'ready';

DROP TABLE approving;
