"""
The prices of an outlook, quarter-hour by quarter-hour.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from billing.queries.outlook import Electricity, Outlook, Rate
from consent.rules import history
from consent.rules.week import QUARTER_S


Span = TypeVar("Span", Rate, Electricity)


class Price(NamedTuple):
    """
    What a kWh costs its owner and brings, in micros. Electricity None: no price is known.
    """

    electricity: int | None
    wear: int
    reward: int


FREE = Price(None, 0, 0)


def list_prices(*, outlook: Outlook, first_n: int, last_n: int) -> list[Price]:
    """
    Return the price of each quarter-hour [first_n, last_n), counted from 1970 (UTC).
    """
    prices: list[Price] = []
    for begin, end in _cut(outlook, first_n, last_n):
        rate = _find(outlook.rates, begin)
        electricity = _find(outlook.electricity, begin)
        if rate is None:
            prices += [FREE] * (end - begin)
            continue
        wear, reward = rate.wear_micros_per_kwh, rate.reward_micros_per_kwh
        if electricity is None:
            prices += [Price(None, wear, reward)] * (end - begin)
            continue
        by_slot = {
            micros: Price(micros, wear, reward) for micros in set(electricity.micros_per_kwh)
        }
        # Of the whole period, not of the stretch: those are remembered.
        slots = list_slots(time_zone=electricity.time_zone, first_n=first_n, last_n=last_n)
        prices += [
            by_slot[electricity.micros_per_kwh[slot]]
            for slot in slots[begin - first_n : end - first_n]
        ]
    return prices


# An editor asks for the same quarters at every change of a draft, some hundred kilobytes each.
@lru_cache(maxsize=8)
def list_slots(*, time_zone: str, first_n: int, last_n: int) -> Sequence[int]:
    """
    Return the quarter of the local week [0, 672) of each quarter-hour [first_n, last_n).
    """
    local = history.list_local_quarters(zone=ZoneInfo(time_zone), first_n=first_n, last_n=last_n)
    return tuple(history.list_slots(local))


def _cut(outlook: Outlook, first_n: int, last_n: int) -> Iterator[tuple[int, int]]:
    """
    Yield the stretches in which no price list changes.
    """
    cuts = {first_n, last_n}
    changes = [
        *(at for rate in outlook.rates for at in (rate.starts_at, rate.ends_at)),
        *(at for price in outlook.electricity for at in (price.starts_at, price.ends_at)),
    ]
    # A price that begins within a quarter-hour counts from the next one on.
    cuts.update(-(-int(at.timestamp()) // QUARTER_S) for at in changes if at is not None)
    inside = sorted(n for n in cuts if first_n <= n <= last_n)
    yield from pairwise(inside)


def _find(spans: tuple[Span, ...], n: int) -> Span | None:
    at = history.from_quarter(n)
    for span in spans:
        if span.starts_at <= at and (span.ends_at is None or at < span.ends_at):
            return span
    return None
