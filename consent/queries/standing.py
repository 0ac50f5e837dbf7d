"""
What a decision needs about many vehicles at once: rules and state in one statement, and what few
of them have in one each: breaks, use that a budget limits, leases.

A thousand rows a request: what few versions have comes packed in one text, which is NULL for
the others and read once for all that are alike.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from consent.queries.arrays import write_array, write_instants, write_texts
from consent.queries.notices import EXPIRES_AT
from consent.queries.packed import FURTHER, WEEK_MASK, read_further, read_week_mask
from consent.rules import (
    CHECKS,
    NO_USE,
    Checks,
    Pause,
    ReasonCode,
    Rules,
    State,
    Use,
    list_telling_checks,
)
from consent.rules.leases import HeldLease, counts_use, has_budget
from consent.rules.terms import value


@value
class Standing:
    """
    One vehicle at one moment. `rules` None: no consent was in force.

    `use` is counted only where a budget limits it, else it is nothing; what leases reserve is
    not in it (`use_beside`). `leases` are those of the present that have not ended more than
    two hours ago. `checks` are those that can refuse under the rules, `has_budget` whether the
    rules limit anything that a job reserves.
    """

    vehicle_id: int
    owner_id: int
    rated_power_w: int
    rules: Rules | None
    state: State
    use: Use
    leases: tuple[HeldLease, ...] = ()
    checks: Checks = CHECKS
    has_budget: bool = False

    def use_beside(self, job_id: str) -> Use:
        """
        Return the use with all that was granted to other jobs and nobody metered yet.
        """
        if not self.leases:
            return self.use
        others = [lease for lease in self.leases if lease.job_id != job_id]
        energy_wh = sum(lease.reserved_energy_wh for lease in others)
        compute_s = sum(lease.reserved_compute_s for lease in others)
        if not energy_wh and not compute_s:
            return self.use
        return replace(self.use, reserved_energy_wh=energy_wh, reserved_compute_s=compute_s)


_COLUMNS = f"""
    v.id, v.owner_id, v.rated_power_w,
    c.number, c.state = 'withdrawn', c.time_zone, {WEEK_MASK},
    c.battery_stop_pct, c.battery_resume_pct, c.plugged_in_only, c.home_only,
    c.temp_high_c, c.temp_low_c, c.energy_wh_per_day_max, c.energy_wh_per_month_max,
    c.compute_s_per_day_max, c.compute_s_per_month_max, c.power_limit_w, c.categories_mask,
    {EXPIRES_AT}, c.wear_micros_per_kwh, c.compute_micros_per_h,
    {FURTHER}
"""
_CODES = {code.value: code for code in ReasonCode}
_NUMBER = 3
_RULES = slice(3, 23)
_REST_AT = 23

# The present is the version that nothing has ended, not the one whose range holds a clock's
# time: web servers' clocks differ, and a withdrawal must bind every decision after its commit.
_NOW = f"""
SELECT {_COLUMNS},
       s.observed_at, s.state_of_charge_permille, s.plugged_in, s.is_home, s.is_moving,
       s.battery_temp_decic, s.is_recovering, s.heard_at, s.faulty_samples,
       nullif(s.fault, ''), s.is_cooling, s.hot_at, s.is_warming, s.cold_at
FROM unnest(%(ids)s::bigint[]) AS q (vehicle_id)
JOIN consent_vehicle v ON v.id = q.vehicle_id AND v.retired_at IS NULL
LEFT JOIN consent_consentversion c ON c.vehicle_id = v.id AND upper_inf(c.in_force)
LEFT JOIN consent_vehiclestate s ON s.vehicle_id = v.id
"""  # noqa: S608 - made of the constants above
_NUMBERS = """
SELECT vehicle_id, number FROM consent_consentversion
WHERE vehicle_id = ANY(%(ids)s::bigint[]) AND upper_inf(in_force)
"""
# A pause began when it was asked for; a skipped night may lie ahead, the next one counts.
_BREAKS_NOW = """
SELECT b.vehicle_id,
       min(least(lower(b.during), %(now)s)) FILTER (WHERE b.kind <> 'skip'),
       min(upper(b.during)) FILTER (WHERE b.kind <> 'skip'),
       bool_or(b.lets_jobs_finish) FILTER (WHERE b.kind <> 'skip'),
       min(lower(b.during)) FILTER (WHERE b.kind = 'skip'),
       min(upper(b.during)) FILTER (WHERE b.kind = 'skip')
FROM consent_pause b
WHERE b.vehicle_id = ANY(%(ids)s::bigint[]) AND NOT isempty(b.during)
  AND coalesce(upper(b.during), 'infinity') > %(now)s
