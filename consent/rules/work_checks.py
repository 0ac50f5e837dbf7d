"""
The checks of the work: what it draws, what it is, who buys it, and what it leaves the owner.
"""

from functools import cache

from consent.rules.case import Case
from consent.rules.codes import BuyersMode, Gate, ReasonCode, categories_from_mask
from consent.rules.terms import Finding, Rules, Workload, found


_NO_POWER_LIMIT = found(Gate.POWER)
_ANY_BUYER = found(Gate.BUYER)
_ANY_REWARD = found(Gate.REWARD)
# No organisation has this id.
_NO_BUYER = 0


def check_power(case: Case) -> Finding:
    """
    Judge what was drawn; before a job runs the limit is an obligation, not a check.
    """
    energy_wh, duration_s = case.workload.metered_energy_wh, case.workload.metered_duration_s
    lowest = find_power_limit(case.rules, case.quarter)
    if energy_wh is None or duration_s is None:
        return _NO_POWER_LIMIT if lowest is None else found(Gate.POWER, None, None, lowest)
    power_w, limit = round(energy_wh * 3600 / duration_s), case.rules.power_limit_w
    if limit is not None and _is_over(energy_wh, duration_s, limit):
        return found(Gate.POWER, ReasonCode.POWER_EXCEEDED, power_w, limit)
    if lowest is not None and _is_over(energy_wh, duration_s, lowest):
        return found(Gate.POWER, ReasonCode.QUIET_EXCEEDED, power_w, lowest)
    return found(Gate.POWER, None, power_w, lowest)


def find_power_limit(rules: Rules, quarter: int) -> int | None:
    """
    Return the lowest limit, in watts, that applies in a quarter of the week; None: none does.
    """
    quiet, limit = rules.quiet_power_limit_w, rules.power_limit_w
    if quiet is None or not rules.quiet_mask >> quarter & 1:
        return limit
    return quiet if limit is None else min(quiet, limit)


def check_workload(case: Case) -> Finding:
    category, allowed = case.workload.category, case.rules.categories_mask
    limit = _name_categories(allowed)
    if category is None:
        return found(Gate.WORKLOAD, ReasonCode.WORKLOAD_UNLABELLED, None, limit)
    code = None if allowed & category.bit else ReasonCode.WORKLOAD_REFUSED
    return found(Gate.WORKLOAD, code, category.value, limit)


def check_buyer(case: Case) -> Finding:
    mode, buyer_id = case.rules.buyers_mode, case.workload.buyer_id
    if mode is BuyersMode.ALL:
        return _ANY_BUYER
    if buyer_id is None:
        return found(Gate.BUYER, ReasonCode.BUYER_UNKNOWN, None, mode.value)
    is_named = buyer_id in case.rules.buyer_ids
    code = None if is_named is (mode is BuyersMode.ONLY) else ReasonCode.BUYER_REFUSED
    return found(Gate.BUYER, code, buyer_id, mode.value)


def check_reward(case: Case) -> Finding:
    least, reward = case.rules.reward_micros_per_h_min, case.workload.reward_micros_per_h
    if least is None:
        return _ANY_REWARD
    if reward is None:
        return found(Gate.REWARD, ReasonCode.REWARD_UNKNOWN, None, least)
    code = ReasonCode.REWARD_TOO_LOW if reward < least else None
    return found(Gate.REWARD, code, reward, least)


def find_wanted_work(*, rules: Rules) -> Workload:
    """
    Return work that its owner would take, if any: what is asked about when nobody asks.
    """
    allowed = categories_from_mask(rules.categories_mask)
    is_choosy = rules.buyers_mode is BuyersMode.ONLY
    return Workload(
        category=allowed[0] if allowed else None,
        buyer_id=min(rules.buyer_ids, default=_NO_BUYER) if is_choosy else _NO_BUYER,
        reward_micros_per_h=rules.reward_micros_per_h_min,
    )


def _is_over(energy_wh: int, duration_s: float, limit_w: int) -> bool:
    # Meters report whole watt-hours: over the limit is what even the smallest
    # energy that rounds to the reported one would be.
    return (2 * energy_wh - 1) * 3600 > 2 * limit_w * duration_s


@cache
def _name_categories(mask: int) -> str:
    return ",".join(categories_from_mask(mask))
