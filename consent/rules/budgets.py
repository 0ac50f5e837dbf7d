"""
The checks of what may be used up in a day or a month, and of what running jobs have reserved.

Spent is what was metered and what leases of other jobs reserve. A budget refuses when it is
spent, and when what a job needs does not fit into the rest.
"""

from datetime import datetime

from consent.rules.case import Case
from consent.rules.codes import Gate, ReasonCode
from consent.rules.terms import Finding, Rules, found
from consent.rules.wear import find_wear_micros
from consent.rules.week import start_of_next_day, start_of_next_month


# Wear may be limited in Wh and in money at once: its finding shows the share of the tighter
# budget that is used, in permille.
WHOLE_PERMILLE = 1000

_NO_WEAR = found(Gate.WEAR)


def check_day_energy(case: Case) -> Finding:
    cap, use = case.rules.energy_wh_per_day_max, case.use
    spent = use.day_energy_wh + use.reserved_energy_wh
    needed = case.workload.needs_energy_wh
    if cap is None or (spent < cap and spent + needed <= cap):
        return found(Gate.DAY_ENERGY, None, spent, cap)
    opens_at = _find_next_day(case, cap, use.reserved_energy_wh, needed)
    return found(Gate.DAY_ENERGY, ReasonCode.DAY_ENERGY_SPENT, spent, cap, opens_at)


def check_month_energy(case: Case) -> Finding:
    cap, use = case.rules.energy_wh_per_month_max, case.use
    spent = use.month_energy_wh + use.reserved_energy_wh
    needed = case.workload.needs_energy_wh
    if cap is None or (spent < cap and spent + needed <= cap):
        return found(Gate.MONTH_ENERGY, None, spent, cap)
    opens_at = _find_next_month(case, cap, use.reserved_energy_wh, needed)
    return found(Gate.MONTH_ENERGY, ReasonCode.MONTH_ENERGY_SPENT, spent, cap, opens_at)


def check_day_compute(case: Case) -> Finding:
    cap, use = case.rules.compute_s_per_day_max, case.use
    spent = use.day_compute_s + use.reserved_compute_s
    needed = case.workload.needs_compute_s
    if cap is None or (spent < cap and spent + needed <= cap):
        return found(Gate.DAY_COMPUTE, None, spent, cap)
    opens_at = _find_next_day(case, cap, use.reserved_compute_s, needed)
    return found(Gate.DAY_COMPUTE, ReasonCode.DAY_COMPUTE_SPENT, spent, cap, opens_at)


def check_month_compute(case: Case) -> Finding:
    cap, use = case.rules.compute_s_per_month_max, case.use
    spent = use.month_compute_s + use.reserved_compute_s
    needed = case.workload.needs_compute_s
    if cap is None or (spent < cap and spent + needed <= cap):
        return found(Gate.MONTH_COMPUTE, None, spent, cap)
    opens_at = _find_next_month(case, cap, use.reserved_compute_s, needed)
    return found(Gate.MONTH_COMPUTE, ReasonCode.MONTH_COMPUTE_SPENT, spent, cap, opens_at)


def check_wear(case: Case) -> Finding:
    """
    Judge the month's wear; value and limit are permille of the budget that is nearer its end.

    What is reserved or needed counts as used with a cool battery: its warmth is not known yet.
    """
    rules = case.rules
    if rules.wear_wh_per_month_max is None and rules.wear_micros_per_month_max is None:
        return _NO_WEAR
    use = case.use
    share, is_over = _weigh_wear(case, use.month_wear_wh, use.month_compute_s)
    if not is_over:
        return found(Gate.WEAR, None, share, WHOLE_PERMILLE)
    is_over_afresh = _weigh_wear(case, 0, 0)[1]
    opens_at = None if is_over_afresh else start_of_next_month(case.local, rules.zone)
    return found(Gate.WEAR, ReasonCode.MONTH_WEAR_SPENT, share, WHOLE_PERMILLE, opens_at)


def check_data(case: Case) -> Finding:
    cap, used = case.rules.mobile_data_bytes_per_month_max, case.use.month_data_bytes
    if cap is None or used < cap:
        return found(Gate.DATA, None, used, cap)
    opens_at = _find_next_month(case, cap, 0, 0)
    return found(Gate.DATA, ReasonCode.MONTH_DATA_SPENT, used, cap, opens_at)


def _weigh_wear(case: Case, wear_wh: int, compute_s: int) -> tuple[int, bool]:
    """
    Return the share used in permille, and whether either budget refuses.
    """
    rules, share, is_over = case.rules, 0, False
    wear_wh += case.use.reserved_energy_wh
    compute_s += case.use.reserved_compute_s
    needed_wh, needed_s = case.workload.needs_energy_wh, case.workload.needs_compute_s
    cap = rules.wear_wh_per_month_max
    if cap is not None:
        share = _find_share(wear_wh, cap)
        is_over = wear_wh >= cap or wear_wh + needed_wh > cap
    cap = rules.wear_micros_per_month_max
    if cap is not None:
        spent = _find_micros(rules, wear_wh, compute_s)
        share = max(share, _find_share(spent, cap))
        is_over = is_over or spent >= cap
        if not is_over and (needed_wh or needed_s):
            is_over = _find_micros(rules, wear_wh + needed_wh, compute_s + needed_s) > cap
    return share, is_over


def _find_share(spent: int, cap: int) -> int:
    return spent * WHOLE_PERMILLE // cap if cap else WHOLE_PERMILLE


def _find_micros(rules: Rules, wear_wh: int, compute_s: int) -> int:
    return find_wear_micros(
        wear_wh=wear_wh,
        compute_s=compute_s,
        wear_micros_per_kwh=rules.wear_micros_per_kwh,
        compute_micros_per_h=rules.compute_micros_per_h,
    )


def _find_next_day(case: Case, cap: int, reserved: int, needed: int) -> datetime | None:
    if not _fits_afresh(cap, reserved, needed):
        return None
    return start_of_next_day(case.local, case.rules.zone)


def _find_next_month(case: Case, cap: int, reserved: int, needed: int) -> datetime | None:
    if not _fits_afresh(cap, reserved, needed):
        return None
    return start_of_next_month(case.local, case.rules.zone)


def _fits_afresh(cap: int, reserved: int, needed: int) -> bool:
    """
    Return whether a budget of which nothing is metered yet has room: else no clock will help.
    """
    return reserved < cap and reserved + needed <= cap
