"""
What other apps may read of consent in SQL. The columns and arguments are a contract.
"""

from django.db import migrations


# A car that left its owner keeps its row, as what it did keeps its owner.
VEHICLES = """
CREATE VIEW consent_vehicle_v AS
SELECT id AS vehicle_id, owner_id, region_code::text AS region_code,
       hardware_class_code::text AS hardware_class_code, rated_power_w, battery_wh,
       time_zone::text AS time_zone, retired_at IS NOT NULL AS is_retired
FROM consent_vehicle
"""

# Every version that ever was in force, during [starts_at, ends_at). No two of one vehicle
# overlap. A withdrawn version carries the rules that ended with it. From expires_at on it
# permits nothing, in force or not. has_further_rules: consent_further_terms_v has more.
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
       power_limit_w, categories_mask::integer AS categories_mask, expires_at,
       NOT (isempty(closed) AND isempty(opened) AND ready_floors_permille IS NULL
            AND coalesce(quiet_power_limit_w, wear_wh_per_month_max, wear_micros_per_month_max,
                         mobile_data_mb_per_month_max, reward_micros_per_h_min) IS NULL
            AND buyers_mode = 'all') AS has_further_rules
FROM consent_consentversion
"""

# The rules that few versions have. Wear is counted in Wh weighted by consent_wear_wh.
FURTHER_TERMS = """
CREATE VIEW consent_further_terms_v AS
SELECT id AS version_id, closed, opened, quiet_mask, quiet_power_limit_w, ready_floors_permille,
       wear_wh_per_month_max, wear_micros_per_month_max,
       wear_micros_per_kwh::bigint AS wear_micros_per_kwh,
       compute_micros_per_h::bigint AS compute_micros_per_h,
       mobile_data_mb_per_month_max::bigint * 1000000 AS mobile_data_bytes_per_month_max,
       reward_micros_per_h_min::bigint AS reward_micros_per_h_min,
       buyers_mode::text AS buyers_mode, buyer_ids
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
SELECT vehicle_id, on_date, energy_wh, compute_s, wear_wh, mobile_data_bytes
FROM consent_dayuse
"""

# Energy weighted by the battery's warmth, as consent.rules.wear.find_wear_wh: doubled for
# every 10 degrees above 25, by whole degrees rounded up, up to 60; 35 where none is given.
WEAR = """
CREATE FUNCTION consent_wear_wh(energy_wh bigint, battery_temp_max_decic integer)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT (energy_wh * (ARRAY[
    1000, 1072, 1149, 1231, 1320, 1414, 1516, 1625, 1741, 1866, 2000, 2144,
    2297, 2462, 2639, 2828, 3031, 3249, 3482, 3732, 4000, 4287, 4595, 4925,
    5278, 5657, 6063, 6498, 6964, 7464, 8000, 8574, 9190, 9849, 10556, 11314
])[1 + least(greatest((coalesce(battery_temp_max_decic, 350) + 9) / 10 - 25, 0), 35)] + 500) / 1000
$$
"""

# The refusals of one metered interval under one version, as a mask of the bits of
# consent.rules.ReasonCode; 0 is compliant. Together with consent_further_refusals, where the
# version has further rules, equal to decide() by a property test, where the state is built
# from the record: heard just now, nothing latched, not paused.
#
# Pass the columns of consent_terms_v one by one, then those of the record. An is_withdrawn of
# NULL (an outer join found no version) gives no_consent. The interval lies within one
# quarter-hour of UTC; week_quarter is the one of the week in which it begins, in the version's
# zone, 0 on Monday at 00:00. category_bit is WorkloadCategory.bit; 0 or NULL is unlabelled. A
# reading that is NULL was not given. The last four arguments are the use *before* this record.
#
# One SELECT of immutable parts without a table, so that the planner inlines it: called as
# a function it would cost several microseconds a row. An argument that is more than a column
# is worked out once per mention, or keeps the planner from inlining.
REFUSALS_AT = """
CREATE FUNCTION consent_refusals_at(
    is_withdrawn boolean, week_quarter integer, week_mask bit, battery_stop_pct integer,
    plugged_in_only boolean, home_only boolean, temp_high_c integer, temp_low_c integer,
    energy_wh_per_day_max bigint, energy_wh_per_month_max bigint,
    compute_s_per_day_max bigint, compute_s_per_month_max bigint,
    power_limit_w integer, categories_mask integer, expires_at timestamptz,
    starts_at timestamptz, ends_at timestamptz, energy_wh bigint, category_bit integer,
    state_of_charge_min_permille integer, plugged_in boolean, is_home boolean,
    battery_temp_min_decic integer, battery_temp_max_decic integer,
    day_energy_wh bigint, day_compute_s bigint, month_energy_wh bigint, month_compute_s bigint
) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN is_withdrawn IS NULL THEN 1 WHEN is_withdrawn THEN 2
            WHEN starts_at >= expires_at THEN 536870912 ELSE
    CASE WHEN NOT plugged_in_only OR plugged_in THEN 0 WHEN plugged_in IS NULL THEN 16 ELSE 8 END
  | CASE WHEN NOT home_only OR is_home THEN 0 WHEN is_home IS NULL THEN 64 ELSE 32 END
  | CASE WHEN get_bit(week_mask, week_quarter) = 1 THEN 0 ELSE 128 END
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
  | CASE WHEN power_limit_w IS NOT NULL AND (2 * energy_wh - 1) * 3600::double precision
              > 2.0::double precision * power_limit_w * date_part('epoch', ends_at - starts_at)
         THEN 131072 ELSE 0 END
  | CASE WHEN categories_mask & category_bit <> 0 THEN 0
         WHEN category_bit IS NULL OR category_bit = 0 THEN 262144 ELSE 524288 END
