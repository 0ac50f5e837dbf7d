"""
The week's arithmetic over every zone there is and two years of days, checked by counting.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import Hours
from consent.rules.drafts import list_zones
from consent.rules.week import (
    FULL_WEEK,
    QUARTER,
    QUARTER_S,
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


ZONES = sorted(list_zones())
STARTS_ON, ENDS_ON = date(2026, 1, 1), date(2028, 1, 1)
STARTS_AT = datetime(2026, 1, 1, tzinfo=UTC)
ENDS_AT = datetime(2028, 1, 1, tzinfo=UTC)
NIGHTS = mask_from_windows((Window((0, 1, 2, 3, 4, 5, 6), 22 * 60, 7 * 60),))


@cache
def quarters_of_two_years() -> tuple[datetime, ...]:
    count = (ENDS_AT - STARTS_AT) // QUARTER
    return tuple(STARTS_AT + number * QUARTER for number in range(count))


@cache
def zones_by_behaviour() -> tuple[str, ...]:
    """
    Return one name per set of clocks: links and zones that agree over the two years once.
    """
    days = [STARTS_AT + timedelta(hours=6 * number) for number in range(730 * 4)]
    seen: dict[tuple[timedelta | None, ...], str] = {}
    for name in ZONES:
        zone = ZoneInfo(name)
        seen.setdefault(tuple(day.astimezone(zone).utcoffset() for day in days), name)
    return tuple(seen.values())


class TestEveryZone:
    def test_every_quarter_of_utc_is_one_local_quarter(self) -> None:
        for name in zones_by_behaviour():
            zone = ZoneInfo(name)
            for instant in quarters_of_two_years()[::8]:
                offset = instant.astimezone(zone).utcoffset()
                assert offset is not None
                assert offset.total_seconds() % QUARTER_S == 0, name

    def test_days_tile_the_two_years_without_gap_or_overlap(self) -> None:
        lengths: Counter[float] = Counter()
        for name in zones_by_behaviour():
            zone = ZoneInfo(name)
            day, starts_at = STARTS_ON, start_of_day(on_date=STARTS_ON, zone=zone)
            while day < ENDS_ON:
                ends_at = start_of_day(on_date=day + timedelta(days=1), zone=zone)
                assert starts_at.astimezone(zone).date() == day, name
                just_before = starts_at - timedelta(microseconds=1)
                assert just_before.astimezone(zone).date() < day, name
                lengths[(ends_at - starts_at).total_seconds() / 3600] += 1
                day, starts_at = day + timedelta(days=1), ends_at
        # Hours in a day: an ordinary one, both changes, and the half-hour zones.
        assert {23.0, 23.5, 24.0, 24.5, 25.0} <= set(lengths)

    def test_open_hours_sum_exactly(self) -> None:
        for name in zones_by_behaviour():
            zone = ZoneInfo(name)
            # Where no clock changes every week is alike, and two months of them will do.
            quarters = quarters_of_two_years()[: None if name in changing_zones() else 60 * 96]
            ends_at = quarters[-1] + QUARTER
            spans = Hours(NIGHTS, zone).open_spans(starts_at=STARTS_AT, ends_at=ends_at)
            total = sum((closes - opens for opens, closes in spans), timedelta())

            counted = sum(
                1 for instant in quarters if NIGHTS >> quarter_of_week(instant.astimezone(zone)) & 1
            )
            assert total == counted * QUARTER, name


zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.integers(0, int((ENDS_AT - STARTS_AT).total_seconds())).map(
    lambda seconds: STARTS_AT + timedelta(seconds=seconds)
)
windows = st.builds(
    Window,
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
)
masks = st.lists(windows, max_size=4).map(
    lambda some: mask_from_windows(tuple(some))
) | st.integers(0, FULL_WEEK)


@st.composite
def near_a_clock_change(draw: st.DrawFn) -> tuple[datetime, ZoneInfo]:
    """
    Draw an instant within eight days before a change of its zone's clocks.
    """
    zone = ZoneInfo(draw(st.sampled_from(changing_zones())))
    offsets = [(day, day.astimezone(zone).utcoffset()) for day in quarters_of_two_years()[::96]]
    changes = [day for (_, a), (day, b) in pairwise(offsets) if a != b]
    return draw(st.sampled_from(changes)) - timedelta(
        seconds=draw(st.integers(0, 8 * 86_400))
    ), zone


@cache
def changing_zones() -> tuple[str, ...]:
    def offset(name: str, day: datetime) -> timedelta | None:
        return day.astimezone(ZoneInfo(name)).utcoffset()

    days = quarters_of_two_years()[::960]
    return tuple(n for n in zones_by_behaviour() if len({offset(n, day) for day in days}) > 1)


def walk_to_opening(mask: int, after: datetime, zone: ZoneInfo) -> datetime | None:
    """
    Find the same by brute force: look at every quarter of three weeks.
    """
    if is_open(mask=mask, now=after, zone=zone):
        return after
    instant = after.replace(minute=after.minute // 15 * 15, second=0, microsecond=0)
    for _ in range(3 * 672):
        instant += QUARTER
        if is_open(mask=mask, now=instant, zone=zone):
            return instant
    return None


class TestOpenings:
    @given(mask=masks, after=instants, zone=zones)
    def test_agree_with_walking(self, mask: int, after: datetime, zone: ZoneInfo) -> None:
        assert find_opening(mask=mask, after=after, zone=zone) == walk_to_opening(mask, after, zone)

    @settings(max_examples=150)
    @given(mask=masks, place=near_a_clock_change())
    def test_agree_with_walking_over_clock_changes(
        self, mask: int, place: tuple[datetime, ZoneInfo]
    ) -> None:
        after, zone = place

        assert find_opening(mask=mask, after=after, zone=zone) == walk_to_opening(mask, after, zone)
        assert find_closing(mask=mask, after=after, zone=zone) == walk_to_opening(
            mask ^ FULL_WEEK, after, zone
        )


class TestMasks:
    @given(mask=masks)
    def test_windows_cover_exactly_their_mask(self, mask: int) -> None:
        assert mask_from_windows(windows_from_mask(mask)) == mask

    @given(mask=masks)
    def test_bits_carry_the_whole_mask(self, mask: int) -> None:
        assert mask_from_bits(bits_from_mask(mask)) == mask


@pytest.mark.parametrize("name", ["Australia/Lord_Howe", "Antarctica/Troll", "Asia/Kathmandu"])
def test_odd_zones_are_among_those_counted(name: str) -> None:
    assert name in ZONES
