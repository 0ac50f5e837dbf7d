"""
What cars say of themselves, stored set-based: three statements for any number of samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection

from consent.queries.arrays import write_array, write_instants, write_texts
from consent.rules import ReasonCode
from consent.rules.samples import Telemetry, find_fault
from web.transactions import durable


class SampleOutcome(StrEnum):
    STORED = "stored"
    # Not newer than what was stored before: kept as evidence, changes no state.
    OLDER = "older"
    UNKNOWN_VEHICLE = "unknown_vehicle"
    # Cannot be true: kept as evidence, changes no reading.
    IN_FUTURE = ReasonCode.TELEMETRY_IN_FUTURE.value
    OUT_OF_RANGE = ReasonCode.TELEMETRY_OUT_OF_RANGE.value
    CONTRADICTORY = ReasonCode.TELEMETRY_CONTRADICTORY.value

    @property
    def is_faulty(self) -> bool:
        return self.startswith("telemetry_")


@dataclass(frozen=True, slots=True)
class TelemetryResult:
    """
    One outcome per sample, in the order of the samples.
    """

    outcomes: tuple[SampleOutcome, ...]

    def count(self, outcome: SampleOutcome) -> int:
        return self.outcomes.count(outcome)

    def count_faulty(self) -> int:
        return sum(outcome.is_faulty for outcome in self.outcomes)


# A row for every car that says something true for the first time; the last statement fills it.
_MAKE_ROOM = """
INSERT INTO consent_vehiclestate (vehicle_id, observed_at, received_at, heard_at, is_recovering)
SELECT v.id, '-infinity', %(now)s, %(now)s, false
FROM consent_vehicle v
WHERE v.id = ANY(%(sound_ids)s::bigint[]) AND v.retired_at IS NULL
  AND NOT EXISTS (SELECT FROM consent_vehiclestate s WHERE s.vehicle_id = v.id)
