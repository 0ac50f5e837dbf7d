"""
What would change the sum: single changes of a draft, each with what it would bring.

A change is judged by the quarter-hours that its rule alone kept from work, and by the room
that the draft's budgets leave them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from billing.queries.quarter_prices import list_slots
from consent.rules import BuyersMode, ReasonCode, RulesDraft, WorkloadCategory
from consent.rules.faults import BATTERY_STOP_RANGE_PCT, TEMP_HIGH_RANGE_C, TEMP_LOW_RANGE_C
from consent.rules.readiness import find_charge_floors
from consent.rules.week import MINUTES_PER_DAY
from portal.past.facts import find_buyers_share
from portal.past.nights import MWH_PER_KWH, Lost, Replay
from portal.past.room import Room, list_periods, make_room


FLOOR_STEP_PCT: Final = 10
WARMTH_STEP_C: Final = 5
READY_STEP_MINUTES: Final = 30
CAP_STEP: Final = 1.25
SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    One change: the rule, what it is and what it would be, and what the nights would bring.

    `kind` tells changes of one rule apart; `before` and `after` are in the rule's unit.
    """

    part: str
    kind: str
    before: int = 0
    after: int = 0
    net_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """
    What the rules of a draft cost in its nights, by rule, and the best changes of it.
    """

    costs: dict[str, int]
    changes: tuple[Change, ...]


def weigh(replayed: Replay) -> Worth:
    """
    Return what each rule costs, and the changes that would bring most: three at most, of
    different rules, best first.

    A rule costs what the quarters would have brought that it alone kept from work. Kinds and
    buyers also cost what of theirs usually comes.
    """
    room = make_room(replayed)
    found = [change for make in MAKERS for change in make(replayed, room) if change.net_micros > 0]
    costs = dict(replayed.costs)
    for part in ("categories", "buyers"):
        costs[part] = sum(change.net_micros for change in found if change.part == part)
    best: dict[str, Change] = {}
    for change in sorted(found, key=lambda each: -each.net_micros):
        best.setdefault(change.part, change)
    return Worth(costs=costs, changes=tuple(best.values())[:SHOWN])


# ------------------------------------------------------------------ one maker per rule
Maker = Callable[[Replay, Room], Iterator[Change]]