GROUP BY b.vehicle_id
"""
_LEASES = """
SELECT vehicle_id, job_id, booking_id, started_at, expires_at, refused_since,
       reserved_energy_wh, reserved_compute_s
FROM consent_lease
WHERE vehicle_id = ANY(%(ids)s::bigint[]) AND expires_at > %(now)s - interval '2 hours'
ORDER BY vehicle_id, job_id
"""

_PAST = f"""
SELECT {_COLUMNS}, q.place
FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[])
     WITH ORDINALITY AS q (vehicle_id, at, place)
JOIN consent_vehicle v ON v.id = q.vehicle_id
LEFT JOIN consent_consentversion c ON c.vehicle_id = v.id AND c.in_force @> q.at
"""  # noqa: S608 - made of the constants above
_BREAKS_PAST = """
SELECT q.place,
       min(lower(b.during)) FILTER (WHERE b.kind <> 'skip'),
       min(upper(b.during)) FILTER (WHERE b.kind <> 'skip'),
       bool_or(b.lets_jobs_finish) FILTER (WHERE b.kind <> 'skip'),
       min(lower(b.during)) FILTER (WHERE b.kind = 'skip'),
       min(upper(b.during)) FILTER (WHERE b.kind = 'skip')
FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[])
     WITH ORDINALITY AS q (vehicle_id, at, place)
JOIN consent_pause b ON b.vehicle_id = q.vehicle_id AND b.during @> q.at
GROUP BY q.place
"""

# Use up to a local day, of its month: up to 31 rows a vehicle, far apart in the table, so only
# those vehicles are asked about that have a budget to compare it with.
_USE = """
SELECT q.place,
       coalesce(sum(d.energy_wh) FILTER (WHERE d.on_date = q.today), 0)::bigint,
       coalesce(sum(d.compute_s) FILTER (WHERE d.on_date = q.today), 0)::bigint,
       sum(d.energy_wh)::bigint, sum(d.compute_s)::bigint, sum(d.wear_wh)::bigint,
       sum(d.mobile_data_bytes)::bigint
FROM unnest(%(ids)s::bigint[], %(days)s::date[]) WITH ORDINALITY AS q (vehicle_id, today, place)
JOIN consent_dayuse d ON d.vehicle_id = q.vehicle_id
 AND d.on_date BETWEEN date_trunc('month', q.today::timestamp)::date AND q.today
