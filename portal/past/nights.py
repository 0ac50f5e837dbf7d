"""
A car's nights under a draft: what each would have brought, and which rules stood in its way.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from consent.queries.past import (
    HOURS_PER_WEEK,
    PastQuarter,
    list_past_quarters,
)
from consent.queries.words import REASON_FIELDS
from consent.rules import ReasonCode, RulesDraft
from consent.rules.week import QUARTER_S
from portal.past.facts import Facts, count_allowed, find_buyers_share, make_likely


# Rates are per kWh and energy is in mWh.
MWH_PER_KWH: Final = 1_000_000

# In the order of the checks: the first of them is what an owner is told.
PARTS_IN_ORDER: Final = (
    *("pause", "telemetry", "driving", "plug", "home", "hours", "dates", "battery", "ready_by"),
    *("temperature", "energy", "compute", "wear", "data", "power", "quiet"),
    *("categories", "buyers", "reward"),
)


def _mask(*parts: str) -> int:
    return sum(code.bit for code, part in REASON_FIELDS.items() if part in parts)


_OF_HOURS: Final = _mask("hours", "dates")
_OF_PRESENCE: Final = _mask("pause", "telemetry", "driving", "plug", "home")
_OF_CHARGE: Final = _mask("battery", "ready_by")
# Where these are spent, no change brings anything: see portal.past.room.
_OF_SHARED: Final = _mask("wear", "data")


@lru_cache(maxsize=4096)
def find_first_part(mask: int) -> str:
    """
    Return the rule that is named first of those that refuse.
    """
    parts = {REASON_FIELDS[code] for code in ReasonCode if mask & code.bit}
    return next(part for part in PARTS_IN_ORDER if part in parts)


class Money(NamedTuple):
    """
    What work pays, in micros: net is what is left after electricity and wear.
    """

    electricity: int = 0
    wear: int = 0
    net: int = 0

    @property
    def paid(self) -> int:
        return self.electricity + self.wear + self.net


NOTHING: Final = Money()


class Lost(NamedTuple):
    """
    A quarter-hour that one rule alone kept from work: what it would have taken and brought.
    """

    n: int
    reading: int | None
    code: int
    energy_mwh: int
    compute_s: int
    net_micros: float


@dataclass(kw_only=True)
class Night:
    """
    One night. `blocked` counts the quarters in the hours by the rule that is named first, and
    of those outside the ones that the hours kept from work; `really` is what it really paid. A
    night that was paused is not a usual one.
    """

    first_n: int
    money: Money = NOTHING
    really: Money = NOTHING
    energy_wh: int = 0
    worked_s: int = 0
    blocked: dict[str, int] = field(default_factory=dict)
    is_paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """
    Quarter-hours that were left after one condition after the other; worked in quarters too.
    """

    allowed: int
    plugged: int
    charged: int
    permitted: int
    worked: float


@dataclass(frozen=True, kw_only=True)
class Replay:
    """
    A draft over a car's past. `nights` begin with the first of which anything is known;
    `costs`, `lost`, `ran` (quarter, mWh, seconds) and `idle`, where nothing was metered, are
    those of usual nights.
    """

    draft: RulesDraft
    facts: Facts
    nights: tuple[Night, ...]
    costs: dict[str, int]
    lost: dict[str, list[Lost]]
    ran: list[tuple[int, int, int]]
    idle: list[PastQuarter]
    funnel: Funnel

    @property
    def usual(self) -> tuple[Night, ...]:
        return tuple(night for night in self.nights if not night.is_paused)

    @property
    def net_micros(self) -> int:
        return sum(night.money.net for night in self.nights)


def replay(*, facts: Facts, draft: RulesDraft) -> Replay:
    """
    Return what a draft would have made of the nights.

    :raises VehicleNotFound: the car is not its owner's any more.
    """
    quarters = list_past_quarters(
        vehicle_id=facts.vehicle_id,
        owner_id=facts.owner_id,
        draft=draft,
        history=facts.history,
        likely=make_likely(facts=facts, draft=draft),
    )
    return _Sum(facts, draft, quarters).make()


class _Sum:
    """
    One walk over the quarters, in order.
    """

    def __init__(self, facts: Facts, draft: RulesDraft, quarters: tuple[PastQuarter, ...]) -> None:
        self.facts, self.draft, self.quarters = facts, draft, quarters
        self.nights = _list_nights(facts)
        self.costs: dict[str, float] = defaultdict(float)
        self.lost: dict[str, list[Lost]] = defaultdict(list)
        self.idle: list[PastQuarter] = []
        self.ran: list[tuple[int, int, int]] = []
        self.jobs: dict[int, list[int]] = {}
        self.plugged = self.charged = self.permitted = 0
        self.worked_s = 0

    def make(self) -> Replay:
        quarters = [quarter.n for quarter in self.quarters]
        cuts = [bisect_left(quarters, night.first_n) for night in self.nights]
        for night, (begin, end) in zip(self.nights, pairwise([*cuts, None]), strict=True):
            self.add(night, self.quarters[begin:end])
        return Replay(
            draft=self.draft,
            facts=self.facts,
            nights=tuple(self.nights),
            costs={part: round(cost) for part, cost in self.costs.items()},
            lost=dict(self.lost),
            ran=self.ran,
            idle=self.idle,
            funnel=Funnel(
                allowed=count_allowed(
                    facts=self.facts,
                    draft=self.draft,
                    night_starts=[night.first_n for night in self.nights if not night.is_paused],
                ),
                plugged=self.plugged,
                charged=self.charged,
                permitted=self.permitted,
                worked=self.worked_s / QUARTER_S,
            ),
        )

    def add(self, night: Night, quarters: tuple[PastQuarter, ...]) -> None:
        self.count(night, Counter(quarter.mask for quarter in quarters))
        electricity = wear = net = 0.0
        energy_mwh = worked_s = 0
        counts = not night.is_paused
        for quarter in quarters:
            mask = quarter.mask
            has_work = quarter.energy_mwh or quarter.compute_s
            if not mask:
                if counts and not quarter.has_run:
                    self.idle.append(quarter)
                if has_work:
                    money = self.price(quarter)
                    electricity += money[0]
                    wear += money[1]
                    net += money[2]
                    energy_mwh += quarter.energy_mwh
                    worked_s += quarter.compute_s
                    if counts:
                        self.count_work(quarter, money[2])
                continue
            if has_work and mask & _OF_HOURS and (quarter.has_run or not mask & ~_OF_HOURS):
                _add_blocked(night, mask, 1)
            if counts and not mask & (mask - 1) and (has_work or mask & _OF_SHARED):
                self.count_lost(find_first_part(mask), quarter)
        night.money = Money(round(electricity), round(wear), round(net))
        night.energy_wh = round(energy_mwh / 1000)
        night.worked_s = worked_s

    def count(self, night: Night, masks: Counter[int]) -> None:
        """
        Count how many quarters of a night each rule kept from work, and how far the others came.
        """
        night.is_paused = any(mask & ReasonCode.PAUSED.bit for mask in masks)
        for mask, quarters in masks.items():
            if mask & _OF_HOURS:
                continue
            if mask:
                _add_blocked(night, mask, quarters)
            if night.is_paused or mask & _OF_PRESENCE:
                continue
            self.plugged += quarters
            if not mask & _OF_CHARGE:
                self.charged += quarters
            if not mask:
                self.permitted += quarters

    def count_work(self, quarter: PastQuarter, net: float) -> None:
        self.worked_s += quarter.compute_s
        self.ran.append((quarter.n, quarter.energy_mwh, quarter.compute_s))
        if quarter.whole_mwh > quarter.energy_mwh:
            quiet_mwh = (self.draft.quiet_power_limit_w or 0) * 250
            part = "quiet" if quarter.energy_mwh == quiet_mwh else "power"
            rest = quarter.whole_mwh - quarter.energy_mwh
            cost = net * rest / quarter.energy_mwh if quarter.energy_mwh else 0.0
            self.costs[part] += cost
            self.lost[part].append(
                Lost(quarter.n, None, 0, quarter.whole_mwh, quarter.compute_s, cost)
            )

    def count_lost(self, part: str, quarter: PastQuarter) -> None:
        net = self.price(quarter)[2]
        self.costs[part] += net
        self.lost[part].append(
            Lost(
                quarter.n, quarter.reading, quarter.mask, quarter.energy_mwh, quarter.compute_s, net
            )
        )

    def price(self, quarter: PastQuarter) -> tuple[float, float, float]:
        """
        Return electricity, wear and net of a quarter, in micros: what was paid, where it ran.
        """
        energy_mwh, whole_mwh = quarter.energy_mwh, quarter.whole_mwh
        if not energy_mwh:
            return 0.0, 0.0, 0.0
        if quarter.has_run:
            paid = self.facts.metered[quarter.n]
            share = energy_mwh / whole_mwh
            return (
                paid.electricity_micros * share,
                paid.wear_micros * share,
                (paid.reward_micros + paid.job_micros) * share,
            )
        place = quarter.n - self.facts.first_n
        price = self.facts.prices[place]
        kwh = energy_mwh / MWH_PER_KWH
        jobs = self.list_jobs(quarter.kinds)[self.facts.hours[place]] * energy_mwh / whole_mwh
        return (price.electricity or 0) * kwh, price.wear * kwh, price.reward * kwh + jobs

    def list_jobs(self, kinds: int) -> list[int]:
        """
        Return the usual rewards of completed jobs of those of these kinds that the draft
        allows, by hour of the week.
        """
        if kinds not in self.jobs:
            rows = [
                [job * share // 1000 for job in kind.job_micros]
                for kind in self.facts.outlook.work
                if kind.category_bit & kinds & self.draft.categories_mask
                for share in [find_buyers_share(kind.buyers, self.draft)]
            ]
            self.jobs[kinds] = [sum(column) for column in zip(*rows, strict=True)] or (
                [0] * HOURS_PER_WEEK
            )
        return self.jobs[kinds]


def _add_blocked(night: Night, mask: int, quarters: int) -> None:
    part = find_first_part(mask)
    night.blocked[part] = night.blocked.get(part, 0) + quarters


def _list_nights(facts: Facts) -> list[Night]:
    if facts.heard_n is None:
        return []
    return [
        Night(
            first_n=n,
            really=Money(*facts.really.get(n, NOTHING)),
        )
        for n, until_n in pairwise(facts.noons)
        if until_n > facts.heard_n
    ]
