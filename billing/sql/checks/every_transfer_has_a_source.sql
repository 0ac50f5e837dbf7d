-- A transfer belongs to an entry, an entry has transfers, a settlement that is named exists.
SELECT currency, sum(micros) AS expected_micros, sum(micros) FILTER (WHERE NOT is_broken)
    AS found_micros, count(*) FILTER (WHERE is_broken) AS broken_count
FROM (
    SELECT t.currency, t.amount_micros AS micros,
        e.id IS NULL OR (t.settlement_id IS NOT NULL AND s.id IS NULL) AS is_broken
    FROM billing_transfer t
    LEFT JOIN billing_entry e ON e.id = t.entry_id
    LEFT JOIN billing_settlement s ON s.id = t.settlement_id
) judged
GROUP BY currency;
