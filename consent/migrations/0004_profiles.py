import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0003_evidence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnRules",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="own_rules",
                        serialize=False,
                        to="consent.consentversion",
                    ),
                ),
                ("rules", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="ProfileVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("rules", models.JSONField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ownrules",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_own_rules_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3e8e17af3afdd859500426041c3081ec89c0c07c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_consent_own_rules_append_only_4bb51",
                    table="consent_ownrules",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ownrules",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_own_rules_never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            RAISE EXCEPTION 'rows of % are kept', TG_TABLE_NAME\n                USING ERRCODE = 'restrict_violation';\n        ",
                    hash="6e2873a70ec87f57be56d557171ff60ad0687f5b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_consent_own_rules_never_emptied_e1552",
                    table="consent_ownrules",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="profileversion",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="profileversion",
            constraint=models.UniqueConstraint(
                fields=("owner", "number"), name="consent_profile_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="profileversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="consent_profile_from_one"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="profileversion",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_profile_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="16123bdf58d853b2dee9c1b11b3d95202a273a28",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_consent_profile_append_only_fd49d",
                    table="consent_profileversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="profileversion",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_profile_never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            RAISE EXCEPTION 'rows of % are kept', TG_TABLE_NAME\n                USING ERRCODE = 'restrict_violation';\n        ",
                    hash="bdeea3a37a669701c8b9e86aa248765d8d47856d",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_consent_profile_never_emptied_d1560",
                    table="consent_profileversion",
                    when="BEFORE",
                ),
            ),
        ),
    ]
