"""
What cars say of themselves, stored set-based: four statements for any number of samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from consent.queries.decisions import Telemetry
from web.limits import TELEMETRY_AHEAD_S_MAX
from web.transactions import durable


class SampleOutcome(StrEnum):
    STORED = "stored"
    # Not newer than what was stored before: changes nothing.
    OLDER = "older"
    IN_FUTURE = "in_future"
    UNKNOWN_VEHICLE = "unknown_vehicle"


@dataclass(frozen=True, slots=True)
class TelemetryResult:
    """
    One outcome per sample, in the order of the samples.
    """

    outcomes: tuple[SampleOutcome, ...]

    def count(self, outcome: SampleOutcome) -> int:
        return self.outcomes.count(outcome)


# A row for every car that speaks for the first time; the next statement fills it.
_MAKE_ROOM = """
INSERT INTO consent_vehiclestate (vehicle_id, observed_at, received_at, is_recovering)
SELECT v.id, '-infinity', %(now)s, false
FROM consent_vehicle v
WHERE v.id = ANY(%(ids)s) AND v.retired_at IS NULL
  AND NOT EXISTS (SELECT FROM consent_vehiclestate s WHERE s.vehicle_id = v.id)
ORDER BY v.id
ON CONFLICT DO NOTHING
"""
# Always by rising id, so that two batches never wait for each other in a ring.
_LOCK = """
SELECT s.vehicle_id, nullif(s.observed_at, '-infinity')
FROM consent_vehiclestate s JOIN consent_vehicle v ON v.id = s.vehicle_id
WHERE s.vehicle_id = ANY(%(ids)s) AND v.retired_at IS NULL
ORDER BY s.vehicle_id
FOR UPDATE OF s
"""
# The newest sample of each car wins. The latch between stop and resume level follows the
# last sample that was under the one or at the other, if any was.
_STORE = """
WITH sample AS (
    SELECT *
    FROM unnest(%(ids)s::bigint[], %(observed)s::timestamptz[], %(charges)s::smallint[],
                %(plugs)s::boolean[], %(homes)s::boolean[], %(moves)s::boolean[],
                %(temps)s::smallint[], %(powers)s::integer[])
      AS t (vehicle_id, observed_at, charge, plugged_in, is_home, is_moving, temp, power_w)
), newer AS (
    SELECT sample.*,
           CASE WHEN charge < c.battery_stop_pct * 10 THEN true
                WHEN charge >= c.battery_resume_pct * 10 THEN false END AS latch
    FROM sample
    JOIN consent_vehiclestate s USING (vehicle_id)
    LEFT JOIN consent_consentversion c
      ON c.vehicle_id = sample.vehicle_id AND upper_inf(c.in_force)
    WHERE sample.observed_at > s.observed_at
), latched AS (
    SELECT DISTINCT ON (vehicle_id) vehicle_id, latch
    FROM newer WHERE latch IS NOT NULL
    ORDER BY vehicle_id, observed_at DESC
), newest AS (
    SELECT DISTINCT ON (vehicle_id) *
    FROM newer
    ORDER BY vehicle_id, observed_at DESC
)
UPDATE consent_vehiclestate s
SET observed_at = n.observed_at, received_at = %(now)s,
    state_of_charge_permille = n.charge, plugged_in = n.plugged_in, is_home = n.is_home,
    is_moving = n.is_moving, battery_temp_decic = n.temp, charge_power_w = n.power_w,
    is_recovering = coalesce(l.latch, s.is_recovering)
FROM newest n LEFT JOIN latched l USING (vehicle_id)
WHERE s.vehicle_id = n.vehicle_id
"""


@durable
def record_telemetry(*, samples: Sequence[tuple[int, Telemetry]], now: datetime) -> TelemetryResult:
    """
    Store (vehicle id, sample) pairs by event time: the past never overwrites the present.
    """
    latest = now + timedelta(seconds=TELEMETRY_AHEAD_S_MAX)
    usable = [(vehicle_id, each) for vehicle_id, each in samples if each.observed_at <= latest]
    before = _store(usable, now) if usable else {}
    return TelemetryResult(
        tuple(_judge(vehicle_id, each, before, latest) for vehicle_id, each in samples)
    )


def _store(samples: Sequence[tuple[int, Telemetry]], now: datetime) -> dict[int, datetime | None]:
    """
    Return when each known vehicle was last heard of before this batch.
    """
    values: dict[str, Any] = {"now": now, "ids": [vehicle_id for vehicle_id, _ in samples]}
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_ROOM, values)
        cursor.execute(_LOCK, values)
        before: dict[int, datetime | None] = dict(cursor.fetchall())
        cursor.execute(_STORE, values | _make_columns([each for _, each in samples]))
    return before


def _make_columns(samples: Sequence[Telemetry]) -> dict[str, list[Any]]:
    return {
        "observed": [each.observed_at for each in samples],
        "charges": [each.state_of_charge_permille for each in samples],
        "plugs": [each.plugged_in for each in samples],
        "homes": [each.is_home for each in samples],
        "moves": [each.is_moving for each in samples],
        "temps": [each.battery_temp_decic for each in samples],
        "powers": [each.charge_power_w for each in samples],
    }


def _judge(
    vehicle_id: int,
    sample: Telemetry,
    before: dict[int, datetime | None],
    latest: datetime,
) -> SampleOutcome:
    if sample.observed_at > latest:
        return SampleOutcome.IN_FUTURE
    if vehicle_id not in before:
        return SampleOutcome.UNKNOWN_VEHICLE
    last = before[vehicle_id]
    if last is not None and sample.observed_at <= last:
        return SampleOutcome.OLDER
    return SampleOutcome.STORED
