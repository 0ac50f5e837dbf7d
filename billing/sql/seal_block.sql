-- The digest of one block: the previous digest, then every transfer of the block by its key.
SELECT count(*) AS transfer_count, coalesce(sum(amount_micros), 0) AS amount_micros,
    sha256(%(previous)s::bytea || coalesce(string_agg(
        sha256(convert_to(concat_ws('|', entry_id, number, code, debit_account_id, credit_account_id,
            component, amount_micros, currency, extract(epoch FROM effective_at),
            extract(epoch FROM booked_at), coalesce(owner_id, 0), coalesce(organization_id, 0),
            coalesce(booking_id, 0), coalesce(settlement_id, 0), coalesce(on_date::text, '')), 'UTF8')),
        ''::bytea ORDER BY entry_id, number), ''::bytea)) AS digest
FROM billing_transfer
WHERE written_by::text::bigint >= %(from_xid)s AND written_by::text::bigint < %(until_xid)s;
