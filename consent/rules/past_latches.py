"""
When a car would have waited between two levels of charge or warmth under other rules than it had.
"""

from collections.abc import Iterator

from consent.rules.codes import ReasonCode
from consent.rules.history import History, Levels, from_quarter
from consent.rules.latches import FREE, is_recovering_after, step_cold_latch, step_heat_latch
from consent.rules.terms import Rules


def list_latched(*, rules: Rules, history: History) -> Iterator[tuple[int, int]]:
    """
    Yield place and bit where a latch refuses that was set before.

    What ran within the rules of then does not meet it again, unless the draft is stricter.
    """
    now = Levels.of(rules)
    latches = (
        (ReasonCode.BATTERY_RECOVERING, _list_recovering(rules, history), _needs_more_charge),
        (ReasonCode.COOLING_DOWN, _list_cooling(rules, history), _bears_less_heat),
        (ReasonCode.WARMING_UP, _list_warming(rules, history), _bears_less_cold),
    )
    for code, places, is_stricter in latches:
        stricter = {id_: is_stricter(now, then) for id_, then in history.levels.items()}
        refuses = [
            not each.ran_within or stricter.get(each.version_id or 0, True)
            for each in history.circumstances
        ]
        for place in places:
            if refuses[history.shared[place]]:
                yield place, code.bit


# ------------------------------------------------------------------ one latch each
def _list_recovering(rules: Rules, history: History) -> Iterator[int]:
    stop, is_recovering = rules.battery_stop_pct * 10, False
    for place, charge in enumerate(history.charge):
        # Most quarters neither set the latch nor find it set.
        if charge is None or not (is_recovering or charge < stop):
            continue
        is_recovering = is_recovering_after(
            was_recovering=is_recovering, charge_permille=charge, rules=rules
        )
        if is_recovering and charge >= stop:
            yield place


def _list_cooling(rules: Rules, history: History) -> Iterator[int]:
    if rules.temp_high_c is None:
        return
    limit, latch = rules.temp_high_c * 10, FREE
    for place, decic in enumerate(history.hottest):
        if decic is None or not (latch[0] or decic > limit):
            continue
        latch = step_heat_latch(
            was_latched=latch[0],
            hot_at=latch[1],
            temp_decic=decic,
            rules=rules,
            observed_at=from_quarter(history.n[place]),
        )
        if latch[0] and decic <= limit:
            yield place


def _list_warming(rules: Rules, history: History) -> Iterator[int]:
    if rules.temp_low_c is None:
        return
    limit, latch = rules.temp_low_c * 10, FREE
    for place, decic in enumerate(history.coldest):
        if decic is None or not (latch[0] or decic < limit):
            continue
        latch = step_cold_latch(
            was_latched=latch[0],
            cold_at=latch[1],
            temp_decic=decic,
            rules=rules,
            observed_at=from_quarter(history.n[place]),
        )
        if latch[0] and decic >= limit:
            yield place


# ------------------------------------------------------------------ stricter than then
def _needs_more_charge(now: Levels, then: Levels) -> bool:
    return now.stop_pct > then.stop_pct or now.resume_pct > then.resume_pct


def _bears_less_heat(now: Levels, then: Levels) -> bool:
    if now.high is None or then.high is None:
        return now.high is not None
    return (
        now.high.limit_decic < then.high.limit_decic
        or now.high.resume_decic < then.high.resume_decic
        or now.hold_s > then.hold_s
    )


def _bears_less_cold(now: Levels, then: Levels) -> bool:
    if now.low is None or then.low is None:
        return now.low is not None
    return (
        now.low.limit_decic > then.low.limit_decic
        or now.low.resume_decic > then.low.resume_decic
        or now.hold_s > then.hold_s
    )
