"""
The SQL that settles usage and the function that decides live give the same refusals.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.rules import (
    Rules,
    State,
    Use,
    Workload,
    WorkloadCategory,
    bits_from_mask,
    decide,
    mask_from_reasons,
)
from consent.rules.drafts import list_zones
from consent.rules.week import FULL_WEEK, QUARTER, Window, mask_from_windows


ZONES = sorted(list_zones())
FIRST_QUARTER = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    """
    One metered interval with the use before it, as settlement has it.
    """

    starts_at: datetime
    ends_at: datetime
    energy_wh: int
    category: WorkloadCategory | None
    state_of_charge_min_permille: int | None
    plugged_in: bool | None
    is_home: bool | None
    battery_temp_min_decic: int | None
    battery_temp_max_decic: int | None
    use: Use


def maybe(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | strategy


windows = st.builds(
    Window,
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
)
masks = st.integers(0, FULL_WEEK) | st.lists(windows, max_size=5).map(
    lambda some: mask_from_windows(tuple(some))
)
# Few values near each other, so that limits are met exactly, missed by one and absent.
caps = maybe(st.integers(0, 4))
rules = st.builds(
    Rules,
    number=st.just(1),
    is_withdrawn=st.sampled_from([False, False, False, True]),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    week_mask=masks,
    battery_stop_pct=st.integers(20, 95),
    battery_resume_pct=st.just(100),
    plugged_in_only=st.booleans(),
    home_only=st.booleans(),
    temp_high_c=maybe(st.integers(20, 22)),
    temp_low_c=maybe(st.integers(-2, 2)),
    energy_wh_per_day_max=caps,
    energy_wh_per_month_max=caps,
    compute_s_per_day_max=caps,
    compute_s_per_month_max=caps,
    power_limit_w=maybe(st.integers(1, 20_000)),
    categories_mask=st.integers(1, 63),
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """
    Draw an interval inside one quarter-hour of UTC, over two years.
    """
    quarter = FIRST_QUARTER + draw(st.integers(0, 2 * 365 * 96)) * QUARTER
    first, last = sorted(draw(st.lists(st.integers(0, 900), min_size=2, max_size=2, unique=True)))
    uses = st.integers(0, 5)
    return Record(
        starts_at=quarter + timedelta(seconds=first),
        ends_at=quarter + timedelta(seconds=last),
        energy_wh=draw(st.integers(0, 5_000)),
        category=draw(st.none() | st.sampled_from(WorkloadCategory)),
        state_of_charge_min_permille=draw(maybe(st.integers(195, 955))),
        plugged_in=draw(st.none() | st.booleans()),
        is_home=draw(st.none() | st.booleans()),
        battery_temp_min_decic=draw(maybe(st.integers(-25, 25))),
        battery_temp_max_decic=draw(maybe(st.integers(195, 225))),
        use=Use(draw(uses), draw(uses), draw(uses), draw(uses)),
    )


def decide_mask(rules: Rules, record: Record) -> int:
    state = State(
        observed_at=record.starts_at,
        state_of_charge_permille=record.state_of_charge_min_permille,
        plugged_in=record.plugged_in,
        is_home=record.is_home,
        is_moving=False,
        battery_temp_min_decic=record.battery_temp_min_decic,
        battery_temp_max_decic=record.battery_temp_max_decic,
    )
    metered = Workload(
        category=record.category,
        metered_energy_wh=record.energy_wh,
        metered_duration_s=(record.ends_at - record.starts_at).total_seconds(),
    )
    decision = decide(
        rules=rules, state=state, use=record.use, workload=metered, now=record.starts_at
    )
    return mask_from_reasons(decision.codes)


TYPES = re.findall(
    r"[^,\s]+",
    """
    boolean, text, bit(672), integer, boolean, boolean, integer, integer, bigint, bigint, bigint,
    bigint, integer, integer, timestamptz, timestamptz, bigint, integer, integer, boolean,
    boolean, integer, integer, bigint, bigint, bigint, bigint
    """,
)
CALL = f"SELECT consent_refusals({', '.join(f'%s::{name}' for name in TYPES)})"


def ask_sql(rules: Rules, record: Record) -> int:
    terms: list[Any] = [
        rules.is_withdrawn,
        rules.zone.key,
        bits_from_mask(rules.week_mask),
        rules.battery_stop_pct,
        rules.plugged_in_only,
        rules.home_only,
        rules.temp_high_c,
        rules.temp_low_c,
        rules.energy_wh_per_day_max,
        rules.energy_wh_per_month_max,
        rules.compute_s_per_day_max,
        rules.compute_s_per_month_max,
        rules.power_limit_w,
        rules.categories_mask,
    ]
    facts: list[Any] = [
        record.starts_at,
        record.ends_at,
        record.energy_wh,
        None if record.category is None else record.category.bit,
        record.state_of_charge_min_permille,
        record.plugged_in,
        record.is_home,
        record.battery_temp_min_decic,
        record.battery_temp_max_decic,
        record.use.day_energy_wh,
        record.use.day_compute_s,
        record.use.month_energy_wh,
        record.use.month_compute_s,
    ]
    with connection.cursor() as cursor:
        cursor.execute(CALL, [*terms, *facts])
        [[mask]] = cursor.fetchall()
    assert isinstance(mask, int)
    return mask


@pytest.mark.django_db
class TestRefusals:
    @settings(
        max_examples=1_500,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(rules=rules, record=records())
    def test_sql_equals_decide(self, rules: Rules, record: Record) -> None:
        assert ask_sql(rules, record) == decide_mask(rules, record)

    def test_no_version_found_is_no_consent(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(CALL, [None] * len(TYPES))
            assert cursor.fetchall() == [(1,)]


@pytest.mark.django_db
def test_planner_inlines_the_function() -> None:
    record_columns = (
        "now() - interval '1 minute' AS starts_at, now() AS ends_at, 1::bigint AS energy_wh,"
        " 1 AS category_bit, 1 AS charge, true AS plugged_in, true AS is_home, 1 AS cold,"
        " 1 AS hot, 1::bigint AS day_wh, 1::bigint AS day_s, 1::bigint AS month_wh,"
        " 1::bigint AS month_s"
    )
    query = f"""
        EXPLAIN (VERBOSE, COSTS OFF)
        WITH record AS MATERIALIZED (SELECT {record_columns})
        SELECT consent_refusals(
            t.is_withdrawn, t.time_zone, t.week_mask, t.battery_stop_pct, t.plugged_in_only,
            t.home_only, t.temp_high_c, t.temp_low_c, t.energy_wh_per_day_max,
            t.energy_wh_per_month_max, t.compute_s_per_day_max, t.compute_s_per_month_max,
            t.power_limit_w, t.categories_mask, r.starts_at, r.ends_at, r.energy_wh,
            r.category_bit, r.charge, r.plugged_in, r.is_home, r.cold, r.hot, r.day_wh,
            r.day_s, r.month_wh, r.month_s)
        FROM record r LEFT JOIN consent_terms_v t
          ON t.starts_at <= r.starts_at AND t.ends_at >= r.ends_at
    """  # noqa: S608 - both parts are written above
    with connection.cursor() as cursor:
        cursor.execute(query)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "get_bit" in plan
    assert "consent_refusals" not in plan
