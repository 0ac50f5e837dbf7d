"""
Tables of settlement, for migration 0002.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


RATED_LINE = """
CREATE TABLE billing_ratedline (
    record_id bigint NOT NULL,
    settlement_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    booking_id bigint NOT NULL,
    organization_id bigint NOT NULL,
    consent_version_id bigint,
    rate_card_id bigint NOT NULL,
    tariff_id bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    electricity_micros bigint NOT NULL,
    wear_micros bigint NOT NULL,
    reward_micros bigint NOT NULL,
    job_micros bigint NOT NULL,
    compensation_micros bigint NOT NULL,
    charge_micros bigint NOT NULL,
    job_charge_micros bigint NOT NULL,
    fee_micros bigint NOT NULL,
    on_date date NOT NULL,
    energy_wh integer NOT NULL,
    duration_s integer NOT NULL,
    refusals integer NOT NULL,
    kind smallint NOT NULL,
    outcome smallint NOT NULL,
    is_billed boolean NOT NULL,
    currency varchar(3) NOT NULL,
    PRIMARY KEY (on_date, record_id, kind),
    CONSTRAINT billing_ratedline_unbilled_is_free CHECK (
        is_billed OR (charge_micros = 0 AND job_charge_micros = 0 AND fee_micros = 0)),
    CONSTRAINT billing_ratedline_fee_is_residual CHECK (
        NOT is_billed OR fee_micros = charge_micros + job_charge_micros
            - electricity_micros - wear_micros - reward_micros - job_micros)
) PARTITION BY RANGE (on_date);
CREATE INDEX billing_ratedline_vehicle ON billing_ratedline (vehicle_id, starts_at);
CREATE INDEX billing_ratedline_booking ON billing_ratedline (booking_id, starts_at);
"""
RATED_LINE_UNDONE = "DROP TABLE billing_ratedline"


OPERATIONS = [
    migrations.CreateModel(
        name="Settlement",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("lane", models.PositiveSmallIntegerField()),
            ("booked_at", models.DateTimeField()),
            ("record_count", models.PositiveIntegerField(default=0)),
            ("accepted_count", models.PositiveIntegerField(default=0)),
            ("outside_consent_count", models.PositiveIntegerField(default=0)),
            ("outside_booking_count", models.PositiveIntegerField(default=0)),
            ("over_booking_count", models.PositiveIntegerField(default=0)),
            ("superseded_count", models.PositiveIntegerField(default=0)),
            ("quarantined_count", models.PositiveIntegerField(default=0)),
            ("reversal_count", models.PositiveIntegerField(default=0)),
            ("energy_wh", models.BigIntegerField(default=0)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        (
                            "record_count",
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("accepted_count"),
                                                "+",
                                                models.F("outside_consent_count"),
                                            ),
                                            "+",
                                            models.F("outside_booking_count"),
                                        ),
                                        "+",
                                        models.F("over_booking_count"),
                                    ),
                                    "+",
                                    models.F("superseded_count"),
                                ),
                                "+",
                                models.F("quarantined_count"),
                            ),
                        )
                    ),
                    name="billing_settlement_every_record_once",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="SettlementTotal",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("currency", models.CharField(max_length=3)),
            ("electricity_micros", models.BigIntegerField()),
            ("wear_micros", models.BigIntegerField()),
            ("reward_micros", models.BigIntegerField()),
            ("job_micros", models.BigIntegerField()),
            ("compensation_micros", models.BigIntegerField()),
            ("charge_micros", models.BigIntegerField()),
            ("job_charge_micros", models.BigIntegerField()),
            ("fee_micros", models.BigIntegerField()),
            ("unbilled_micros", models.BigIntegerField()),
            (
                "settlement",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="totals",
                    to="billing.settlement",
                ),
            ),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("settlement", "currency"), name="billing_settlementtotal_once"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        (
                            "charge_micros",
                            django.db.models.expressions.CombinedExpression(
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
                                        models.F("fee_micros"),
                                    ),
                                    "-",
                                    models.F("job_charge_micros"),
                                ),
                                "-",
                                models.F("unbilled_micros"),
                            ),
                        )
                    ),
                    name="billing_settlementtotal_ties_out",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SettlementDay",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("on_date", models.DateField()),
            ("lane", models.PositiveSmallIntegerField()),
            ("release_due_at", models.DateTimeField()),
            ("released_at", models.DateTimeField(null=True)),
            (
                "settlement",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="days",
                    to="billing.settlement",
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=models.Q(("released_at__isnull", True)),
                    fields=["lane", "release_due_at"],
                    name="billing_settlementday_due",
                )
            ],
            "constraints": [
                models.UniqueConstraint(
                    fields=("settlement", "on_date"), name="billing_settlementday_once"
                )
            ],
        },
    ),
    migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(RATED_LINE, RATED_LINE_UNDONE)],
        state_operations=[
            migrations.CreateModel(
                name="RatedLine",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "on_date",
                            "record_id",
                            "kind",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    ("record_id", models.BigIntegerField()),
                    ("settlement_id", models.BigIntegerField()),
                    ("owner_id", models.BigIntegerField()),
                    ("vehicle_id", models.BigIntegerField()),
                    ("booking_id", models.BigIntegerField()),
                    ("organization_id", models.BigIntegerField()),
                    ("consent_version_id", models.BigIntegerField(null=True)),
                    ("rate_card_id", models.BigIntegerField()),
                    ("tariff_id", models.BigIntegerField()),
                    ("starts_at", models.DateTimeField()),
                    ("ends_at", models.DateTimeField()),
                    ("electricity_micros", models.BigIntegerField()),
                    ("wear_micros", models.BigIntegerField()),
                    ("reward_micros", models.BigIntegerField()),
                    ("job_micros", models.BigIntegerField()),
                    ("compensation_micros", models.BigIntegerField()),
                    ("charge_micros", models.BigIntegerField()),
                    ("job_charge_micros", models.BigIntegerField()),
                    ("fee_micros", models.BigIntegerField()),
                    ("on_date", models.DateField()),
                    ("energy_wh", models.IntegerField()),
                    ("duration_s", models.IntegerField()),
                    ("refusals", models.IntegerField()),
                    ("kind", models.SmallIntegerField(choices=[(0, "Usage"), (1, "Reversal")])),
                    (
                        "outcome",
                        models.SmallIntegerField(
                            choices=[
                                (0, "Accepted"),
                                (1, "Outside Consent"),
                                (2, "Outside Booking"),
                                (3, "Over Booking"),
                                (4, "Superseded"),
                            ]
                        ),
                    ),
                    ("is_billed", models.BooleanField()),
                    ("currency", models.CharField(max_length=3)),
                ],
                options={
                    "indexes": [
                        models.Index(
                            fields=["vehicle_id", "starts_at"], name="billing_ratedline_vehicle"
                        ),
                        models.Index(
                            fields=["booking_id", "starts_at"], name="billing_ratedline_booking"
                        ),
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                ("is_billed", True),
                                models.Q(
                                    ("charge_micros", 0),
                                    ("fee_micros", 0),
                                    ("job_charge_micros", 0),
                                ),
                                _connector="OR",
                            ),
                            name="billing_ratedline_unbilled_is_free",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("is_billed", False),
                                (
                                    "fee_micros",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    django.db.models.expressions.CombinedExpression(
                                                        models.F("charge_micros"),
                                                        "+",
                                                        models.F("job_charge_micros"),
                                                    ),
                                                    "-",
                                                    models.F("electricity_micros"),
                                                ),
                                                "-",
                                                models.F("wear_micros"),
                                            ),
                                            "-",
                                            models.F("reward_micros"),
                                        ),
                                        "-",
                                        models.F("job_micros"),
                                    ),
                                ),
                                _connector="OR",
                            ),
                            name="billing_ratedline_fee_is_residual",
                        ),
                    ],
                },
            ),
        ],
    ),
    migrations.CreateModel(
        name="Supersession",
        fields=[
            ("old_record_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("new_record_id", models.BigIntegerField(unique=True)),
        ],
    ),
    migrations.CreateModel(
        name="BookingDelivery",
        fields=[
            ("booking_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("booked_wh", models.BigIntegerField()),
            ("jobs_max", models.BigIntegerField()),
            ("billed_wh", models.BigIntegerField(default=0)),
            ("billed_jobs", models.BigIntegerField(default=0)),
            ("charged_micros", models.BigIntegerField(default=0)),
            ("closed_at", models.DateTimeField(null=True)),
        ],
        options={
            "verbose_name_plural": "booking deliveries",
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("billed_wh__range", (0, models.F("booked_wh")))),
                    name="billing_bookingdelivery_energy_within",
                ),
                models.CheckConstraint(
                    condition=models.Q(("billed_jobs__range", (0, models.F("jobs_max")))),
                    name="billing_bookingdelivery_jobs_within",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Tariff",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("region_code", models.CharField(blank=True, default="", max_length=32)),
            ("version", models.PositiveIntegerField()),
            ("currency", models.CharField(max_length=3)),
            ("time_zone", models.CharField(max_length=64)),
            ("in_force", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
            ("bands", models.BinaryField(max_length=672)),
            (
                "band_micros_per_kwh",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.BigIntegerField(), size=None
                ),
            ),
            ("windows", models.JSONField(default=list)),
            ("created_at", models.DateTimeField()),
            (
                "created_by",
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
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    django.db.models.functions.comparison.Coalesce(models.F("owner"), 0),
                    models.F("region_code"),
                    models.F("version"),
                    name="billing_tariff_version",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("owner__isnull", False), ("region_code", "")),
                        models.Q(
                            ("owner__isnull", True), models.Q(("region_code", ""), _negated=True)
                        ),
                        _connector="OR",
                    ),
                    name="billing_tariff_owner_or_region",
                ),
                models.CheckConstraint(
                    condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                    name="billing_tariff_currency_iso",
                ),
            ],
        },
    ),
]
