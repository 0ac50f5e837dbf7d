"""
What a booking is allowed to be and what it costs. Plain values in, plain values out.

Units: watts, whole watt-hours, whole micros of the currency; instants are aware
datetimes; a booking covers whole hours of UTC, [starts_at, ends_at).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


HOUR = timedelta(hours=1)

# Longer contracts would outlive the forecast they are sold against.
BOOKING_HOURS_MAX = 14 * 24
CAPACITY_HORIZON_HOURS = 14 * 24
YEAR_MIN, YEAR_MAX = 2000, 2200
BOOKING_POWER_W_MIN = 100
BOOKING_POWER_W_MAX = 100_000_000
JOBS_MAX = 10_000_000

# The share of forecast power that is sold. Owners drive away, batteries reach their
# floor, cars overheat: what remains is the margin that keeps a sold hour delivered.
SELLABLE_SHARE_PERMILLE = 700

# What a buyer who names no number of jobs is held for: one job a minute per kilowatt.
JOBS_PER_KWH_DEFAULT = 60

# Usage may be reported late. A hold that went back too early would turn delivered
# work into work that nobody pays for.
RELEASE_GRACE = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Price:
    """
    What a buyer pays, in micros of the currency.
    """

    currency: str
    micros_per_kwh: int
    micros_per_job: int


class WindowNotWholeHours(ValueError):
    """
    The window is empty, or does not start and end on the hour.
    """


class WindowOutOfReach(ValueError):
    """
    An end lies in a year that no calendar here needs; arithmetic on it could overflow.
    """


class WindowTooLong(ValueError):
    """
    The window is longer than BOOKING_HOURS_MAX.
    """


BAD_WINDOWS = (WindowNotWholeHours, WindowTooLong, WindowOutOfReach)


def is_on_the_hour(instant: datetime) -> bool:
    return instant.astimezone(UTC).timestamp() % HOUR.total_seconds() == 0


def floor_to_hour(instant: datetime) -> datetime:
    """
    Return the start of the UTC hour that holds the instant.
    """
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def ceil_to_hour(instant: datetime) -> datetime:
    start = floor_to_hour(instant)
    return start if start == instant else start + HOUR


def check_window(*, starts_at: datetime, ends_at: datetime) -> None:
    """
    Check that a window can be a booking's.

    :raises WindowOutOfReach: an end is not in [YEAR_MIN, YEAR_MAX].
    :raises WindowNotWholeHours: it is empty, or an end is not on the hour.
    :raises WindowTooLong: more than BOOKING_HOURS_MAX hours.
    """
    check_reach(starts_at, ends_at)
    if ends_at <= starts_at or not (is_on_the_hour(starts_at) and is_on_the_hour(ends_at)):
        raise WindowNotWholeHours
    if ends_at - starts_at > BOOKING_HOURS_MAX * HOUR:
        raise WindowTooLong


def check_reach(*instants: datetime) -> None:
    """
    Check that hours can be added to instants and taken away.

    :raises WindowOutOfReach: one is not in [YEAR_MIN, YEAR_MAX].
    """
    if not all(YEAR_MIN <= instant.year <= YEAR_MAX for instant in instants):
        raise WindowOutOfReach


def count_hours(*, starts_at: datetime, ends_at: datetime) -> int:
    return (ends_at - starts_at) // HOUR


def hours_of(*, starts_at: datetime, ends_at: datetime) -> Iterator[datetime]:
    """
    Yield the start of every hour of the window, in order.
    """
    for index in range(count_hours(starts_at=starts_at, ends_at=ends_at)):
        yield starts_at + index * HOUR


def energy_of(*, power_w: int, starts_at: datetime, ends_at: datetime) -> int:
    """
    Return the energy of the window at constant power, in Wh. Exact: the hours are whole.
    """
    return power_w * count_hours(starts_at=starts_at, ends_at=ends_at)


def default_jobs_max(*, energy_wh: int) -> int:
    return min(math.ceil(energy_wh * JOBS_PER_KWH_DEFAULT / 1000), JOBS_MAX)


def energy_price(*, price: Price, energy_wh: int) -> int:
    """
    Return the price of the energy in micros. Exact: a rate card's price per kWh is a
    whole number of micros per Wh, so that no sum of parts can exceed the whole.
    """
    micros, rest = divmod(price.micros_per_kwh * energy_wh, 1000)
    assert rest == 0, "a price per kWh is a whole number of micros per Wh"
    return micros


def hold_of(*, price: Price, energy_wh: int, jobs_max: int) -> int:
    """
    Return what is held for a booking in micros: the most that it can ever cost.
    """
    return energy_price(price=price, energy_wh=energy_wh) + price.micros_per_job * jobs_max
