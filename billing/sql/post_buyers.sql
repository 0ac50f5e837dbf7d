-- The end of posting: the balances of buyers, in the order of their ids. Their rows are shared by
-- all workers, so they are held as short as can be, and after the rows of bookings.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
UPDATE billing_account a
SET balance_micros = a.balance_micros + d.delta_micros
FROM (
    SELECT account_id, delta_micros FROM posting_delta WHERE delta_micros <> 0 AND is_buyer
    ORDER BY account_id OFFSET 0
) d
WHERE a.id = d.account_id;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

DROP TABLE posting_delta;
TRUNCATE posting;
