"""
Reading the published sessions and moving them to now.
"""

# ruff: noqa: DTZ001 - the published times are wall-clock times without a zone

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scheduler.__main__ import DATA, get_window
from simulator.scheduler.sessions import (
    QUARTER_S,
    RawSession,
    Unreadable,
    count_shift_weeks,
    list_quarters,
    localize,
    parse_decimal_kwh,
    parse_table,
    parse_wall_clock,
    select,
    shift,
)


OSLO = ZoneInfo("Europe/Oslo")
HEADER = "session_ID;Garage_ID;User_ID;Start_plugin;End_plugout;El_kWh"
FAR_PAST, FAR_FUTURE = 0, 2**40


def make_raw(
    starts: str, ends: str, *, resident: str = "AdO3-4", session_id: str = "1"
) -> RawSession:
    return RawSession(
        session_id=session_id,
        resident=resident,
        plugged_in_at=parse_wall_clock(starts, reason="no_plug_in"),
        plugged_out_at=parse_wall_clock(ends, reason="no_plug_out"),
        energy_wh=5_000,
    )


def to_local(at_s: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_s, tz=OSLO)


class TestParseTable:
    def test_reads_decimal_commas_as_watt_hours(self) -> None:
        assert parse_decimal_kwh("29,87") == 29_870
        assert parse_decimal_kwh("0,136666667") == 137

    def test_reads_na_as_not_known(self) -> None:
        assert parse_decimal_kwh("NA") is None

    def test_refuses_text_that_is_no_number(self) -> None:
        with pytest.raises(Unreadable, match="unreadable_energy"):
            parse_decimal_kwh("a lot")

    def test_counts_every_row_that_it_leaves_out(self) -> None:
        rows = [
            HEADER,
            "1;AdO3;AdO3-4;21.12.2018 10:20;21.12.2018 10:23;0,3",
            "2;AdO3;AdO3-4;21.12.2018 10:24;NA;0,87",
            "3;AdO3;NA;21.12.2018 11:33;21.12.2018 19:46;29,87",
            "4;AdO3;AdO3-2;22/12/2018 16:15;23.12.2018 16:40;15,56",
            "5;AdO3;AdO3-2;NA;23.12.2018 16:40;15,56",
            "6;AdO3;AdO3-2;22.12.2018 16:15;23.12.2018 16:40;lots",
        ]

        found, left_out = parse_table(rows)

        assert [raw.session_id for raw in found] == ["1"]
        assert left_out == {
            "no_plug_out": 1,
            "no_resident": 1,
            "unreadable_time": 1,
            "no_plug_in": 1,
            "unreadable_energy": 1,
        }

    def test_reads_all_of_the_published_table(self) -> None:
        with (DATA / "trondheim_ev_sessions.csv").open(encoding="utf-8-sig", newline="") as lines:
            found, left_out = parse_table(lines)

        assert len(found) + left_out.total() == 6_878
        assert left_out == {"no_plug_out": 34}
        # Of one of the 97 residents no plug-out was ever noted.
        assert len({raw.resident for raw in found}) == 96


class TestLocalize:
    def test_tells_summer_from_winter(self) -> None:
        assert to_local(localize(dt.datetime(2026, 7, 1, 12))).utcoffset() == dt.timedelta(hours=2)
        assert to_local(localize(dt.datetime(2026, 12, 1, 12))).utcoffset() == dt.timedelta(hours=1)

    def test_takes_the_first_of_the_hour_that_autumn_has_twice(self) -> None:
        twice = dt.datetime(2026, 10, 25, 2, 30)

        assert localize(twice, is_second=True) - localize(twice) == 3_600
        assert to_local(localize(twice)).utcoffset() == dt.timedelta(hours=2)

    def test_reads_the_hour_that_spring_leaves_out_with_the_offset_before_it(self) -> None:
        missing = dt.datetime(2026, 3, 29, 2, 30)

        assert to_local(localize(missing)).replace(tzinfo=None) == dt.datetime(2026, 3, 29, 3, 30)


