import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0005_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="TransferOffer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("offered_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("taken_back_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="vehicle",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_vehicle_keeps_its_owner",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."owner_id" IS DISTINCT FROM (NEW."owner_id"))',
                    func="\n                    RAISE EXCEPTION 'a vehicle never changes its owner'\n                        USING ERRCODE = 'restrict_violation';\n                ",
                    hash="ef8a918e0523e99e9a54c04bec5951fb2271d747",
                    operation="UPDATE",
                    pgid="pgtrigger_consent_vehicle_keeps_its_owner_03474",
                    table="consent_vehicle",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="transferoffer",
            name="new_vehicle",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="came_by",
                to="consent.vehicle",
            ),
        ),
        migrations.AddField(
            model_name="transferoffer",
            name="vehicle",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offers",
                to="consent.vehicle",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferoffer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("accepted_at__isnull", True), ("taken_back_at__isnull", True)),
                fields=("vehicle",),
                name="consent_offer_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferoffer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("accepted_at__isnull", False)),
                fields=("vehicle",),
                name="consent_offer_accepted_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("taken_back_at__isnull", True), ("accepted_at__isnull", True), _connector="OR"
                ),
                name="consent_offer_ends_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accepted_at__isnull", True), ("new_vehicle__isnull", False), _connector="XOR"
                ),
                name="consent_offer_accepted_has_car",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(("new_vehicle", models.F("vehicle")), _negated=True),
                name="consent_offer_to_another_row",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("offered_at"))),
                name="consent_offer_leaves_time",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferoffer",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_offer_never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            RAISE EXCEPTION 'rows of % are kept', TG_TABLE_NAME\n                USING ERRCODE = 'restrict_violation';\n        ",
                    hash="7ecaf8b936c962c899789f6008d74132312b1174",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_consent_offer_never_emptied_db129",
                    table="consent_transferoffer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferoffer",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_offer_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="2ce5e5a69447f26d18eab22fb38fccf6d3838233",
                    operation="DELETE",
                    pgid="pgtrigger_consent_offer_kept_99932",
                    table="consent_transferoffer",
                    when="BEFORE",
                ),
            ),
        ),
    ]
