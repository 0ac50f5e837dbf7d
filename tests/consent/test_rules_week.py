from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from consent.rules import Hours
from consent.rules.week import (
    FULL_WEEK,
    NO_HOURS,
    QUARTERS_PER_DAY,
    Window,
    bits_from_mask,
    find_closing,
    find_opening,
    is_open,
    mask_from_bits,
    mask_from_windows,
    quarter_of_week,
    start_of_day,
    windows_from_mask,
)
from tests.consent.terms import EVERY_DAY, NIGHTS, OSLO


class TestMask:
    def test_overnight_window_belongs_to_the_day_it_starts(self) -> None:
        friday_night = mask_from_windows((Window((4,), 22 * 60, 7 * 60),))

        saturday_early = datetime(2026, 11, 21, 6, 45, tzinfo=OSLO)
        friday_early = datetime(2026, 11, 20, 6, 45, tzinfo=OSLO)
        assert is_open(mask=friday_night, now=saturday_early, zone=OSLO)
        assert not is_open(mask=friday_night, now=friday_early, zone=OSLO)

    def test_sunday_night_runs_on_into_monday(self) -> None:
        sunday_night = mask_from_windows((Window((6,), 23 * 60, 60),))

        assert is_open(mask=sunday_night, now=datetime(2026, 11, 23, 0, 45, tzinfo=OSLO), zone=OSLO)
        assert sunday_night.bit_count() == 8

    def test_is_half_open_to_the_second(self) -> None:
        last = datetime(2026, 11, 19, 6, 59, 59, 999_999, tzinfo=OSLO)
        assert is_open(mask=NIGHTS, now=last, zone=OSLO)
        assert not is_open(mask=NIGHTS, now=last + timedelta(microseconds=1), zone=OSLO)

    def test_several_windows_a_day_join(self) -> None:
        mask = mask_from_windows(
            (Window((0,), 0, 60), Window((0,), 45, 120), Window((0,), 600, 615))
        )

        assert mask.bit_count() == 9

    def test_whole_day_ends_at_midnight(self) -> None:
        assert mask_from_windows((Window((2,), 0, 1440),)).bit_count() == QUARTERS_PER_DAY

    def test_bits_are_written_quarter_by_quarter(self) -> None:
        bits = bits_from_mask(mask_from_windows((Window((0,), 15, 45),)))

        assert len(bits) == 672
        assert bits.startswith("0110")
        assert mask_from_bits(bits) == 0b110


class TestWindowsFromMask:
    @pytest.mark.parametrize(
        "windows",
        [
            (),
            (Window(EVERY_DAY, 22 * 60, 7 * 60),),
            (Window((5, 6), 0, 1440),),
            (Window((1, 2, 3, 4), 0, 15), Window((6,), 23 * 60 + 45, 1440)),
            (Window((0, 1, 2, 3, 4, 5, 6), 0, 1440),),
        ],
    )
    def test_gives_back_what_the_mask_was_made_of(self, windows: tuple[Window, ...]) -> None:
        assert windows_from_mask(mask_from_windows(windows)) == windows

    def test_cuts_a_long_weekend_at_its_midnights(self) -> None:
        mask = mask_from_windows((Window((4,), 1200, 1440), Window((5,), 0, 1440)))

        assert windows_from_mask(mask) == (Window((5,), 0, 1440), Window((4,), 1200, 1440))

    def test_covers_a_day_and_more_without_an_equal_start_and_end(self) -> None:
        mask = mask_from_windows((Window((1,), 600, 1440), Window((2,), 0, 600)))

        assert mask_from_windows(windows_from_mask(mask)) == mask
        assert all(w.starts_minute != w.ends_minute for w in windows_from_mask(mask))