ORDER BY v.id
ON CONFLICT DO NOTHING
"""
# Always by rising id, so that two batches never wait for each other in a ring.
_LOCK = """
WITH held AS MATERIALIZED (
    SELECT s.vehicle_id, nullif(s.observed_at, '-infinity') AS observed_at
    FROM consent_vehiclestate s
    WHERE s.vehicle_id = ANY(%(ids)s::bigint[])
    ORDER BY s.vehicle_id
    FOR UPDATE
)
SELECT v.id, held.observed_at
FROM consent_vehicle v LEFT JOIN held ON held.vehicle_id = v.id
WHERE v.id = ANY(%(ids)s::bigint[]) AND v.retired_at IS NULL
"""
# A car's samples in the order of its clock, first those that are late, which change nothing.
# A sample of the future has no place in that order: it is kept at the moment it came, and
# counts after all others. A faulty one that was kept before is a repeat of a request that got
# no answer; it must not count twice.
#
# The latches are those of `consent.rules.latches`, of which only the last step of each kind
# matters: the last sample that was too hot, and the last that was cool enough again. A test
# holds both equal, sample by sample.
_STORE = """
WITH sample AS (
    SELECT DISTINCT ON (t.vehicle_id, t.at) t.*
    FROM (
        SELECT u.*, u.fault = 'telemetry_in_future' AS is_future,
               CASE WHEN u.fault = 'telemetry_in_future'
                    THEN %(now)s::timestamptz + u.place * interval '1 microsecond'
                    ELSE u.observed_at END AS at
        FROM unnest(%(ids)s::bigint[], %(observed)s::timestamptz[], %(charges)s::smallint[],
                    %(plugs)s::boolean[], %(homes)s::boolean[], %(moves)s::boolean[],
                    %(temps)s::smallint[], %(powers)s::integer[], %(faults)s::text[])
             WITH ORDINALITY
          AS u (vehicle_id, observed_at, charge, plugged_in, is_home, is_moving, temp, power_w,
                fault, place)
    ) t
    ORDER BY t.vehicle_id, t.at, t.fault <> '', t.place
), read AS (
    SELECT x.*, s.observed_at AS last_at,
           ROW(s.state_of_charge_permille, s.plugged_in, s.is_home, s.is_moving,
               s.battery_temp_decic, s.charge_power_w, s.faulty_samples, s.is_recovering,
               s.is_cooling, s.hot_at, s.is_warming, s.cold_at) AS last_said,
           coalesce(s.faulty_samples, 0) AS had_faulty, coalesce(s.fault, '') AS had_fault,
           coalesce(s.is_recovering, false) AS was_recovering,
           coalesce(s.is_cooling, false) AS was_cooling, s.hot_at AS was_hot_at,
           coalesce(s.is_warming, false) AS was_warming, s.cold_at AS was_cold_at,
           x.is_future OR s.observed_at IS NULL OR x.at > s.observed_at AS is_new,
           x.fault = '' AS is_sound,
           x.fault <> '' AND old.is_kept IS NULL AS is_counted,
           c.battery_stop_pct * 10 AS stop, c.battery_resume_pct * 10 AS resume,
           c.temp_high_c * 10 AS high, coalesce(c.temp_high_resume_c, c.temp_high_c) * 10 AS cool,
           c.temp_low_c * 10 AS low, coalesce(c.temp_low_resume_c, c.temp_low_c) * 10 AS warm,
           c.temp_hold_min * interval '1 minute' AS hold
    FROM sample x
    JOIN consent_vehicle v ON v.id = x.vehicle_id AND v.retired_at IS NULL
    LEFT JOIN consent_vehiclestate s ON s.vehicle_id = x.vehicle_id
    LEFT JOIN consent_consentversion c ON c.vehicle_id = x.vehicle_id AND upper_inf(c.in_force)
    -- By the key, and for faults only: any other plan reads all that was ever said.
    LEFT JOIN LATERAL (
        SELECT true AS is_kept
        FROM consent_statesample kept
        WHERE x.fault <> '' AND kept.vehicle_id = x.vehicle_id AND kept.observed_at = x.at
          AND kept.fault <> ''
        LIMIT 1
    ) old ON true
), seen AS (
    SELECT read.*,
           max(at) FILTER (WHERE is_sound AND charge < stop) OVER past AS low_charge_at,
           max(at) FILTER (WHERE is_sound AND charge >= resume) OVER past AS full_charge_at,
           count(*) FILTER (WHERE is_sound AND temp IS NOT NULL AND hold IS NOT NULL)
               OVER past AS temps,
           max(at) FILTER (WHERE is_sound AND temp > high) OVER past AS hot_at,
           max(at) FILTER (WHERE is_sound AND temp <= cool) OVER past AS cool_at,
           max(at) FILTER (WHERE is_sound AND temp < low) OVER past AS cold_at,
           max(at) FILTER (WHERE is_sound AND temp >= warm) OVER past AS warm_at,
           count(*) FILTER (WHERE is_counted) OVER past AS faulty
    FROM read
    WINDOW past AS (PARTITION BY vehicle_id, is_new ORDER BY is_future, at)
), latched AS (
    SELECT seen.*,
           coalesce(hot_at, CASE WHEN was_cooling THEN was_hot_at END) AS from_hot_at,
           coalesce(cold_at, CASE WHEN was_warming THEN was_cold_at END) AS from_cold_at,
           max(CASE WHEN is_sound THEN faulty END) OVER past AS forgiven
    FROM seen
    WINDOW past AS (PARTITION BY vehicle_id, is_new ORDER BY is_future, at)
), stepped AS (
    SELECT latched.*,
           CASE WHEN low_charge_at IS NULL AND full_charge_at IS NULL THEN was_recovering
                ELSE coalesce(low_charge_at > full_charge_at, full_charge_at IS NULL)
                END AS recovering,
           CASE WHEN temps = 0 THEN was_cooling
                ELSE high IS NOT NULL AND (hot_at IS NOT NULL OR was_cooling)
                 AND NOT coalesce(cool_at >= coalesce(from_hot_at + hold, '-infinity')
                                  AND cool_at > coalesce(from_hot_at, '-infinity'), false)
                END AS cooling,
           CASE WHEN temps = 0 THEN was_warming
                ELSE low IS NOT NULL AND (cold_at IS NOT NULL OR was_warming)
                 AND NOT coalesce(warm_at >= coalesce(from_cold_at + hold, '-infinity')
                                  AND warm_at > coalesce(from_cold_at, '-infinity'), false)
                END AS warming
    FROM latched
), after AS (
    SELECT vehicle_id, at, is_new, is_sound, is_future, fault, last_at, last_said,
           charge, plugged_in, is_home, is_moving, temp, power_w,
           CASE WHEN is_new THEN recovering ELSE was_recovering END AS recovering,
           CASE WHEN is_new THEN cooling ELSE was_cooling END AS cooling,
           CASE WHEN NOT is_new OR temps = 0 THEN was_hot_at WHEN cooling THEN from_hot_at END
               AS hot_at,
           CASE WHEN is_new THEN warming ELSE was_warming END AS warming,
           CASE WHEN NOT is_new OR temps = 0 THEN was_cold_at WHEN warming THEN from_cold_at END
               AS cold_at,
           least(CASE WHEN NOT is_new THEN had_faulty
                      ELSE coalesce(faulty - forgiven, had_faulty + faulty) END, 32767)::smallint
               AS faulty,
           CASE WHEN NOT is_new THEN had_fault ELSE fault END AS fault_after
    FROM stepped
), told AS (
    SELECT after.*,
           ROW(charge, plugged_in, is_home, is_moving, temp, power_w, faulty, recovering,
               cooling, hot_at, warming, cold_at) AS said
    FROM after
), kept AS (
    SELECT told.*,
           coalesce(lag(said) OVER past, last_said) AS said_before,
           coalesce(lag(at) OVER past, last_at) AS at_before
    FROM told
    WINDOW past AS (PARTITION BY vehicle_id, is_new ORDER BY is_future, at)
), history AS (
    INSERT INTO consent_statesample AS old (vehicle_id, observed_at, received_at,
        state_of_charge_permille, plugged_in, is_home, is_moving, battery_temp_decic,
        charge_power_w, is_late, fault, faulty_samples, is_recovering, is_cooling, hot_at,
        is_warming, cold_at)
    SELECT vehicle_id, at, %(now)s, charge, plugged_in, is_home, is_moving, temp, power_w,
           NOT is_new, fault, faulty, recovering, cooling, hot_at, warming, cold_at
    FROM kept
    WHERE NOT is_new OR NOT is_sound OR said IS DISTINCT FROM said_before
       OR date_bin('15 minutes', at, 'epoch')
          IS DISTINCT FROM date_bin('15 minutes', nullif(at_before, '-infinity'), 'epoch')
    ORDER BY vehicle_id, at
    ON CONFLICT (vehicle_id, observed_at) DO UPDATE
    SET received_at = excluded.received_at,
        state_of_charge_permille = excluded.state_of_charge_permille,
        plugged_in = excluded.plugged_in, is_home = excluded.is_home,
        is_moving = excluded.is_moving, battery_temp_decic = excluded.battery_temp_decic,
        charge_power_w = excluded.charge_power_w, is_late = excluded.is_late, fault = '',
        faulty_samples = excluded.faulty_samples, is_recovering = excluded.is_recovering,
        is_cooling = excluded.is_cooling, hot_at = excluded.hot_at,
        is_warming = excluded.is_warming, cold_at = excluded.cold_at
    WHERE old.fault <> '' AND excluded.fault = ''
), newest AS (
    SELECT DISTINCT ON (vehicle_id) *
    FROM told
    WHERE is_new AND is_sound
    ORDER BY vehicle_id, at DESC
), last AS (
    SELECT DISTINCT ON (vehicle_id) *
    FROM told
    ORDER BY vehicle_id, is_new DESC, is_future DESC, at DESC
)
UPDATE consent_vehiclestate s
SET heard_at = %(now)s, faulty_samples = l.faulty, fault = l.fault_after,
    is_recovering = l.recovering, is_cooling = l.cooling, hot_at = l.hot_at,
    is_warming = l.warming, cold_at = l.cold_at,
    observed_at = coalesce(n.at, s.observed_at),
    received_at = CASE WHEN n.at IS NULL THEN s.received_at ELSE %(now)s END,
    state_of_charge_permille =
        CASE WHEN n.at IS NULL THEN s.state_of_charge_permille ELSE n.charge END,
    plugged_in = CASE WHEN n.at IS NULL THEN s.plugged_in ELSE n.plugged_in END,
    is_home = CASE WHEN n.at IS NULL THEN s.is_home ELSE n.is_home END,
    is_moving = CASE WHEN n.at IS NULL THEN s.is_moving ELSE n.is_moving END,
    battery_temp_decic = CASE WHEN n.at IS NULL THEN s.battery_temp_decic ELSE n.temp END,
    charge_power_w = CASE WHEN n.at IS NULL THEN s.charge_power_w ELSE n.power_w END
