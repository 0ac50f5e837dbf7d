"""
What forecasts rest on: prices by quarter-hour, what was metered, and usual work.
"""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import WorkOutlook
from billing.operations.outlooks import refresh_outlooks
from billing.operations.tariffs import set_tariff
from billing.queries.outlook import CarNotFound, Metered, get_outlook, list_metered
from billing.queries.quarter_prices import Price, list_prices, list_slots
from billing.rules import TariffWindow
from marketplace.operations.pools import set_rate_card
from tests.billing.meters import EVENING, NOON, QUARTER, World, create_world, settle_all
from tests.factories import RATES, create_owner
from tests.portal.samples import say_hourly


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
FRIDAY_19 = 4 * 24 + 19
EVENING_N = int(EVENING.timestamp()) // 900


@pytest.fixture
def world() -> World:
    return create_world()


def metered(world: World) -> tuple[Metered, ...]:
    return list_metered(
        owner_id=world.olivia.pk,
        vehicle_id=world.vehicle.pk,
        currency="EUR",
        starts_at=EVENING,
        ends_at=EVENING + 6 * HOUR,
    )


class TestMetered:
    def test_sums_what_a_quarter_hour_paid(self, world: World) -> None:
        middle = EVENING + timedelta(minutes=5)
        world.report(
            world.event(starts_at=EVENING, ends_at=middle, energy_wh=50, job_completed=True),
            world.event(
                starts_at=middle,
                ends_at=EVENING + QUARTER,
                energy_wh=100,
                state_of_charge_min_pct=58.0,
            ),
        )
        settle_all()

        [first] = metered(world)

        assert (first.n, first.energy_wh, first.duration_s) == (EVENING_N, 150, 900)
        # 0.15 kWh at 0.24, 0.05 and 0.10, and one job.
        assert first[3:7] == (36_000, 7_500, 15_000, 2_000)
        assert first.is_clean
        assert first[11:] == (580, True, True, 110, 295)

    def test_counts_a_corrected_record_as_corrected(self, world: World) -> None:
        world.report(world.event(id="eu1-first", plugged_in=False))
        settle_all()
        world.report(world.event(energy_wh=200, supersedes="eu1-first"))
        settle_all()

        [first] = metered(world)

        assert (first.energy_wh, first.duration_s, first.reward_micros) == (200, 900, 20_000)
        assert first.plugged_in is True
        assert first.is_clean

    def test_knows_breaches(self) -> None:
        world = create_world(battery_stop_pct=70, battery_resume_pct=70)
        world.report(world.event())
        settle_all()

        assert [each.is_clean for each in metered(world)] == [False]

    def test_shows_strangers_nothing(self, world: World) -> None:
        world.report(world.event())
        settle_all()
        mallory = create_owner("Mallory")

        assert (
            list_metered(
                owner_id=mallory.pk,
                vehicle_id=world.vehicle.pk,
                currency="EUR",
                starts_at=EVENING,
                ends_at=NOON,
            )
            == ()
        )


class TestPrices:
    def test_are_the_owners_own_from_their_first_day_on(self, world: World) -> None:
        set_tariff(
            owner_id=world.olivia.pk,
            currency="EUR",
            time_zone="Europe/Oslo",
            base_micros_per_kwh=300_000,
            windows=(
                TariffWindow(days=(4,), starts_minute=1200, ends_minute=1260, micros_per_kwh=1),
            ),
            actor_id=world.olivia.pk,
            now=EVENING + 2 * QUARTER,
        )

        outlook = get_outlook(
            owner_id=world.olivia.pk,
            vehicle_id=world.vehicle.pk,
            currency="EUR",
            starts_at=EVENING,
            ends_at=EVENING + 2 * HOUR,
        )
        prices = list_prices(outlook=outlook, first_n=EVENING_N, last_n=EVENING_N + 8)

        # 19:00 in Oslo: the average of the region, then her own; from 20:00 on it is cheap.
        assert [each.electricity for each in prices] == [240_000] * 2 + [300_000] * 2 + [1] * 4
        assert prices[0] == Price(240_000, 50_000, 100_000)

    def test_follow_the_rate_card(self, world: World) -> None:
        set_rate_card(
            pool_id=world.pool.pk,
            rates=RATES.__class__(**(RATES.__dict__ | {"reward_micros_per_kwh": 200_000})),
            starts_at=EVENING + QUARTER,
            now=EVENING,
        )

        outlook = get_outlook(
            owner_id=world.olivia.pk,
            vehicle_id=world.vehicle.pk,
            currency="EUR",
            starts_at=EVENING,
            ends_at=EVENING + HOUR,
        )
        prices = list_prices(outlook=outlook, first_n=EVENING_N, last_n=EVENING_N + 2)

        assert [each.reward for each in prices] == [100_000, 200_000]

    def test_are_for_the_owner_only(self, world: World) -> None:
        with pytest.raises(CarNotFound):
            get_outlook(
                owner_id=create_owner("Mallory").pk,
                vehicle_id=world.vehicle.pk,
                currency="EUR",
                starts_at=EVENING,
                ends_at=NOON,
            )

    def test_know_the_hours_that_clocks_repeat(self) -> None:
        # 25 October 2026, 00:00 UTC is 02:00 in Oslo, and so is 01:00 UTC.
        first_n = int(datetime(2026, 10, 25, tzinfo=UTC).timestamp()) // 900

        slots = list_slots(time_zone="Europe/Oslo", first_n=first_n, last_n=first_n + 9)

        assert [slot - 6 * 96 for slot in slots] == [8, 9, 10, 11, 8, 9, 10, 11, 12]


class TestUsualWork:
    def test_is_the_mean_of_the_hour_drawn_towards_that_of_the_week(self, world: World) -> None:
        say_hourly(world.vehicle, EVENING, EVENING + 2 * HOUR)
        world.report(*(world.event(quarter, job_completed=quarter == 0) for quarter in range(4)))
        settle_all()
        refresh_outlooks(now=NOON)

        outlook = get_outlook(
            owner_id=world.olivia.pk,
            vehicle_id=world.vehicle.pk,
            currency="EUR",
            starts_at=EVENING,
            ends_at=NOON,
        )
        inference = next(kind for kind in outlook.work if any(kind.energy_mwh))

        # Silent after 21:00, she counts as plugged in for twelve hours more: 53 quarters in
        # all, four of them with 252 Wh. (4 x 252 + 8 x 1008 / 53) / (4 + 8) = 96.7 Wh.
        row = WorkOutlook.objects.get(category_bit=inference.category_bit)
        permitted = sum(row.permitted)
        mean = 4 * 252_000 / permitted
        assert inference.energy_mwh[FRIDAY_19] == round((4 * 252_000 + 8 * mean) / 12)
        assert inference.buyers == {world.ben.id: 1000}
        assert outlook.plugged_permille[FRIDAY_19] == 1000
        assert outlook.has_work

    def test_is_nothing_before_anybody_counted(self, world: World) -> None:
        outlook = get_outlook(
            owner_id=world.olivia.pk,
            vehicle_id=world.vehicle.pk,
            currency="EUR",
            starts_at=EVENING,
            ends_at=NOON,
        )

        assert not outlook.has_work