class TestSpring:
    """
    Oslo, Sunday 29 March 2026: 02:00 becomes 03:00.
    """

    def test_a_night_is_an_hour_shorter(self) -> None:
        spans = list(
            Hours(NIGHTS, OSLO).open_spans(
                starts_at=datetime(2026, 3, 28, 12, 0, tzinfo=UTC),
                ends_at=datetime(2026, 3, 29, 12, 0, tzinfo=UTC),
            )
        )

        opens, closes = (
            datetime(2026, 3, 28, 21, 0, tzinfo=UTC),
            datetime(2026, 3, 29, 5, 0, tzinfo=UTC),
        )
        assert spans == [(opens, closes)]
        assert closes - opens == timedelta(hours=8)

    def test_a_window_inside_the_skipped_hour_waits_a_week(self) -> None:
        skipped = mask_from_windows((Window((6,), 120, 180),))

        opening = find_opening(
            mask=skipped, after=datetime(2026, 3, 28, 12, 0, tzinfo=UTC), zone=OSLO
        )

        assert opening == datetime(2026, 4, 5, 0, 0, tzinfo=UTC)

    def test_a_window_that_begins_in_the_skipped_hour_opens_at_the_change(self) -> None:
        mask = mask_from_windows((Window((6,), 150, 300),))

        opening = find_opening(mask=mask, after=datetime(2026, 3, 28, 12, 0, tzinfo=UTC), zone=OSLO)

        assert opening == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


class TestAutumn:
    """
    Oslo, Sunday 25 October 2026: 03:00 becomes 02:00 again.
    """

    def test_a_window_of_the_repeated_hour_opens_twice(self) -> None:
        twice = mask_from_windows((Window((6,), 120, 180),))

        [span] = Hours(twice, OSLO).open_spans(
            starts_at=datetime(2026, 10, 24, 12, 0, tzinfo=UTC),
            ends_at=datetime(2026, 10, 25, 12, 0, tzinfo=UTC),
        )

        assert span == (
            datetime(2026, 10, 25, 0, 0, tzinfo=UTC),
            datetime(2026, 10, 25, 2, 0, tzinfo=UTC),
        )

    def test_half_of_the_repeated_hour_opens_twice_with_a_break(self) -> None:
        half = mask_from_windows((Window((6,), 120, 150),))

        spans = Hours(half, OSLO).open_spans(
            starts_at=datetime(2026, 10, 24, 12, 0, tzinfo=UTC),
            ends_at=datetime(2026, 10, 25, 12, 0, tzinfo=UTC),
        )

        assert [opens.hour for opens, _ in spans] == [0, 1]


class TestLordHowe:
    """
    The clocks of Lord Howe Island move by half an hour, on 4 October 2026 from 02:00 to 02:30.
    """

    ZONE = ZoneInfo("Australia/Lord_Howe")

    def test_a_night_is_half_an_hour_shorter(self) -> None:
        [(opens, closes)] = Hours(NIGHTS, self.ZONE).open_spans(
            starts_at=datetime(2026, 10, 3, 12, 0, tzinfo=self.ZONE).astimezone(UTC),
            ends_at=datetime(2026, 10, 4, 12, 0, tzinfo=self.ZONE).astimezone(UTC),
        )

        assert closes - opens == timedelta(hours=8, minutes=30)


class TestOpenings:
    def test_never_opens_without_hours_and_never_closes_without_a_gap(self) -> None:
        now = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)

        assert find_opening(mask=NO_HOURS, after=now, zone=OSLO) is None
        assert find_closing(mask=FULL_WEEK, after=now, zone=OSLO) is None

    def test_is_open_already(self) -> None:
        now = datetime(2026, 11, 18, 23, 7, 9, tzinfo=UTC)

        assert find_opening(mask=NIGHTS, after=now, zone=OSLO) == now
        assert find_closing(mask=NIGHTS, after=now, zone=OSLO) == datetime(
            2026, 11, 19, 6, 0, tzinfo=UTC
        )

    def test_spans_stop_at_the_end_asked_for(self) -> None:
        starts_at = datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
        ends_at = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)

        spans = Hours(NIGHTS, OSLO).open_spans(
            starts_at=starts_at,
            ends_at=ends_at,
        )

        assert list(spans) == [(starts_at, ends_at)]

    def test_a_date_over_the_date_line_begins_there(self) -> None:
        kiritimati = ZoneInfo("Pacific/Kiritimati")

        starts_at = start_of_day(on_date=date(2026, 11, 18), zone=kiritimati)

        assert starts_at == datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
        assert quarter_of_week(starts_at.astimezone(kiritimati)) == 2 * QUARTERS_PER_DAY
