"""
The plan of the demo world, before anything is written.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from consent.rules import CarFacts, find_faults
from portal.demo import bookings, cars, money, people, places, world
from portal.demo.residents import REGIONS, read_residents


OSLO = ZoneInfo("Europe/Oslo")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class TestResidents:
    def test_all_97_have_a_region(self) -> None:
        residents = read_residents(world.DATA)

        assert len(residents) == 97
        assert len({resident.code for resident in residents}) == 97
        assert {resident.region_code for resident in residents} == set(REGIONS)

    def test_no_region_is_small_enough_to_be_about_a_person(self) -> None:
        count = Counter(resident.region_code for resident in read_residents(world.DATA))

        assert min(count.values()) >= 20

    def test_each_owner_has_an_address_of_their_own(self) -> None:
        owners = people.list_owners(97)

        assert len({person.email for person in owners}) == 97


class TestRules:
    @pytest.mark.parametrize("index", range(97 + max(world.CHANGED_MIND)))
    def test_every_owner_could_agree_to_them(self, index: int) -> None:
        draft = cars.draft_rules(index)

        car = CarFacts(rated_power_w=places.POWER_W, battery_wh=75_000, charge_power_w=3_680)
        assert find_faults(draft=draft, car=car, now=NOON) == ()

    def test_owners_differ(self) -> None:
        drafts = {repr(cars.draft_rules(index)) for index in range(97)}

        assert len(drafts) > 80

    def test_a_change_of_mind_is_a_change(self) -> None:
        for index in world.CHANGED_MIND:
            assert cars.draft_rules(index) != cars.draft_rules(index + 3)


class TestNights:
    def test_every_whole_night_of_the_period_once(self) -> None:
        starts = list(bookings.list_nights(NOON, NOON + timedelta(days=3)))

        assert [start.astimezone(OSLO).strftime("%d %H:%M") for start in starts] == [
            "22 22:00",
            "23 22:00",
            "24 22:00",
        ]

    def test_a_night_that_ends_after_the_period_is_left_out(self) -> None:
        ends_at = datetime(2026, 11, 23, 4, 59, tzinfo=OSLO)

        assert list(bookings.list_nights(NOON, ends_at)) == []

    def test_the_long_night_in_october_begins_at_ten_too(self) -> None:
        starts_at = datetime(2026, 10, 24, tzinfo=OSLO)

        starts = list(bookings.list_nights(starts_at, starts_at + timedelta(days=3)))

        assert [start.astimezone(OSLO).hour for start in starts] == [22, 22]


class TestTimes:
    def test_the_replay_starts_on_a_monday_at_midnight_in_trondheim(self) -> None:
        times = world.Times(opened_at=NOON - world.AGE, anchor=NOON)

        start = times.replay_starts_at(weeks=4)

        assert start.astimezone(OSLO) == datetime(2026, 10, 19, tzinfo=OSLO)
        assert start.astimezone(OSLO).isoweekday() == 1

    def test_consents_are_older_than_the_longest_replay(self) -> None:
        times = world.Times(opened_at=NOON - world.AGE, anchor=NOON)

        last_agreed_at = cars.agreed_at(index=96, opened_at=times.opened_at)

        assert last_agreed_at < times.replay_starts_at(weeks=9)


def test_what_is_paid_in_covers_the_card_fee() -> None:
    needed_micros = 6_543_210_000

    paid_micros = money.find_round_sum(needed_micros)

    assert paid_micros % money.ROUND_SUM_MICROS == 0
    assert paid_micros * 971 // 1000 - 300_000 >= needed_micros
