import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_payouts"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkOutlook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("pool_id", models.BigIntegerField()),
                ("category_bit", models.PositiveSmallIntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("refreshed_at", models.DateTimeField()),
                ("vehicle_count", models.PositiveIntegerField()),
                ("time_zone", models.CharField(max_length=64)),
                (
                    "seen",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=168
                    ),
                ),
                (
                    "plugged",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=168
                    ),
                ),
                (
                    "permitted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=168
                    ),
                ),
                (
                    "worked",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=168
                    ),
                ),
                (
                    "worked_s",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=168
                    ),
                ),
                (
                    "energy_wh",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=168
                    ),
                ),
                (
                    "job_micros",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=168
                    ),
                ),
                ("buyers", models.JSONField(default=dict)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("pool_id", "category_bit"), name="billing_workoutlook_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("energy_wh__len", 168),
                            ("job_micros__len", 168),
                            ("permitted__len", 168),
                            ("plugged__len", 168),
                            ("seen__len", 168),
                            ("worked__len", 168),
                            ("worked_s__len", 168),
                        ),
                        name="billing_workoutlook_whole_week",
                    ),
                ],
            },
        ),
    ]
