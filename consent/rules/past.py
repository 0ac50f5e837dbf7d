"""
What a draft would have made of a car's past, quarter-hour by quarter-hour.
"""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Final
from zoneinfo import ZoneInfo

from consent.rules.codes import ALL_CATEGORIES_MASK, ReasonCode
from consent.rules.history import (
    Circumstances,
    History,
    Likely,
    PastQuarter,
    list_slots,
)
from consent.rules.past_budgets import Taken, refuse_spent
from consent.rules.past_refusals import find_refusals
from consent.rules.terms import Rules
from consent.rules.week import QUARTERS_PER_WEEK
from consent.rules.work_checks import find_power_limit


HOURS_PER_WEEK: Final = 168
MWH_PER_KWH: Final = 1_000_000
MWH_PER_QUARTER_OF_W: Final = 250
# Meters report whole watt-hours: half of one is forgiven.
FORGIVEN_MWH: Final = 500
UNLIMITED: Final = 2**62


_BY_CLOCK: Final = ReasonCode.OUTSIDE_HOURS.bit | ReasonCode.CLOSED_DATE.bit
_BY_CHARGE: Final = (
    ReasonCode.BATTERY_LOW.bit | ReasonCode.BATTERY_RECOVERING.bit | ReasonCode.READY_BY.bit
)
_BY_HEAT: Final = ReasonCode.TOO_HOT.bit | ReasonCode.COOLING_DOWN.bit
_BY_COLD: Final = ReasonCode.TOO_COLD.bit | ReasonCode.WARMING_UP.bit
_BY_READING: Final = _BY_CHARGE | _BY_HEAT | _BY_COLD


def judge_past(*, rules: Rules, history: History, likely: Likely) -> tuple[PastQuarter, ...]:
    """
    Return the quarters of a car under the rules of a draft, oldest first.

    Left out are those outside the hours that another rule refuses too. What ran within the
    rules of then runs here unless the draft is stricter, and an idle quarter that they
    permitted had no work. Budgets count what runs here, on the draft's calendar; of the month
    that the period begins in, what had really been used.
    """
    local = history.list_local(rules.zone)
    masks = find_refusals(rules=rules, history=history, slots=list_slots(local))
    told = _list_told(masks)
    history = history.select(lambda column: list(compress(column, told)))
    local = list(compress(local, told))
    taken = _weigh(rules, history, likely, local)
    masks = refuse_spent(
        rules=rules,
        history=history,
        masks=list(compress(masks, told)),
        local=local,
        taken=taken,
    )
    has_run = [each.has_run for each in history.circumstances]
    kinds = [_find_kinds(each) for each in history.circumstances]
    quarters = zip(
        history.n,
        masks,
        taken.energy_mwh,
        taken.whole_mwh,
        taken.compute_s,
        [kinds[shared] for shared in history.shared],
        [has_run[shared] for shared in history.shared],
        _list_readings(history, masks),
        strict=True,
    )
    # A budget that is spent may be the second rule that refuses.
    return tuple(map(PastQuarter._make, compress(quarters, _list_told(masks))))


def _list_told(masks: Iterable[int]) -> list[bool]:
    """
    Return which quarters are told: those in the hours, and those that only they keep from work.
    """
    return [not mask & _BY_CLOCK or not mask & (mask - 1) for mask in masks]


# ------------------------------------------------------------------ what each quarter takes
def _weigh(rules: Rules, history: History, likely: Likely, local: Sequence[int]) -> Taken:
    """
    Return what was metered, else what work usually takes of the kinds that the rules of then
    kept away.
    """
    usual = _list_usual(rules, history, likely)
    hours = _list_hours(history, likely, rules.zone, local)
    whole = [
        metered + usual[shared][hour][0]
        for metered, shared, hour in zip(history.energy_mwh, history.shared, hours, strict=True)
    ]
    seconds = [
        metered + usual[shared][hour][1]
        for metered, shared, hour in zip(history.compute_s, history.shared, hours, strict=True)
    ]
    energy = _limit_power(rules, history, whole, local)
    has_run = [each.has_run for each in history.circumstances]
    data = [
        metered if has_run[shared] else energy_mwh * likely.bytes_per_kwh // MWH_PER_KWH
        for metered, shared, energy_mwh in zip(
            history.data_bytes, history.shared, energy, strict=True
        )
    ]
    return Taken(energy, whole, seconds, data)


def _list_usual(rules: Rules, history: History, likely: Likely) -> list[Sequence[tuple[int, int]]]:
    """
    Return usual energy and seconds by hour of the week under each circumstances: nothing
    comes besides what ran.
    """
    kinds = [_find_kinds(each) & rules.categories_mask for each in history.circumstances]
    by_kinds = {each: _add_up_work(likely, each) for each in set(kinds)}
    return [by_kinds[each] for each in kinds]


def _limit_power(
    rules: Rules, history: History, whole: list[int], local: Sequence[int]
) -> list[int]:
    """
    Return what the draft's power limits let through of each quarter.
    """
    if rules.power_limit_w is None and rules.quiet_power_limit_w is None:
        return whole
    most = _list_most_mwh(rules)
    forgiven = [FORGIVEN_MWH if each.has_run else 0 for each in history.circumstances]
    return [
        mwh if mwh <= limit + forgiven[shared] else limit
        for mwh, limit, shared in zip(
            whole, [most[slot] for slot in list_slots(local)], history.shared, strict=True
        )
    ]


def _list_most_mwh(rules: Rules) -> list[int]:
    """
    Return what the power limits let through in each quarter of the week.
    """
    limits = [find_power_limit(rules, slot) for slot in range(QUARTERS_PER_WEEK)]
    return [UNLIMITED if watts is None else watts * MWH_PER_QUARTER_OF_W for watts in limits]


def _find_kinds(each: Circumstances) -> int:
    """
    Return the kinds of work that an idle quarter may have had: where the rules of then
    permitted, work of the kinds that they allowed did not come. 0 where work ran.
    """
    if each.has_run:
        return 0
    if each.then_refusals or each.is_paused or each.is_latched or each.is_moving:
        return ALL_CATEGORIES_MASK
    return ALL_CATEGORIES_MASK & ~each.then_categories


def _add_up_work(likely: Likely, kinds: int) -> list[tuple[int, int]]:
    """
    Return energy and seconds of these kinds together, by hour of the week.
    """
    parts = [each for each in likely.work if each.category_bit & kinds]
    return [
        (sum(each.energy_mwh[hour] for each in parts), sum(each.compute_s[hour] for each in parts))
        for hour in range(HOURS_PER_WEEK)
    ]


def _list_hours(
    history: History, likely: Likely, zone: ZoneInfo, local: Sequence[int]
) -> list[int]:
    """
    Return the hour of the week in which each quarter lies where the work was counted.
    """
    if likely.time_zone != zone.key:
        local = history.list_local(ZoneInfo(likely.time_zone))
    return [slot // 4 for slot in list_slots(local)]


def _list_readings(history: History, masks: Iterable[int]) -> list[int | None]:
    """
    Return the reading that a refusal is about.
    """
    return [
        None
        if not mask & _BY_READING
        else charge
        if mask & _BY_CHARGE
        else hottest
        if mask & _BY_HEAT
        else coldest
        for mask, charge, hottest, coldest in zip(
            masks, history.charge, history.hottest, history.coldest, strict=True
        )
    ]
