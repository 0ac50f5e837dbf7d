"""
What is known of a car's past whatever its rules, quarter-hour by quarter-hour.

A quarter n counts from 1970 (UTC). Energy is in mWh, charge in permille, temperatures are in
tenths of a degree.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from consent.rules.codes import ReasonCode
from consent.rules.latches import find_cold_resume_decic, find_heat_resume_decic
from consent.rules.terms import Rules
from consent.rules.week import QUARTER_S, QUARTERS_PER_DAY, QUARTERS_PER_WEEK


# Quarter 0 of the week is Monday 00:00; 1970 began on a Thursday.
THURSDAY: Final = 288


class Circumstances(NamedTuple):
    """
    What many quarters have in common. None: nobody said, or nothing ran.

    `is_clean`: settlement found the work within the rules of then. `is_latched`: the car waited
    for its charge or its warmth. `then_refusals` is what the rules of then make of the quarter,
    `then_categories` the kinds of work that they allowed; without any, both are what they begin
    with.
    """

    has_run: bool
    is_clean: bool
    is_latched: bool
    is_paused: bool
    is_moving: bool
    plugged_in: bool | None
    is_home: bool | None
    buyer_id: int | None
    category_bit: int
    micros_per_h: int | None
    version_id: int | None = None
    then_refusals: int = ReasonCode.NO_CONSENT.bit
    then_categories: int = 0

    @property
    def ran_within(self) -> bool:
        return self.has_run and self.is_clean


class Warmth(NamedTuple):
    """
    The temperature beyond which a battery must not work, and that at which it may again.
    """

    limit_decic: int
    resume_decic: int


class Levels(NamedTuple):
    """
    Between which levels rules latch, and for how many seconds at least. Warmth None: no limit.
    """

    stop_pct: int
    resume_pct: int
    high: Warmth | None
    low: Warmth | None
    hold_s: int

    @classmethod
    def of(cls, rules: Rules) -> Self:
        high_c, low_c = rules.temp_high_c, rules.temp_low_c
        return cls(
            rules.battery_stop_pct,
            rules.battery_resume_pct,
            None if high_c is None else Warmth(high_c * 10, find_heat_resume_decic(rules)),
            None if low_c is None else Warmth(low_c * 10, find_cold_resume_decic(rules)),
            rules.temp_hold_s,
        )


class UsedDay(NamedTuple):
    """
    What was used on a local day: Wh, seconds, weighted Wh, bytes.
    """

    on_date: date
    energy_wh: int
    compute_s: int
    wear_wh: int
    data_bytes: int


# The columns of a history.
COLUMNS: Final = (
    *("n", "charge", "coldest", "hottest", "energy_mwh", "compute_s", "data_bytes", "shared"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    What is known of the quarters [first_n, last_n) of a car: columns of equal length, by rising
    `n`; quarters in which nothing was heard of it are left out.

    `shared` are places in `circumstances`. Energy, seconds and bytes are what was metered, 0
    where nothing ran. `levels` are those of the versions of then by id; `used_days` are days
    of the month in which the period begins.
    """

    first_n: int
    last_n: int
    n: Sequence[int]
    charge: Sequence[int | None]
    coldest: Sequence[int | None]
    hottest: Sequence[int | None]
    energy_mwh: Sequence[int]
    compute_s: Sequence[int]
    data_bytes: Sequence[int]
    shared: Sequence[int]
    circumstances: Sequence[Circumstances]
    levels: dict[int, Levels]
    used_days: Sequence[UsedDay]

    def select(self, pick: Callable[[Sequence[Any]], Sequence[Any]]) -> Self:
        """
        Return the same of fewer quarters: `pick` takes theirs from a column.
        """
        picked: dict[str, Any] = {name: pick(getattr(self, name)) for name in COLUMNS}
        return replace(self, **picked)

    def list_local(self, zone: ZoneInfo) -> list[int]:
        """
        Return each quarter as the wall clock of a zone counts them from 1970.
        """
        local = list_local_quarters(zone=zone, first_n=self.first_n, last_n=self.last_n)
        return [local[n - self.first_n] for n in self.n]


class UsualWork(NamedTuple):
    """
    What one kind of work takes of an idle quarter-hour on average, by hour of the week (Monday
    00:00 is 0): mWh and seconds.
    """

    category_bit: int
    energy_mwh: Sequence[int]
    compute_s: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """
    What would have come where nothing ran: work by the hours of `time_zone`.
    """

    time_zone: str
    work: Sequence[UsualWork]
    bytes_per_kwh: int = 0


class PastQuarter(NamedTuple):
    """
    One quarter-hour under the draft; `mask` are bits of ReasonCode, 0: work may run.

    `energy_mwh` and `compute_s` are what it takes where it may: what was metered (`has_run`),
    else what usual work takes, of the kinds in `kinds` that the draft allows: all, or those
    that the rules of then kept away. `whole_mwh` is before the draft's power limits. `reading`
    is the charge in permille or the temperature in tenths of a degree that a refusal is about.
    """

    n: int
    mask: int
    energy_mwh: int
    whole_mwh: int
    compute_s: int
    kinds: int
    has_run: bool
    reading: int | None


def to_quarter(at: datetime) -> int:
    """
    Return the number of the quarter-hour that an instant lies in, from 1970 (UTC).
    """
    return int(at.timestamp()) // QUARTER_S


def from_quarter(n: int) -> datetime:
    return datetime.fromtimestamp(n * QUARTER_S, tz=UTC)


# While a draft is edited the same quarters of the same zone are asked for at every change.
@lru_cache(maxsize=16)
def list_local_quarters(*, zone: ZoneInfo, first_n: int, last_n: int) -> Sequence[int]:
    """
    Return each quarter of [first_n, last_n) as the wall clock of a zone counts them from 1970.
    """
    return tuple(
        n + offset
        for begin, end, offset in _list_offsets(zone, first_n, last_n)
        for n in range(begin, end)
    )


def list_slots(local: Iterable[int]) -> list[int]:
    """
    Return the quarters of the week of those that a wall clock counts from 1970.
    """
    return [(each + THURSDAY) % QUARTERS_PER_WEEK for each in local]


def _list_offsets(zone: ZoneInfo, first_n: int, last_n: int) -> Iterator[tuple[int, int, int]]:
    """
    Yield stretches [begin, end) with how many quarters the zone is ahead of UTC in them.
    """
    for begin in range(first_n, last_n, QUARTERS_PER_DAY):
        end = min(begin + QUARTERS_PER_DAY, last_n)
        offset = _find_offset(zone, begin)
        if offset == _find_offset(zone, end - 1):
            yield begin, end, offset
        else:
            # A day on which the clocks change.
            yield from ((n, n + 1, _find_offset(zone, n)) for n in range(begin, end))


def _find_offset(zone: ZoneInfo, n: int) -> int:
    ahead = from_quarter(n).astimezone(zone).utcoffset()
    assert ahead is not None, "a zone says how far it is off UTC"
    return int(ahead.total_seconds()) // QUARTER_S