END
$$
"""

# The same, where the quarter of the week is not worked out yet.
REFUSALS = """
CREATE FUNCTION consent_refusals(
    is_withdrawn boolean, time_zone text, week_mask bit, battery_stop_pct integer,
    plugged_in_only boolean, home_only boolean, temp_high_c integer, temp_low_c integer,
    energy_wh_per_day_max bigint, energy_wh_per_month_max bigint,
    compute_s_per_day_max bigint, compute_s_per_month_max bigint,
    power_limit_w integer, categories_mask integer, expires_at timestamptz,
    starts_at timestamptz, ends_at timestamptz, energy_wh bigint, category_bit integer,
    state_of_charge_min_permille integer, plugged_in boolean, is_home boolean,
    battery_temp_min_decic integer, battery_temp_max_decic integer,
    day_energy_wh bigint, day_compute_s bigint, month_energy_wh bigint, month_compute_s bigint
) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
-- Quarter 0 of the week is Monday 00:00; 1970 began on a Thursday, 288 quarters later.
SELECT consent_refusals_at(
    is_withdrawn,
    ((floor(date_part('epoch', starts_at AT TIME ZONE time_zone) / 900)::bigint + 288)
     % 672)::integer,
    week_mask, battery_stop_pct, plugged_in_only, home_only, temp_high_c, temp_low_c,
    energy_wh_per_day_max, energy_wh_per_month_max, compute_s_per_day_max,
    compute_s_per_month_max, power_limit_w, categories_mask, expires_at, starts_at, ends_at,
    energy_wh, category_bit, state_of_charge_min_permille, plugged_in, is_home,
    battery_temp_min_decic, battery_temp_max_decic, day_energy_wh, day_compute_s,
    month_energy_wh, month_compute_s)
