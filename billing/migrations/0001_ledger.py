import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


NO_CHANGE = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Post a reversing entry.';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_entry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_ledgerseal
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
-- An account keeps its identity for ever; only its balance and the parts of it move.
CREATE TRIGGER append_only
    BEFORE UPDATE OF id, kind, currency, owner_id, organization_id
        OR DELETE OR TRUNCATE ON billing_account
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
"""

NO_CHANGE_UNDONE = """
DROP TRIGGER append_only ON billing_account;
DROP TRIGGER append_only ON billing_ledgerseal;
DROP TRIGGER append_only ON billing_entry;
DROP TRIGGER append_only ON billing_transfer;
DROP FUNCTION billing_refuse_change();
"""

# Each account and entry once, looked up by its key in the order in which they lie: transfers name
# few entries and debits, and a join would read every account there is. EXECUTE plans for the
# tables as they are by now; min() and not LIMIT 1, which would be planned as if a fault were found
# at once.
SOUND_TRANSFERS = """
CREATE FUNCTION billing_check_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unsound text;
BEGIN
    EXECUTE $check$
        SELECT min(named.what)
        FROM (
            SELECT 'account ' || s.account_id AS what
            FROM (
                SELECT debit_account_id AS account_id, currency,
                    min(coalesce(owner_id, -1)) AS owner_min,
                    max(coalesce(owner_id, -1)) AS owner_max,
                    min(coalesce(organization_id, -1)) AS organization_min,
                    max(coalesce(organization_id, -1)) AS organization_max
                FROM fresh GROUP BY debit_account_id, currency
                UNION ALL
                SELECT credit_account_id, currency,
                    min(coalesce(owner_id, -1)), max(coalesce(owner_id, -1)),
                    min(coalesce(organization_id, -1)), max(coalesce(organization_id, -1))
                FROM fresh GROUP BY credit_account_id, currency
                ORDER BY account_id OFFSET 0
            ) s
            LEFT JOIN LATERAL (
                SELECT id, currency, owner_id, organization_id
                FROM billing_account WHERE id = s.account_id OFFSET 0
            ) a ON true
            WHERE a.id IS NULL OR a.currency <> s.currency
                OR a.owner_id <> s.owner_min OR a.owner_id <> s.owner_max
                OR a.organization_id <> s.organization_min
                OR a.organization_id <> s.organization_max
            UNION ALL
            SELECT 'entry ' || s.entry_id
            FROM (SELECT DISTINCT entry_id FROM fresh) s
            WHERE NOT EXISTS (SELECT FROM billing_entry e WHERE e.id = s.entry_id)
        ) named
    $check$ INTO unsound;
    IF unsound IS NOT NULL THEN
        RAISE EXCEPTION 'a transfer names a missing or unfitting %', unsound
            USING ERRCODE = 'foreign_key_violation', TABLE = 'billing_transfer',
                CONSTRAINT = 'billing_transfer_sound';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER billing_transfer_sound AFTER INSERT ON billing_transfer
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION billing_check_transfers();
"""

SOUND_TRANSFERS_UNDONE = """
DROP TRIGGER billing_transfer_sound ON billing_transfer;
DROP FUNCTION billing_check_transfers();
"""

# sum(bigint) counts in numeric, which takes several times as long and must be turned back. A
# sum of money that does not fit is an error here too; one of nothing is 0.
SUM = """
CREATE AGGREGATE billing_sum(bigint) (
    SFUNC = int8pl, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE
);
"""

# A sealed block is a range of transactions: see LedgerSeal. Rows lie in that order on disk.
WRITING_ORDER = """
ALTER TABLE billing_transfer
    ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX billing_transfer_written_by ON billing_transfer
    USING brin ((written_by::text::bigint)) WITH (pages_per_range = 32, autosummarize = on);
ALTER TABLE billing_account SET (fillfactor = 70);
"""

WRITING_ORDER_UNDONE = """
DROP INDEX billing_transfer_written_by;
ALTER TABLE billing_transfer DROP COLUMN written_by;
"""

# The application signs in as a member of parado_app. A server where this role may not be
# made (and has not been made by its administrator) keeps only the triggers.
APP_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parado_app') THEN
        CREATE ROLE parado_app NOLOGIN;
    END IF;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
    RAISE NOTICE 'role parado_app was not created: %', SQLERRM;
END $$;

CREATE FUNCTION billing_grant_app_role() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    ledger_table text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parado_app') THEN
        RETURN false;
    END IF;
    GRANT USAGE ON SCHEMA public TO parado_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO parado_app;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO parado_app;
    FOREACH ledger_table IN ARRAY
        ARRAY['billing_transfer', 'billing_entry', 'billing_ledgerseal', 'billing_account']
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM parado_app', ledger_table);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO parado_app', ledger_table);
    END LOOP;
    GRANT UPDATE (balance_micros, electricity_micros, wear_micros, reward_micros, job_micros,
        compensation_micros, returned_micros) ON billing_account TO parado_app;
    REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM parado_app;
    -- Tables made later, by migrations or by a function that adds a partition.
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO parado_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO parado_app;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION billing_grant_app_role() FROM PUBLIC;
SELECT billing_grant_app_role();
"""

