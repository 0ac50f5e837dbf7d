from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


TERMS: str = import_module("consent.migrations.0002_published_views").TERMS

# The first notice, as it stands in files; a published text never changes (a test holds its
# digest), so this reads the same on every day.
FIRST = "2026-11"
FOLDER = Path(__file__).resolve().parent.parent / "notices"

# A notice that asks owners again ends what was agreed before it. It costs a microsecond for
# each version that is read, and nothing for the records that are settled under it.
EXPIRES_AT = """least(expires_at, (
           SELECT min(n.agree_by) FROM consent_notice n WHERE n.published_at > lower(in_force)
       )) AS expires_at,"""


def publish_first(apps: Any, schema_editor: Any) -> None:  # noqa: ANN401, ARG001 - Django calls it
    texts = {
        path.name.split(".")[1]: path.read_text(encoding="utf-8")
        for path in FOLDER.glob(f"{FIRST}.*.txt")
    }
    apps.get_model("consent", "Notice").objects.create(
        version=FIRST, published_at=datetime(2026, 11, 1, tzinfo=UTC), texts=texts
    )


def replace_terms() -> str:
    """
    Return the view of migration 0002 with the end that notices bring forward.
    """
    assert TERMS.count("expires_at,") == 1
    return TERMS.replace("CREATE VIEW", "CREATE OR REPLACE VIEW").replace("expires_at,", EXPIRES_AT)


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_profiles")]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("version", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("published_at", models.DateTimeField(unique=True)),
                ("agree_by", models.DateTimeField(blank=True, null=True)),
                ("texts", models.JSONField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("agree_by__isnull", True),
                            ("agree_by__gt", models.F("published_at")),
                            _connector="OR",
                        ),
                        name="consent_notice_leaves_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("texts__has_key", "en")),
                        name="consent_notice_speaks_english",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExpiryReminder",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "version_id",
                        "days_before",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("days_before", models.PositiveSmallIntegerField()),
                ("reminded_at", models.DateTimeField()),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="consent.consentversion",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="consentversion",
            index=models.Index(
                condition=models.Q(("in_force__upper_inf", True), ("state", "given")),
                fields=["expires_at"],
                name="consent_version_expiry",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="notice",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_notice_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e8e3af8d35dec53062cf3e5843960f7c1ce7d97f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_consent_notice_append_only_0d9e6",
                    table="consent_notice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="notice",
            trigger=pgtrigger.compiler.Trigger(
                name="consent_notice_never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            RAISE EXCEPTION 'rows of % are kept', TG_TABLE_NAME\n                USING ERRCODE = 'restrict_violation';\n        ",
                    hash="8ba6bfce58e47212acc28c1c5d8bcad06ad938f7",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_consent_notice_never_emptied_a2cf5",
                    table="consent_notice",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunPython(publish_first, migrations.RunPython.noop),
        migrations.RunSQL(replace_terms(), TERMS.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")),
    ]
