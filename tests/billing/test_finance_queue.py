"""
What the first page of finance says that waits, and what leads from there to the meters.
"""

from datetime import timedelta

import pytest
from django.test import Client

from billing.models import LedgerCheck, ProviderEvent
from tests.billing.meters import NOON, World, create_world, settle_all
from tests.factories import create_person, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db
PAGE = "/finance/"


@pytest.fixture
def world() -> World:
    return create_world()


@pytest.fixture
def fiona(client: Client) -> Client:
    sign_in(client, create_person("Fiona", staff_role="finance_preparer"))
    return client


def labels(client: Client) -> list[str]:
    return [str(task.label) for task in client.get(PAGE).context["tasks"]]


class TestQueue:
    def test_is_empty_when_nothing_waits(self, fiona: Client) -> None:
        assert "Nothing waits" in fiona.get(PAGE).text

    def test_names_what_is_in_quarantine(self, fiona: Client, world: World) -> None:
        world.report(world.event(energy_wh=2_520), world.event(1, workload_category=None))
        settle_all()

        page = fiona.get(PAGE)

        assert [str(task.label) for task in page.context["tasks"]] == [
            "2 records wait in quarantine"
        ]
        assert 'href="/finance/quarantine/"' in page.text
        assert "Nothing waits" not in page.text

    def test_names_records_that_never_came(self, fiona: Client, world: World) -> None:
        world.report(world.event(), world.event(1, sequence=4))
        settle_all()

        assert labels(fiona) == ["2 usage records never came"]

    def test_names_what_the_provider_told_in_vain(self, fiona: Client) -> None:
        ProviderEvent.objects.create(
            event_id="evt_1",
            event_type="transfer.reversed",
            object_id="tr_1",
            state=ProviderEvent.State.DEAD,
            received_at=NOON,
            due_at=NOON,
            body="{}",
        )

        assert labels(fiona) == ["1 message of the provider was given up"]

    def test_names_books_that_broke_first(self, fiona: Client, world: World) -> None:
        LedgerCheck.objects.create(started_at=NOON, finished_at=NOON, is_clean=False, lines=[])
        world.report(world.event(energy_wh=2_520))
        settle_all()

        assert labels(fiona)[0] == "The books do not tie out"


class TestHoles:
    def test_are_named_by_number_with_the_readings_beside_them(
        self, fiona: Client, world: World
    ) -> None:
        vehicle = encode("veh", world.vehicle.pk)
        quarters = {1: 0, 2: 1, 4: 3, 8: 7, 9: 8}
        world.report(*(world.event(quarter, sequence=n) for n, quarter in quarters.items()))
        settle_all()

        listed = fiona.get("/finance/metering/")
        page = fiona.get(f"/finance/metering/?vehicle={vehicle}")

        assert f'href="?vehicle={vehicle}"' in listed.text
        rows = [[cell.text for cell in row.cells] for row in page.context["holes"].rows]
        assert [row[:2] for row in rows] == [["5\N{EN DASH}7", "3"], ["3", "1"]]
        assert rows[1][2].endswith("19:30")

    def test_count_what_was_set_aside_as_having_come(self, fiona: Client, world: World) -> None:
        world.report(
            world.event(0, sequence=1),
            world.event(1, sequence=2, energy_wh=2_520),
            world.event(2, sequence=3),
            world.event(4, sequence=5),
        )
        settle_all()

        page = fiona.get(f"/finance/metering/?vehicle={encode('veh', world.vehicle.pk)}")

        assert [row.cells[0].text for row in page.context["holes"].rows] == ["4"]

    def test_of_a_vehicle_that_is_none_are_404(self, fiona: Client) -> None:
        assert fiona.get("/finance/metering/?vehicle=nonsense").status_code == 404

    def test_of_a_vehicle_without_any_say_so(self, fiona: Client, world: World) -> None:
        world.report(world.event())
        settle_all(now=NOON + timedelta(minutes=1))

        page = fiona.get(f"/finance/metering/?vehicle={encode('veh', world.vehicle.pk)}")

        assert "Every sequence is whole" in page.text
