"""
Usage that contradicts the books: it waits by itself, and everybody else is settled and paid.
"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import RatedLine, Settlement, UsagePart
from billing.operations.settle import RETRY_AFTER, BooksRefused, settle_next, settle_pending
from consent.models import Vehicle
from portal.operations import list_checks
from tests.billing.meters import NOON, World, create_car, create_world, find_breaks, settle_all
from tests.billing.refusals import mend, refuse
from tests.factories import create_owner, create_person, sign_in


pytestmark = pytest.mark.django_db
LINES = "billing_ratedline"


@pytest.fixture
def world() -> World:
    return create_world()


def refuse_lines_of(vehicle: Vehicle) -> None:
    refuse(LINES, unless="vehicle_id <> %s", value=vehicle.pk)


def settle_due(now: timedelta = timedelta(0)) -> None:
    while settle_pending(now=NOON + now):
        pass


class TestRefused:
    def test_keeps_nobody_else_waiting(self, world: World) -> None:
        odin = create_car(create_owner("Odin"), plate="EL 10 001")
        refuse_lines_of(world.vehicle)
        # Olivia's comes first, in her lane and of all lanes.
        world.report(world.event())
        world.report(world.event(1, vehicle=odin), world.event(2, vehicle=odin))
        world.report(world.event(3))

        settle_due()

        assert set(RatedLine.objects.values_list("vehicle_id", flat=True)) == {odin.pk}
        waiting = UsagePart.objects.filter(settlement=None)
        assert {part.retry_at for part in waiting} == {NOON + RETRY_AFTER}
        assert sum(part.record_count for part in waiting) == 2
        assert find_breaks() == []

    def test_settles_the_sound_parts_of_the_same_lane(self, world: World) -> None:
        odin = create_car(world.olivia, plate="EL 10 001")
        refuse_lines_of(world.vehicle)
        world.report(world.event(1, vehicle=odin))
        world.report(world.event())
        world.report(world.event(2, vehicle=odin))

        settle_due()

        assert RatedLine.objects.count() == 2
        assert UsagePart.objects.get(settlement=None).retry_at == NOON + RETRY_AFTER

    def test_is_found_among_many_in_few_tries(self, world: World) -> None:
        odin = create_car(world.olivia, plate="EL 10 001")
        refuse_lines_of(world.vehicle)
        for quarter in range(20):
            world.report(world.event(quarter, vehicle=odin if quarter != 13 else None))

        settle_due()

        assert RatedLine.objects.count() == 19
        assert UsagePart.objects.get(settlement=None).retry_at == NOON + RETRY_AFTER
        # Each halving settles what is sound in one go.
        assert Settlement.objects.count() <= 5

    def test_is_settled_once_the_cause_is_mended(self, world: World) -> None:
        refuse_lines_of(world.vehicle)
        world.report(world.event())
        settle_due()
        mend(LINES)

        settle_due(RETRY_AFTER - timedelta(seconds=1))
        assert not RatedLine.objects.exists()

        settle_due(RETRY_AFTER)
        assert RatedLine.objects.count() == 1
        assert not UsagePart.objects.filter(settlement=None).exists()
        assert find_breaks() == []

    def test_says_which_parts_when_asked_for_the_next(self, world: World) -> None:
        refuse_lines_of(world.vehicle)
        world.report(world.event())

        with pytest.raises(BooksRefused) as refused:
            settle_next(now=NOON)

        assert refused.value.part_ids == [UsagePart.objects.get().pk]

    def test_stands_on_the_first_page_of_finance(self, client: Client, world: World) -> None:
        refuse_lines_of(world.vehicle)
        world.report(world.event(), world.event(1))
        settle_due()
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))

        labels = [str(task.label) for task in client.get("/finance/").context["tasks"]]

        assert labels == ["2 usage records cannot be settled"]

    def test_is_the_first_thing_that_operators_are_told(self, client: Client, world: World) -> None:
        refuse_lines_of(world.vehicle)
        world.report(world.event(), now=timezone.now())
        settle_due()
        sign_in(client, create_person("Oscar", staff_role="operator"))

        page = client.get("/operations/")

        [usage] = [check for check in list_checks(now=timezone.now()) if check.key == "usage"]
        assert not usage.is_ok
        assert "The books refuse some of them" in page.text
        assert "The next sweep settles them." not in page.text

    def test_nothing_of_it_stands_there_once_it_is_settled(
        self, client: Client, world: World
    ) -> None:
        refuse_lines_of(world.vehicle)
        world.report(world.event())
        settle_due()
        mend(LINES)
        settle_all(now=NOON + RETRY_AFTER)
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))

        assert "Nothing waits" in client.get("/finance/").text
