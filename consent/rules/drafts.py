"""
Rules as an owner proposes them. What is wrong with them is found by `consent.rules.faults`.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from zoneinfo import available_timezones

from consent.rules.codes import BuyersMode, Gate, WorkloadCategory, mask_from_categories
from consent.rules.week import MINUTES_PER_DAY, Window, mask_from_windows


@dataclass(frozen=True, slots=True)
class DateException:
    """
    A date that differs from the week: closed, or open from one minute to another.

    An end at or before the start is on the next day, as in a `Window`.
    """

    on_date: date
    is_open: bool
    starts_minute: int = 0
    ends_minute: int = MINUTES_PER_DAY


@dataclass(frozen=True, slots=True)
class ReadyBy:
    """
    The charge, in percent, that the car must have on these days (Monday 0) at this minute.
    """

    days: tuple[int, ...]
    minute: int
    level_pct: int


@dataclass(frozen=True, slots=True)
class Grace:
    """
    For how many minutes a running job may go on when a gate closes; None: until it is done.
    """

    gate: Gate
    minutes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarFacts:
    """
    What rules are judged against: what the computer draws, what the battery holds, how it fills
    and how far.
    """

    rated_power_w: int
    battery_wh: int
    charge_power_w: int
    charge_limit_pct: int = 100


@dataclass(frozen=True, slots=True)
class RulesDraft:
    """
    What an owner asks for; units as in `consent.rules.Rules`. None: no limit.

    `holiday_country` is a code of the library `holidays`, as "NO" or "DE-BW": its public
    holidays are closed dates. Wear is limited in thousandths of an equivalent full cycle,
    kilometres that would wear the battery alike, and money. `buyer_ids` are organisations.
    `kept` has the values of rules that are switched off, by field, for the day they return.
    """

    time_zone: str
    windows: tuple[Window, ...]
    battery_stop_pct: int
    battery_resume_pct: int
    plugged_in_only: bool
    home_only: bool
    temp_high_c: int | None
    temp_low_c: int | None
    energy_wh_per_day_max: int | None
    energy_wh_per_month_max: int | None
    compute_s_per_day_max: int | None
    compute_s_per_month_max: int | None
    power_limit_w: int | None
    categories: tuple[WorkloadCategory, ...]
    exceptions: tuple[DateException, ...] = ()
    holiday_country: str | None = None
    ready_by: tuple[ReadyBy, ...] = ()
    temp_high_resume_c: int | None = None
    temp_low_resume_c: int | None = None
    temp_hold_min: int = 0
    wear_cycles_milli_per_month_max: int | None = None
    wear_distance_km_per_month_max: int | None = None
    wear_micros_per_month_max: int | None = None
    reward_micros_per_h_min: int | None = None
    buyers_mode: BuyersMode = BuyersMode.ALL
    buyer_ids: tuple[int, ...] = ()
    mobile_data_mb_per_month_max: int | None = None
    quiet_windows: tuple[Window, ...] = ()
    quiet_power_limit_w: int | None = None
    grace: tuple[Grace, ...] = ()
    kept: tuple[tuple[str, int], ...] = ()

    @property
    def week_mask(self) -> int:
        return mask_from_windows(self.windows)

    @property
    def quiet_mask(self) -> int:
        return mask_from_windows(self.quiet_windows)

    @property
    def categories_mask(self) -> int:
        return mask_from_categories(self.categories)

    @property
    def heat_resume_c(self) -> int | None:
        """
        Return where work goes on after heat: at the limit, unless another level is given.
        """
        return self.temp_high_c if self.temp_high_resume_c is None else self.temp_high_resume_c

    @property
    def cold_resume_c(self) -> int | None:
        """
        Return where work goes on after cold: at the limit, unless another level is given.
        """
        return self.temp_low_c if self.temp_low_resume_c is None else self.temp_low_resume_c


@cache
def list_zones() -> frozenset[str]:
    """
    Return the zones that an owner may name: those that every machine knows by that name.

    A machine's own `localtime` is none: the database, which judges metered usage by the
    zone's name, would refuse every record of the car.
    """
    return frozenset(
        name for name in available_timezones() if name[0].isupper() and name != "Factory"
    )