def _change_hours(replayed: Replay, room: Room) -> Iterator[Change]:
    """
    One more hour of the clock, on every day.
    """
    slots = list_slots(
        time_zone=replayed.draft.time_zone,
        first_n=replayed.facts.first_n,
        last_n=replayed.facts.last_n,
    )
    by_hour: dict[int, list[Lost]] = defaultdict(list)
    for each in replayed.lost.get("hours", ()):
        by_hour[slots[each.n - replayed.facts.first_n] // 4 % 24].append(each)
    for hour, gained in by_hour.items():
        yield Change(
            part="hours",
            kind="hour",
            before=hour * 60,
            after=(hour * 60 + 60) % MINUTES_PER_DAY,
            net_micros=room.add_up(gained),
        )


def _change_floor(replayed: Replay, room: Room) -> Iterator[Change]:
    draft, lost = replayed.draft, replayed.lost.get("battery", ())
    stop = max(draft.battery_stop_pct - FLOOR_STEP_PCT, BATTERY_STOP_RANGE_PCT[0])
    resume = max(draft.battery_resume_pct - FLOOR_STEP_PCT, draft.battery_stop_pct)
    for kind, before, after, code in (
        ("stop", draft.battery_stop_pct, stop, ReasonCode.BATTERY_LOW),
        ("resume", draft.battery_resume_pct, resume, ReasonCode.BATTERY_RECOVERING),
    ):
        gained = [
            each
            for each in lost
            if each.code == code.bit and each.reading is not None and each.reading >= after * 10
        ]
        yield Change(
            part="battery", kind=kind, before=before, after=after, net_micros=room.add_up(gained)
        )


def _change_ready_by(replayed: Replay, room: Room) -> Iterator[Change]:
    """
    Half an hour more to charge.
    """
    lost, facts, draft = replayed.lost.get("ready_by"), replayed.facts, replayed.draft
    if not lost or any(
        rule.minute + READY_STEP_MINUTES >= MINUTES_PER_DAY for rule in draft.ready_by
    ):
        return
    later = tuple(replace(rule, minute=rule.minute + READY_STEP_MINUTES) for rule in draft.ready_by)
    floors = find_charge_floors(
        ready_by=later, battery_wh=facts.battery_wh, charge_power_w=facts.charge_power_w
    )
    assert floors is not None, "a rule refused"
    slots = list_slots(time_zone=draft.time_zone, first_n=facts.first_n, last_n=facts.last_n)
    gained = [
        each
        for each in lost
        if each.reading is not None and each.reading >= floors[slots[each.n - facts.first_n]]
    ]
    yield Change(
        part="ready_by",
        kind="later" if len(draft.ready_by) == 1 else "all_later",
        before=draft.ready_by[0].minute,
        after=later[0].minute,
        net_micros=room.add_up(gained),
    )


def _change_warmth(replayed: Replay, room: Room) -> Iterator[Change]:
    draft, lost = replayed.draft, replayed.lost.get("temperature", ())
    if draft.temp_high_c is not None:
        high = min(draft.temp_high_c + WARMTH_STEP_C, TEMP_HIGH_RANGE_C[1])
        gained = [
            each
            for each in lost
            if each.code == ReasonCode.TOO_HOT.bit and (each.reading or 0) <= high * 10
        ]
        yield Change(
            part="temperature",
            kind="high",
            before=draft.temp_high_c,
            after=high,
            net_micros=room.add_up(gained),
        )
    if draft.temp_low_c is not None:
        low = max(draft.temp_low_c - WARMTH_STEP_C, TEMP_LOW_RANGE_C[0])
        gained = [
            each
            for each in lost
            if each.code == ReasonCode.TOO_COLD.bit and (each.reading or 0) >= low * 10
        ]
        yield Change(
            part="temperature",
            kind="low",
            before=draft.temp_low_c,
            after=low,
            net_micros=room.add_up(gained),
        )


def _change_caps(replayed: Replay, room: Room) -> Iterator[Change]:
    """
    Raise each limit by a quarter, rounded up to what an owner would type.
    """
    for part, name, step in (
        ("energy", "energy_wh_per_day_max", 500),
        ("energy", "energy_wh_per_month_max", 5_000),
        ("compute", "compute_s_per_day_max", 900),
        ("compute", "compute_s_per_month_max", 3_600),
    ):
        cap = getattr(replayed.draft, name)
        lost = replayed.lost.get(part)
        if cap is None or not lost:
            continue
        more = -(-int(cap * CAP_STEP) // step) * step
        yield Change(
            part=part,
            kind=name,
            before=cap,
            after=more,
            net_micros=room.add_up(lost, draft=set_cap(replayed.draft, name, more)),
        )


# What an owner would type of each, by part: of wear and data only shares of them are known.
SHARED_CAPS: Final = {
    "wear": {
        "wear_cycles_milli_per_month_max": 50,
        "wear_distance_km_per_month_max": 10,
        "wear_micros_per_month_max": 500_000,
    },
    "data": {"mobile_data_mb_per_month_max": 100},
}


def _change_shared_caps(replayed: Replay, room: Room) -> Iterator[Change]:
    """
    Raise the budgets of wear and of data by a quarter, so that as much more runs in a month.
    """
    for part, steps in SHARED_CAPS.items():
        caps = {name: getattr(replayed.draft, name) for name in steps}
        more = {
            name: -(-int(cap * CAP_STEP) // steps[name]) * steps[name]
            for name, cap in caps.items()
            if cap
        }
        if not more or part not in replayed.lost:
            continue
        share = min(after / caps[name] for name, after in more.items()) - 1
        name, *others = more
        yield Change(
            part=part,
            kind="all_wear" if others else name,
            before=caps[name],
            after=more[name],
            net_micros=room.add_up(_list_within(share, part, replayed, room), raised=part),
        )


def _list_within(share: float, part: str, replayed: Replay, room: Room) -> Iterator[Lost]:
    """
    Yield what a rule alone kept from work, up to that share of what ran in the month.
    """
    left: dict[date, float] = defaultdict(float)
    for n, energy_mwh, _compute_s in replayed.ran:
        left[list_periods(n, room.zone)[1][1]] += energy_mwh * share
    for each in replayed.lost[part]:
        month = list_periods(each.n, room.zone)[1][1]
        if left[month] > 0:
            left[month] -= each.energy_mwh
            yield each


def set_cap(draft: RulesDraft, name: str, cap: int) -> RulesDraft:
    changes: dict[str, Any] = {name: cap}
    return replace(draft, **changes)


def _change_kinds(replayed: Replay, room: Room) -> Iterator[Change]:
    """
    Allow one kind of work more: what of it was metered, and what usually comes in idle quarters.
    """
    metered = replayed.facts.metered
    for category in WorkloadCategory:
        if category in replayed.draft.categories:
            continue
        refused = [
            each
            for each in replayed.lost.get("categories", ())
            if metered[each.n].category_bit == category.bit
        ]
        usual = list(list_usual_work(replayed, kinds=category.bit))
        yield Change(
            part="categories", kind=category.value, net_micros=room.add_up([*refused, *usual])
        )


def list_usual_work(replayed: Replay, *, kinds: int, permille: int | None = None) -> Iterator[Lost]:
    """
    Yield what work of these kinds would usually take of the quarters that were idle.

    `permille` is the share of buyers to count; None: those whom the draft allows.
    """
    facts = replayed.facts
    work = [each for each in facts.outlook.work if each.category_bit & kinds]
    shares = [
        (find_buyers_share(each.buyers, replayed.draft) if permille is None else permille) / 1000
        for each in work
    ]
    for quarter in replayed.idle:
        place = quarter.n - facts.first_n
        hour, reward = facts.hours[place], facts.prices[place].reward
        energy = seconds = net = 0.0
        for kind, share in zip(work, shares, strict=True):
            if quarter.kinds & kind.category_bit:
                energy += kind.energy_mwh[hour] * share
                seconds += kind.compute_s[hour] * share
                net += kind.job_micros[hour] * share
        net += energy * reward / MWH_PER_KWH
        if energy:
            yield Lost(quarter.n, None, 0, int(energy), int(seconds), net)


def _change_buyers(replayed: Replay, room: Room) -> Iterator[Change]:
    """
    Allow all buyers: what of others was metered, and what else usually comes.
    """
    draft = replayed.draft
    if draft.buyers_mode is BuyersMode.ALL:
        return
    kinds = draft.categories_mask
    everybody = {each.n: each for each in list_usual_work(replayed, kinds=kinds, permille=1000)}
    for each in list_usual_work(replayed, kinds=kinds):
        more = everybody[each.n]
        everybody[each.n] = more._replace(
            energy_mwh=more.energy_mwh - each.energy_mwh,
            compute_s=more.compute_s - each.compute_s,
            net_micros=more.net_micros - each.net_micros,
        )
    refused = replayed.lost.get("buyers", [])
    yield Change(
        part="buyers", kind="lift", net_micros=room.add_up([*refused, *everybody.values()])
    )


def _lift(part: str) -> Maker:
    """
    Return a maker that lifts a rule altogether.
    """

    def make(replayed: Replay, room: Room) -> Iterator[Change]:
        if lost := replayed.lost.get(part):
            yield Change(part=part, kind="lift", net_micros=room.add_up(lost))

    return make


def _change_reward(replayed: Replay, room: Room) -> Iterator[Change]:
    lost, least = replayed.lost.get("reward"), replayed.draft.reward_micros_per_h_min
    if not lost or least is None:
        return
    facts = replayed.facts
    rated_kw = facts.outlook.rated_power_w / 1000
    offered = int(facts.prices[-1].reward * rated_kw)
    if offered < least:
        yield Change(
            part="reward",
            kind="reward",
            before=least,
            after=offered,
            net_micros=room.add_up(lost),
        )


MAKERS: Final[tuple[Maker, ...]] = (
    _change_hours,
    _change_floor,
    _change_ready_by,
    _change_warmth,
    _change_caps,
    _change_shared_caps,
    _change_kinds,
    _change_reward,
    _lift("home"),
    _lift("plug"),
    _lift("power"),
    _lift("quiet"),
    _change_buyers,
)
