"""
The hold window: earnings become available three days after their day, and not before.
"""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import SettlementDay, Transfer
from billing.operations.releases import release_due
from tests.billing.meters import (
    World,
    create_car,
    create_world,
    find_breaks,
    moved,
    settle_all,
)
from tests.billing.refusals import mend, refuse
from tests.factories import create_owner
from web.limits import SETTLEMENT_LANES


pytestmark = pytest.mark.django_db
DUE = datetime(2026, 11, 24, tzinfo=UTC)  # 20 November is over on the 21st, plus three days


@pytest.fixture
def world() -> World:
    return create_world()


class TestRefused:
    def test_a_lane_that_the_books_refuse_keeps_no_other_waiting(self, world: World) -> None:
        odin = create_owner("Odin")
        world.report(world.event())
        world.report(world.event(1, vehicle=create_car(odin, plate="EL 10 001")))
        settle_all()
        first, second = SettlementDay.objects.order_by("lane")
        is_olivias = first.lane == world.olivia.pk % SETTLEMENT_LANES
        refused_id = world.olivia.pk if is_olivias else odin.pk
        refuse(
            "billing_transfer",
            unless="code <> 'earnings_released' OR owner_id <> %s",
            value=refused_id,
        )

        assert release_due(now=DUE) == 1
        assert release_due(now=DUE) == 0
        assert SettlementDay.objects.get(released_at=None) == first

        mend("billing_transfer")
        assert release_due(now=DUE) == 1
        assert SettlementDay.objects.get(pk=second.pk).released_at == DUE
        assert find_breaks() == []


class TestReleaseDue:
    def test_releases_each_component(self, world: World) -> None:
        world.report(world.event(0, job_completed=True), world.event(1))
        settle_all()

        assert release_due(now=DUE - timedelta(seconds=1)) == 0
        assert release_due(now=DUE) == 1
        assert release_due(now=DUE) == 0

        assert moved("earnings_released") == {
            ("owner_pending:electricity", "owner_available:electricity"): 120_960,
            ("owner_pending:wear", "owner_available:wear"): 25_200,
            ("owner_pending:reward", "owner_available:reward"): 50_400,
            ("owner_pending:job", "owner_available:job"): 2_000,
        }
        assert SettlementDay.objects.get().released_at == DUE

    def test_leaves_compensation_where_it_is(self) -> None:
        world = create_world(temp_high_c=25)
        world.report(world.event())
        settle_all()

        release_due(now=DUE)

        pairs = Transfer.objects.filter(code="earnings_released").values_list(
            "component", flat=True
        )
        assert sorted(pairs) == ["electricity", "reward", "wear"]

    def test_releases_days_by_their_own_date(self, world: World) -> None:
        world.report(world.event(0), world.event(24))  # 20 and 21 November, UTC
        settle_all()

        release_due(now=DUE)

        assert SettlementDay.objects.filter(released_at__isnull=True).count() == 1
        assert sum(moved("earnings_released").values()) == 98_280
