-- What post_transfers.sql reads. Lives until the transaction ends and is emptied by posting.
CREATE TEMPORARY TABLE IF NOT EXISTS posting (
    -- The number of the transfer in its entry.
    number integer GENERATED ALWAYS AS IDENTITY (CACHE 1000),
    code varchar(32) NOT NULL,
    debit_kind varchar(24) NOT NULL,
    credit_kind varchar(24) NOT NULL,
    -- Which part of an owner's pending or available money moves; '' where there is none.
    component varchar(12) NOT NULL DEFAULT '',
    currency varchar(3) NOT NULL,
    owner_id bigint,
    organization_id bigint,
    booking_id bigint,
    on_date date,
    amount_micros bigint NOT NULL,
    -- Only where it differs from that of the run.
    effective_at timestamptz,
    -- Only where one run of post_transfers.sql serves several entries or settlements.
    entry_id bigint,
    settlement_id bigint,
    -- Whoever knows the accounts may say so and saves looking them up.
    debit_account_id bigint,
    credit_account_id bigint
) ON COMMIT DROP;
