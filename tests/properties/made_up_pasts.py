"""
Made-up days of made-up cars: rules, samples, pauses, work done and work wanted.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from consent.queries.past import (
    Likely,
    Ran,
    Reward,
    UsualWork,
    from_quarter,
    to_quarter,
)
from consent.rules import (
    BuyersMode,
    DateException,
    ReadyBy,
    ReasonCode,
    RulesDraft,
    Use,
    Window,
    WorkloadCategory,
)
from consent.rules.week import start_of_day
from tests.factories import NIGHTLY_RULES


ZONES = [ZoneInfo(name) for name in ("Europe/Oslo", "Australia/Lord_Howe", "Pacific/Apia")]
# Ends of months, and both changes of the clocks in Oslo and on Lord Howe.
DATES = [date(2026, 3, 28), date(2026, 4, 4), date(2026, 9, 30), date(2026, 10, 24)]
DAYS = 3
HOURS_OPEN = ReasonCode.OUTSIDE_HOURS.bit | ReasonCode.CLOSED_DATE.bit
PLATES = count(1)


@dataclass(frozen=True)
class Case:
    """
    A draft, and what a car said and did from a local midnight on.
    """

    draft: RulesDraft
    first_n: int
    last_n: int
    samples: dict[datetime, dict[str, Any]]
    ran: tuple[Ran, ...]
    likely: Likely
    reward: Reward
    pause: tuple[int, int] | None
    early: Use


def maybe(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | strategy


def mostly(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.integers(0, 9).flatmap(lambda chance: strategy if chance else st.none())


def seldom(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.integers(0, 3).flatmap(lambda chance: st.none() if chance else strategy)


ALWAYS = (Window((0, 1, 2, 3, 4, 5, 6), 0, 1440),)
windows = st.just(ALWAYS) | st.lists(
    st.builds(
        Window,
        days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
        starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
        ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
    ),
    max_size=3,
).map(tuple)
yes_or_no = st.sampled_from([True, True, True, True, True, True, False, None])
temperatures = st.integers(180, 320) | st.integers(-10, 90)
facts = st.fixed_dictionaries(
    {
        "state_of_charge_permille": mostly(st.integers(480, 660)),
        "plugged_in": yes_or_no,
        "is_home": yes_or_no,
        "is_moving": st.sampled_from([False] * 8 + [True, None]),
        "battery_temp_decic": mostly(temperatures),
    }
)


@st.composite
def drafts(draw: st.DrawFn, first: date) -> RulesDraft:
    dates = st.integers(-1, DAYS).map(lambda days: first + timedelta(days=days))
    stop = draw(st.integers(49, 60))
    high = draw(maybe(st.integers(22, 30)))
    low = draw(maybe(st.integers(0, 6)))
    return replace(
        NIGHTLY_RULES,
        time_zone=draw(st.sampled_from(ZONES)).key,
        windows=draw(windows),
        battery_stop_pct=stop,
        battery_resume_pct=stop + draw(st.integers(0, 5)),
        plugged_in_only=draw(st.booleans()),
        home_only=draw(st.booleans()),
        temp_high_c=high,
        temp_high_resume_c=None if high is None else draw(maybe(st.integers(20, high))),
        temp_low_c=low,
        temp_low_resume_c=None if low is None else draw(maybe(st.integers(low, 8))),
        temp_hold_min=draw(st.sampled_from([0, 10, 15, 40])),
        energy_wh_per_day_max=draw(seldom(st.integers(100, 1_500))),
        energy_wh_per_month_max=draw(seldom(st.integers(100, 3_000))),
        compute_s_per_day_max=draw(seldom(st.integers(500, 9_000))),
        compute_s_per_month_max=draw(seldom(st.integers(500, 20_000))),
        wear_cycles_milli_per_month_max=draw(seldom(st.integers(1, 40))),
        wear_micros_per_month_max=draw(seldom(st.integers(1_000, 200_000))),
        mobile_data_mb_per_month_max=draw(seldom(st.integers(1, 4))),
        power_limit_w=draw(maybe(st.integers(300, 1_000))),
        quiet_windows=draw(windows),
        quiet_power_limit_w=draw(maybe(st.integers(200, 800))),
        reward_micros_per_h_min=draw(seldom(st.integers(99_999, 100_001))),
        buyers_mode=draw(st.sampled_from(BuyersMode)),
        buyer_ids=(1, 2),
        categories=draw(
            st.lists(st.sampled_from(WorkloadCategory), min_size=3, unique=True).map(tuple)
        ),
        exceptions=tuple(
            DateException(
                on_date=draw(dates),
                is_open=draw(st.booleans()),
                starts_minute=draw(st.integers(0, 95)) * 15,
                ends_minute=draw(st.integers(1, 96)) * 15,
            )
            for _ in range(draw(st.integers(0, 2)))
        ),
        ready_by=tuple(
            ReadyBy(days=(0, 2, 4, 5, 6), minute=draw(st.integers(0, 95)) * 15, level_pct=70)
            for _ in range(draw(st.integers(0, 1)))
        ),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    first = draw(st.sampled_from(DATES))
    draft = draw(drafts(first))
    zone = ZoneInfo(draft.time_zone)
    first_n = to_quarter(start_of_day(on_date=first, zone=zone))
    last_n = to_quarter(start_of_day(on_date=first + timedelta(days=DAYS), zone=zone))
    minutes = st.lists(st.integers(-300, (last_n - first_n) * 15 - 1), max_size=60, unique=True)
    quarters = st.lists(st.integers(first_n, last_n - 1), max_size=40, unique=True)
    return Case(
        draft=draft,
        first_n=first_n,
        last_n=last_n,
        samples={
            from_quarter(first_n) + timedelta(minutes=minute): draw(facts)
            for minute in draw(minutes)
        },
        ran=tuple(draw(ran(n)) for n in sorted(draw(quarters))),
        likely=Likely(
            time_zone=draw(st.sampled_from(ZONES)).key,
            work=[
                UsualWork(category.bit, [place * 311 + hour for hour in range(168)], [99] * 168)
                for place, category in enumerate(WorkloadCategory, start=100)
            ],
            bytes_per_kwh=20_000_000,
        ),
        reward=Reward(first_n, last_n - 96, 100_000),
        pause=draw(
            st.none()
            | st.none()
            | st.lists(st.integers(-20, 300), min_size=2, max_size=2, unique=True).map(
                lambda pair: (min(pair), max(pair))
            )
        ),
        early=Use(day_energy_wh=draw(st.integers(0, 400)), day_compute_s=400, month_wear_wh=90),
    )


@st.composite
def ran(draw: st.DrawFn, n: int) -> Ran:
    temp = draw(mostly(temperatures))
    return Ran(
        n=n,
        energy_mwh=draw(st.integers(1, 250)) * 1000,
        compute_s=draw(st.integers(60, 900)),
        data_bytes=draw(st.integers(0, 900_000)),
        category_bit=draw(st.sampled_from([each.bit for each in WorkloadCategory])),
        buyer_id=draw(st.integers(1, 3)),
        is_clean=False,
        charge_permille=draw(mostly(st.integers(480, 660))),
        plugged_in=draw(yes_or_no),
        is_home=draw(yes_or_no),
        coldest_decic=temp,
        hottest_decic=None if temp is None else temp + draw(st.integers(0, 20)),
    )
