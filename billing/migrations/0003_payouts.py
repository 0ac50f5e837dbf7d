import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("billing", "0002_usage"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("is_clean", models.BooleanField()),
                ("lines", models.JSONField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-finished_at"], name="billing_ledgercheck_latest")
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("calculated", "Worked out"),
                            ("submitted", "Waiting for a second person"),
                            ("approved", "Approved"),
                            ("executing", "Being sent"),
                            ("settled", "Settled"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="calculated",
                        max_length=10,
                    ),
                ),
                ("cutoff_at", models.DateTimeField()),
                ("checksum", models.CharField(max_length=64)),
                ("payout_count", models.PositiveIntegerField(default=0)),
                ("amount_micros", models.BigIntegerField(default=0)),
                ("blocked_count", models.PositiveIntegerField(default=0)),
                ("carried_micros", models.BigIntegerField(default=0)),
                ("line_groups", models.JSONField(default=list)),
                ("calculated_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "calculated_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "cancelled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ready", "Ready"),
                            ("blocked", "Blocked"),
                            ("created", "Approved"),
                            ("submitting", "Being sent"),
                            ("unknown", "Being looked up"),
                            ("in_transit", "On its way"),
                            ("paid", "Paid"),
                            ("failed", "Failed, returned to the balance"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "block_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not blocked"),
                            ("held", "Held by finance"),
                            ("below_minimum", "Below the minimum, carried over"),
                            ("receivable_outweighs", "What the owner owes outweighs it"),
                            ("no_payout_account", "No payout account yet"),
                            ("account_not_ready", "Payout account is not ready"),
                        ],
                        db_default="",
                        default="",
                        max_length=20,
                    ),
                ),
                (
                    "destination",
                    models.CharField(blank=True, db_default="", default="", max_length=64),
                ),
                ("available_micros", models.BigIntegerField()),
                ("receivable_micros", models.BigIntegerField(db_default=0, default=0)),
                ("offset_reward_micros", models.BigIntegerField(db_default=0, default=0)),
                ("offset_job_micros", models.BigIntegerField(db_default=0, default=0)),
                ("electricity_micros", models.BigIntegerField(db_default=0, default=0)),
                ("wear_micros", models.BigIntegerField(db_default=0, default=0)),
                ("reward_micros", models.BigIntegerField(db_default=0, default=0)),
                ("job_micros", models.BigIntegerField(db_default=0, default=0)),
                ("compensation_micros", models.BigIntegerField(db_default=0, default=0)),
                ("returned_micros", models.BigIntegerField(db_default=0, default=0)),
                ("amount_micros", models.BigIntegerField()),
                ("is_after_failure", models.BooleanField(db_default=False, default=False)),
                (
                    "provider_id",
                    models.CharField(blank=True, db_default="", default="", max_length=64),
                ),
                (
                    "failure_code",
                    models.CharField(blank=True, db_default="", default="", max_length=64),
                ),
                ("reversed_micros", models.BigIntegerField(db_default=0, default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payouts",
                        to="billing.payoutrun",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProviderEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[("snapshot", "Snapshot"), ("thin", "Thin")], max_length=8
                    ),
                ),
                ("event_type", models.CharField(max_length=100)),
                ("object_id", models.CharField(blank=True, default="", max_length=100)),
                ("provider_account_id", models.CharField(blank=True, default="", max_length=64)),
                ("api_version", models.CharField(blank=True, default="", max_length=40)),
                ("body", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Waiting"),
                            ("applied", "Applied"),
                            ("ignored", "Of no concern"),
                            ("dead", "Given up"),
                        ],
                        default="received",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
                ("received_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("applied_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "received")),
                        fields=["due_at"],
                        name="billing_providerevent_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "dead")),
                        fields=["id"],
                        name="billing_providerevent_dead",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("event_id",), name="billing_providerevent_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="TopUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_micros", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("created", "Started"),
                            ("open", "Waiting for the payment"),
                            ("captured", "Paid"),
                            ("available", "Paid and available"),
                            ("expired", "Not paid"),
                        ],
                        default="created",
                        max_length=10,
                    ),
                ),
                ("request_key", models.CharField(blank=True, max_length=255, null=True)),
                ("checkout_session_id", models.CharField(blank=True, max_length=100, null=True)),
                ("payment_intent_id", models.CharField(blank=True, max_length=64, null=True)),
                ("balance_transaction_id", models.CharField(blank=True, max_length=64, null=True)),
                ("fee_micros", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField()),
                ("captured_at", models.DateTimeField(null=True)),
                ("available_on", models.DateTimeField(null=True)),
                ("available_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayoutAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("country", models.CharField(max_length=2)),
                ("currency", models.CharField(max_length=3)),
                ("provider_account_id", models.CharField(blank=True, max_length=64, null=True)),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not set up"),
                            ("active", "Active"),
                            ("pending", "Being checked"),
                            ("restricted", "Something is missing"),
                            ("rejected", "Rejected"),
                            ("unsupported", "Not supported"),
                            ("closed", "Closed"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("requirements", models.JSONField(blank=True, default=list)),
                ("requirements_due_at", models.DateTimeField(blank=True, null=True)),
                ("is_ready", models.BooleanField(default=False)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider_account_id",), name="billing_payoutaccount_provider_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_ready", False),
                            models.Q(("provider_account_id__isnull", False), ("status", "active")),
                            _connector="OR",
                        ),
                        name="billing_payoutaccount_ready_is_active",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("idempotency_key", models.CharField(max_length=64)),
                ("request", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("created", "Not sent yet"),
                            ("submitting", "Being sent"),
                            ("unknown", "Answer unknown"),
                            ("succeeded", "Made"),
                            ("failed", "Refused"),
                        ],
                        default="created",
                        max_length=10,
                    ),
                ),
                ("provider_id", models.CharField(blank=True, max_length=64, null=True)),
                (
                    "error_code",
                    models.CharField(blank=True, db_default="", default="", max_length=64),
                ),
                (
                    "error_detail",
                    models.CharField(blank=True, db_default="", default="", max_length=500),
                ),
                ("look_ups", models.PositiveIntegerField(db_default=0, default=0)),
                ("is_answer_final", models.BooleanField(db_default=False, default=False)),
                ("due_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="billing.payout",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["created", "submitting", "unknown"])),
                        fields=["due_at"],
                        name="billing_attempt_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("payout", "number"), name="billing_attempt_number"
                    ),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="billing_attempt_key"
                    ),
                    models.UniqueConstraint(
                        fields=("provider_id",), name="billing_attempt_provider_id"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "failed"), _negated=True),
                        fields=("payout",),
                        name="billing_attempt_one_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "succeeded"), ("provider_id__isnull", True), _connector="XOR"
                        ),
                        name="billing_attempt_succeeded_has_provider_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "created"),
                            ("sent_at__isnull", False),
                            ("state", "failed"),
                            _connector="OR",
                        ),
                        name="billing_attempt_sent_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("placed_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=("owner",),
                        name="billing_hold_one_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifted_by__isnull", True),
                            ("lifted_at__isnull", False),
                            _connector="XOR",
                        ),
                        name="billing_hold_lifted_by_somebody",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by__isnull", True),
                    models.Q(
                        models.Q(("approved_by", models.F("submitted_by")), _negated=True),
                        models.Q(("approved_by", models.F("calculated_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="billing_payoutrun_four_eyes",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["approved", "executing", "settled"]), _negated=True),
                    models.Q(
                        ("approved_at__isnull", False),
                        ("approved_by__isnull", False),
                        ("submitted_at__isnull", False),
                        ("submitted_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="billing_payoutrun_approved_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "submitted"), _negated=True),
                    ("submitted_by__isnull", False),
                    _connector="OR",
                ),
                name="billing_payoutrun_submitted_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["calculated", "submitted"])),
                fields=("currency",),
                name="billing_payoutrun_one_draft",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["owner", "-id"], name="billing_payout_of_owner"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("provider_id", ""), _negated=True),
                fields=["provider_id"],
                name="billing_payout_provider",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ["created", "submitting", "unknown", "in_transit"])
                ),
                fields=["run", "id"],
                name="billing_payout_open",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["run", "state", "id"], name="billing_payout_by_state"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["owner"],
                name="billing_payout_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("state", "in_transit")),
                fields=["read_at"],
                name="billing_payout_to_confirm",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.UniqueConstraint(
                fields=("run", "owner"), name="billing_payout_one_per_owner"
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(("block_reason", ""), ("state", "blocked"), _connector="XOR"),
                name="billing_payout_blocked_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_micros__gte", 0), ("available_micros__gte", models.F("amount_micros"))
                ),
                name="billing_payout_amount_within_available",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "amount_micros",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("electricity_micros"),
                                            "+",
                                            models.F("wear_micros"),
                                        ),
                                        "+",
                                        models.F("reward_micros"),
                                    ),
                                    "+",
                                    models.F("job_micros"),
                                ),
                                "+",
                                models.F("compensation_micros"),
                            ),
                            "+",
                            models.F("returned_micros"),
                        ),
                    )
                ),
                name="billing_payout_parts_sum",
            ),
        ),
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(
                condition=models.Q(("state__in", ["open", "captured"])),
                fields=["read_at"],
                name="billing_topup_awaits_news",
            ),
        ),
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(
                fields=["organization", "-id"], name="billing_topup_of_organization"
            ),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.UniqueConstraint(
                fields=("organization", "request_key"), name="billing_topup_request_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.UniqueConstraint(
                fields=("checkout_session_id",), name="billing_topup_checkout_session"
            ),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.UniqueConstraint(
                fields=("payment_intent_id",), name="billing_topup_payment_intent"
            ),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_micros__gt", 0)), name="billing_topup_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["captured", "available"]), _negated=True),
                    models.Q(
                        ("balance_transaction_id__isnull", False),
                        ("captured_at__isnull", False),
                        ("fee_micros__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="billing_topup_captured_has_fee",
            ),
        ),
    ]
