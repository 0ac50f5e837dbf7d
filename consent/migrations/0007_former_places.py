import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


# Published to other apps, as the views of migration 0002 are: where a car stood before the place
# that consent_vehicle_v names, from `during`'s lower end (none: as long as it is known) on.
FORMER_PLACES = """
CREATE VIEW consent_former_place_v AS
SELECT vehicle_id, region_code::text AS region_code, during
FROM consent_formerplace
"""


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0006_transfers"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerPlace",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("region_code", models.CharField(max_length=40)),
                ("during", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "vehicle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="former_places",
                        to="consent.vehicle",
                    ),
                ),
            ],
            options={
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.F("vehicle"),
                                    models.F("vehicle"),
                                    models.Value("[]"),
                                    function="int8range",
                                    output_field=models.Field(),
                                ),
                                "&&",
                            ),
                            ("during", "&&"),
                        ],
                        name="consent_formerplace_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("during__isempty", False), ("during__upper_inf", False)
                        ),
                        name="consent_formerplace_has_an_end",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="formerplace",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_formerplace_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="78746ef554f69e692989a5d37d242cf24e74c386",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_consent_formerplace_append_only_69b41",
                    table="consent_formerplace",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="formerplace",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_formerplace_never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            RAISE EXCEPTION 'rows of % are kept', TG_TABLE_NAME\n                USING ERRCODE = 'restrict_violation';\n        ",
                    hash="1c31d99097ae2aefbbd480eff298c46d78490171",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_consent_formerplace_never_emptied_34554",
                    table="consent_formerplace",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(FORMER_PLACES, "DROP VIEW consent_former_place_v"),
    ]
