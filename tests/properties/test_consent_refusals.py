"""
The SQL that settles usage and the function that decides live give the same refusals.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.models.fields import SpansField
from consent.rules import (
    BuyersMode,
    Rules,
    Spans,
    State,
    Use,
    Workload,
    WorkloadCategory,
    bits_from_mask,
    decide,
    mask_from_reasons,
)
from consent.rules.drafts import list_zones
from consent.rules.spans import merge
from consent.rules.wear import find_wear_wh
from consent.rules.week import FULL_WEEK, QUARTER, Window, mask_from_windows


ZONES = sorted(list_zones())
# Each run draws others; PARADO_PROPERTY_CASES=20000 is the long run.
CASES = int(os.environ.get("PARADO_PROPERTY_CASES", "250"))
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
    buyer_id: int | None
    reward_micros_per_h: int | None
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
floors = st.lists(st.integers(0, 1_000), min_size=1, max_size=7).map(
    lambda some: tuple(islice(cycle(some), 672))
)
# Few values near each other, so that limits are met exactly, missed by one and absent.
caps = maybe(st.integers(0, 4))


@st.composite
def spans(draw: st.DrawFn, near: datetime) -> Spans:
    """
    Draw a few spans that may hold the moment, begin with it or end with it.
    """
    seconds = st.integers(-5, 5).map(lambda number: number * 900) | st.integers(-2, 2)
    pairs: Iterable[list[int]] = draw(
        st.lists(st.lists(seconds, min_size=2, max_size=2, unique=True), max_size=3)
    )
    return merge(
        (near + timedelta(seconds=min(pair)), near + timedelta(seconds=max(pair))) for pair in pairs
    )


@st.composite
def rules(draw: st.DrawFn, record: Record) -> Rules:
    """
    Draw a version with every rule that a metered record can be judged by.
    """
    at = record.starts_at
    drawn_w = record.energy_wh * 3600 // (record.ends_at - record.starts_at).seconds
    watts = maybe(st.integers(1, 20_000) | st.integers(max(drawn_w - 3, 1), drawn_w + 3))
    return Rules(
        number=1,
        is_withdrawn=draw(st.sampled_from([False, False, False, False, False, True])),
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        week_mask=draw(masks),
        battery_stop_pct=draw(st.integers(20, 95)),
        battery_resume_pct=100,
        plugged_in_only=draw(st.booleans()),
        home_only=draw(st.booleans()),
        temp_high_c=draw(maybe(st.integers(20, 22))),
        temp_low_c=draw(maybe(st.integers(-2, 2))),
        energy_wh_per_day_max=draw(caps),
        energy_wh_per_month_max=draw(caps),
        compute_s_per_day_max=draw(caps),
        compute_s_per_month_max=draw(caps),
        power_limit_w=draw(watts),
        categories_mask=draw(st.integers(1, 63)),
        expires_at=draw(
            st.none()
            | st.sampled_from([-1, 0, 1, 10**6, 10**7, 2 * 10**7]).map(
                lambda seconds: at + timedelta(seconds=seconds)
            )
        ),
        closed=draw(spans(at)),
        opened=draw(spans(at)),
        ready_floors_permille=draw(st.none() | floors),
        temp_high_resume_c=draw(maybe(st.integers(18, 20))),
        temp_low_resume_c=draw(maybe(st.integers(2, 4))),
        temp_hold_s=draw(st.sampled_from([0, 600])),
        wear_wh_per_month_max=draw(caps),
        wear_micros_per_month_max=draw(maybe(st.integers(0, 400))),
        wear_micros_per_kwh=draw(st.integers(0, 80_000)),
        compute_micros_per_h=draw(st.integers(0, 80_000)),
        reward_micros_per_h_min=draw(caps),
        buyers_mode=draw(st.sampled_from(BuyersMode)),
        buyer_ids=frozenset(draw(st.lists(st.integers(1, 3)))),
        mobile_data_bytes_per_month_max=draw(caps),
        quiet_mask=draw(masks),
        quiet_power_limit_w=draw(watts),
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
        buyer_id=draw(maybe(st.integers(1, 4))),
        reward_micros_per_h=draw(maybe(st.integers(0, 5))),
        use=Use(draw(uses), draw(uses), draw(uses), draw(uses), draw(uses), draw(uses)),
    )


cases = records().flatmap(lambda record: st.tuples(rules(record), st.just(record)))


def decide_mask(rules: Rules, record: Record) -> int:
    state = State(
        observed_at=record.starts_at,
        heard_at=record.starts_at,
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
        buyer_id=record.buyer_id,
        reward_micros_per_h=record.reward_micros_per_h,
    )
    decision = decide(
        rules=rules, state=state, use=record.use, workload=metered, now=record.starts_at
    )
    return mask_from_reasons(decision.codes)


FIRST_TYPES = (
    "boolean,text,bit(672),integer,boolean,boolean,integer,integer,bigint,bigint,bigint,bigint,"
    "integer,integer,timestamptz,"
    "timestamptz,timestamptz,bigint,integer,integer,boolean,boolean,integer,integer,"
    "bigint,bigint,bigint,bigint"
)
FURTHER_TYPES = (
    "text,tstzmultirange,tstzmultirange,bit(672),integer,smallint[],"
    "bigint,bigint,bigint,bigint,bigint,bigint,text,bigint[],"
    "timestamptz,timestamptz,bigint,integer,bigint,bigint,bigint,bigint,bigint"
)


def write_arguments(types: str) -> str:
    return ", ".join(f"%s::{name}" for name in types.split(","))


FIRST = f"consent_refusals({write_arguments(FIRST_TYPES)})"
# As settlement asks: the second function for versions with further rules.
BOTH = f"consent_further_refusals({FIRST}, {write_arguments(FURTHER_TYPES)})"


def ask(call: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {call}", values)
        [[answer]] = cursor.fetchall()
    assert isinstance(answer, int)
    return answer


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
        rules.expires_at,
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
    return ask(BOTH, [*terms, *facts, *list_further(rules, record)])


def list_further(rules: Rules, record: Record) -> list[Any]:
    spans_field = SpansField()
    floors = rules.ready_floors_permille
    return [
        rules.zone.key,
        spans_field.get_prep_value(rules.closed),
        spans_field.get_prep_value(rules.opened),
        bits_from_mask(rules.quiet_mask),
        rules.quiet_power_limit_w,
        None if floors is None else list(floors),
        rules.wear_wh_per_month_max,
        rules.wear_micros_per_month_max,
        rules.wear_micros_per_kwh,
        rules.compute_micros_per_h,
        rules.mobile_data_bytes_per_month_max,
        rules.reward_micros_per_h_min,
        rules.buyers_mode.value,
        sorted(rules.buyer_ids),
        record.starts_at,
        record.ends_at,
        record.energy_wh,
        record.state_of_charge_min_permille,
        record.use.month_wear_wh,
        record.use.month_compute_s,
        record.use.month_data_bytes,
        record.buyer_id,
        record.reward_micros_per_h,
    ]


@pytest.mark.django_db
class TestRefusals:
    @settings(
        max_examples=CASES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(case=cases)
    def test_sql_equals_decide(self, case: tuple[Rules, Record]) -> None:
        rules, record = case

        assert ask_sql(rules, record) == decide_mask(rules, record)

    def test_no_version_found_is_no_consent(self) -> None:
        assert ask(FIRST, [None] * FIRST.count("%s")) == 1
        assert ask(BOTH, [None] * BOTH.count("%s")) == 1


@pytest.mark.django_db
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(energy_wh=st.integers(0, 100_000), temp=maybe(st.integers(-30_000, 30_000)))
def test_sql_weighs_wear_alike(energy_wh: int, temp: int | None) -> None:
    wear_wh = ask("consent_wear_wh(%s, %s)", [energy_wh, temp])

    assert wear_wh == find_wear_wh(energy_wh=energy_wh, battery_temp_max_decic=temp)


@pytest.mark.django_db
def test_sql_weighs_every_tenth_of_a_degree_alike() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT temp, consent_wear_wh(100000, temp) FROM generate_series(-300, 900) temp"
        )
        found = dict(cursor.fetchall())

    assert found == {
        temp: find_wear_wh(energy_wh=100_000, battery_temp_max_decic=temp) for temp in found
    }


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
            t.power_limit_w, t.categories_mask, t.expires_at, r.starts_at, r.ends_at, r.energy_wh,
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


@pytest.mark.django_db
def test_planner_inlines_the_further_functions() -> None:
    query = """
        EXPLAIN (VERBOSE, COSTS OFF)
        WITH record AS MATERIALIZED (
            SELECT 0 AS refusals, now() - interval '1 minute' AS starts_at, now() AS ends_at,
                1::bigint AS energy_wh, 1 AS charge, 1::bigint AS wear, 1::bigint AS seconds,
                1::bigint AS data, 1::bigint AS buyer_id, 1::bigint AS reward, 1 AS hot,
                'Europe/Oslo' AS time_zone
        )
        SELECT consent_wear_wh(r.energy_wh, r.hot), consent_further_refusals(
            r.refusals, r.time_zone, t.closed, t.opened, t.quiet_mask, t.quiet_power_limit_w,
            t.ready_floors_permille, t.wear_wh_per_month_max, t.wear_micros_per_month_max,
            t.wear_micros_per_kwh, t.compute_micros_per_h, t.mobile_data_bytes_per_month_max,
            t.reward_micros_per_h_min, t.buyers_mode, t.buyer_ids, r.starts_at, r.ends_at,
            r.energy_wh, r.charge, r.wear, r.seconds, r.data, r.buyer_id, r.reward)
        FROM record r CROSS JOIN (SELECT * FROM consent_further_terms_v OFFSET 0) t
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "get_bit" in plan
    assert "consent_further_refusals" not in plan
    assert "consent_wear_wh" not in plan
