"""
The budgets of a draft over a car's past: what runs counts against what comes after it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from consent.rules.codes import ReasonCode
from consent.rules.history import History, from_quarter
from consent.rules.leases import counts_use
from consent.rules.terms import Rules
from consent.rules.wear import find_wear_micros, find_weight_permille
from consent.rules.week import QUARTERS_PER_DAY


EPOCH: Final = date(1970, 1, 1)
# Places of the sums of a day or a month: mWh, seconds, weighted mWh, bytes.
ENERGY, COMPUTE, WEAR, DATA = range(4)
# Place and limit of a sum, and the bit of the reason that its end is.
_Limit = tuple[int, int, int]


class Terms(NamedTuple):
    """
    A version that was in force at the places [first, last) of a history.
    """

    rules: Rules
    first: int
    last: int


class Taken(NamedTuple):
    """
    What each quarter takes if it runs, a column each: mWh with and without the draft's power
    limits, seconds and bytes.
    """

    energy_mwh: Sequence[int]
    whole_mwh: Sequence[int]
    compute_s: Sequence[int]
    data_bytes: Sequence[int]


def refuse_spent(
    *,
    rules: Rules,
    history: History,
    masks: list[int],
    local: Iterable[int],
    taken: Taken,
) -> list[int]:
    """
    Return the masks of a history's quarters with the bits of the budgets that were spent
    before each. `local` are the quarters by the draft's clock.
    """
    if not counts_use(rules):
        return masks
    periods, weights = _Periods(rules, history), _list_weights(history)
    found = []
    for mask, quarter, hottest, energy_mwh, compute_s, data_bytes in zip(
        masks,
        local,
        history.hottest,
        taken.energy_mwh,
        taken.compute_s,
        taken.data_bytes,
        strict=True,
    ):
        day, month = periods.find(quarter // QUARTERS_PER_DAY)
        spent = day.spent | month.spent
        found.append(mask | spent)
        if not mask and not spent and (energy_mwh or compute_s or data_bytes):
            wear_mwh = (energy_mwh * weights[hottest] + 500) // 1000
            day.add(energy_mwh, compute_s, wear_mwh, data_bytes)
            month.add(energy_mwh, compute_s, wear_mwh, data_bytes)
    return found


def list_spent_then(*, terms: Sequence[Terms], history: History) -> list[int]:
    """
    Return the bits of the budgets of then that were spent before each quarter by what was
    metered, on the calendars of then.
    """
    found = [0] * len(history.n)
    if not any(counts_use(each.rules) for each in terms):
        return found
    periods = _Periods(terms[0].rules, history)
    weights = _list_weights(history)
    for rules, first, last in terms:
        periods.set_rules(rules)
        local = history.list_local(rules.zone)
        for place in range(first, last):
            day, month = periods.find(local[place] // QUARTERS_PER_DAY)
            found[place] = day.spent | month.spent
            if energy_mwh := history.energy_mwh[place]:
                seconds, data_bytes = history.compute_s[place], history.data_bytes[place]
                wear_mwh = (energy_mwh * weights[history.hottest[place]] + 500) // 1000
                day.add(energy_mwh, seconds, wear_mwh, data_bytes)
                month.add(energy_mwh, seconds, wear_mwh, data_bytes)
    return found


def _list_weights(history: History) -> dict[int | None, int]:
    return {
        decic: find_weight_permille(battery_temp_max_decic=decic) for decic in set(history.hottest)
    }


class _Period:
    """
    A local day or month: what was used in it, and the bits of the budgets that are spent.
    """

    def __init__(self, limits: Sequence[_Limit], rules: Rules | None = None) -> None:
        """
        Begin with nothing used. `rules` limit wear in money, too.
        """
        self.limits, self.rules, self.sums, self.spent = limits, rules, [0, 0, 0, 0], 0
        self.add(0, 0, 0, 0)

    def add(self, energy_mwh: int, compute_s: int, wear_mwh: int, data_bytes: int) -> None:
        sums = self.sums
        sums[ENERGY] += energy_mwh
        sums[COMPUTE] += compute_s
        sums[WEAR] += wear_mwh
        sums[DATA] += data_bytes
        self.judge(self.limits, self.rules)

    def judge(self, limits: Sequence[_Limit], rules: Rules | None) -> None:
        """
        Find anew what is spent, under these limits.
        """
        self.limits, self.rules, self.spent = limits, rules, 0
        for place, limit, bit in limits:
            if self.sums[place] >= limit:
                self.spent |= bit
        if rules is not None and self._costs_too_much(rules):
            self.spent |= ReasonCode.MONTH_WEAR_SPENT.bit

    def _costs_too_much(self, rules: Rules) -> bool:
        spent = find_wear_micros(
            wear_wh=self.sums[WEAR] // 1000,
            compute_s=self.sums[COMPUTE],
            wear_micros_per_kwh=rules.wear_micros_per_kwh,
            compute_micros_per_h=rules.compute_micros_per_h,
        )
        most = rules.wear_micros_per_month_max
        return most is not None and spent >= most


class _Periods:
    """
    The days and months of a clock, under the limits of one version after the other.
    """

    def __init__(self, rules: Rules, history: History) -> None:
        self.by_day: dict[int, tuple[_Period, _Period]] = {}
        self.by_month: dict[date, _Period] = {}
        self.set_rules(rules)
        first = from_quarter(history.first_n).astimezone(rules.zone).date()
        for used in history.used_days:
            if first.replace(day=1) <= used.on_date < first:
                self._find_month(first).add(
                    used.energy_wh * 1000, used.compute_s, used.wear_wh * 1000, used.data_bytes
                )

    def set_rules(self, rules: Rules) -> None:
        self.limits_of_day = _list_day_limits(rules)
        self.limits_of_month = _list_month_limits(rules)
        self.rules = rules if rules.wear_micros_per_month_max is not None else None
        for day, _ in self.by_day.values():
            day.judge(self.limits_of_day, None)
        for month in self.by_month.values():
            month.judge(self.limits_of_month, self.rules)

    def find(self, day: int) -> tuple[_Period, _Period]:
        """
        Return a day, counted from 1970, and its month.
        """
        found = self.by_day.get(day)
        if found is None:
            month = self._find_month(EPOCH + timedelta(days=day))
            found = self.by_day[day] = _Period(self.limits_of_day), month
        return found

    def _find_month(self, on_date: date) -> _Period:
        on_month = on_date.replace(day=1)
        if on_month not in self.by_month:
            self.by_month[on_month] = _Period(self.limits_of_month, self.rules)
        return self.by_month[on_month]


def _list_day_limits(rules: Rules) -> list[_Limit]:
    return [
        (place, limit * unit, code.bit)
        for place, limit, unit, code in (
            (ENERGY, rules.energy_wh_per_day_max, 1000, ReasonCode.DAY_ENERGY_SPENT),
            (COMPUTE, rules.compute_s_per_day_max, 1, ReasonCode.DAY_COMPUTE_SPENT),
        )
        if limit is not None
    ]


def _list_month_limits(rules: Rules) -> list[_Limit]:
    return [
        (place, limit * unit, code.bit)
        for place, limit, unit, code in (
            (ENERGY, rules.energy_wh_per_month_max, 1000, ReasonCode.MONTH_ENERGY_SPENT),
            (COMPUTE, rules.compute_s_per_month_max, 1, ReasonCode.MONTH_COMPUTE_SPENT),
            (WEAR, rules.wear_wh_per_month_max, 1000, ReasonCode.MONTH_WEAR_SPENT),
            (DATA, rules.mobile_data_bytes_per_month_max, 1, ReasonCode.MONTH_DATA_SPENT),
        )
        if limit is not None
    ]
