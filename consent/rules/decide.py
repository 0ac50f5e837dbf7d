"""
May this vehicle run this job now? One ordered table of checks, and nothing else decides.

A further rule is a further entry of `CHECKS` (and of `consent_refusals` in SQL, which a
property test holds equal to this module).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from consent.rules.codes import Gate, ReasonCode, categories_from_mask
from consent.rules.terms import Decision, Finding, Rules, State, Use, Workload
from consent.rules.week import (
    QUARTER,
    find_opening,
    floor_to_quarter,
    quarter_of_week,
    start_of_next_day,
    start_of_next_month,
)


# `web.limits` names these two for people; rules import nothing outside themselves, and a
# test holds both places equal.
LEASE_S = 60
TELEMETRY_STALE_S = 300
LEASE = timedelta(seconds=LEASE_S)
TELEMETRY_STALE = timedelta(seconds=TELEMETRY_STALE_S)


class Case(NamedTuple):
    """
    All that a check may look at. `local` is `now` on the owner's wall clock.
    """

    rules: Rules
    state: State
    use: Use
    workload: Workload
    now: datetime
    local: datetime


def decide(
    *, rules: Rules | None, state: State, use: Use, workload: Workload, now: datetime
) -> Decision:
    """
    Return permit, or every reason why not, in the order of the gates.

    `rules` None: no consent was ever given. `now` is an aware instant.
    """
    if rules is None or rules.is_withdrawn:
        return _refuse_without_consent(rules)
    case = Case(rules, state, use, workload, now, now.astimezone(rules.zone))
    findings = tuple([check(case) for check in CHECKS])
    reasons = tuple([finding for finding in findings if finding.code is not None])
    return Decision(
        permit=not reasons,
        findings=findings,
        reasons=reasons,
        valid_until=None if reasons else _find_lease_end(case),
        next_open_at=_find_next_opening(case, reasons) if reasons else None,
        consent_version=rules.number,
        power_limit_w=rules.power_limit_w,
    )


def is_recovering_after(*, was_recovering: bool, charge_permille: int | None, rules: Rules) -> bool:
    """
    Return whether the battery, once under the stop level, still has to reach the resume level.

    A sample without a charge leaves it as it was.
    """
    if charge_permille is None:
        return was_recovering
    if charge_permille < rules.battery_stop_pct * 10:
        return True
    return was_recovering and charge_permille < rules.battery_resume_pct * 10


def _refuse_without_consent(rules: Rules | None) -> Decision:
    code = ReasonCode.NO_CONSENT if rules is None else ReasonCode.CONSENT_WITHDRAWN
    finding = Finding(Gate.CONSENT, code)
    return Decision(
        permit=False,
        findings=(finding,),
        reasons=(finding,),
        valid_until=None,
        next_open_at=None,
        consent_version=None if rules is None else rules.number,
        power_limit_w=None,
    )


def _find_lease_end(case: Case) -> datetime:
    """
    Return the end of a permit: a lease, cut short where a window, the data or a day ends.
    """
    assert case.state.observed_at is not None, "a car never heard from is refused"
    ends = min(case.now + LEASE, case.state.observed_at + TELEMETRY_STALE)
    # Windows close and days end on quarter-hours only.
    boundary = floor_to_quarter(case.now) + QUARTER
    if boundary < ends and not _is_open_at(case.rules, boundary):
        return boundary
    return ends


def _is_open_at(rules: Rules, instant: datetime) -> bool:
    return bool(rules.week_mask >> quarter_of_week(instant.astimezone(rules.zone)) & 1)


def _find_next_opening(case: Case, reasons: tuple[Finding, ...]) -> datetime | None:
    if any(_is_endless(reason) for reason in reasons):
        return None
    hours, others = None, []
    for reason in reasons:
        if reason.gate is Gate.HOURS:
            hours = reason.opens_at
        elif reason.opens_at is not None:
            others.append(reason.opens_at)
    # The hours are looked for last: what they would open first may by then be
    # paused or spent.
    if others:
        return find_opening(mask=case.rules.week_mask, after=max(others), zone=case.rules.zone)
    return hours


def _is_endless(reason: Finding) -> bool:
    """
    Return whether this is a clock's matter that no clock will end: a pause without end.
    """
    return reason.opens_at is None and reason.gate in {Gate.PAUSE, Gate.HOURS}


def _check_consent(case: Case) -> Finding:
    return Finding(Gate.CONSENT, None, case.rules.number)


def _check_pause(case: Case) -> Finding:
    pause = case.state.pause
    if pause is None or case.now < pause.starts_at:
        return Finding(Gate.PAUSE)
    if pause.ends_at is not None and case.now >= pause.ends_at:
        return Finding(Gate.PAUSE)
    return Finding(Gate.PAUSE, ReasonCode.PAUSED, pause.starts_at, pause.ends_at, pause.ends_at)


def _check_telemetry(case: Case) -> Finding:
    observed_at = case.state.observed_at
    if observed_at is None:
        return Finding(Gate.TELEMETRY, ReasonCode.TELEMETRY_MISSING, None, TELEMETRY_STALE_S)
    is_stale = case.now - observed_at >= TELEMETRY_STALE
    code = ReasonCode.TELEMETRY_STALE if is_stale else None
    return Finding(Gate.TELEMETRY, code, observed_at, TELEMETRY_STALE_S)


def _check_driving(case: Case) -> Finding:
    code = ReasonCode.DRIVING if case.state.is_moving else None
    return Finding(Gate.DRIVING, code, case.state.is_moving)


def _check_plug(case: Case) -> Finding:
    return _check_yes(
        case,
        Gate.PLUG,
        case.state.plugged_in,
        is_required=case.rules.plugged_in_only,
        codes=(ReasonCode.NOT_PLUGGED_IN, ReasonCode.PLUG_UNKNOWN),
    )


def _check_home(case: Case) -> Finding:
    return _check_yes(
        case,
        Gate.HOME,
        case.state.is_home,
        is_required=case.rules.home_only,
        codes=(ReasonCode.NOT_HOME, ReasonCode.HOME_UNKNOWN),
    )


def _check_yes(
    case: Case,
    gate: Gate,
    value: bool | None,  # noqa: FBT001 - a reading of the car, not a switch of this function
    *,
    is_required: bool,
    codes: tuple[ReasonCode, ReasonCode],
) -> Finding:
    if not is_required:
        return Finding(gate, None, value)
    if value is None:
        return Finding(gate, _unknown(case, codes[1]), None, limit=True)
    return Finding(gate, None if value else codes[0], value, limit=True)


def _unknown(case: Case, code: ReasonCode) -> ReasonCode | None:
    # A car never heard from has said nothing at all: one reason says so, not five.
    return code if case.state.observed_at is not None else None


def _check_hours(case: Case) -> Finding:
    if case.rules.week_mask >> quarter_of_week(case.local) & 1:
        return Finding(Gate.HOURS, None, value=True, limit=True)
    opens_at = find_opening(mask=case.rules.week_mask, after=case.now, zone=case.rules.zone)
    return Finding(Gate.HOURS, ReasonCode.OUTSIDE_HOURS, value=False, limit=True, opens_at=opens_at)


def _check_battery(case: Case) -> Finding:
    charge, stop = case.state.state_of_charge_permille, case.rules.battery_stop_pct * 10
    if charge is None:
        return Finding(Gate.BATTERY, _unknown(case, ReasonCode.BATTERY_UNKNOWN), None, stop)
    if charge < stop:
        return Finding(Gate.BATTERY, ReasonCode.BATTERY_LOW, charge, stop)
    resume = case.rules.battery_resume_pct * 10
    if case.state.is_recovering and charge < resume:
        return Finding(Gate.BATTERY, ReasonCode.BATTERY_RECOVERING, charge, resume)
    return Finding(Gate.BATTERY, None, charge, stop)


def _check_heat(case: Case) -> Finding:
    limit, hottest = _decic(case.rules.temp_high_c), case.state.battery_temp_max_decic
    if limit is None:
        return Finding(Gate.HEAT, None, hottest)
    if hottest is None:
        return Finding(Gate.HEAT, _unknown(case, ReasonCode.TEMPERATURE_UNKNOWN), None, limit)
    return Finding(Gate.HEAT, ReasonCode.TOO_HOT if hottest > limit else None, hottest, limit)


def _check_cold(case: Case) -> Finding:
    limit, coldest = _decic(case.rules.temp_low_c), case.state.battery_temp_min_decic
    if limit is None:
        return Finding(Gate.COLD, None, coldest)
    if coldest is None:
        return Finding(Gate.COLD, _unknown(case, ReasonCode.TEMPERATURE_UNKNOWN), None, limit)
    return Finding(Gate.COLD, ReasonCode.TOO_COLD if coldest < limit else None, coldest, limit)


def _decic(degrees_c: int | None) -> int | None:
    return None if degrees_c is None else degrees_c * 10


def _check_day_energy(case: Case) -> Finding:
    cap, used = case.rules.energy_wh_per_day_max, case.use.day_energy_wh
    if cap is None or used < cap:
        return Finding(Gate.DAY_ENERGY, None, used, cap)
    opens_at = start_of_next_day(case.local, case.rules.zone)
    return Finding(Gate.DAY_ENERGY, ReasonCode.DAY_ENERGY_SPENT, used, cap, opens_at)


def _check_month_energy(case: Case) -> Finding:
    cap, used = case.rules.energy_wh_per_month_max, case.use.month_energy_wh
    if cap is None or used < cap:
        return Finding(Gate.MONTH_ENERGY, None, used, cap)
    opens_at = start_of_next_month(case.local, case.rules.zone)
    return Finding(Gate.MONTH_ENERGY, ReasonCode.MONTH_ENERGY_SPENT, used, cap, opens_at)


def _check_day_compute(case: Case) -> Finding:
    cap, used = case.rules.compute_s_per_day_max, case.use.day_compute_s
    if cap is None or used < cap:
        return Finding(Gate.DAY_COMPUTE, None, used, cap)
    opens_at = start_of_next_day(case.local, case.rules.zone)
    return Finding(Gate.DAY_COMPUTE, ReasonCode.DAY_COMPUTE_SPENT, used, cap, opens_at)


def _check_month_compute(case: Case) -> Finding:
    cap, used = case.rules.compute_s_per_month_max, case.use.month_compute_s
    if cap is None or used < cap:
        return Finding(Gate.MONTH_COMPUTE, None, used, cap)
    opens_at = start_of_next_month(case.local, case.rules.zone)
    return Finding(Gate.MONTH_COMPUTE, ReasonCode.MONTH_COMPUTE_SPENT, used, cap, opens_at)


def _check_power(case: Case) -> Finding:
    """
    Judge what was drawn; before a job runs the limit is an obligation, not a check.
    """
    limit = case.rules.power_limit_w
    energy_wh, duration_s = case.workload.metered_energy_wh, case.workload.metered_duration_s
    if energy_wh is None or duration_s is None:
        return Finding(Gate.POWER, None, None, limit)
    power_w = round(energy_wh * 3600 / duration_s)
    # Meters report whole watt-hours: over the limit is what even the smallest
    # energy that rounds to the reported one would be.
    is_over = limit is not None and (2 * energy_wh - 1) * 3600 > 2 * limit * duration_s
    return Finding(Gate.POWER, ReasonCode.POWER_EXCEEDED if is_over else None, power_w, limit)


def _check_workload(case: Case) -> Finding:
    category, allowed = case.workload.category, case.rules.categories_mask
    limit = _name_categories(allowed)
    if category is None:
        return Finding(Gate.WORKLOAD, ReasonCode.WORKLOAD_UNLABELLED, None, limit)
    code = None if allowed & category.bit else ReasonCode.WORKLOAD_REFUSED
    return Finding(Gate.WORKLOAD, code, category.value, limit)


@cache
def _name_categories(mask: int) -> str:
    return ",".join(categories_from_mask(mask))


CHECKS: tuple[Callable[[Case], Finding], ...] = (
    _check_consent,
    _check_pause,
    _check_telemetry,
    _check_driving,
    _check_plug,
    _check_home,
    _check_hours,
    _check_battery,
    _check_heat,
    _check_cold,
    _check_day_energy,
    _check_month_energy,
    _check_day_compute,
    _check_month_compute,
    _check_power,
    _check_workload,
)
