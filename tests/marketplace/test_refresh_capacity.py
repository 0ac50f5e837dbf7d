"""
Capacity is what owners' weeks allow, hour by hour, on each owner's own clock.
"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Outbox, User
from consent.models import ConsentVersion, Vehicle
from consent.operations import (
    NewOwnersWords,
    accept_offer,
    give_consent,
    offer_vehicle,
    pause,
    register_vehicle,
    skip_night,
    withdraw,
)
from consent.rules import DateException, RulesDraft, Window, WorkloadCategory
from marketplace import rules
from marketplace.models import CapacityBucket, Pool, Region
from marketplace.operations.capacity import refresh_capacity, refresh_due_capacity
from marketplace.tasks import sweep
from tests.factories import create_owner, create_person, create_pool


pytestmark = pytest.mark.django_db
# A Monday; Oslo is one hour ahead of UTC in winter.
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WHOLE_WEEK = Window(days=EVERY_DAY, starts_minute=0, ends_minute=24 * 60)
DRAFT = RulesDraft(
    time_zone="Europe/Oslo",
    windows=(Window(days=EVERY_DAY, starts_minute=22 * 60, ends_minute=6 * 60),),
    battery_stop_pct=40,
    battery_resume_pct=45,
    plugged_in_only=True,
    home_only=False,
    temp_high_c=None,
    temp_low_c=None,
    energy_wh_per_day_max=None,
    energy_wh_per_month_max=None,
    compute_s_per_day_max=None,
    compute_s_per_month_max=None,
    power_limit_w=None,
    categories=(WorkloadCategory.INFERENCE,),
)


@pytest.fixture
def olivia() -> User:
    return create_owner()


@pytest.fixture
def pool() -> Pool:
    return create_pool()


def park(owner: User, *, draft: RulesDraft = DRAFT, plate: str = "EL 12345") -> Vehicle:
    """
    Register a car of 1 kW and agree to its rules before Monday.
    """
    before = MONDAY - timedelta(days=7)
    vehicle = register_vehicle(
        owner_id=owner.pk,
        name="Car",
        plate=plate,
        region_code="no-trondheim",
        hardware_class_code="ai4",
        rated_power_w=1000,
        battery_wh=60_000,
        time_zone="Europe/Oslo",
        now=before,
    )
    give_consent(
        vehicle_id=vehicle.pk,
        owner_id=owner.pk,
        rules=draft,
        expected_number=0,
        notice_language="en",
        now=before,
    )
    return vehicle


def forecast(pool: Pool) -> dict[int, int]:
    """
    Return forecast watts by hour of UTC, hours without any left out.
    """
    rows = CapacityBucket.objects.filter(pool=pool, forecast_w__gt=0)
    return {row.starts_at.hour: row.forecast_w for row in rows}


def forecast_by_hour(pool: Pool, *, start: datetime, hours: int) -> dict[datetime, int]:
    rows = CapacityBucket.objects.filter(
        pool=pool, forecast_w__gt=0, starts_at__range=(start, start + timedelta(hours=hours - 1))
    )
    return {row.starts_at: row.forecast_w for row in rows}


def hours_from(start: datetime, first: int, last: int) -> list[datetime]:
    return [start + timedelta(hours=hour) for hour in range(first, last)]


def hand_over(vehicle: Vehicle, owner: User, new_owner: User) -> None:
    link = "http://testserver/offers/{token}/"
    offer_vehicle(
        vehicle_id=vehicle.pk, owner_id=owner.pk, email=new_owner.email, link=link, now=MONDAY
    )
    [token] = re.findall(r"/offers/([^/]+)/", Outbox.objects.latest("id").payload["text"])
    words = NewOwnersWords(plate="EL 77777", name="Car")
    accept_offer(token=token, user_id=new_owner.pk, words=words, now=MONDAY)


class TestRefreshCapacity:
    def test_follows_the_owners_week_on_the_owners_clock(self, olivia: User, pool: Pool) -> None:
        park(olivia)

        result = refresh_capacity(now=MONDAY, hours=24)

        assert result.bucket_count == 24
        # 22 to 6 in Oslo is 21 to 5 in UTC.
        assert forecast(pool) == dict.fromkeys([0, 1, 2, 3, 4, 21, 22, 23], 1000)

    def test_counts_quarters_of_hours_and_the_owners_power_limit(
        self, olivia: User, pool: Pool
    ) -> None:
        evening = Window(days=EVERY_DAY, starts_minute=22 * 60 + 15, ends_minute=24 * 60)
        park(olivia, draft=replace(DRAFT, windows=(evening,), power_limit_w=800))

        refresh_capacity(now=MONDAY, hours=24)

        assert forecast(pool) == {21: 600, 22: 800}  # three quarters of 800, then all of it

    def test_sells_less_than_it_expects(self, olivia: User, pool: Pool) -> None:
        park(olivia)
        park(olivia, plate="EL 22222")

        refresh_capacity(now=MONDAY, hours=1)

        bucket = CapacityBucket.objects.get()
        assert bucket.forecast_w == 2000
        assert bucket.sellable_w == 1400  # 70 %

    def test_leaves_out_paused_and_withdrawn_cars(self, olivia: User, pool: Pool) -> None:
        paused = park(olivia)
        withdrawn = park(olivia, plate="EL 22222")
        pause(
            vehicle_id=paused.pk,
            owner_id=olivia.pk,
            until=MONDAY + timedelta(hours=2),
            kind="hour",
            now=MONDAY - timedelta(hours=1),
        )
        withdraw(vehicle_id=withdrawn.pk, owner_id=olivia.pk, now=MONDAY)

        refresh_capacity(now=MONDAY, hours=4)

        assert forecast(pool) == {2: 1000, 3: 1000}

    def test_leaves_out_closed_dates_and_holidays(self, olivia: User, pool: Pool) -> None:
        closed = DateException(on_date=date(2026, 1, 5), is_open=False)
        park(olivia, draft=replace(DRAFT, exceptions=(closed,)))
        # Epiphany, Tuesday the 6th, is a holiday in Austria and not in Norway.
        park(olivia, draft=replace(DRAFT, holiday_country="AT"), plate="EL 22222")

        refresh_capacity(now=MONDAY, hours=48)

        # Midnight in Oslo is 23:00 in UTC. A closed date cuts the night before at its midnight,
        # and the night that would have begun on it is closed to its end.
        assert forecast_by_hour(pool, start=MONDAY, hours=48) == {
            **dict.fromkeys(hours_from(MONDAY, 0, 5), 1000),  # only the car closed on Tuesday
            **dict.fromkeys(hours_from(MONDAY, 21, 23), 1000),
            **dict.fromkeys(hours_from(MONDAY, 45, 48), 1000),  # only the one closed on Monday
        }

    def test_counts_dates_that_are_open_out_of_turn(self, olivia: User, pool: Pool) -> None:
        evening = DateException(
            on_date=date(2026, 1, 5), is_open=True, starts_minute=20 * 60, ends_minute=23 * 60
        )
        feast = replace(evening, on_date=date(2026, 1, 6))
        draft = replace(DRAFT, exceptions=(evening, feast), holiday_country="AT")
        park(olivia, draft=draft)

        refresh_capacity(now=MONDAY, hours=48)

        # 20 to 23 in Oslo on both evenings: what the week opens besides is counted once, and
        # the holiday closes the rest of its own night.
        opened = hours_from(MONDAY, 19, 23) + hours_from(MONDAY, 43, 46)
        assert forecast_by_hour(pool, start=MONDAY, hours=48) == dict.fromkeys(
            hours_from(MONDAY, 0, 5) + opened, 1000
        )

    def test_counts_no_more_than_quiet_hours_let_through(self, olivia: User, pool: Pool) -> None:
        quiet = Window(days=EVERY_DAY, starts_minute=23 * 60, ends_minute=5 * 60)
        park(olivia, draft=replace(DRAFT, quiet_windows=(quiet,), quiet_power_limit_w=400))

        refresh_capacity(now=MONDAY, hours=24)

        assert forecast(pool) == {
            21: 1000,
            22: 400,
            23: 400,
            **dict.fromkeys(range(4), 400),
            4: 1000,
        }

    def test_ends_with_what_was_agreed(self, olivia: User, pool: Pool) -> None:
        park(olivia, draft=replace(DRAFT, windows=(WHOLE_WEEK,)))
        expires_at = ConsentVersion.objects.get().expires_at
        last_hour = rules.floor_to_hour(expires_at - timedelta(seconds=1))

        refresh_capacity(now=last_hour - timedelta(hours=2), hours=6)

        found = forecast_by_hour(pool, start=last_hour, hours=4)
        assert set(found) <= {last_hour}
        assert forecast_by_hour(
            pool, start=last_hour - timedelta(hours=2), hours=2
        ) == dict.fromkeys(hours_from(last_hour, -2, 0), 1000)

    def test_leaves_out_nights_that_are_skipped_and_comes_back_after(
        self, olivia: User, pool: Pool
    ) -> None:
        vehicle = park(olivia)
        begin, end = MONDAY + timedelta(hours=21), MONDAY + timedelta(hours=29)
        skip_night(
            vehicle_id=vehicle.pk, owner_id=olivia.pk, starts_at=begin, ends_at=end, now=MONDAY
        )

        refresh_capacity(now=MONDAY, hours=48)

        nights = hours_from(MONDAY, 0, 5) + hours_from(MONDAY, 45, 48)
        assert forecast_by_hour(pool, start=MONDAY, hours=48) == dict.fromkeys(nights, 1000)

    def test_leaves_out_a_paused_car_for_as_long_as_nobody_resumes_it(
        self, olivia: User, pool: Pool
    ) -> None:
        vehicle = park(olivia)
        pause(
            vehicle_id=vehicle.pk, owner_id=olivia.pk, until=None, kind="until_resumed", now=MONDAY
        )

        refresh_capacity(now=MONDAY, hours=24)

        assert forecast(pool) == {}

    def test_leaves_out_a_car_that_changed_hands(self, olivia: User, pool: Pool) -> None:
        vehicle = park(olivia)

        hand_over(vehicle, olivia, create_person("Nina"))
        refresh_capacity(now=MONDAY, hours=24)

        assert forecast(pool) == {}
        # One car, though it has a row of each of its owners.
        assert Region.objects.get().vehicle_count == 1

    def test_keeps_what_is_sold_when_the_forecast_falls(self, olivia: User, pool: Pool) -> None:
        vehicle = park(olivia)
        refresh_capacity(now=MONDAY, hours=1)
        CapacityBucket.objects.update(reserved_w=600)
        withdraw(vehicle_id=vehicle.pk, owner_id=olivia.pk, now=MONDAY - timedelta(minutes=1))

        refresh_capacity(now=MONDAY, hours=1)

        bucket = CapacityBucket.objects.get()
        assert (bucket.forecast_w, bucket.sellable_w, bucket.reserved_w) == (0, 600, 600)

    def test_reaches_into_the_past_when_asked(self, olivia: User, pool: Pool) -> None:
        park(olivia)

        refresh_capacity(
            now=MONDAY + timedelta(days=3), hours=2, starts_at=MONDAY + timedelta(hours=3)
        )

        assert forecast(pool) == {3: 1000, 4: 1000}

    def test_counts_the_cars_of_each_region(self, olivia: User, pool: Pool) -> None:
        park(olivia)

        refresh_capacity(now=MONDAY, hours=1)

        assert Region.objects.get().vehicle_count == 1

    def test_hears_each_hour_of_a_change_to_summer_time_once(
        self, olivia: User, pool: Pool
    ) -> None:
        saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)
        park(olivia)

        refresh_capacity(now=saturday, hours=24)

        # 22 to 6 has seven hours in the night of 29 March: 21 to 4 in UTC.
        assert sorted(forecast(pool)) == [0, 1, 2, 3, 21, 22, 23]

    def test_costs_the_same_number_of_statements_for_any_number_of_cars(
        self, olivia: User, pool: Pool
    ) -> None:
        with CaptureQueriesContext(connection) as few:
            refresh_capacity(now=MONDAY, hours=rules.CAPACITY_HORIZON_HOURS)
        for number in range(5):
            park(olivia, plate=f"EL 3333{number}")
        with CaptureQueriesContext(connection) as more:
            refresh_capacity(now=MONDAY, hours=rules.CAPACITY_HORIZON_HOURS)

        assert len(few) == len(more)


class TestRefreshDueCapacity:
    def test_refreshes_the_whole_horizon_every_ten_minutes(self, olivia: User, pool: Pool) -> None:
        park(olivia)

        sweep()
        CapacityBucket.objects.all().delete()
        assert refresh_due_capacity(now=MONDAY) is True
        assert CapacityBucket.objects.count() == rules.CAPACITY_HORIZON_HOURS
        assert refresh_due_capacity(now=MONDAY + timedelta(minutes=9)) is False
        assert refresh_due_capacity(now=MONDAY + timedelta(minutes=10)) is True

    def test_reaches_one_hour_further_every_hour(self, olivia: User, pool: Pool) -> None:
        refresh_due_capacity(now=MONDAY + timedelta(minutes=59))

        assert refresh_due_capacity(now=MONDAY + timedelta(minutes=60)) is True

    def test_does_nothing_without_a_pool(self) -> None:
        assert refresh_due_capacity(now=MONDAY) is False

    @pytest.mark.django_db(transaction=True)
    def test_leaves_it_to_the_worker_that_is_at_it(self, pool: Pool) -> None:
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(hashtextextended('capacity', 0))")
                assert refresh_due_capacity(now=MONDAY) is False
                cursor.execute("SELECT pg_advisory_unlock_all()")
        finally:
            other.close()
        assert refresh_due_capacity(now=MONDAY) is True
