"""
What other apps may read of consent in SQL. The columns and arguments are a contract.
"""

from django.db import migrations


VEHICLES = """
CREATE VIEW consent_vehicle_v AS
SELECT id AS vehicle_id, owner_id, region_code::text AS region_code,
       hardware_class_code::text AS hardware_class_code, rated_power_w, battery_wh,
       time_zone::text AS time_zone
FROM consent_vehicle
"""

# Every version that ever was in force, during [starts_at, ends_at). No two of one vehicle
# overlap. A withdrawn version carries the rules that ended with it.
TERMS = """
CREATE VIEW consent_terms_v AS
SELECT id AS version_id, vehicle_id, owner_id, number, state = 'withdrawn' AS is_withdrawn,
       lower(in_force) AS starts_at, coalesce(upper(in_force), 'infinity') AS ends_at,
       time_zone::text AS time_zone, week_mask,
       battery_stop_pct::integer AS battery_stop_pct, plugged_in_only, home_only,
       temp_high_c::integer AS temp_high_c, temp_low_c::integer AS temp_low_c,
       energy_wh_per_day_max::bigint AS energy_wh_per_day_max,
       energy_wh_per_month_max::bigint AS energy_wh_per_month_max,
       compute_s_per_day_max::bigint AS compute_s_per_day_max,
       compute_s_per_month_max::bigint AS compute_s_per_month_max,
       power_limit_w, categories_mask::integer AS categories_mask
FROM consent_consentversion
"""

PAUSES = """
CREATE VIEW consent_pause_v AS
SELECT vehicle_id, lower(during) AS starts_at, coalesce(upper(during), 'infinity') AS ends_at
FROM consent_pause
WHERE NOT isempty(during)
"""

DAY_USE = """
CREATE VIEW consent_day_use_v AS
SELECT vehicle_id, on_date, energy_wh, compute_s
FROM consent_dayuse
"""

# The refusals of one metered interval under one version, as a mask of the bits of
# consent.rules.ReasonCode; 0 is compliant. Equal to decide() by a property test, where the
# state is built from the record: heard just now, nothing latched, not paused.
#
# Pass the columns of consent_terms_v one by one, then those of the record. An is_withdrawn of
# NULL (an outer join found no version) gives no_consent. The interval lies within one
# quarter-hour of UTC. category_bit is WorkloadCategory.bit; 0 or NULL is unlabelled. A reading
# that is NULL was not given. The last four arguments are the use *before* this record.
#
# One SELECT of immutable parts without a table, so that the planner inlines it: called as
# a function it would cost several microseconds a row. An argument that is more than a column
# is worked out once per mention, or keeps the planner from inlining.
REFUSALS = """
CREATE FUNCTION consent_refusals(
    is_withdrawn boolean, time_zone text, week_mask bit, battery_stop_pct integer,
    plugged_in_only boolean, home_only boolean, temp_high_c integer, temp_low_c integer,
    energy_wh_per_day_max bigint, energy_wh_per_month_max bigint,
    compute_s_per_day_max bigint, compute_s_per_month_max bigint,
    power_limit_w integer, categories_mask integer,
    starts_at timestamptz, ends_at timestamptz, energy_wh bigint, category_bit integer,
    state_of_charge_min_permille integer, plugged_in boolean, is_home boolean,
    battery_temp_min_decic integer, battery_temp_max_decic integer,
    day_energy_wh bigint, day_compute_s bigint, month_energy_wh bigint, month_compute_s bigint
) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN is_withdrawn IS NULL THEN 1 WHEN is_withdrawn THEN 2 ELSE
    CASE WHEN NOT plugged_in_only OR plugged_in THEN 0 WHEN plugged_in IS NULL THEN 16 ELSE 8 END
  | CASE WHEN NOT home_only OR is_home THEN 0 WHEN is_home IS NULL THEN 64 ELSE 32 END
    -- Quarter 0 of the week is Monday 00:00; 1970 began on a Thursday, 288 quarters later.
  | CASE WHEN get_bit(week_mask, ((floor(date_part('epoch', starts_at AT TIME ZONE time_zone)
                                         / 900)::bigint + 288) % 672)::integer) = 1
         THEN 0 ELSE 128 END
  | CASE WHEN state_of_charge_min_permille >= battery_stop_pct * 10 THEN 0
         WHEN state_of_charge_min_permille IS NULL THEN 512 ELSE 256 END
  | CASE WHEN temp_high_c IS NULL OR battery_temp_max_decic <= temp_high_c * 10 THEN 0
         WHEN battery_temp_max_decic IS NULL THEN 4096 ELSE 1024 END
  | CASE WHEN temp_low_c IS NULL OR battery_temp_min_decic >= temp_low_c * 10 THEN 0
         WHEN battery_temp_min_decic IS NULL THEN 4096 ELSE 2048 END
  | CASE WHEN day_energy_wh >= energy_wh_per_day_max THEN 8192 ELSE 0 END
  | CASE WHEN month_energy_wh >= energy_wh_per_month_max THEN 16384 ELSE 0 END
  | CASE WHEN day_compute_s >= compute_s_per_day_max THEN 32768 ELSE 0 END
  | CASE WHEN month_compute_s >= compute_s_per_month_max THEN 65536 ELSE 0 END
    -- Meters report whole watt-hours: half of one is forgiven.
  | CASE WHEN (2 * energy_wh - 1) * 3600::double precision
              > 2.0::double precision * power_limit_w * date_part('epoch', ends_at - starts_at)
         THEN 131072 ELSE 0 END
  | CASE WHEN categories_mask & category_bit <> 0 THEN 0
         WHEN category_bit IS NULL OR category_bit = 0 THEN 262144 ELSE 524288 END
END
$$
"""

REFUSALS_UNDONE = "DROP FUNCTION consent_refusals"

# Telemetry rewrites a car's one row all day long: room on the page keeps the new row beside
# the old one and off the index.
ROOM_FOR_UPDATES = """
ALTER TABLE consent_vehiclestate SET (fillfactor = 70);
ALTER TABLE consent_dayuse SET (fillfactor = 80);
"""
ROOM_FOR_UPDATES_UNDONE = """
ALTER TABLE consent_vehiclestate RESET (fillfactor);
ALTER TABLE consent_dayuse RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]

    operations = [
        migrations.RunSQL(VEHICLES, "DROP VIEW consent_vehicle_v"),
        migrations.RunSQL(TERMS, "DROP VIEW consent_terms_v"),
        migrations.RunSQL(PAUSES, "DROP VIEW consent_pause_v"),
        migrations.RunSQL(DAY_USE, "DROP VIEW consent_day_use_v"),
        migrations.RunSQL(REFUSALS, REFUSALS_UNDONE),
        migrations.RunSQL(ROOM_FOR_UPDATES, ROOM_FOR_UPDATES_UNDONE),
    ]
