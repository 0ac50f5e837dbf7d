"""
Tables of usage, for migration 0002.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


USAGE_RECORD = """
CREATE TABLE billing_usagerecord (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    booking_id bigint NOT NULL,
    sequence bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    supersedes_record_id bigint,
    mobile_data_bytes bigint,
    supersedes_on_date date,
    on_date date NOT NULL,
    energy_wh integer NOT NULL,
    category_bit integer NOT NULL,
    consent_number integer,
    source_id smallint NOT NULL,
    state_of_charge_min_permille smallint,
    battery_temp_min_decic smallint,
    battery_temp_max_decic smallint,
    plugged_in boolean,
    is_home boolean,
    job_completed boolean NOT NULL,
    event_id text NOT NULL,
    job_id text NOT NULL,
    PRIMARY KEY (on_date, id)
) PARTITION BY RANGE (on_date);
"""
USAGE_RECORD_UNDONE = "DROP TABLE billing_usagerecord"


OPERATIONS = [
    migrations.CreateModel(
        name="UsageSource",
        fields=[
            ("id", models.SmallAutoField(primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=200)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("name",), name="billing_usagesource_name")
            ],
        },
    ),
    migrations.CreateModel(
        name="UsageBatch",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("received_at", models.DateTimeField()),
            ("event_count", models.PositiveIntegerField()),
            ("accepted_count", models.PositiveIntegerField()),
            ("duplicate_count", models.PositiveIntegerField()),
            ("quarantined_count", models.PositiveIntegerField()),
            (
                "source",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="billing.usagesource",
                ),
            ),
        ],
        options={
            "verbose_name_plural": "usage batches",
        },
    ),
    migrations.AddConstraint(
        model_name="usagebatch",
        constraint=models.CheckConstraint(
            condition=models.Q(
                (
                    "event_count",
                    django.db.models.expressions.CombinedExpression(
                        django.db.models.expressions.CombinedExpression(
                            models.F("accepted_count"), "+", models.F("duplicate_count")
                        ),
                        "+",
                        models.F("quarantined_count"),
                    ),
                )
            ),
            name="billing_usagebatch_nothing_dropped",
        ),
    ),
    migrations.CreateModel(
        name="UsagePart",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("lane", models.PositiveSmallIntegerField()),
            ("first_record_id", models.BigIntegerField()),
            ("last_record_id", models.BigIntegerField()),
            ("first_date", models.DateField()),
            ("last_date", models.DateField()),
            ("record_count", models.PositiveIntegerField()),
            ("is_requeued", models.BooleanField(default=False)),
            ("is_energy_cleared", models.BooleanField(default=False)),
            ("is_overlap_cleared", models.BooleanField(default=False)),
            ("retry_at", models.DateTimeField(null=True)),
            (
                "batch",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="parts",
                    to="billing.usagebatch",
                ),
            ),
            (
                "settlement",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="parts",
                    to="billing.settlement",
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(fields=["batch"], name="billing_usagepart_batch"),
                models.Index(
                    condition=models.Q(("settlement__isnull", True)),
                    fields=["lane", "id"],
                    name="billing_usagepart_pending",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("last_record_id__gte", models.F("first_record_id")),
                        ("last_date__gte", models.F("first_date")),
                    ),
                    name="billing_usagepart_range",
                )
            ],
        },
    ),
    migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(USAGE_RECORD, USAGE_RECORD_UNDONE)],
        state_operations=[
            migrations.CreateModel(
                name="UsageRecord",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "on_date",
                            "id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    ("id", models.BigIntegerField()),
                    ("owner_id", models.BigIntegerField()),
                    ("vehicle_id", models.BigIntegerField()),
                    ("booking_id", models.BigIntegerField()),
                    ("sequence", models.BigIntegerField()),
                    ("starts_at", models.DateTimeField()),
                    ("ends_at", models.DateTimeField()),
                    ("supersedes_record_id", models.BigIntegerField(null=True)),
                    ("supersedes_on_date", models.DateField(null=True)),
                    ("on_date", models.DateField()),
                    ("energy_wh", models.IntegerField()),
                    ("category_bit", models.IntegerField()),
                    ("consent_number", models.IntegerField(null=True)),
                    ("source_id", models.SmallIntegerField()),
                    ("state_of_charge_min_permille", models.SmallIntegerField(null=True)),
                    ("battery_temp_min_decic", models.SmallIntegerField(null=True)),
                    ("battery_temp_max_decic", models.SmallIntegerField(null=True)),
                    ("plugged_in", models.BooleanField(null=True)),
                    ("is_home", models.BooleanField(null=True)),
                    ("mobile_data_bytes", models.BigIntegerField(null=True)),
                    ("job_completed", models.BooleanField()),
                    ("event_id", models.TextField()),
                    ("job_id", models.TextField()),
                ],
            ),
        ],
    ),
    migrations.CreateModel(
        name="UsageKey",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "source_id",
                    "event_id",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("digest", models.BigIntegerField()),
            ("record_id", models.BigIntegerField()),
            ("on_date", models.DateField()),
            ("source_id", models.SmallIntegerField()),
            ("event_id", models.TextField()),
        ],
    ),
    migrations.CreateModel(
        name="QuarantinedRecord",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("position", models.PositiveIntegerField(help_text="index in the batch")),
            ("event_id", models.TextField(blank=True, default="")),
            ("digest", models.BigIntegerField()),
            (
                "code",
                models.CharField(
                    choices=[
                        ("conflict", "Same id, other content"),
                        ("unknown_vehicle", "Unknown vehicle"),
                        ("unknown_booking", "Unknown booking"),
                        ("interval_empty", "Interval is empty"),
                        (
                            "interval_crosses_settlement_period",
                            "Interval crosses a settlement period",
                        ),
                        ("interval_in_future", "Interval lies in the future"),
                        ("too_old", "Too old"),
                        ("energy_out_of_range", "Energy out of range"),
                        ("malformed", "Malformed"),
                        ("unlabelled_workload", "Workload without a label"),
                        ("energy_implausible", "More energy than the vehicle can draw"),
                        ("overlap", "Overlaps another record of the vehicle"),
                        ("unknown_price", "No price for this hour"),
                        ("supersedes_unfit", "Corrects a record that it cannot correct"),
                    ],
                    max_length=40,
                ),
            ),
            ("pointer", models.TextField(blank=True, default="")),
            ("detail", models.TextField()),
            ("body", models.TextField(blank=True, default="")),
            ("vehicle_id", models.BigIntegerField(null=True)),
            ("record_id", models.BigIntegerField(null=True)),
            ("on_date", models.DateField(null=True)),
            ("received_at", models.DateTimeField()),
            ("seen_count", models.PositiveIntegerField(default=1)),
            (
                "state",
                models.CharField(
                    choices=[
                        ("open", "Open"),
                        ("dismissed", "Dismissed"),
                        ("replayed", "Replayed"),
                        ("accepted", "Accepted"),
                        ("superseded", "Corrected by the scheduler"),
                    ],
                    default="open",
                    max_length=12,
                ),
            ),
            ("resolved_at", models.DateTimeField(null=True)),
            ("resolution", models.TextField(blank=True, default="")),
            (
                "resolved_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            (
                "batch",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="quarantined",
                    to="billing.usagebatch",
                ),
            ),
            (
                "source",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="billing.usagesource",
                ),
            ),
        ],
    ),
    migrations.AddIndex(
        model_name="quarantinedrecord",
        index=models.Index(fields=["state", "-id"], name="billing_quarantinedrecord_list"),
    ),
    migrations.AddIndex(
        model_name="quarantinedrecord",
        index=models.Index(
            condition=models.Q(("record_id__isnull", False)),
            fields=["vehicle_id", "on_date"],
            name="billing_quarantinedrecord_car",
        ),
    ),
    migrations.AddConstraint(
        model_name="quarantinedrecord",
        constraint=models.UniqueConstraint(
            condition=models.Q(("record_id__isnull", True)),
            fields=("source", "event_id", "digest"),
            name="billing_quarantinedrecord_once",
        ),
    ),
    migrations.AddConstraint(
        model_name="quarantinedrecord",
        constraint=models.UniqueConstraint(
            condition=models.Q(("record_id__isnull", False)),
            fields=("record_id",),
            name="billing_quarantinedrecord_record",
        ),
    ),
    migrations.AddConstraint(
        model_name="quarantinedrecord",
        constraint=models.CheckConstraint(
            condition=models.Q(
                models.Q(("resolved_at__isnull", True), ("state", "open")),
                models.Q(
                    models.Q(("state", "open"), _negated=True), ("resolved_at__isnull", False)
                ),
                _connector="OR",
            ),
            name="billing_quarantinedrecord_resolved_has_time",
        ),
    ),
    migrations.AddConstraint(
        model_name="quarantinedrecord",
        constraint=models.CheckConstraint(
            condition=models.Q(
                models.Q(("state__in", ["dismissed", "accepted"]), _negated=True),
                models.Q(
                    ("resolved_by__isnull", False), models.Q(("resolution", ""), _negated=True)
                ),
                _connector="OR",
            ),
            name="billing_quarantinedrecord_person_and_reason",
        ),
    ),
    migrations.CreateModel(
        name="CompletedJob",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "source_id",
                    "job_id",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("record_id", models.BigIntegerField()),
            ("source_id", models.SmallIntegerField()),
            ("job_id", models.TextField()),
        ],
    ),
    migrations.CreateModel(
        name="VehicleMeter",
        fields=[
            ("vehicle_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("first_sequence", models.BigIntegerField()),
            ("last_sequence", models.BigIntegerField()),
            ("record_count", models.BigIntegerField()),
            ("latest_ends_at", models.DateTimeField()),
            (
                "has_hole",
                models.GeneratedField(
                    db_persist=True,
                    expression=django.db.models.lookups.LessThan(
                        models.F("record_count"),
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("last_sequence"), "-", models.F("first_sequence")
                            ),
                            "+",
                            models.Value(1),
                        ),
                    ),
                    output_field=models.BooleanField(),
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=models.Q(("has_hole", True)),
                    fields=["vehicle_id"],
                    name="billing_vehiclemeter_holes",
                )
            ],
        },
    ),
]
