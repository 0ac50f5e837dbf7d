"""
What stands against each quarter-hour of a car's past under the rules of a draft.

The judges are the checks of `decide`. Each is asked once for every reading that occurs and not
for every quarter: ninety days have 8,640 quarters, and a few hundred readings.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from consent.rules.car_checks import (
    check_battery,
    check_cold,
    check_driving,
    check_heat,
    check_home,
    check_plug,
)
from consent.rules.case import Case
from consent.rules.codes import ReasonCode, WorkloadCategory
from consent.rules.history import Circumstances, History, from_quarter
from consent.rules.past_latches import list_latched
from consent.rules.terms import NO_USE, Rules, Spans, State, Workload
from consent.rules.week import QUARTER_S, QUARTERS_PER_WEEK
from consent.rules.work_checks import check_buyer, check_reward, check_workload, find_wanted_work


_OUTSIDE: Final = ReasonCode.OUTSIDE_HOURS.bit
_CLOSED: Final = ReasonCode.CLOSED_DATE.bit
_PAUSED: Final = ReasonCode.PAUSED.bit
_READY_BY: Final = ReasonCode.READY_BY.bit
_CATEGORIES: Final = {category.bit: category for category in WorkloadCategory}
# What is asked here says nothing of the moment; a car was heard then.
_AT: Final = from_quarter(0)


def find_refusals(*, rules: Rules, history: History, slots: Sequence[int]) -> list[int]:
    """
    Return what refuses each quarter under the rules of a draft, but for its budgets, as bits of
    ReasonCode. `slots` are the quarters of the week by the draft's clock.

    Work that ran within the rules of then was let through all of them, so only what is
    stricter in the draft stands against it.
    """
    masks = judge_readings(rules=rules, history=history, slots=slots)
    kept = [
        ~(each.then_refusals | _PAUSED) if each.ran_within else -1 for each in history.circumstances
    ]
    masks = [mask & kept[shared] for mask, shared in zip(masks, history.shared, strict=True)]
    for place, bit in list_latched(rules=rules, history=history):
        masks[place] |= bit
    return masks


def judge_readings(*, rules: Rules, history: History, slots: Sequence[int]) -> list[int]:
    """
    Return what refuses each quarter by its own readings: neither latches nor budgets.
    """
    refused = [_judge_circumstances(rules, each) for each in history.circumstances]
    charge = {each: _judge_charge(rules, each) for each in set(history.charge)}
    hottest = {each: _judge_heat(rules, each) for each in set(history.hottest)}
    coldest = {each: _judge_cold(rules, each) for each in set(history.coldest)}
    return [
        by_clock | charge[permille] | hottest[high] | coldest[low] | refused[shared]
        for by_clock, permille, high, low, shared in zip(
            _judge_clock(rules, history, slots),
            history.charge,
            history.hottest,
            history.coldest,
            history.shared,
            strict=True,
        )
    ]


def _judge_clock(rules: Rules, history: History, slots: Sequence[int]) -> list[int]:
    """
    Return the bits of hours, dates and the hour to be ready by, for each quarter.
    """
    week = [0 if rules.week_mask >> slot & 1 else _OUTSIDE for slot in range(QUARTERS_PER_WEEK)]
    found = [week[slot] for slot in slots]
    for first, last in list_within(rules.closed, history.n):
        found[first:last] = [_CLOSED] * (last - first)
    for first, last in list_within(rules.opened, history.n):
        found[first:last] = [0] * (last - first)
    floors = rules.ready_floors_permille
    if floors is not None:
        # What the car does not say is refused as that.
        found = [
            bits if charge is None or charge >= floors[slot] else bits | _READY_BY
            for bits, charge, slot in zip(found, history.charge, slots, strict=True)
        ]
    return found


def list_within(spans: Spans, quarters: Sequence[int]) -> Iterator[tuple[int, int]]:
    """
    Yield the places [first, last) of the quarters that begin within each span.
    """
    for span in spans:
        first, last = (bisect_left(quarters, at.timestamp() / QUARTER_S) for at in span)
        yield first, last


def _judge_circumstances(rules: Rules, each: Circumstances) -> int:
    case = _make_case(
        rules,
        State(_AT, plugged_in=each.plugged_in, is_home=each.is_home, is_moving=each.is_moving),
        _make_workload(rules, each),
    )
    codes = {check(case).code for check in _SHARED_CHECKS}
    mask = sum(code.bit for code in codes if code is not None)
    return mask | _PAUSED if each.is_paused else mask


_SHARED_CHECKS: Final = (
    check_driving,
    check_plug,
    check_home,
    check_workload,
    check_buyer,
    check_reward,
)


def _make_workload(rules: Rules, each: Circumstances) -> Workload:
    work = find_wanted_work(rules=rules)
    category, buyer_id = work.category, work.buyer_id
    if each.has_run:
        category, buyer_id = _CATEGORIES.get(each.category_bit), each.buyer_id
    return Workload(category, buyer_id=buyer_id, reward_micros_per_h=each.micros_per_h)


def _make_case(rules: Rules, state: State, workload: Workload) -> Case:
    return Case(rules, state, NO_USE, workload, _AT, _AT, 0)


_NO_WORK: Final = Workload(None)


def _judge_charge(rules: Rules, permille: int | None) -> int:
    state = State(_AT, state_of_charge_permille=permille)
    code = check_battery(_make_case(rules, state, _NO_WORK)).code
    return code.bit if code is not None else 0


def _judge_heat(rules: Rules, decic: int | None) -> int:
    state = State(_AT, battery_temp_max_decic=decic)
    code = check_heat(_make_case(rules, state, _NO_WORK)).code
    return code.bit if code is not None else 0


def _judge_cold(rules: Rules, decic: int | None) -> int:
    state = State(_AT, battery_temp_min_decic=decic)
    code = check_cold(_make_case(rules, state, _NO_WORK)).code
    return code.bit if code is not None else 0