$$
"""

REFUSALS_UNDONE = "DROP FUNCTION consent_refusals"
REFUSALS_AT_UNDONE = "DROP FUNCTION consent_refusals_at"

# What the further rules of a version make of the mask above: bits are added, and a date that
# is open or closed out of turn takes the place of the week's hours. Pass the mask as a column,
# time_zone of consent_terms_v, the columns of consent_further_terms_v, then those of the
# record. The three figures of the month are the use *before* this record; reward_micros_per_h
# is what the owner gets at the car's rated power, after electricity and wear.
FURTHER_REFUSALS = """
CREATE FUNCTION consent_further_refusals(
    refusals integer, time_zone text, closed tstzmultirange, opened tstzmultirange,
    quiet_mask bit, quiet_power_limit_w integer, ready_floors_permille smallint[],
    wear_wh_per_month_max bigint, wear_micros_per_month_max bigint,
    wear_micros_per_kwh bigint, compute_micros_per_h bigint,
    mobile_data_bytes_per_month_max bigint, reward_micros_per_h_min bigint,
    buyers_mode text, buyer_ids bigint[],
    starts_at timestamptz, ends_at timestamptz, energy_wh bigint,
    state_of_charge_min_permille integer, month_wear_wh bigint, month_compute_s bigint,
    month_data_bytes bigint, buyer_id bigint, reward_micros_per_h bigint
) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
-- Without a consent in force nothing else is looked at.
SELECT CASE WHEN refusals & 536870915 <> 0 THEN refusals ELSE
    CASE WHEN opened @> starts_at THEN refusals & ~128
         WHEN closed @> starts_at THEN refusals & ~128 | 1048576 ELSE refusals END
  | CASE WHEN refusals & 131072 = 0
          AND get_bit(quiet_mask, ((floor(date_part('epoch', starts_at AT TIME ZONE time_zone)
                                          / 900)::bigint + 288) % 672)::integer) = 1
          AND (2 * energy_wh - 1) * 3600::double precision
              > 2.0::double precision * quiet_power_limit_w * date_part('epoch', ends_at - starts_at)
         THEN 2097152 ELSE 0 END
  | CASE WHEN month_wear_wh >= wear_wh_per_month_max
           OR month_wear_wh * wear_micros_per_kwh / 1000
              + month_compute_s * compute_micros_per_h / 3600 >= wear_micros_per_month_max
         THEN 4194304 ELSE 0 END
  | CASE WHEN reward_micros_per_h_min IS NULL OR reward_micros_per_h >= reward_micros_per_h_min
         THEN 0 WHEN reward_micros_per_h IS NULL THEN 16777216 ELSE 8388608 END
  | CASE WHEN buyers_mode = 'all' THEN 0 WHEN buyer_id IS NULL THEN 67108864
         WHEN (buyer_id = ANY(buyer_ids)) = (buyers_mode = 'only') THEN 0 ELSE 33554432 END
  | CASE WHEN month_data_bytes >= mobile_data_bytes_per_month_max THEN 134217728 ELSE 0 END
  | CASE WHEN state_of_charge_min_permille < ready_floors_permille[1 + (
                 (floor(date_part('epoch', starts_at AT TIME ZONE time_zone) / 900)::bigint
                  + 288) % 672)::integer]
         THEN 268435456 ELSE 0 END
END
$$
"""
FURTHER_REFUSALS_UNDONE = "DROP FUNCTION consent_further_refusals"

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
        migrations.RunSQL(FURTHER_TERMS, "DROP VIEW consent_further_terms_v"),
        migrations.RunSQL(PAUSES, "DROP VIEW consent_pause_v"),
        migrations.RunSQL(DAY_USE, "DROP VIEW consent_day_use_v"),
        migrations.RunSQL(WEAR, "DROP FUNCTION consent_wear_wh"),
        migrations.RunSQL(REFUSALS_AT, REFUSALS_AT_UNDONE),
        migrations.RunSQL(REFUSALS, REFUSALS_UNDONE),
        migrations.RunSQL(FURTHER_REFUSALS, FURTHER_REFUSALS_UNDONE),
        migrations.RunSQL(ROOM_FOR_UPDATES, ROOM_FOR_UPDATES_UNDONE),
    ]