FROM last l LEFT JOIN newest n USING (vehicle_id)
WHERE s.vehicle_id = l.vehicle_id
"""


@durable
def record_telemetry(*, samples: Sequence[tuple[int, Telemetry]], now: datetime) -> TelemetryResult:
    """
    Store (vehicle id, sample) pairs by event time: the past never overwrites the present.

    Every sample of a known vehicle is kept as evidence, but for repeats, and shows that its
    connection lives. One that cannot be true changes no reading; it is counted until the next
    good one comes.
    """
    faults = [find_fault(telemetry=sample, now=now) for _, sample in samples]
    before = _store(samples, faults, now) if samples else {}
    return TelemetryResult(
        tuple(
            _judge(vehicle_id, sample, fault, before)
            for (vehicle_id, sample), fault in zip(samples, faults, strict=True)
        )
    )


def _store(
    samples: Sequence[tuple[int, Telemetry]], faults: Sequence[ReasonCode | None], now: datetime
) -> dict[int, datetime | None]:
    """
    Return when each known vehicle was last heard of before this batch.
    """
    values: dict[str, Any] = {
        "now": now,
        "ids": write_array(vehicle_id for vehicle_id, _ in samples),
        "sound_ids": write_array(
            vehicle_id
            for (vehicle_id, _), fault in zip(samples, faults, strict=True)
            if fault is None
        ),
        "faults": write_texts("" if fault is None else fault.value for fault in faults),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_ROOM, values)
        cursor.execute(_LOCK, values)
        before: dict[int, datetime | None] = dict(cursor.fetchall())
        cursor.execute(_STORE, values | _make_columns([each for _, each in samples]))
    return before


def _make_columns(samples: Sequence[Telemetry]) -> dict[str, str]:
    return {
        "observed": write_instants(each.observed_at for each in samples),
        "charges": write_array(each.state_of_charge_permille for each in samples),
        "plugs": write_array(each.plugged_in for each in samples),
        "homes": write_array(each.is_home for each in samples),
        "moves": write_array(each.is_moving for each in samples),
        "temps": write_array(each.battery_temp_decic for each in samples),
        "powers": write_array(each.charge_power_w for each in samples),
    }


def _judge(
    vehicle_id: int,
    sample: Telemetry,
    fault: ReasonCode | None,
    before: dict[int, datetime | None],
) -> SampleOutcome:
    if vehicle_id not in before:
        return SampleOutcome.UNKNOWN_VEHICLE
    if fault is not None:
        return SampleOutcome(fault.value)
    last = before[vehicle_id]
    if last is not None and sample.observed_at <= last:
        return SampleOutcome.OLDER
    return SampleOutcome.STORED