# The role stays: it belongs to the server, and other databases may use it.
APP_ROLE_UNDONE = """
DROP FUNCTION billing_grant_app_role();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("stripe_pending", "Stripe, pending"),
                            ("stripe_available", "Stripe, available"),
                            ("bank", "Bank"),
                            ("buyer_prepaid", "Buyers, prepaid"),
                            ("buyer_held", "Buyers, held for bookings"),
                            ("refund_in_transit", "Refunds in transit"),
                            ("owner_pending", "Owners, in the hold window"),
                            ("owner_available", "Owners, available"),
                            ("payout_in_transit", "Payouts in transit"),
                            ("owner_receivable", "Owed by owners"),
                            ("platform_fee", "Platform fee"),
                            ("cancellation_fee", "Cancellation fees"),
                            ("sla_credits", "Credits for shortfalls"),
                            ("unbilled_usage", "Usage that no buyer pays"),
                            ("breach_compensation", "Compensation for breaches of consent"),
                            ("processor_fees", "Fees of the payment provider"),
                            ("payout_fees", "Fees for payouts"),
                            ("bad_debt", "Bad debt"),
                            ("rounding", "Rounding"),
                            ("suspense", "To be cleared"),
                        ],
                        max_length=24,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("balance_micros", models.BigIntegerField(db_default=0, default=0)),
                ("electricity_micros", models.BigIntegerField(db_default=0, default=0)),
                ("wear_micros", models.BigIntegerField(db_default=0, default=0)),
                ("reward_micros", models.BigIntegerField(db_default=0, default=0)),
                ("job_micros", models.BigIntegerField(db_default=0, default=0)),
                ("compensation_micros", models.BigIntegerField(db_default=0, default=0)),
                ("returned_micros", models.BigIntegerField(db_default=0, default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=32)),
                ("effective_at", models.DateTimeField()),
                ("booked_at", models.DateTimeField()),
                ("business_key", models.CharField(max_length=120)),
                ("settlement_id", models.BigIntegerField(null=True)),
                (
                    "description",
                    models.CharField(blank=True, db_default="", default="", max_length=200),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="billing.entry",
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="billing.entry",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
            },
        ),
        migrations.CreateModel(
            name="LedgerSeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_xid", models.BigIntegerField(unique=True)),
                ("until_xid", models.BigIntegerField(unique=True)),
                ("transfer_count", models.PositiveBigIntegerField()),
                ("amount_micros", models.DecimalField(decimal_places=0, max_digits=38)),
                ("previous_digest", models.BinaryField(max_length=32, unique=True)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until_xid__gt", models.F("from_xid"))),
                        name="billing_ledgerseal_not_empty",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "entry_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="billing.entry",
                    ),
                ),
                (
                    "debit_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debits",
                        to="billing.account",
                    ),
                ),
                (
                    "credit_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credits",
                        to="billing.account",
                    ),
                ),
                ("amount_micros", models.BigIntegerField()),
                ("effective_at", models.DateTimeField()),
                ("booked_at", models.DateTimeField()),
                ("owner_id", models.BigIntegerField(null=True)),
                ("organization_id", models.BigIntegerField(null=True)),
                ("booking_id", models.BigIntegerField(null=True)),
                ("settlement_id", models.BigIntegerField(null=True)),
                ("on_date", models.DateField(null=True)),
                ("number", models.PositiveIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("code", models.CharField(max_length=32)),
                (
                    "component",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("electricity", "Electricity"),
                            ("wear", "Wear"),
                            ("reward", "Reward"),
                            ("job", "Jobs"),
                            ("compensation", "Compensation"),
                            ("returned", "Returned payout"),
                        ],
                        db_default="",
                        default="",
                        max_length=12,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                django.db.models.functions.comparison.Coalesce(models.F("owner"), models.Value(0)),
                django.db.models.functions.comparison.Coalesce(
                    models.F("organization"), models.Value(0)
                ),
                models.F("kind"),
                models.F("currency"),
                name="billing_account_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "stripe_pending",
                            "stripe_available",
                            "bank",
                            "buyer_prepaid",
                            "buyer_held",
                            "refund_in_transit",
                            "owner_pending",
                            "owner_available",
                            "payout_in_transit",
                            "owner_receivable",
                            "platform_fee",
                            "cancellation_fee",
                            "sla_credits",
                            "unbilled_usage",
                            "breach_compensation",
                            "processor_fees",
                            "payout_fees",
                            "bad_debt",
                            "rounding",
                            "suspense",
                        ],
                    )
                ),
                name="billing_account_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("owner_pending", "owner_available", "owner_receivable")),
                    ("owner__isnull", True),
                    _connector="XOR",
                ),
                name="billing_account_owner_kinds_have_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("buyer_prepaid", "buyer_held")),
                    ("organization__isnull", True),
                    _connector="XOR",
                ),
                name="billing_account_buyer_kinds_have_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "balance_micros",
                            models.F("electricity_micros")
                            + models.F("wear_micros")
                            + models.F("reward_micros")
                            + models.F("job_micros")
                            + models.F("compensation_micros")
                            + models.F("returned_micros"),
                        ),
                        ("kind__in", ("owner_pending", "owner_available")),
                    ),
                    models.Q(
                        models.Q(("kind__in", ("owner_pending", "owner_available")), _negated=True),
                        ("compensation_micros", 0),
                        ("electricity_micros", 0),
                        ("job_micros", 0),
                        ("returned_micros", 0),
                        ("reward_micros", 0),
                        ("wear_micros", 0),
                    ),
                    _connector="OR",
                ),
                name="billing_account_parts_are_the_balance",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "owner_pending"), _negated=True),
                    ("returned_micros", 0),
                    _connector="OR",
                ),
                name="billing_account_returned_is_available",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                name="billing_account_currency_iso",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("kind__in", ("buyer_prepaid", "buyer_held")), _negated=True),
                        ("balance_micros__gte", 0),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(("kind", "owner_available"), _negated=True),
                        models.Q(
                            ("compensation_micros__gte", 0),
                            ("electricity_micros__gte", 0),
                            ("job_micros__gte", 0),
                            ("returned_micros__gte", 0),
                            ("reward_micros__gte", 0),
                            ("wear_micros__gte", 0),
                        ),
                        _connector="OR",
                    ),
                ),
                name="billing_account_not_overdrawn",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "owner_pending",
                            "owner_available",
                            "owner_receivable",
                            "buyer_prepaid",
                            "buyer_held",
                        ],
                    ),
                    ("balance_micros", 0),
                    _connector="OR",
                ),
                name="billing_account_platform_is_summed",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                fields=("business_key",), name="billing_entry_business_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(("business_key", ""), _negated=True),
                name="billing_entry_business_key_given",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                fields=["debit_account"],
                name="billing_transfer_debited",
                condition=models.Q(
                    ("booking_id", None),
                    (
                        "code__in",
                        (
                            "usage_settled",
                            "job_completed",
                            "usage_unbilled",
                            "low_margin",
                            "consent_breach",
                            "earnings_released",
                        ),
                    ),
                    _negated=True,
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                fields=["credit_account"],
                name="billing_transfer_credited",
                condition=models.Q(
                    (
                        "code__in",
                        (
                            "usage_settled",
                            "job_completed",
                            "usage_unbilled",
                            "low_margin",
                            "consent_breach",
                            "earnings_released",
                        ),
                    ),
                    _negated=True,
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_micros__gt", 0)),
                name="billing_transfer_amount_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "component__in",
                        [
                            "",
                            "electricity",
                            "wear",
                            "reward",
                            "job",
                            "compensation",
                            "returned",
                        ],
                    )
                ),
                name="billing_transfer_component_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("debit_account", models.F("credit_account")), _negated=True),
                name="billing_transfer_two_accounts",
            ),
        ),
        migrations.RunSQL(NO_CHANGE, NO_CHANGE_UNDONE),
        migrations.RunSQL(SOUND_TRANSFERS, SOUND_TRANSFERS_UNDONE),
        migrations.RunSQL(SUM, "DROP AGGREGATE billing_sum(bigint)"),
        migrations.RunSQL(WRITING_ORDER, WRITING_ORDER_UNDONE),
        migrations.RunSQL(APP_ROLE, APP_ROLE_UNDONE),
    ]
