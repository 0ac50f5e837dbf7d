from django.conf import settings
from django.db import migrations

from billing.migrations import _settlement_tables, _usage_tables


# The application may add a day's partitions, and nothing else, as the owner of the tables.
# Made first and attached then: ATTACH does not lock out readers and writers of other days.
ENSURE_DAYS = """
CREATE FUNCTION billing_ensure_days(first_date date, last_date date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made integer := 0;
    day date;
    parent text;
    child text;
BEGIN
    IF last_date - first_date > 400 THEN
        RAISE EXCEPTION 'more than 400 days asked for' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR day IN SELECT generate_series(first_date, last_date, interval '1 day')::date LOOP
        FOREACH parent IN ARRAY ARRAY['billing_usagerecord', 'billing_ratedline'] LOOP
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass('public.' || child) IS NOT NULL;
            PERFORM pg_advisory_xact_lock(hashtextextended(child, 0));
            -- Whoever had to wait may still remember that there was no such table.
            BEGIN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
                EXECUTE format(
                    'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    parent, child, day, day + 1);
            EXCEPTION WHEN duplicate_table THEN
                CONTINUE;
            END;
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION billing_ensure_days(date, date) FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'parado_app') THEN
        GRANT EXECUTE ON FUNCTION billing_ensure_days(date, date) TO parado_app;
    END IF;
END $$;
"""

# How many quarter-hours the zone's clocks are ahead of UTC from first_at to last_at; NULL where
# they change in between. Nowhere do they change and change back within 20 days.
OFFSET = """
CREATE FUNCTION billing_offset_quarters(
    first_at timestamptz, last_at timestamptz, time_zone text
) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN last_at - first_at < interval '20 days'
        AND (first_at AT TIME ZONE time_zone) - (first_at AT TIME ZONE 'UTC')
            = (last_at AT TIME ZONE time_zone) - (last_at AT TIME ZONE 'UTC')
    THEN (date_part('epoch', (first_at AT TIME ZONE time_zone)
        - (first_at AT TIME ZONE 'UTC')) / 900)::integer
END
$$;
"""
OFFSET_UNDONE = "DROP FUNCTION billing_offset_quarters(timestamptz, timestamptz, text)"

# Hot rows move within their page; small tables are vacuumed before they grow.
STORAGE = """
ALTER TABLE billing_vehiclemeter SET (fillfactor = 70);
ALTER TABLE billing_bookingdelivery SET (fillfactor = 50);
"""

# A settlement's own entry, and those by which it corrects earlier ones.
ENTRIES_OF_SETTLEMENT = """
CREATE INDEX billing_entry_settlement ON billing_entry (settlement_id)
    WHERE settlement_id IS NOT NULL;
"""

# One price at a time: for an owner, and for a region.
TARIFF_IN_FORCE = """
ALTER TABLE billing_tariff
    ADD CONSTRAINT billing_tariff_one_per_owner EXCLUDE USING gist (
        int8range(owner_id, owner_id, '[]') WITH &&, in_force WITH &&
    ) WHERE (owner_id IS NOT NULL);
CREATE INDEX billing_tariff_region ON billing_tariff (region_code) WHERE owner_id IS NULL;
ALTER TABLE billing_tariff
    ADD CONSTRAINT billing_tariff_whole_week CHECK (octet_length(bands) = 672),
    ADD CONSTRAINT billing_tariff_prices CHECK (
        cardinality(band_micros_per_kwh) BETWEEN 1 AND 24
        AND array_position(band_micros_per_kwh, NULL) IS NULL
        AND 0 <= ALL (band_micros_per_kwh));
"""
TARIFF_IN_FORCE_UNDONE = """
ALTER TABLE billing_tariff
    DROP CONSTRAINT billing_tariff_prices, DROP CONSTRAINT billing_tariff_whole_week,
    DROP CONSTRAINT billing_tariff_one_per_owner;
DROP INDEX billing_tariff_region;
"""

GRANTS = """
SELECT billing_grant_app_role();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0001_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *_settlement_tables.OPERATIONS,
        *_usage_tables.OPERATIONS,
        migrations.RunSQL(ENSURE_DAYS, "DROP FUNCTION billing_ensure_days(date, date)"),
        migrations.RunSQL(OFFSET, OFFSET_UNDONE),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(ENTRIES_OF_SETTLEMENT, "DROP INDEX billing_entry_settlement"),
        migrations.RunSQL(TARIFF_IN_FORCE, TARIFF_IN_FORCE_UNDONE),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
