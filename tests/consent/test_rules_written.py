"""
Rules as JSON and back: nothing is lost, and nothing is there that JSON does not have.
"""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules import (
    BuyersMode,
    DateException,
    Gate,
    Grace,
    ReadyBy,
    RulesDraft,
    Window,
    WorkloadCategory,
)
from consent.rules.drafts import list_zones
from consent.rules.written import (
    LIST_FIELDS,
    RULE_FIELDS,
    read_minute,
    read_rules,
    read_windows,
    write_lists,
    write_minute,
    write_rules,
    write_windows,
)
from tests.consent.test_rules_faults import DRAFT


days = st.lists(st.integers(0, 6), min_size=1, unique=True).map(lambda some: tuple(sorted(some)))
minutes = st.integers(0, 96).map(lambda quarter: quarter * 15)
windows = st.lists(
    st.builds(Window, days=days, starts_minute=minutes, ends_minute=minutes), max_size=4
).map(tuple)
exceptions = st.one_of(
    st.builds(
        DateException,
        on_date=st.dates(date(2026, 1, 1), date(2030, 1, 1)),
        is_open=st.just(value=True),
        starts_minute=minutes,
        ends_minute=minutes,
    ),
    st.builds(
        DateException,
        on_date=st.dates(date(2026, 1, 1), date(2030, 1, 1)),
        is_open=st.just(value=False),
    ),
)
limits = st.none() | st.integers(0, 10**9)
drafts = st.builds(
    RulesDraft,
    time_zone=st.sampled_from(sorted(list_zones())),
    windows=windows,
    battery_stop_pct=st.integers(20, 95),
    battery_resume_pct=st.integers(20, 100),
    plugged_in_only=st.booleans(),
    home_only=st.booleans(),
    temp_high_c=limits,
    temp_low_c=limits,
    energy_wh_per_day_max=limits,
    energy_wh_per_month_max=limits,
    compute_s_per_day_max=limits,
    compute_s_per_month_max=limits,
    power_limit_w=limits,
    categories=st.lists(st.sampled_from(WorkloadCategory), unique=True).map(tuple),
    exceptions=st.lists(exceptions, max_size=4).map(tuple),
    holiday_country=st.none() | st.sampled_from(["NO", "DE-BW"]),
    ready_by=st.lists(
        st.builds(ReadyBy, days=days, minute=minutes, level_pct=st.integers(0, 100)), max_size=3
    ).map(tuple),
    temp_high_resume_c=limits,
    temp_low_resume_c=limits,
    temp_hold_min=st.integers(0, 240),
    wear_cycles_milli_per_month_max=limits,
    wear_distance_km_per_month_max=limits,
    wear_micros_per_month_max=limits,
    reward_micros_per_h_min=limits,
    buyers_mode=st.sampled_from(BuyersMode),
    buyer_ids=st.lists(st.integers(1, 10**6), max_size=4, unique=True).map(tuple),
    mobile_data_mb_per_month_max=limits,
    quiet_windows=windows,
    quiet_power_limit_w=limits,
    grace=st.lists(
        st.builds(Grace, gate=st.sampled_from(Gate), minutes=st.none() | st.integers(0, 240)),
        max_size=4,
    ).map(tuple),
    kept=st.dictionaries(
        st.sampled_from(["temp_high_c", "power_limit_w"]), st.integers(0, 100)
    ).map(lambda kept: tuple(sorted(kept.items()))),
)


class TestRoundTrip:
    @given(draft=drafts)
    def test_what_was_written_is_read_again(self, draft: RulesDraft) -> None:
        assert read_rules(json.loads(json.dumps(write_rules(draft)))) == draft

    @given(some=windows)
    def test_windows_too(self, some: tuple[Window, ...]) -> None:
        assert read_windows(write_windows(some)) == some

    def test_every_field_of_a_draft_is_written_once(self) -> None:
        written = write_rules(DRAFT)

        assert set(write_lists(DRAFT)) == set(LIST_FIELDS)
        assert set(written) == {*RULE_FIELDS, *LIST_FIELDS, "workload_categories"}
        assert {*RULE_FIELDS, *LIST_FIELDS, "categories"} == set(RulesDraft.__slots__)

    def test_a_closed_date_has_no_times(self) -> None:
        closed = DateException(date(2026, 12, 24), is_open=False)

        written = write_rules(replace(DRAFT, exceptions=(closed,)))

        assert written["exceptions"] == [{"date": "2026-12-24", "open": False}]


class TestMinutes:
    @given(minute=st.integers(0, 24 * 60))
    def test_are_read_as_written(self, minute: int) -> None:
        assert read_minute(write_minute(minute)) == minute

    @pytest.mark.parametrize("text", ["24:15", "-1:00", "12:60", "12:-5", "noon", ""])
    def test_of_no_clock_are_an_error(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".*"):
            read_minute(text)
