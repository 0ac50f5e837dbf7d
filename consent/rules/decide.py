"""
May this vehicle run this job now? One ordered table of checks, and nothing else decides.

A further rule is a further entry of `CHECKS` (and of `consent_refusals` in SQL, which a
property test holds equal to this module).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from consent.rules.budgets import (
    check_data,
    check_day_compute,
    check_day_energy,
    check_month_compute,
    check_month_energy,
    check_wear,
)
from consent.rules.car_checks import (
    check_battery,
    check_cold,
    check_driving,
    check_heat,
    check_home,
    check_plug,
    check_ready,
    check_telemetry,
)
from consent.rules.case import (
    GRACE_FINISH_S_MAX,
    LEASE,
    LEASE_S,
    TELEMETRY_STALE,
    TELEMETRY_STALE_S,
    Case,
)
from consent.rules.codes import GATES_WITHOUT_GRACE, BuyersMode, Gate, ReasonCode
from consent.rules.hours import Hours, is_closed_date, unite_breaks
from consent.rules.readiness import find_ready_mask
from consent.rules.spans import FOREVER, find_span
from consent.rules.terms import (
    Decision,
    Finding,
    Obligation,
    Pause,
    Rules,
    State,
    Use,
    Workload,
    found,
)
from consent.rules.week import (
    FULL_WEEK,
    QUARTER,
    QUARTER_MINUTES,
    floor_to_quarter,
    quarter_of_week,
    read_wall_clock,
)
from consent.rules.work_checks import (
    check_buyer,
    check_power,
    check_reward,
    check_workload,
    find_power_limit,
)


__all__ = [
    "CHECKS",
    "GRACE_FINISH_S_MAX",
    "LEASE",
    "LEASE_S",
    "TELEMETRY_STALE",
    "TELEMETRY_STALE_S",
    "Checks",
    "decide",
    "list_telling_checks",
]

Check = Callable[[Case], Finding]
Checks = tuple[Check, ...]

# Where a clock could help, but for a rule that leaves it nothing: no pause without end, no week
# without hours, no budget too small for the job ever opens.
_GATES_OF_THE_CLOCK = frozenset(
    {
        Gate.PAUSE,
        Gate.HOURS,
        Gate.READY,
        Gate.DAY_ENERGY,
        Gate.MONTH_ENERGY,
        Gate.DAY_COMPUTE,
        Gate.MONTH_COMPUTE,
        Gate.WEAR,
        Gate.DATA,
    }
)
# A lease of a minute meets the end of a quarter-hour only in its last minute.
_LAST_MINUTE = QUARTER_MINUTES - 1

_NOT_PAUSED = found(Gate.PAUSE)
_OPEN = found(Gate.HOURS, None, value=True, limit=True)


def decide(
    *,
    rules: Rules | None,
    state: State,
    use: Use,
    workload: Workload,
    now: datetime,
    checks: Checks | None = None,
) -> Decision:
    """
    Return permit, or every reason why not, in the order of the gates.

    `rules` None: no consent was ever given. `now` is an aware instant. `checks` are those to
    make, if not all: `list_telling_checks` of the same rules, where only refusals are shown.
    """
    if rules is None:
        return _refuse_without_consent(None, ReasonCode.NO_CONSENT)
    if rules.is_withdrawn:
        return _refuse_without_consent(rules, ReasonCode.CONSENT_WITHDRAWN)
    if rules.expires_at is not None and now >= rules.expires_at:
        return _refuse_without_consent(rules, ReasonCode.CONSENT_EXPIRED)
    local, quarter = read_wall_clock(now, rules.zone)
    case = Case(rules, state, use, workload, now, local, quarter)
    findings = tuple([check(case) for check in (CHECKS if checks is None else checks)])
    refusals = tuple([finding for finding in findings if finding.code is not None])
    grace_ends_at = None
    if refusals:
        grace_ends_at = _find_grace_end(case, refusals)
        if grace_ends_at is None:
            return _refuse(case, findings, refusals)
    return _permit(case, findings, refusals, grace_ends_at)


def _refuse_without_consent(rules: Rules | None, code: ReasonCode) -> Decision:
    limit = None if rules is None else rules.expires_at
    finding = found(Gate.CONSENT, code, limit=limit)
    return Decision(
        permit=False,
        findings=(finding,),
        reasons=(finding,),
        valid_until=None,
        next_open_at=None,
        consent_version=None if rules is None else rules.number,
        power_limit_w=None,
    )


def _refuse(case: Case, findings: tuple[Finding, ...], reasons: tuple[Finding, ...]) -> Decision:
    return Decision(
        permit=False,
        findings=findings,
        reasons=reasons,
        valid_until=None,
        next_open_at=_find_next_opening(case, reasons),
        consent_version=case.rules.number,
        power_limit_w=find_power_limit(case.rules, case.quarter),
    )


def _permit(
    case: Case,
    findings: tuple[Finding, ...],
    graced: tuple[Finding, ...],
    grace_ends_at: datetime | None,
) -> Decision:
    power_limit_w = find_power_limit(case.rules, case.quarter)
    obligations: tuple[Obligation, ...] = ()
    if power_limit_w is not None:
        obligations = (Obligation("power_limit", power_limit_w),)
    if grace_ends_at is not None:
        obligations += (Obligation("finish_by", grace_ends_at),)
    return Decision(
        True,  # noqa: FBT003 - by place: names cost a tenth of the whole decision
        findings,
        (),
        _find_lease_end(case, graced, grace_ends_at),
        None,
        case.rules.number,
        power_limit_w,
        graced,
        grace_ends_at,
        obligations,
    )


def _find_grace_end(case: Case, refusals: tuple[Finding, ...]) -> datetime | None:
    """
    Return until when a running job may go on in spite of all refusals; None: it may not.

    Grace counts from when a rule that has any first stood in the way of this job. It is for
    a job that nothing else stops: one refusal without grace ends it.
    """
    workload = case.workload
    if not workload.is_running:
        return None
    grace_s = GRACE_FINISH_S_MAX
    for finding in refusals:
        if finding.gate in GATES_WITHOUT_GRACE:
            return None
        grace_s = min(grace_s, _find_grace_s(case, finding.gate))
    ends_at = (workload.refused_since or case.now) + timedelta(seconds=grace_s)
    return ends_at if case.now < ends_at else None


def _find_grace_s(case: Case, gate: Gate) -> int:
    if gate is Gate.PAUSE and all(each.lets_jobs_finish for each in _list_breaks(case)):
        return GRACE_FINISH_S_MAX
    for gate_with_grace, minutes in case.rules.grace:
        if gate_with_grace is gate:
            return GRACE_FINISH_S_MAX if minutes is None else minutes * 60
    return 0


def _find_lease_end(
    case: Case, graced: tuple[Finding, ...], grace_ends_at: datetime | None
) -> datetime:
    """
    Return the end of a permit: a lease, cut short where anything else comes to its end.
    """
    rules, state, now = case.rules, case.state, case.now
    assert state.observed_at is not None, "a car never heard from is refused"
    ends_at = min(now + LEASE, state.observed_at + TELEMETRY_STALE)
    if state.heard_at is not None and state.heard_at + TELEMETRY_STALE < ends_at:
        ends_at = state.heard_at + TELEMETRY_STALE
    if rules.expires_at is not None and rules.expires_at < ends_at:
        ends_at = rules.expires_at
    if grace_ends_at is not None and grace_ends_at < ends_at:
        ends_at = grace_ends_at
    for pause in (state.pause, state.skip):
        if pause is not None and now < pause.starts_at < ends_at:
            ends_at = pause.starts_at
    # Windows close, dates begin and charge must suffice on quarter-hours only.
    if case.local.minute % QUARTER_MINUTES == _LAST_MINUTE:
        boundary = floor_to_quarter(now) + QUARTER
        if boundary < ends_at and _changes_at(case, graced, boundary):
            return boundary
    return ends_at


def _changes_at(case: Case, graced: tuple[Finding, ...], boundary: datetime) -> bool:
    """
    Return whether the rules say something else from the next quarter-hour on.
    """
    rules = case.rules
    _, quarter = read_wall_clock(boundary, rules.zone)
    if find_power_limit(rules, quarter) != find_power_limit(rules, case.quarter):
        return True
    charge = case.state.state_of_charge_permille
    assert charge is not None, "a car that does not say its charge is refused"
    if rules.ready_floors_permille is not None and charge < rules.ready_floors_permille[quarter]:
        return True
    if any(finding.gate is Gate.HOURS for finding in graced):
        return False
    if rules.week_mask >> quarter & 1 and not rules.closed:
        return False
    return not Hours.of(rules).is_open(boundary)


def _find_next_opening(case: Case, reasons: tuple[Finding, ...]) -> datetime | None:
    """
    Return the first moment at which no refusal is left that the clock can lift.

    Nothing opens before the last of them would. What opens then may by then be paused, closed
    or needed for the morning: those come and go, and are looked for from there on.
    """
    earliest, is_clocked = case.now, False
    for reason in reasons:
        if reason.opens_at is None:
            if reason.gate in _GATES_OF_THE_CLOCK:
                return None
            continue
        is_clocked = True
        earliest = max(earliest, reason.opens_at)
    if not is_clocked:
        return None
    opening = _find_opening(case, earliest)
    expires_at = case.rules.expires_at
    return opening if expires_at is None or opening is None or opening < expires_at else None


def _find_opening(case: Case, after: datetime) -> datetime | None:
    rules, charge = case.rules, case.state.state_of_charge_permille
    hours = Hours.of(rules, breaks=(case.state.pause, case.state.skip))
    opening = hours.find_opening(after=after)
    floors, packed = rules.ready_floors_permille, rules.packed_floors
    if floors is None or packed is None or charge is None or opening is None:
        return opening
    if floors[quarter_of_week(opening.astimezone(rules.zone))] <= charge:
        return opening
    ready = find_ready_mask(packed_floors=packed, charge_permille=charge)
    return hours._replace(within=ready).find_opening(after=opening)


def _list_breaks(case: Case) -> list[Pause]:
    """
    Return the pause and the skipped night that last at this moment.
    """
    return [
        each
        for each in (case.state.pause, case.state.skip)
        if each is not None
        and each.starts_at <= case.now
        and (each.ends_at is None or case.now < each.ends_at)
    ]


def _check_consent(case: Case) -> Finding:
    return found(Gate.CONSENT, None, case.rules.number, case.rules.expires_at)


def _check_pause(case: Case) -> Finding:
    pause, skip = case.state.pause, case.state.skip
    if pause is None and skip is None:
        return _NOT_PAUSED
    span = find_span(unite_breaks(pause, skip), case.now)
    if span is None:
        return _NOT_PAUSED
    ends_at = None if span[1] == FOREVER else span[1]
    return found(Gate.PAUSE, ReasonCode.PAUSED, span[0], ends_at, ends_at)


def _check_hours(case: Case) -> Finding:
    rules = case.rules
    is_in_week = rules.week_mask >> case.quarter & 1
    if not rules.closed and not rules.opened:
        if is_in_week:
            return _OPEN
        code = ReasonCode.OUTSIDE_HOURS
    else:
        is_closed = is_closed_date(rules, case.now)
        if not is_closed and (is_in_week or find_span(rules.opened, case.now) is not None):
            return _OPEN
        code = ReasonCode.CLOSED_DATE if is_closed else ReasonCode.OUTSIDE_HOURS
    opens_at = Hours.of(rules).find_opening(after=case.now)
    return found(Gate.HOURS, code, value=False, limit=True, opens_at=opens_at)


CHECKS: Checks = (
    _check_consent,
    _check_pause,
    check_telemetry,
    check_driving,
    check_plug,
    check_home,
    _check_hours,
    check_battery,
    check_ready,
    check_heat,
    check_cold,
    check_day_energy,
    check_month_energy,
    check_day_compute,
    check_month_compute,
    check_wear,
    check_data,
    check_power,
    check_workload,
    check_buyer,
    check_reward,
)

# What a version has for a check to be able to refuse; a check without an entry always may.
_ASKED_BY: dict[Check, Callable[[Rules], bool]] = {
    # What it could refuse is refused before any check is made.
    _check_consent: lambda _rules: False,
    check_plug: lambda rules: rules.plugged_in_only,
    check_home: lambda rules: rules.home_only,
    _check_hours: lambda rules: rules.week_mask != FULL_WEEK or bool(rules.closed),
    check_ready: lambda rules: rules.ready_floors_permille is not None,
    check_heat: lambda rules: rules.temp_high_c is not None,
    check_cold: lambda rules: rules.temp_low_c is not None,
    check_day_energy: lambda rules: rules.energy_wh_per_day_max is not None,
    check_month_energy: lambda rules: rules.energy_wh_per_month_max is not None,
    check_day_compute: lambda rules: rules.compute_s_per_day_max is not None,
    check_month_compute: lambda rules: rules.compute_s_per_month_max is not None,
    check_wear: lambda rules: (
        rules.wear_wh_per_month_max is not None or rules.wear_micros_per_month_max is not None
    ),
    check_data: lambda rules: rules.mobile_data_bytes_per_month_max is not None,
    check_power: lambda rules: (
        rules.power_limit_w is not None or rules.quiet_power_limit_w is not None
    ),
    check_buyer: lambda rules: rules.buyers_mode is not BuyersMode.ALL,
    check_reward: lambda rules: rules.reward_micros_per_h_min is not None,
}


def list_telling_checks(rules: Rules) -> Checks:
    """
    Return the checks that can refuse anything under these rules: half of them for most cars.
    """
    return tuple([check for check in CHECKS if check not in _ASKED_BY or _ASKED_BY[check](rules)])
