"""
What budgets leave: a change can bring no more than the limits of a day and a month let through.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from math import inf
from zoneinfo import ZoneInfo

from consent.queries.past import from_quarter
from consent.rules import RulesDraft
from portal.past.nights import Lost, Replay


MWH_PER_WH = 1000
Used = dict[tuple[int, date], list[int]]
Spent = dict[str, set[date]]
# Of these budgets it is only known in which months they refused: there no other change brings
# anything, for what it gains uses the budget up earlier.
SHARED = ("wear", "data")


class Room:
    """
    What the budgets of a draft leave in each local day and month.
    """

    def __init__(self, *, draft: RulesDraft, used: Used, spent: Spent) -> None:
        """
        Begin with what is used: mWh and seconds by (0, date) and by (1, first of the month),
        and with the months in which the budgets of SHARED are spent.
        """
        self.draft, self.used, self.zone = draft, used, ZoneInfo(draft.time_zone)
        self.spent = spent
        self.limits = (
            (_limit(draft.energy_wh_per_day_max, MWH_PER_WH), _limit(draft.compute_s_per_day_max)),
            (
                _limit(draft.energy_wh_per_month_max, MWH_PER_WH),
                _limit(draft.compute_s_per_month_max),
            ),
        )
        self.has_limits = bool(spent) or any(min(pair) < inf for pair in self.limits)

    def add_up(
        self, gained: Iterable[Lost], *, draft: RulesDraft | None = None, raised: str = ""
    ) -> int:
        """
        Return what these quarters bring as far as the budgets, or a draft's, have room for them.

        `raised` is the budget of SHARED whose room the caller has measured.
        """
        if not self.has_limits:
            return round(sum(each.net_micros for each in gained))
        room = Room(
            draft=draft or self.draft,
            used={key: list(sums) for key, sums in self.used.items()},
            spent={part: months for part, months in self.spent.items() if part != raised},
        )
        return round(sum(each.net_micros for each in sorted(gained, key=_when) if room.take(each)))

    def take(self, each: Lost) -> bool:
        """
        Return whether a quarter still finds room, and count it if it does.
        """
        periods = list_periods(each.n, self.zone)
        if self.spent and any(periods[1][1] in months for months in self.spent.values()):
            return False
        found = [self.used.setdefault(key, [0, 0]) for key in periods]
        for used, (energy_mwh, compute_s) in zip(found, self.limits, strict=True):
            if used[0] >= energy_mwh or used[1] >= compute_s:
                return False
        for used in found:
            used[0] += each.energy_mwh
            used[1] += each.compute_s
        return True


def make_room(replayed: Replay) -> Room:
    zone = ZoneInfo(replayed.draft.time_zone)
    spent = {
        part: {list_periods(each.n, zone)[1][1] for each in replayed.lost[part]}
        for part in SHARED
        if part in replayed.lost
    }
    room = Room(draft=replayed.draft, used={}, spent=spent)
    if room.has_limits:
        for n, energy_mwh, compute_s in replayed.ran:
            for key in list_periods(n, room.zone):
                used = room.used.setdefault(key, [0, 0])
                used[0] += energy_mwh
                used[1] += compute_s
    return room


# The same quarters are counted for every draft of an editing owner: a year of them is kept.
@lru_cache(maxsize=35_136)
def list_periods(n: int, zone: ZoneInfo) -> tuple[tuple[int, date], tuple[int, date]]:
    """
    Return the local day and month of a quarter since 1970, told apart by 0 and 1.
    """
    on_date = from_quarter(n).astimezone(zone).date()
    return (0, on_date), (1, on_date.replace(day=1))


def _when(each: Lost) -> int:
    return each.n


def _limit(most: int | None, unit: int = 1) -> float:
    return inf if most is None else most * unit
