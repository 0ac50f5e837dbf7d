"""
What is known of a car's past whatever its rules: nights, meter, prices, usual work.

A night goes from noon to noon on the car's clock and bears the date on which it begins. Only
whole nights count, so the last one ends at the latest noon.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypedDict, Unpack
from zoneinfo import ZoneInfo

from billing.queries.outlook import Metered, Outlook, get_outlook, list_metered
from billing.queries.quarter_prices import Price, list_prices, list_slots
from billing.views.earnings import CURRENCY
from consent.queries.past import (
    History,
    Likely,
    Ran,
    Reward,
    UsualWork,
    find_first_word,
    from_quarter,
    load_history,
    to_quarter,
)
from consent.rules import BuyersMode, Hours, RulesDraft
from consent.rules.frozen import freeze
from consent.rules.week import QUARTER_S, QUARTERS_PER_WEEK


NOON: Final = time(12)
# While an owner edits, every change of a draft asks for the same past. What can still change
# about it, a late report or a correction, may wait so long; so many owners edit at once in one
# process, each with some three megabytes.
KEPT_S: Final = 300
KEPT_MAX: Final = 8


@dataclass(frozen=True, kw_only=True)
class Facts:
    """
    What is known of a car's past whatever its rules: `noons` are quarters since 1970, one more
    than there are nights. `heard_n` None: nothing at all is known.
    """

    vehicle_id: int
    owner_id: int
    time_zone: str
    battery_wh: int
    charge_power_w: int
    noons: tuple[int, ...]
    history: History
    metered: dict[int, Metered]
    really: dict[int, tuple[int, int, int]]
    outlook: Outlook
    prices: list[Price]
    slots: Sequence[int]
    hours: list[int]
    heard_n: int | None

    @property
    def first_n(self) -> int:
        return self.noons[0]

    @property
    def last_n(self) -> int:
        return self.noons[-1]


class _Car(TypedDict):
    vehicle_id: int
    owner_id: int
    time_zone: str
    battery_wh: int
    charge_power_w: int
    days: int


class _Asked(TypedDict):
    owner_id: int
    vehicle_id: int
    currency: str
    starts_at: datetime
    ends_at: datetime


def load_facts(
    *,
    vehicle_id: int,
    owner_id: int,
    time_zone: str,
    battery_wh: int,
    charge_power_w: int,
    days: int,
    now: datetime,
) -> Facts:
    """
    Return what is known of the last `days` whole nights of an owner's car.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    noons = tuple(list_noons(time_zone=time_zone, days=days, now=now))
    starts_at, ends_at = from_quarter(noons[0]), from_quarter(noons[-1])
    word = find_first_word(vehicle_id=vehicle_id, owner_id=owner_id, since=starts_at)
    asked = _Asked(
        owner_id=owner_id,
        vehicle_id=vehicle_id,
        currency=CURRENCY,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    metered, outlook = list_metered(**asked), get_outlook(**asked)
    known = [each.n for each in metered[:1]] + ([to_quarter(word)] if word else [])
    return Facts(
        vehicle_id=vehicle_id,
        owner_id=owner_id,
        time_zone=time_zone,
        battery_wh=battery_wh,
        charge_power_w=charge_power_w,
        noons=noons,
        history=load_history(
            vehicle_id=vehicle_id,
            owner_id=owner_id,
            first_n=noons[0],
            last_n=noons[-1],
            ran=map(to_ran, metered),
            rewards=_list_rewards(outlook, last_n=noons[-1]),
        ),
        metered={each.n: each for each in metered},
        really=_add_up_nights(noons, metered),
        outlook=outlook,
        prices=list_prices(outlook=outlook, first_n=noons[0], last_n=noons[-1]),
        slots=list_slots(time_zone=time_zone, first_n=noons[0], last_n=noons[-1]),
        hours=[
            slot // 4
            for slot in list_slots(time_zone=outlook.time_zone, first_n=noons[0], last_n=noons[-1])
        ],
        heard_n=min(known, default=None),
    )


def recall_facts(*, now: datetime, **car: Unpack[_Car]) -> Facts:
    """
    Return what `load_facts` does, as it was some minutes ago at most.

    It says nothing about whose car it is now: whoever calls has looked.
    """
    return _recall_facts(part=int(now.timestamp()) // KEPT_S, **car)


@lru_cache(maxsize=KEPT_MAX)
def _recall_facts(*, part: int, **car: Unpack[_Car]) -> Facts:
    return load_facts(now=datetime.fromtimestamp(part * KEPT_S, tz=UTC), **car)


def forget_facts() -> None:
    _recall_facts.cache_clear()


def _add_up_nights(
    noons: Sequence[int], metered: Iterable[Metered]
) -> dict[int, tuple[int, int, int]]:
    sums: dict[int, tuple[int, int, int]] = {}
    for each in metered:
        first_n = noons[bisect_right(noons, each.n) - 1]
        electricity, wear, net = sums.get(first_n, (0, 0, 0))
        sums[first_n] = (
            electricity + each.electricity_micros,
            wear + each.wear_micros,
            net + each.reward_micros + each.job_micros,
        )
    return sums


def list_noons(*, time_zone: str, days: int, now: datetime) -> list[int]:
    """
    Return the noons around the last `days` whole nights, as quarters since 1970.
    """
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone)
    last = local.date() if local.time() >= NOON else local.date() - timedelta(days=1)
    return [
        to_quarter(datetime.combine(last - timedelta(days=back), NOON, zone))
        for back in range(days, -1, -1)
    ]


def make_likely(*, facts: Facts, draft: RulesDraft) -> Likely:
    """
    Return usual work, less that of buyers whom the draft refuses.
    """
    outlook = facts.outlook
    energy_wh = sum(each.energy_wh for each in facts.metered.values())
    data_bytes = sum(each.data_bytes for each in facts.metered.values())
    return Likely(
        time_zone=outlook.time_zone,
        work=[
            UsualWork(
                kind.category_bit,
                [energy * share // 1000 for energy in kind.energy_mwh],
                [seconds * share // 1000 for seconds in kind.compute_s],
            )
            for kind in outlook.work
            for share in [find_buyers_share(kind.buyers, draft)]
        ],
        bytes_per_kwh=data_bytes * 1000 // energy_wh if energy_wh else 0,
    )


def _list_rewards(outlook: Outlook, *, last_n: int) -> Iterator[Reward]:
    for rate in outlook.rates:
        yield Reward(
            max(to_quarter(rate.starts_at), 0),
            last_n if rate.ends_at is None else to_quarter(rate.ends_at),
            rate.reward_micros_per_kwh * outlook.rated_power_w // 1000,
        )


def find_buyers_share(buyers: dict[int, int], draft: RulesDraft) -> int:
    """
    Return how much of the work comes from buyers whom a draft allows, in thousandths.
    """
    if draft.buyers_mode is BuyersMode.ALL:
        return 1000
    named = sum(share for buyer_id, share in buyers.items() if buyer_id in draft.buyer_ids)
    return named if draft.buyers_mode is BuyersMode.ONLY else sum(buyers.values()) - named


def to_ran(each: Metered) -> Ran:
    return Ran(
        each.n,
        each.energy_wh * 1000,
        each.duration_s,
        each.data_bytes,
        each.category_bit,
        each.organization_id,
        each.is_clean,
        *each[11:],
    )


def count_allowed(*, facts: Facts, draft: RulesDraft, night_starts: Iterable[int]) -> int:
    """
    Return the quarter-hours in which a draft's hours are open, of the nights that start then.
    """
    frozen = freeze(
        draft=draft,
        battery_wh=facts.battery_wh,
        charge_power_w=facts.charge_power_w,
        agreed_at=from_quarter(facts.first_n),
    )
    hours = Hours(draft.week_mask, ZoneInfo(draft.time_zone), frozen.closed, frozen.opened)
    until = dict(pairwise(facts.noons))
    if not frozen.closed and not frozen.opened:
        slots = list_slots(time_zone=draft.time_zone, first_n=facts.first_n, last_n=facts.last_n)
        is_open = [hours.mask >> slot & 1 for slot in range(QUARTERS_PER_WEEK)]
        return sum(
            is_open[slot]
            for n in night_starts
            for slot in slots[n - facts.first_n : until[n] - facts.first_n]
        )
    seconds = sum(
        (closes - opens).total_seconds()
        for n in night_starts
        for opens, closes in hours.open_spans(
            starts_at=from_quarter(n), ends_at=from_quarter(until[n])
        )
    )
    return int(seconds // QUARTER_S)
