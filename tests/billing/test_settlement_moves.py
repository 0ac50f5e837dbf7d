"""
A car moves to another region: what was metered before keeps the average price of its place.
"""

from dataclasses import replace
from datetime import datetime

import pytest

from billing.models import RatedLine
from billing.operations.tariffs import set_tariff
from consent import operations as consent
from consent.models import FormerPlace, Vehicle
from consent.queries.details import get_details
from tests.billing.meters import (
    EVENING,
    NOON,
    QUARTER,
    World,
    create_regional_tariff,
    create_world,
    settle_all,
)


pytestmark = pytest.mark.django_db
BERGEN = "no-bergen"


def move(world: World, region_code: str, *, at: datetime, revision: int = 1) -> None:
    car = Vehicle.objects.get(pk=world.vehicle.pk)
    consent.change_details(
        vehicle_id=car.pk,
        owner_id=car.owner_id,
        details=replace(get_details(car), region_code=region_code),
        expected_revision=revision,
        expected_number=1,
        now=at,
    )


def list_electricity() -> list[int]:
    """
    Return what each reading was paid for electricity, in micros for a kWh, by time.
    """
    lines = RatedLine.objects.order_by("starts_at").values_list("electricity_micros", "energy_wh")
    return [micros * 1000 // energy_wh for micros, energy_wh in lines]


@pytest.fixture
def world() -> World:
    """
    Stand for Olivia in Trondheim, 0.24 a kWh; in Bergen it is 0.36.
    """
    create_regional_tariff(micros_per_kwh=360_000, region_code=BERGEN)
    return create_world(micros_per_kwh=240_000)


def test_each_reading_has_the_price_of_where_it_was_metered(world: World) -> None:
    move(world, BERGEN, at=EVENING + QUARTER)
    world.report(world.event(), world.event(1), world.event(2))

    settle_all()

    assert list_electricity() == [240_000, 360_000, 360_000]


def test_so_has_one_that_comes_long_after_the_move(world: World) -> None:
    world.report(world.event(1))
    settle_all()
    move(world, BERGEN, at=EVENING + 2 * QUARTER)
    world.report(world.event())
    settle_all()

    assert list_electricity() == [240_000, 240_000]


def test_a_car_that_comes_back_was_away_in_between(world: World) -> None:
    move(world, BERGEN, at=EVENING + QUARTER)
    move(world, "no-trondheim", at=EVENING + 2 * QUARTER, revision=2)
    world.report(world.event(), world.event(1), world.event(2))
    settle_all()

    assert list_electricity() == [240_000, 360_000, 240_000]
    assert FormerPlace.objects.count() == 2


def test_a_price_of_ones_own_holds_everywhere(world: World) -> None:
    set_tariff(
        owner_id=world.olivia.pk,
        currency="EUR",
        time_zone="Europe/Oslo",
        base_micros_per_kwh=100_000,
        windows=(),
        actor_id=world.olivia.pk,
        now=EVENING + 2 * QUARTER,
    )
    move(world, BERGEN, at=EVENING + QUARTER)
    world.report(world.event(), world.event(1), world.event(2), world.event(3))
    settle_all(now=NOON)

    assert list_electricity() == [240_000, 360_000, 100_000, 100_000]
