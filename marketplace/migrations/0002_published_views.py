"""
What other apps may read of the marketplace in SQL. The columns are a contract.
"""

from django.db import migrations


# One row per booking, also when it is over. energy_wh, jobs_max and held_micros bound
# what may be charged to it; is_live is false once the rest of the hold went back, and
# then nothing can be charged any more. category_bit is 1 << bit_number.
BOOKING_TERMS = """
CREATE VIEW marketplace_booking_terms_v AS
SELECT id AS booking_id, organization_id, pool_id, currency::text AS currency,
       starts_at, ends_at, energy_wh, price_micros_per_kwh, price_micros_per_job,
       category_bit, state = 'held' AS is_live, jobs_max, held_micros
FROM marketplace_booking
"""

# What owners get in a pool at a time: [starts_at, ends_at), ends_at infinity while open.
RATE_TERMS = """
CREATE VIEW marketplace_rate_terms_v AS
SELECT id AS rate_card_id, pool_id, version, lower(in_force) AS starts_at,
       coalesce(upper(in_force), 'infinity') AS ends_at,
       reward_micros_per_kwh, reward_micros_per_job, wear_micros_per_kwh
FROM marketplace_ratecard
"""

POOLS = """
CREATE VIEW marketplace_pool_v AS
SELECT p.id AS pool_id, p.region_id::text AS region_code,
       p.hardware_class_id::text AS hardware_class_code, p.currency::text AS currency,
       r.name::text AS region_name, r.country::text AS country, r.time_zone::text AS time_zone,
       h.name::text AS hardware_class_name, h.power_w AS hardware_power_w
FROM marketplace_pool p
JOIN marketplace_region r ON r.code = p.region_id
JOIN marketplace_hardwareclass h ON h.code = p.hardware_class_id
"""

BOOKING_HOURS = """
CREATE VIEW marketplace_booking_hour_v AS
SELECT h.booking_id, b.organization_id, h.starts_at, h.power_w
FROM marketplace_bookinghour h JOIN marketplace_booking b ON b.id = h.booking_id
"""

# What the scheduler reads: each event with the booking it is about.
BOOKING_FEED = """
CREATE VIEW marketplace_booking_feed_v AS
SELECT e.transaction_id, e.id, e.kind::text AS kind, e.occurred_at, b.id AS booking_id,
       b.pool_id, p.region_id::text AS region_code,
       p.hardware_class_id::text AS hardware_class_code,
       b.starts_at, b.ends_at, b.power_w, b.energy_wh, b.jobs_max,
       b.workload_category::text AS workload_category
FROM marketplace_bookingevent e
JOIN marketplace_booking b ON b.id = e.booking_id
JOIN marketplace_pool p ON p.id = b.pool_id
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0001_initial")]

    operations = [
        migrations.RunSQL(BOOKING_TERMS, "DROP VIEW marketplace_booking_terms_v"),
        migrations.RunSQL(RATE_TERMS, "DROP VIEW marketplace_rate_terms_v"),
        migrations.RunSQL(POOLS, "DROP VIEW marketplace_pool_v"),
        migrations.RunSQL(BOOKING_HOURS, "DROP VIEW marketplace_booking_hour_v"),
        migrations.RunSQL(BOOKING_FEED, "DROP VIEW marketplace_booking_feed_v"),
    ]
