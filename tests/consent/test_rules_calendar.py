"""
Dates that differ from the week, as the spans of instants that they become.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import DateException, Hours, Window, mask_from_windows
from consent.rules.calendar import close_dates, list_holidays, open_dates
from consent.rules.drafts import list_zones
from consent.rules.week import QUARTER, start_of_day
from tests.consent.terms import EVERY_DAY, OSLO


NIGHT = Window(EVERY_DAY, 22 * 60, 7 * 60)
SATURDAY = date(2026, 11, 21)


def at(text: str, zone: ZoneInfo = OSLO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


class TestClosedDates:
    def test_last_from_midnight_to_the_end_of_their_own_night(self) -> None:
        spans = close_dates(dates=[SATURDAY], windows=(NIGHT,), zone=OSLO)

        assert spans == ((at("2026-11-21 00:00"), at("2026-11-22 07:00")),)

    def test_without_nights_they_last_from_midnight_to_midnight(self) -> None:
        noon = Window(EVERY_DAY, 10 * 60, 14 * 60)

        spans = close_dates(dates=[SATURDAY], windows=(noon,), zone=OSLO)

        assert spans == ((at("2026-11-21 00:00"), at("2026-11-22 00:00")),)

    def test_a_window_until_midnight_has_no_night(self) -> None:
        evening = Window(EVERY_DAY, 20 * 60, 24 * 60)

        spans = close_dates(dates=[SATURDAY], windows=(evening,), zone=OSLO)

        assert spans == ((at("2026-11-21 00:00"), at("2026-11-22 00:00")),)

    def test_leave_the_windows_of_the_next_day_alone(self) -> None:
        sunday = Window((6,), 3 * 60, 5 * 60)

        spans = close_dates(dates=[SATURDAY], windows=(NIGHT, sunday), zone=OSLO)

        assert spans == (
            (at("2026-11-21 00:00"), at("2026-11-22 03:00")),
            (at("2026-11-22 05:00"), at("2026-11-22 07:00")),
        )

    def test_the_longest_night_counts_and_those_of_other_days_do_not(self) -> None:
        windows = (NIGHT, Window((5,), 23 * 60, 9 * 60), Window((4,), 23 * 60, 11 * 60))

        spans = close_dates(dates=[SATURDAY], windows=windows, zone=OSLO)

        assert spans == ((at("2026-11-21 00:00"), at("2026-11-22 09:00")),)

    def test_dates_in_a_row_are_one_span(self) -> None:
        dates = [SATURDAY, SATURDAY + timedelta(days=1)]

        assert close_dates(dates=dates, windows=(NIGHT,), zone=OSLO) == (
            (at("2026-11-21 00:00"), at("2026-11-23 07:00")),
        )

    def test_a_day_of_23_hours_is_closed_for_23(self) -> None:
        [(begin, end)] = close_dates(dates=[date(2026, 3, 29)], windows=(), zone=OSLO)

        assert end - begin == timedelta(hours=23)

    def test_a_night_that_ends_in_the_repeated_hour_ends_with_its_second_pass(self) -> None:
        late = Window(EVERY_DAY, 22 * 60, 2 * 60 + 30)

        [(_, end)] = close_dates(dates=[date(2026, 10, 24)], windows=(late,), zone=OSLO)

        assert end == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    @settings(max_examples=150, deadline=None)
    @given(
        zone=st.sampled_from(sorted(list_zones())).map(ZoneInfo),
        day=st.integers(0, 700),
        starts=st.integers(0, 95),
        ends=st.integers(1, 96),
    )
    def test_nothing_is_open_on_a_closed_date_but_the_next_day_is(
        self, zone: ZoneInfo, day: int, starts: int, ends: int
    ) -> None:
        window = Window(EVERY_DAY, starts * 15, ends * 15)
        on_date = date(2026, 1, 1) + timedelta(days=day)
        closed = close_dates(dates=[on_date], windows=(window,), zone=zone)
        hours = Hours(mask_from_windows((window,)), zone, closed=closed)
        begin, end = (
            start_of_day(on_date=on_date + timedelta(days=days), zone=zone) for days in (0, 1)
        )

        instant = begin
        while instant < end:
            assert not hours.is_open(instant)
            instant += QUARTER
        opening = hours.find_opening(after=end)
        assert opening is not None
        assert opening.astimezone(zone).date() >= on_date + timedelta(days=1)


class TestOpenings:
    def test_last_as_long_as_they_say_over_midnight_too(self) -> None:
        exceptions = (
            DateException(SATURDAY, is_open=True, starts_minute=600, ends_minute=720),
            DateException(date(2026, 11, 23), is_open=True, starts_minute=1_320, ends_minute=60),
            DateException(date(2026, 11, 25), is_open=False),
        )

        assert open_dates(exceptions=exceptions, zone=OSLO) == (
            (at("2026-11-21 10:00"), at("2026-11-21 12:00")),
            (at("2026-11-23 22:00"), at("2026-11-24 01:00")),
        )

    def test_a_whole_date_lasts_to_its_midnight(self) -> None:
        whole = DateException(date(2026, 10, 25), is_open=True)

        [(begin, end)] = open_dates(exceptions=(whole,), zone=OSLO)

        assert end - begin == timedelta(hours=25)

    @pytest.mark.parametrize(
        ("starts", "ends", "opens", "closes"),
        [
            # 02:00 becomes 03:00 at 01:00 UTC: what begins or ends in between does so then.
            (150, 300, "01:00", "03:00"),
            (60, 150, "00:00", "01:00"),
        ],
    )
    def test_times_that_the_clocks_leave_out_are_when_they_do(
        self, starts: int, ends: int, opens: str, closes: str
    ) -> None:
        spring = DateException(
            date(2026, 3, 29), is_open=True, starts_minute=starts, ends_minute=ends
        )

        assert open_dates(exceptions=(spring,), zone=OSLO) == (
            (
                datetime.fromisoformat(f"2026-03-29T{opens}Z"),
                datetime.fromisoformat(f"2026-03-29T{closes}Z"),
            ),
        )

    def test_an_opening_inside_the_hour_left_out_is_none(self) -> None:
        inside = DateException(date(2026, 3, 29), is_open=True, starts_minute=135, ends_minute=165)

        assert open_dates(exceptions=(inside,), zone=OSLO) == ()


class TestHolidays:
    def test_are_those_of_the_country_both_ends_included(self) -> None:
        days = list_holidays(country="NO", first=date(2026, 5, 17), last=date(2026, 12, 25))

        assert days[0] == date(2026, 5, 17)
        assert days[-1] == date(2026, 12, 25)

    def test_are_those_of_a_part_where_one_is_named(self) -> None:
        year = {"first": date(2027, 1, 1), "last": date(2027, 12, 31)}
        epiphany = date(2027, 1, 6)

        assert epiphany in list_holidays(country="DE-BW", **year)
        assert epiphany not in list_holidays(country="DE", **year)

    def test_run_over_the_end_of_a_year(self) -> None:
        days = list_holidays(country="NO", first=date(2026, 12, 26), last=date(2027, 1, 1))

        assert days == (date(2026, 12, 26), date(2027, 1, 1))

    @pytest.mark.parametrize("country", ["XX", "DE-XX"])
    def test_of_an_unknown_country_are_an_error(self, country: str) -> None:
        with pytest.raises(KeyError):
            list_holidays(country=country, first=date(2026, 1, 1), last=date(2026, 12, 31))
