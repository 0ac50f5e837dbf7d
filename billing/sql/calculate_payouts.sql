-- Write one line per owner with an available balance into the run %(run_id)s.
--
-- What an owner owes is taken from reward and job only. The amount is the rest in whole
-- cents, rounded down; what does not make a cent stays with the newest part, since parts
-- are used up in the order returned, compensation, electricity, wear, reward, job.

WITH balance AS (
    SELECT owner_id,
        coalesce(sum(balance_micros) FILTER (WHERE kind = 'owner_available'), 0)::bigint AS available,
        coalesce(-sum(balance_micros) FILTER (WHERE kind = 'owner_receivable'), 0)::bigint AS owed,
        sum(returned_micros)::bigint AS returned,
        sum(compensation_micros)::bigint AS compensation,
        sum(electricity_micros)::bigint AS electricity,
        sum(wear_micros)::bigint AS wear,
        sum(reward_micros)::bigint AS reward,
        sum(job_micros)::bigint AS job
    FROM billing_account
    WHERE kind IN ('owner_available', 'owner_receivable') AND currency = %(currency)s
        AND balance_micros <> 0
    GROUP BY owner_id
    HAVING sum(balance_micros) FILTER (WHERE kind = 'owner_available') > 0
), netted AS (
    SELECT *, least(greatest(owed, 0), reward) AS offset_reward,
        least(greatest(owed - reward, 0), job) AS offset_job
    FROM balance
), failed AS MATERIALIZED (
    -- Read once and before: the table that is searched is the one that grows below.
    SELECT last.owner_id
    FROM (
        SELECT owner_id, max(id) AS id FROM billing_payout WHERE state = 'failed' GROUP BY owner_id
    ) last
    WHERE NOT EXISTS (
        SELECT FROM billing_payout l
        WHERE l.owner_id = last.owner_id AND l.id > last.id AND l.state IN ('in_transit', 'paid')
    )
), judged AS (
    SELECT n.*, n.available - n.offset_reward - n.offset_job AS payable,
        coalesce(p.provider_account_id, '') AS destination,
        f.owner_id IS NOT NULL AS is_after_failure,
        CASE
            WHEN h.id IS NOT NULL THEN 'held'
            WHEN n.available < %(minimum_micros)s THEN 'below_minimum'
            WHEN n.available - n.offset_reward - n.offset_job < %(minimum_micros)s
                THEN 'receivable_outweighs'
            WHEN p.provider_account_id IS NULL THEN 'no_payout_account'
            WHEN NOT p.is_ready THEN 'account_not_ready'
            ELSE ''
        END AS block_reason
    FROM netted n
    LEFT JOIN billing_payoutaccount p ON p.owner_id = n.owner_id
    LEFT JOIN billing_payouthold h ON h.owner_id = n.owner_id AND h.lifted_at IS NULL
    LEFT JOIN failed f ON f.owner_id = n.owner_id
), priced AS (
    SELECT *, CASE WHEN block_reason = ''
        THEN payable / %(micros_per_cent)s * %(micros_per_cent)s ELSE 0 END AS amount
    FROM judged
)
INSERT INTO billing_payout (run_id, owner_id, currency, state, block_reason, destination,
    available_micros, receivable_micros, offset_reward_micros, offset_job_micros,
    returned_micros, compensation_micros, electricity_micros, wear_micros, reward_micros,
    job_micros, amount_micros, is_after_failure)
SELECT %(run_id)s, owner_id, %(currency)s,
    CASE WHEN block_reason = '' THEN 'ready' ELSE 'blocked' END, block_reason, destination,
    available, greatest(owed, 0),
    CASE WHEN block_reason = '' THEN offset_reward ELSE 0 END,
    CASE WHEN block_reason = '' THEN offset_job ELSE 0 END,
    least(returned, amount),
    least(compensation, greatest(amount - returned, 0)),
    least(electricity, greatest(amount - returned - compensation, 0)),
    least(wear, greatest(amount - returned - compensation - electricity, 0)),
    least(reward - offset_reward,
        greatest(amount - returned - compensation - electricity - wear, 0)),
    least(job - offset_job,
        greatest(amount - returned - compensation - electricity - wear
            - (reward - offset_reward), 0)),
    amount, is_after_failure
FROM priced
ORDER BY owner_id;
