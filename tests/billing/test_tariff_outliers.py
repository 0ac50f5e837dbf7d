"""
Back to the average of the region, and finance's look at prices far above it.
"""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEvent, User
from billing.models import QuarantinedRecord, RatedLine, Tariff
from billing.operations.tariffs import (
    NoAverage,
    TariffOverlaps,
    end_own_tariff,
    set_regional_tariff,
    set_tariff,
)
from billing.queries.tariff_outliers import list_tariff_outliers
from billing.queries.tariffs import get_tariff_in_force
from billing.rules import TariffWindow
from tests.billing.meters import EVENING, NOON, QUARTER, World, create_world, settle_all
from tests.factories import create_owner, create_person, create_vehicle, sign_in
from tests.matrix.world import rolled_back


pytestmark = pytest.mark.django_db
REGION = "no-trondheim"
MORNING = EVENING - timedelta(hours=10)
MONTH = EVENING.replace(day=1, hour=0)
PAGE = "/settings/tariff/"
FINANCE_PAGE = "/finance/tariffs/"
DEAR_EVENING = TariffWindow(
    days=tuple(range(7)), starts_minute=17 * 60, ends_minute=21 * 60, micros_per_kwh=700_000
)


@pytest.fixture
def world() -> World:
    """
    Make the world in which the region pays 0.24.
    """
    return create_world()


def give(
    owner: User, micros_per_kwh: int, *windows: TariffWindow, now: datetime = MORNING
) -> Tariff:
    return set_tariff(
        owner_id=owner.pk,
        currency="EUR",
        time_zone="Europe/Oslo",
        base_micros_per_kwh=micros_per_kwh,
        windows=windows,
        actor_id=owner.pk,
        now=now,
    )


def end(owner: User, *, now: datetime) -> bool:
    return end_own_tariff(owner_id=owner.pk, actor_id=owner.pk, now=now)


def price_at(owner: User, at: datetime) -> int:
    found = get_tariff_in_force(owner_id=owner.pk, region_code=REGION, at=at)
    assert found is not None
    return found.base_micros_per_kwh


class TestEndOwnTariff:
    def test_the_average_counts_from_then_on(self, world: World) -> None:
        give(world.olivia, 300_000)

        assert end(world.olivia, now=EVENING)

        assert price_at(world.olivia, EVENING - QUARTER) == 300_000
        assert price_at(world.olivia, EVENING) == 240_000
        event = AuditEvent.objects.get(action="tariff.ended")
        assert (event.actor, event.subject) == (world.olivia, f"owner:{world.olivia.pk}")

    def test_usage_is_priced_with_what_was_in_force(self, world: World) -> None:
        give(world.olivia, 300_000)
        end(world.olivia, now=EVENING + QUARTER)
        give(world.olivia, 400_000, now=EVENING + 2 * QUARTER)
        world.report(*(world.event(quarter) for quarter in range(3)))

        settle_all()

        lines = RatedLine.objects.order_by("starts_at")
        paid = [line.electricity_micros for line in lines]
        assert paid == [75_600, 60_480, 100_800]  # 252 Wh x 0.30, 0.24, 0.40

    def test_without_an_average_usage_waits_and_is_not_lost(self, world: World) -> None:
        give(world.olivia, 300_000)
        end(world.olivia, now=EVENING + QUARTER)
        Tariff.objects.filter(region_code=REGION).delete()
        world.report(world.event(0), world.event(1))

        settle_all()

        assert RatedLine.objects.count() == 1
        assert QuarantinedRecord.objects.count() == 1

    def test_a_second_time_changes_nothing(self, world: World) -> None:
        give(world.olivia, 300_000)
        end(world.olivia, now=EVENING)

        assert not end(world.olivia, now=EVENING + QUARTER)

        assert AuditEvent.objects.filter(action="tariff.ended").count() == 1

    def test_the_same_prices_can_be_given_again(self, world: World) -> None:
        give(world.olivia, 300_000)
        end(world.olivia, now=EVENING)

        again = give(world.olivia, 300_000, now=EVENING + QUARTER)

        assert again.version == 2
        assert price_at(world.olivia, EVENING + QUARTER) == 300_000
        assert price_at(world.olivia, EVENING) == 240_000

    def test_refuses_where_no_average_is_known(self, world: World) -> None:
        give(world.olivia, 300_000)
        create_vehicle(world.olivia, plate="OSLO 1", region_code="no-oslo")

        with pytest.raises(NoAverage, match="no-oslo"), rolled_back():
            end(world.olivia, now=EVENING)

        assert price_at(world.olivia, EVENING) == 300_000

    def test_refuses_to_end_what_began_at_this_moment(self, world: World) -> None:
        give(world.olivia, 300_000, now=EVENING)

        with pytest.raises(TariffOverlaps), rolled_back():
            end(world.olivia, now=EVENING)

    def test_the_owner_does_it_on_the_page(self, world: World, client: Client) -> None:
        sign_in(client, world.olivia)
        assert "Use the average of the region again" not in client.get(PAGE).text
        give(world.olivia, 300_000)
        assert "Use the average of the region again" in client.get(PAGE).text

        page = client.post(f"{PAGE}average/", follow=True).text

        assert "From now on the average of the region counts" in page
        assert "because you gave no price of your own" in page


class TestOutliers:
    def list_them(self) -> list[tuple[int, int, int, int]]:
        rows = list_tariff_outliers(since=MONTH, now=NOON, outlier_pct=150, limit=9)
        return [
            (row.owner_id, row.percent_of_average, row.energy_wh, row.electricity_micros)
            for row in rows
        ]

    def test_lists_what_is_far_above_the_region_with_what_was_paid(self, world: World) -> None:
        give(world.olivia, 480_000)
        world.report(world.event(0), world.event(1))
        settle_all()

        assert self.list_them() == [(world.olivia.pk, 200, 504, 241_920)]  # 0.504 x 0.48

    def test_leaves_out_what_is_near_it_or_no_longer_in_force(self, world: World) -> None:
        give(world.olivia, 900_000)
        end(world.olivia, now=EVENING)
        near = create_owner("Nora")
        create_vehicle(near, plate="NEAR 1")
        give(near, 360_000)

        assert self.list_them() == []

    def test_one_dear_hour_is_enough_and_the_farthest_comes_first(self, world: World) -> None:
        dearer = create_owner("Odin")
        create_vehicle(dearer, plate="DEAR 1")
        give(world.olivia, 100_000, DEAR_EVENING)
        give(dearer, 2_000_000)

        assert [row[:2] for row in self.list_them()] == [(dearer.pk, 833), (world.olivia.pk, 291)]

    def test_a_dear_hour_that_the_region_has_too_is_usual(self, world: World) -> None:
        set_regional_tariff(
            region_code=REGION,
            currency="EUR",
            time_zone="Europe/Oslo",
            base_micros_per_kwh=100_000,
            windows=(DEAR_EVENING,),
            actor_id=None,
            now=MORNING,
        )
        give(world.olivia, 700_000)

        assert self.list_them() == []

    def test_finance_finds_it_in_the_navigation(self, world: World, client: Client) -> None:
        give(world.olivia, 480_000)
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))

        with time_machine.travel(NOON, tick=False):
            page = client.get("/finance/").text
            outliers = client.get(FINANCE_PAGE).text

        assert f'href="{FINANCE_PAGE}"' in page
        assert "Olivia" in outliers
        assert "200\N{NO-BREAK SPACE}%" in outliers

    def test_says_when_no_price_stands_out(self, world: World, client: Client) -> None:
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))

        assert "No price stands out" in client.get(FINANCE_PAGE).text