class TestShift:
    @given(
        st.datetimes(dt.datetime(2018, 12, 1), dt.datetime(2020, 1, 31)),
        st.integers(0, 600),
    )
    def test_keeps_weekday_and_wall_clock(self, starts: dt.datetime, weeks: int) -> None:
        starts = starts.replace(second=0, microsecond=0)
        raw = RawSession(
            session_id="1",
            resident="AdO3-4",
            plugged_in_at=starts,
            plugged_out_at=starts + dt.timedelta(hours=9),
            energy_wh=None,
        )

        starts_at_s, _ = shift(raw, weeks=weeks)
        moved = to_local(starts_at_s)

        assert moved.weekday() == starts.weekday()
        # A clock time inside the hour that spring skips cannot exist; it is read an hour on.
        is_skipped = moved.time() != starts.time()
        assert not is_skipped or (moved.hour, starts.hour) == (3, 2)

    def test_makes_a_night_an_hour_longer_in_autumn(self) -> None:
        raw = make_raw("22.12.2018 22:00", "23.12.2018 06:00")
        weeks = (dt.date(2026, 10, 24) - dt.date(2018, 12, 22)).days // 7

        starts_at_s, ends_at_s = shift(raw, weeks=weeks)

        assert to_local(starts_at_s).date() == dt.date(2026, 10, 24)
        assert ends_at_s - starts_at_s == 9 * 3_600

    def test_takes_the_second_hour_when_the_first_would_end_before_it_began(self) -> None:
        raw = RawSession(
            session_id="1",
            resident="AdO3-4",
            plugged_in_at=dt.datetime(2026, 10, 25, 2, 50),
            plugged_out_at=dt.datetime(2026, 10, 25, 2, 10),
            energy_wh=None,
        )

        starts_at_s, ends_at_s = shift(raw, weeks=0)

        assert ends_at_s - starts_at_s == 20 * 60

    @pytest.mark.parametrize("days_later", [0, 1, 6, 7, 8, 400])
    def test_brings_the_last_plug_out_to_now_or_just_after(self, days_later: int) -> None:
        last = dt.datetime(2020, 1, 31, 23, 53)
        now = last.replace(tzinfo=OSLO) + dt.timedelta(days=days_later)

        moved = last + count_shift_weeks(last=last, now=now) * dt.timedelta(weeks=1)

        assert dt.timedelta() <= moved - now.replace(tzinfo=None) < dt.timedelta(weeks=1)


class TestSelect:
    def test_accounts_for_every_row(self) -> None:
        raws = [
            make_raw("01.06.2019 08:00", "01.06.2019 10:00", session_id="kept"),
            make_raw("01.06.2019 09:00", "01.06.2019 11:00", session_id="overlaps"),
            make_raw("01.06.2019 12:00", "01.06.2019 12:00", session_id="short"),
            make_raw("01.06.2019 14:00", "01.06.2019 13:00", session_id="backwards"),
            make_raw("01.06.2019 08:00", "01.06.2019 10:00", resident="Bl2-4"),
            make_raw("01.05.2019 08:00", "01.05.2019 10:00", session_id="old"),
            make_raw("01.07.2019 08:00", "01.07.2019 10:00", session_id="future"),
            make_raw("02.06.2019 23:00", "03.06.2019 09:00", session_id="clipped"),
        ]
        window = (localize(dt.datetime(2019, 6, 1)), localize(dt.datetime(2019, 6, 3)))

        reading = select(
            raws,
            left_out=Counter({"no_plug_out": 2}),
            residents=frozenset({"AdO3-4"}),
            window=window,
            weeks=0,
        )

        assert [session.session_id for session in reading.sessions] == ["kept", "clipped"]
        assert reading.clipped == 1
        assert reading.left_out == {
            "no_plug_out": 2,
            "overlaps_same_resident": 1,
            "under_a_minute": 1,
            "plug_out_before_plug_in": 1,
            "resident_without_vehicle": 1,
            "older_than_window": 1,
            "not_yet_begun": 1,
        }
        assert reading.read == len(raws) + 2 == len(reading.sessions) + reading.left_out.total()

    def test_a_minute_is_enough_and_less_is_not(self) -> None:
        raws = [make_raw("01.06.2019 08:00", "01.06.2019 08:01")]

        reading = select(
            raws,
            left_out=Counter(),
            residents=frozenset({"AdO3-4"}),
            window=(FAR_PAST, FAR_FUTURE),
            weeks=0,
        )

        assert len(reading.sessions) == 1


class TestListQuarters:
    @given(st.integers(0, 2_000_000_000), st.integers(1, 200_000))
    def test_tiles_a_session_exactly(self, starts_at_s: int, length_s: int) -> None:
        pieces = list(list_quarters(starts_at_s, starts_at_s + length_s))

        assert pieces[0][0] == starts_at_s
        assert pieces[-1][1] == starts_at_s + length_s
        assert all(left[1] == right[0] for left, right in pairwise(pieces))
        assert sum(until - at for at, until in pieces) == length_s
        assert all(at // QUARTER_S == (until - 1) // QUARTER_S for at, until in pieces)

    def test_has_nothing_for_an_empty_span(self) -> None:
        assert list(list_quarters(900, 900)) == []


class TestGetWindow:
    def test_begins_on_a_monday_in_oslo_and_ends_on_a_quarter_hour(self) -> None:
        now = dt.datetime(2026, 11, 22, 19, 21, tzinfo=dt.UTC)

        starts_at_s, ends_at_s = get_window(now_s=int(now.timestamp()), weeks=8)

        # Across the change of 25 October: midnight stays midnight.
        assert to_local(starts_at_s) == dt.datetime(2026, 9, 21, tzinfo=OSLO)
        assert to_local(ends_at_s) == dt.datetime(2026, 11, 22, 20, 15, tzinfo=OSLO)
