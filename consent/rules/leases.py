"""
What a running job is granted for the next minute, and what of it still counts as taken.

A lease reserves, against budgets of energy and compute time, what its job may have used and
nobody has metered yet. The meter's report takes it off again.
"""

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from consent.rules.terms import Rules


# The answer to a renewal may be on its way when a lease ends; the job counts as running so long.
RENEWAL_S = 15
RENEWAL = timedelta(seconds=RENEWAL_S)
# What was used longer ago than this has been metered: a quarter-hour, its report, and settlement.
UNMETERED_S_MAX = 1_800


class Reservation(NamedTuple):
    """
    Watt-hours and seconds that are granted and not metered.
    """

    energy_wh: int
    compute_s: int


NOTHING = Reservation(0, 0)


class HeldLease(NamedTuple):
    """
    A lease as a decision sees it; `reserved_*` was granted and not metered yet: Wh, seconds.

    `refused_since`: a rule with grace stands in its way since then.
    """

    job_id: str
    booking_id: int | None
    started_at: datetime
    expires_at: datetime
    refused_since: datetime | None
    reserved_energy_wh: int
    reserved_compute_s: int


def has_budget(rules: Rules) -> bool:
    """
    Return whether anything that a job reserves is limited.
    """
    return (
        rules.energy_wh_per_day_max is not None
        or rules.energy_wh_per_month_max is not None
        or rules.compute_s_per_day_max is not None
        or rules.compute_s_per_month_max is not None
        or rules.wear_wh_per_month_max is not None
        or rules.wear_micros_per_month_max is not None
    )


def counts_use(rules: Rules) -> bool:
    """
    Return whether anything that was used is limited: what a job reserves, or mobile data.
    """
    return has_budget(rules) or rules.mobile_data_bytes_per_month_max is not None


def reserve(
    *,
    held: Reservation,
    held_until: datetime | None,
    power_w: int,
    expected_wh: int | None,
    now: datetime,
    until: datetime,
) -> Reservation:
    """
    Return what a job holds once it may run until `until`; `held` counts already.

    `held_until` is the end of the lease that is renewed, None for a new one. A job that says
    how much it will use reserves that when it begins; any other reserves, minute by minute,
    what its car can draw.
    """
    granted_s = _count_seconds((until - (held_until or now)).total_seconds())
    compute_s = min(held.compute_s + granted_s, max(UNMETERED_S_MAX, held.compute_s))
    if expected_wh is None:
        most_wh = max(_draw(power_w, UNMETERED_S_MAX), held.energy_wh)
        energy_wh = min(held.energy_wh + _draw(power_w, granted_s), most_wh)
    elif held_until is None:
        energy_wh = held.energy_wh + expected_wh
    else:
        energy_wh = max(held.energy_wh, _draw(power_w, granted_s))
    return Reservation(energy_wh, compute_s)


def release(
    *, held: Reservation, started_at: datetime, power_w: int, ended_at: datetime
) -> Reservation:
    """
    Return what a job still holds that ended: no more than it can have used.
    """
    ran_s = _count_seconds((ended_at - started_at).total_seconds())
    return Reservation(min(held.energy_wh, _draw(power_w, ran_s)), min(held.compute_s, ran_s))


def _draw(power_w: int, seconds: int) -> int:
    # Rounded up: a reservation that is too small lets two jobs share the last of a budget.
    return -(-power_w * seconds // 3600)


def _count_seconds(seconds: float) -> int:
    return max(0, math.ceil(seconds))
