"""
The checks of the car: is it heard, parked, plugged in, at home, charged, not too hot or cold?
"""

from consent.rules.case import TELEMETRY_STALE, TELEMETRY_STALE_S, Case
from consent.rules.codes import Gate, ReasonCode
from consent.rules.latches import find_cold_resume_decic, find_heat_resume_decic, find_hold_end
from consent.rules.readiness import find_ready_mask
from consent.rules.terms import Finding, found
from consent.rules.week import find_opening


# One sample that cannot be true may be an accident while a job runs; two are none.
FAULTY_SAMPLES_MAX = 2

_NOT_DRIVING = found(Gate.DRIVING, None, value=False)
_PLUGGED_IN = found(Gate.PLUG, None, value=True, limit=True)
_HOME = found(Gate.HOME, None, value=True, limit=True)
_NO_READY_BY = found(Gate.READY)


def check_telemetry(case: Case) -> Finding:
    state = case.state
    observed_at, heard_at = state.observed_at, state.heard_at
    if observed_at is None:
        return found(Gate.TELEMETRY, ReasonCode.TELEMETRY_MISSING, None, TELEMETRY_STALE_S)
    if state.faulty_samples and (
        state.faulty_samples >= FAULTY_SAMPLES_MAX or not case.workload.is_running
    ):
        fault = state.fault or ReasonCode.TELEMETRY_CONTRADICTORY
        return found(Gate.TELEMETRY, fault, observed_at, TELEMETRY_STALE_S)
    if heard_at is not None and case.now - heard_at >= TELEMETRY_STALE:
        return found(Gate.TELEMETRY, ReasonCode.CONNECTION_LOST, heard_at, TELEMETRY_STALE_S)
    is_stale = case.now - observed_at >= TELEMETRY_STALE
    code = ReasonCode.TELEMETRY_STALE if is_stale else None
    return found(Gate.TELEMETRY, code, observed_at, TELEMETRY_STALE_S)


def check_driving(case: Case) -> Finding:
    is_moving = case.state.is_moving
    if is_moving is False:
        return _NOT_DRIVING
    return found(Gate.DRIVING, ReasonCode.DRIVING if is_moving else None, is_moving)


def check_plug(case: Case) -> Finding:
    plugged_in = case.state.plugged_in
    if not case.rules.plugged_in_only:
        return found(Gate.PLUG, None, plugged_in)
    if plugged_in:
        return _PLUGGED_IN
    if plugged_in is None:
        return found(Gate.PLUG, _unknown(case, ReasonCode.PLUG_UNKNOWN), None, limit=True)
    return found(Gate.PLUG, ReasonCode.NOT_PLUGGED_IN, value=False, limit=True)


def check_home(case: Case) -> Finding:
    is_home = case.state.is_home
    if not case.rules.home_only:
        return found(Gate.HOME, None, is_home)
    if is_home:
        return _HOME
    if is_home is None:
        return found(Gate.HOME, _unknown(case, ReasonCode.HOME_UNKNOWN), None, limit=True)
    return found(Gate.HOME, ReasonCode.NOT_HOME, value=False, limit=True)


def check_battery(case: Case) -> Finding:
    charge, stop = case.state.state_of_charge_permille, case.rules.battery_stop_pct * 10
    if charge is None:
        return found(Gate.BATTERY, _unknown(case, ReasonCode.BATTERY_UNKNOWN), None, stop)
    if charge < stop:
        return found(Gate.BATTERY, ReasonCode.BATTERY_LOW, charge, stop)
    if case.state.is_recovering:
        resume = case.rules.battery_resume_pct * 10
        if charge < resume:
            return found(Gate.BATTERY, ReasonCode.BATTERY_RECOVERING, charge, resume)
    return found(Gate.BATTERY, None, charge, stop)


def check_ready(case: Case) -> Finding:
    """
    Judge whether the car can still be full enough in time, if it stopped now and charged.

    A car that does not say its charge has been refused at the battery's gate.
    """
    floors, packed = case.rules.ready_floors_permille, case.rules.packed_floors
    if floors is None or packed is None:
        return _NO_READY_BY
    charge, floor = case.state.state_of_charge_permille, floors[case.quarter]
    if charge is None or charge >= floor:
        return found(Gate.READY, None, charge, floor)
    opens_at = find_opening(
        mask=find_ready_mask(packed_floors=packed, charge_permille=charge),
        after=case.now,
        zone=case.rules.zone,
    )
    return found(Gate.READY, ReasonCode.READY_BY, charge, floor, opens_at)


def check_heat(case: Case) -> Finding:
    limit_c, hottest = case.rules.temp_high_c, case.state.battery_temp_max_decic
    if limit_c is None:
        return found(Gate.HEAT, None, hottest)
    if hottest is None:
        code = _unknown(case, ReasonCode.TEMPERATURE_UNKNOWN)
        return found(Gate.HEAT, code, None, limit_c * 10)
    if hottest > limit_c * 10:
        return found(Gate.HEAT, ReasonCode.TOO_HOT, hottest, limit_c * 10)
    if case.state.is_cooling:
        resume = find_heat_resume_decic(case.rules)
        if hottest > resume:
            return found(Gate.HEAT, ReasonCode.COOLING_DOWN, hottest, resume)
        opens_at = find_hold_end(case.state.hot_at, case.rules, case.now)
        if case.now < opens_at:
            return found(Gate.HEAT, ReasonCode.COOLING_DOWN, hottest, resume, opens_at)
    return found(Gate.HEAT, None, hottest, limit_c * 10)


def check_cold(case: Case) -> Finding:
    limit_c, coldest = case.rules.temp_low_c, case.state.battery_temp_min_decic
    if limit_c is None:
        return found(Gate.COLD, None, coldest)
    if coldest is None:
        code = _unknown(case, ReasonCode.TEMPERATURE_UNKNOWN)
        return found(Gate.COLD, code, None, limit_c * 10)
    if coldest < limit_c * 10:
        return found(Gate.COLD, ReasonCode.TOO_COLD, coldest, limit_c * 10)
    if case.state.is_warming:
        resume = find_cold_resume_decic(case.rules)
        if coldest < resume:
            return found(Gate.COLD, ReasonCode.WARMING_UP, coldest, resume)
        opens_at = find_hold_end(case.state.cold_at, case.rules, case.now)
        if case.now < opens_at:
            return found(Gate.COLD, ReasonCode.WARMING_UP, coldest, resume, opens_at)
    return found(Gate.COLD, None, coldest, limit_c * 10)


def _unknown(case: Case, code: ReasonCode) -> ReasonCode | None:
    # A car never heard from has said nothing at all: one reason says so, not five.
    return code if case.state.observed_at is not None else None