GROUP BY q.place
"""

Breaks = tuple[Pause | None, Pause | None]
_NO_BREAKS: Breaks = (None, None)


class _Version(NamedTuple):
    """
    The rules of a version, and what follows from them alone.
    """

    rules: Rules | None
    checks: Checks = CHECKS
    has_budget: bool = False
    counts_use: bool = False


# A row of the statement, and the version in it.
_Read = tuple[tuple[Any, ...], _Version]


def load_standings(
    *,
    vehicle_ids: Sequence[int],
    now: datetime,
    before_use: Callable[[Sequence[int]], None] | None = None,
) -> dict[int, Standing]:
    """
    Return the present standing of each vehicle that exists, by its id.

    `before_use` is called with the vehicles that have a budget, if any, before their use and
    their leases are read: the place for a lock. Rules that changed while it was waited for
    are read again.
    """
    # By rising id each index is walked once from left to right: a quarter less work.
    values = {"ids": write_array(sorted(vehicle_ids)), "now": now}
    rows = _fetch_now(values)
    limited = [row[0] for row, version in rows if version.counts_use]
    if limited and before_use is not None:
        before_use(limited)
        rows = _refresh(rows, limited, now)
    breaks = {row[0]: _read_breaks(row[1:]) for row in _fetch(_BREAKS_NOW, values)}
    uses = _load_uses([(row[0], each.rules, now) for row, each in rows if each.counts_use])
    leases: dict[int, list[HeldLease]] = defaultdict(list)
    for vehicle_id, *lease in _fetch(_LEASES, values):
        leases[vehicle_id].append(HeldLease(*lease))
    return {
        row[0]: Standing(
            row[0],
            row[1],
            row[2],
            version.rules,
            _read_state(row[_REST_AT:], breaks.get(row[0], _NO_BREAKS)),
            uses.get((row[0], now), NO_USE) if version.counts_use else NO_USE,
            tuple(leases.get(row[0], ())),
            version.checks,
            version.has_budget,
        )
        for row, version in rows
    }


def _fetch_now(values: dict[str, Any]) -> list[_Read]:
    return [(row, _read_version(row[_RULES])) for row in _fetch(_NOW, values)]


def _refresh(rows: list[_Read], locked: Sequence[int], now: datetime) -> list[_Read]:
    """
    Return rows with the present rules of vehicles that are locked now and were not when read.
    """
    numbers = dict(_fetch(_NUMBERS, {"ids": write_array(locked)}))
    read = {row[0]: row[_NUMBER] for row, _ in rows}
    changed = [each for each in locked if numbers.get(each) != read[each]]
    if not changed:
        return rows
    kept = [each for each in rows if each[0][0] not in changed]
    return kept + _fetch_now({"ids": write_array(changed), "now": now})


def load_past_standings(*, places: Sequence[tuple[int, datetime]]) -> list[Standing | None]:
    """
    Return the standing of each (vehicle, moment), in order; None: no such vehicle.

    What the car said at that moment is not kept here: the state holds the pause and the
    skipped night only, and no lease is known.
    """
    found: list[Standing | None] = [None] * len(places)
    values = {
        "ids": write_array(vehicle_id for vehicle_id, _ in places),
        "moments": write_instants(at for _, at in places),
    }
    rows = [
        (row, _read_version(row[_RULES]), places[row[_REST_AT] - 1][1])
        for row in _fetch(_PAST, values)
    ]
    breaks = {row[0]: _read_breaks(row[1:]) for row in _fetch(_BREAKS_PAST, values)}
    uses = _load_uses([(row[0], each.rules, at) for row, each, at in rows if each.counts_use])
    for row, version, at in rows:
        place = row[_REST_AT]
        pause, skip = breaks.get(place, _NO_BREAKS)
        state = State(pause=pause, skip=skip)
        use = uses.get((row[0], at), NO_USE)
        found[place - 1] = Standing(
            row[0],
            row[1],
            row[2],
            version.rules,
            state,
            use,
            checks=version.checks,
            has_budget=version.has_budget,
        )
    return found


def _fetch(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        # Django's own would be called, in Python, for each of some five thousand instants. This
        # one is not, and says the same: connections are in UTC.
        cursor.cursor.tzinfo_factory = timezone
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _load_uses(
    asked: Sequence[tuple[int, Rules | None, datetime]],
) -> dict[tuple[int, datetime], Use]:
    """
    Return the use of each vehicle up to the local day of each moment, if there was any.
    """
    if not asked:
        return {}
    days = [str(at.astimezone(rules.zone).date()) for _, rules, at in asked if rules is not None]
    ids = write_array(vehicle_id for vehicle_id, _, _ in asked)
    rows = _fetch(_USE, {"ids": ids, "days": write_texts(days)})
    return {(asked[row[0] - 1][0], asked[row[0] - 1][2]): Use(*row[1:]) for row in rows}


# Equal columns make equal rules, so nothing here grows old. A consent ends where a day begins:
# cars of one profile that agreed on one day have the same, and what runs is asked about again
# every minute. To make them anew took a tenth of a batch.
@lru_cache(maxsize=8192)
def _read_version(columns: tuple[Any, ...]) -> _Version:
    if columns[0] is None:
        return _Version(None)
    # The columns are the fields of Rules in their order.
    fields: list[Any] = [*columns[:17]]
    fields[2], fields[3] = ZoneInfo(fields[2]), read_week_mask(fields[3])
    wear_micros_per_kwh, compute_micros_per_h, further = columns[17:]
    rules = Rules(*fields, *read_further(further, wear_micros_per_kwh, compute_micros_per_h))
    return _Version(rules, list_telling_checks(rules), has_budget(rules), counts_use(rules))


def _read_breaks(columns: tuple[Any, ...]) -> Breaks:
    """
    Return the pause and the skipped night.
    """
    pause_starts_at, pause_ends_at, lets_jobs_finish, skip_starts_at, skip_ends_at = columns
    return (
        None
        if pause_starts_at is None
        else Pause(pause_starts_at, pause_ends_at, lets_jobs_finish=lets_jobs_finish),
        None if skip_starts_at is None else Pause(skip_starts_at, skip_ends_at),
    )


def _read_state(columns: tuple[Any, ...], breaks: Breaks) -> State:
    pause, skip = breaks
    # Nothing else is known of a car that was never heard from.
    if columns[0] is None:
        return State(pause=pause, skip=skip)
    (
        observed_at, charge, plugged_in, is_home, is_moving, temp, is_recovering, heard_at,
        faulty_samples, fault, is_cooling, hot_at, is_warming, cold_at,
    ) = columns  # fmt: skip
    return State(
        observed_at,
        charge,
        plugged_in,
        is_home,
        is_moving,
        temp,
        temp,
        is_recovering,
        pause,
        heard_at,
        faulty_samples,
        None if fault is None else _CODES[fault],
        is_cooling,
        hot_at,
        is_warming,
        cold_at,
        skip,
    )
