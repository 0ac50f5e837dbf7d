"""
What a decision needs about many vehicles at once: rules, state and use, in one statement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from consent.rules import Pause, Rules, State, Use, mask_from_bits


@dataclass(frozen=True, slots=True)
class Standing:
    """
    One vehicle at one moment. `rules` None: no consent was in force.

    `use` is counted only where a budget limits it, else it is nothing.
    """

    vehicle_id: int
    owner_id: int
    rules: Rules | None
    state: State
    use: Use


_COLUMNS = """
    v.id, v.owner_id,
    c.number, c.state = 'withdrawn', c.time_zone, c.week_mask::text,
    c.battery_stop_pct, c.battery_resume_pct, c.plugged_in_only, c.home_only,
    c.temp_high_c, c.temp_low_c, c.energy_wh_per_day_max, c.energy_wh_per_month_max,
    c.compute_s_per_day_max, c.compute_s_per_month_max, c.power_limit_w, c.categories_mask,
    p.starts_at, p.ends_at,
    u.day_energy_wh, u.day_compute_s, u.month_energy_wh, u.month_compute_s
"""

# Use up to the local day of the moment, of its month: up to 31 rows a vehicle, far apart in
# the table, so only those vehicles pay for it that have a budget to compare it with.
_USE = """
LEFT JOIN LATERAL (
    SELECT sum(d.energy_wh) FILTER (WHERE d.on_date = today.local) AS day_energy_wh,
           sum(d.compute_s) FILTER (WHERE d.on_date = today.local) AS day_compute_s,
           sum(d.energy_wh) AS month_energy_wh, sum(d.compute_s) AS month_compute_s
    FROM (SELECT (q.at AT TIME ZONE coalesce(c.time_zone, v.time_zone))::date AS local) today
    JOIN consent_dayuse d ON d.vehicle_id = v.id
     AND d.on_date BETWEEN date_trunc('month', today.local::timestamp)::date AND today.local
    WHERE coalesce(c.energy_wh_per_day_max, c.energy_wh_per_month_max,
                   c.compute_s_per_day_max, c.compute_s_per_month_max) IS NOT NULL
) u ON true
"""

# The present is the version that nothing has ended, not the one whose range holds a clock's
# time: web servers' clocks differ, and a withdrawal must bind every decision after its commit.
_NOW = f"""
SELECT {_COLUMNS},
       s.observed_at, s.state_of_charge_permille, s.plugged_in, s.is_home, s.is_moving,
       s.battery_temp_decic, s.is_recovering
FROM (SELECT id AS vehicle_id, %(now)s::timestamptz AS at FROM unnest(%(ids)s::bigint[]) id) q
JOIN consent_vehicle v ON v.id = q.vehicle_id AND v.retired_at IS NULL
LEFT JOIN consent_consentversion c ON c.vehicle_id = v.id AND upper_inf(c.in_force)
LEFT JOIN consent_vehiclestate s ON s.vehicle_id = v.id
LEFT JOIN LATERAL (
    SELECT least(lower(pause.during), q.at) AS starts_at, upper(pause.during) AS ends_at
    FROM consent_pause pause
    WHERE pause.vehicle_id = v.id AND NOT isempty(pause.during)
      AND coalesce(upper(pause.during), 'infinity') > q.at
    LIMIT 1
) p ON true
{_USE}
"""  # noqa: S608 - made of the constants above

_PAST = f"""
SELECT {_COLUMNS}, q.place
FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[])
     WITH ORDINALITY AS q (vehicle_id, at, place)
JOIN consent_vehicle v ON v.id = q.vehicle_id
LEFT JOIN consent_consentversion c ON c.vehicle_id = v.id AND c.in_force @> q.at
LEFT JOIN LATERAL (
    SELECT lower(pause.during) AS starts_at, upper(pause.during) AS ends_at
    FROM consent_pause pause
    WHERE pause.vehicle_id = v.id AND pause.during @> q.at
    LIMIT 1
) p ON true
{_USE}
"""  # noqa: S608 - made of the constants above
_STATE_AT = 24


def load_standings(*, vehicle_ids: Sequence[int], now: datetime) -> dict[int, Standing]:
    """
    Return the present standing of each vehicle that exists, by its id.
    """
    rows = _fetch(_NOW, {"ids": list(vehicle_ids), "now": now})
    return {row[0]: _read_standing(row, _read_state(row)) for row in rows}


def load_past_standings(*, places: Sequence[tuple[int, datetime]]) -> list[Standing | None]:
    """
    Return the standing of each (vehicle, moment), in order; None: no such vehicle.

    What the car said at that moment is not kept here: the state holds the pause only.
    """
    found: list[Standing | None] = [None] * len(places)
    ids = [vehicle_id for vehicle_id, _ in places]
    moments = [moment for _, moment in places]
    for row in _fetch(_PAST, {"ids": ids, "moments": moments}):
        found[row[_STATE_AT] - 1] = _read_standing(row, State(pause=_read_pause(row)))
    return found


def _fetch(statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        yield from cursor.fetchall()


def _read_standing(row: tuple[Any, ...], state: State) -> Standing:
    # The columns 2 to 17 are the fields of Rules in their order.
    rules = None
    if row[2] is not None:
        rules = Rules(row[2], row[3], ZoneInfo(row[4]), mask_from_bits(row[5]), *row[6:18])
    use = Use(*(int(figure or 0) for figure in row[20:24]))
    return Standing(row[0], row[1], rules, state, use)


def _read_pause(row: tuple[Any, ...]) -> Pause | None:
    return None if row[18] is None else Pause(row[18], row[19])


def _read_state(row: tuple[Any, ...]) -> State:
    observed_at, charge, plugged_in, is_home, is_moving, temp, is_recovering = row[_STATE_AT:]
    return State(
        observed_at=observed_at,
        state_of_charge_permille=charge,
        plugged_in=plugged_in,
        is_home=is_home,
        is_moving=is_moving,
        battery_temp_min_decic=temp,
        battery_temp_max_decic=temp,
        is_recovering=bool(is_recovering),
        pause=_read_pause(row),
    )
