"""
Week, dates and breaks together: when it opens, when it closes, and whether it is open.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import Hours, Pause, Spans
from consent.rules.calendar import close_dates
from consent.rules.drafts import list_zones
from consent.rules.spans import FOREVER, find_next, find_span, merge, subtract
from consent.rules.week import (
    FULL_WEEK,
    NO_HOURS,
    QUARTER,
    Window,
    floor_to_quarter,
    mask_from_windows,
)
from tests.consent.terms import EVERY_DAY, NIGHT_RULES, NIGHTS, OSLO


HOUR = timedelta(hours=1)
# 18:00 in Oslo on Wednesday, 18 November 2026; the night lasts from 22:00 to 07:00.
EVENING = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
TEN = EVENING + 4 * HOUR
SEVEN = EVENING + 13 * HOUR


class TestHours:
    def test_a_closed_date_is_skipped_to_the_next_hours(self) -> None:
        hours = Hours(NIGHTS, OSLO, closed=((EVENING, SEVEN + HOUR),))

        assert hours.find_opening(after=EVENING) == TEN + timedelta(days=1)
        assert not hours.is_open(TEN)

    def test_a_closed_date_in_the_midst_closes(self) -> None:
        hours = Hours(NIGHTS, OSLO, closed=((TEN + HOUR, TEN + 2 * HOUR),))

        assert hours.find_closing(after=TEN) == TEN + HOUR
        assert hours.find_opening(after=TEN + HOUR) == TEN + 2 * HOUR

    def test_an_opening_out_of_turn_comes_before_the_week(self) -> None:
        hours = Hours(NIGHTS, OSLO, opened=((EVENING + HOUR, EVENING + 2 * HOUR),))

        assert hours.find_opening(after=EVENING) == EVENING + HOUR
        assert hours.find_closing(after=EVENING + HOUR) == EVENING + 2 * HOUR

    def test_an_opening_that_meets_the_week_closes_with_it(self) -> None:
        hours = Hours(NIGHTS, OSLO, opened=((EVENING, TEN),))

        assert hours.find_closing(after=EVENING) == SEVEN

    def test_an_opening_that_is_over_opens_nothing(self) -> None:
        hours = Hours(NO_HOURS, OSLO, opened=((EVENING, TEN),))

        assert hours.find_opening(after=TEN) is None

    def test_a_break_closes_even_an_opening_out_of_turn(self) -> None:
        hours = Hours(FULL_WEEK, OSLO, opened=((EVENING, TEN),), breaks=((EVENING, TEN),))

        assert not hours.is_open(EVENING)
        assert hours.find_opening(after=EVENING) == TEN
        assert hours.find_closing(after=TEN) is None

    def test_a_break_without_end_closes_for_good(self) -> None:
        rules = NIGHT_RULES

        hours = Hours.of(rules, breaks=(None, Pause(TEN + HOUR, None)))

        assert hours.find_closing(after=TEN) == TEN + HOUR
        assert hours.find_opening(after=TEN + HOUR) is None
        assert hours.breaks == ((TEN + HOUR, FOREVER),)

    def test_a_second_week_must_be_open_too(self) -> None:
        mornings = mask_from_windows((Window(EVERY_DAY, 0, 12 * 60),))
        midnight = TEN + 2 * HOUR

        hours = Hours(NIGHTS, OSLO, opened=((EVENING, TEN),), within=mornings)

        assert not hours.is_open(EVENING)
        assert hours.find_opening(after=EVENING) == midnight
        assert hours.find_closing(after=midnight) == SEVEN
        assert hours._replace(mask=NO_HOURS).find_opening(after=EVENING) is None
        assert hours._replace(within=NO_HOURS).find_opening(after=EVENING) is None

    def test_spans_stop_at_the_end_asked_for(self) -> None:
        spans = Hours(NIGHTS, OSLO).open_spans(starts_at=TEN + HOUR, ends_at=TEN + 2 * HOUR)

        assert list(spans) == [(TEN + HOUR, TEN + 2 * HOUR)]

    def test_the_night_of_a_closed_day_is_left_out_and_nothing_of_the_night_before(self) -> None:
        windows = (Window(EVERY_DAY, 22 * 60, 7 * 60),)
        thursday = close_dates(dates=[date(2026, 11, 19)], windows=windows, zone=OSLO)

        spans = Hours(NIGHTS, OSLO, closed=thursday).open_spans(
            starts_at=EVENING, ends_at=EVENING + timedelta(days=3)
        )

        # Wednesday's night ends at Thursday's midnight; Friday's begins at 22:00.
        assert list(spans) == [
            (TEN, TEN + 2 * HOUR),
            (TEN + timedelta(days=2), SEVEN + timedelta(days=2)),
        ]


class TestEndOfTonight:
    @pytest.mark.parametrize(
        ("hours", "now", "expected"),
        [
            # In the evening before the window, and inside of it: its end at 07:00.
            (Hours(NIGHTS, OSLO), "2026-11-18T18:00+01:00", "2026-11-19T07:00+01:00"),
            (Hours(NIGHTS, OSLO), "2026-11-19T03:00+01:00", "2026-11-19T07:00+01:00"),
            # A date that closes in the midst ends the night; one open out of turn begins it.
            (
                Hours(NIGHTS, OSLO, closed=((TEN + 2 * HOUR, SEVEN),)),
                "2026-11-18T18:00+01:00",
                "2026-11-19T00:00+01:00",
            ),
            (
                Hours(NO_HOURS, OSLO, opened=((TEN, SEVEN - HOUR),)),
                "2026-11-18T18:00+01:00",
                "2026-11-19T06:00+01:00",
            ),
            # Nothing within a day, a week without an end, no hours: the end of the day.
            (
                Hours(mask_from_windows((Window((6,), 0, 60),)), OSLO),
                "2026-11-18T18:00+01:00",
                "2026-11-19T00:00+01:00",
            ),
            (Hours(FULL_WEEK, OSLO), "2026-11-18T18:00+01:00", "2026-11-19T00:00+01:00"),
            (Hours(NO_HOURS, OSLO), "2026-11-18T18:00+01:00", "2026-11-19T00:00+01:00"),
        ],
    )
    def test_is_the_end_of_the_hours_else_of_the_day(
        self, hours: Hours, now: str, expected: str
    ) -> None:
        ends_at = hours.find_end_of_tonight(now=datetime.fromisoformat(now))

        assert ends_at == datetime.fromisoformat(expected)


class TestSpans:
    def test_are_united_where_they_touch_and_dropped_where_empty(self) -> None:
        assert merge([(TEN, SEVEN), (EVENING, TEN), (TEN, TEN)]) == ((EVENING, SEVEN),)

    def test_are_cut_on_both_sides(self) -> None:
        left = subtract([(EVENING, SEVEN)], [(TEN, TEN + HOUR)])

        assert left == ((EVENING, TEN), (TEN + HOUR, SEVEN))

    def test_are_found_by_an_instant_within_and_not_at_the_end(self) -> None:
        spans: Spans = ((EVENING, TEN), (TEN + HOUR, SEVEN))

        assert find_span(spans, EVENING) == spans[0]
        assert find_span(spans, TEN) is None
        assert find_next(spans, EVENING + HOUR) == EVENING + HOUR
        assert find_next(spans, TEN) == TEN + HOUR
        assert find_next(spans, SEVEN) is None


ZONES = sorted(list_zones())
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
quarters = st.integers(0, 730 * 96).map(lambda number: FIRST + number * QUARTER)
windows = st.builds(
    Window,
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
)
masks = st.lists(windows, max_size=3).map(lambda some: mask_from_windows(tuple(some)))


@st.composite
def all_hours(draw: st.DrawFn) -> tuple[Hours, datetime]:
    """
    Draw hours of a random zone, and the start of a day and a half in which to look at them.
    """
    starts_at = draw(quarters)

    def spans() -> Spans:
        drawn = draw(st.lists(st.tuples(st.integers(-40, 140), st.integers(1, 60)), max_size=3))
        return merge(
            (starts_at + begin * QUARTER, starts_at + (begin + length) * QUARTER)
            for begin, length in drawn
        )

    hours = Hours(
        draw(masks),
        ZoneInfo(draw(st.sampled_from(ZONES))),
        closed=spans(),
        opened=spans(),
        breaks=spans(),
        within=draw(st.just(FULL_WEEK) | masks),
    )
    return hours, starts_at


class TestProperties:
    @settings(max_examples=400, deadline=None)
    @given(drawn=all_hours())
    def test_open_spans_are_where_each_quarter_is_open(self, drawn: tuple[Hours, datetime]) -> None:
        hours, starts_at = drawn
        ends_at = starts_at + 144 * QUARTER

        spans = tuple(hours.open_spans(starts_at=starts_at, ends_at=ends_at))

        pointwise = merge(
            (starts_at + step * QUARTER, starts_at + (step + 1) * QUARTER)
            for step in range(144)
            if hours.is_open(starts_at + step * QUARTER)
        )
        assert spans == pointwise

    @settings(max_examples=100, deadline=None)
    @given(drawn=all_hours(), seconds=st.integers(0, 900))
    def test_openings_and_closings_are_the_first_of_their_kind(
        self, drawn: tuple[Hours, datetime], seconds: int
    ) -> None:
        hours, starts_at = drawn
        now = starts_at + timedelta(seconds=seconds)
        found = {
            True: hours.find_opening(after=now),
            False: hours.find_closing(after=now),
        }
        boundaries = [now, *(floor_to_quarter(now) + step * QUARTER for step in range(1, 21 * 96))]
        for is_open, first in found.items():
            walked = next((at for at in boundaries if hours.is_open(at) is is_open), None)
            is_later = first is not None and first > boundaries[-1]
            assert walked == first or (walked is None and is_later)
