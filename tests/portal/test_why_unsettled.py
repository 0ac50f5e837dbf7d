"""
What was metered and not settled: Olivia sees it among what ran, with what became of it.
"""

from collections.abc import Callable

import pytest
from django.test import Client

from billing.models import QuarantinedRecord
from billing.operations.quarantine import accept, dismiss
from tests.billing.meters import EVENING, NOON, create_car, create_world, settle_all
from tests.consent.asking import hear
from tests.factories import create_person
from tests.portal.asking_why import MINUTE, find_check, open_why, read, view_of


pytestmark = pytest.mark.django_db
TOO_MUCH_WH = 2_520


class TestWhatRan:
    def test_what_waits_to_be_settled_is_there_already(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        world.report(world.event(), world.event(1))

        page = open_why(client, world, EVENING + MINUTE)

        spans = [(each.span, str(each.tag.label)) for each in view_of(page).stretches]
        assert spans == [
            ("19:00\N{EN DASH}19:15", "Waits to be settled"),
            ("19:15\N{EN DASH}19:30", "Waits to be settled"),
        ]
        assert "A job ran at this moment by its meter. It waits to be checked" in read(page)
        assert "nothing ran" not in read(page)

    def test_settled_it_is_told_as_ever_and_once(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        world.report(world.event())
        settle_all()

        page = open_why(client, world, EVENING + MINUTE)

        [only] = view_of(page).stretches
        assert (str(only.tag.label), only.is_moment) == ("Inside your rules", True)
        assert only.url

    def test_what_was_set_aside_says_why(self, client: Client) -> None:
        world = create_world()
        world.report(world.event(energy_wh=TOO_MUCH_WH), world.event(1))
        settle_all()

        page = open_why(client, world, EVENING + MINUTE)

        assert "Set aside: more energy than the vehicle can draw" in read(page)
        assert "set aside: more energy than the vehicle can draw. A person decides." in read(page)
        assert [each.is_moment for each in view_of(page).stretches] == [True, False]

    def test_what_was_dismissed_does_not_count(self, client: Client) -> None:
        world = create_world()
        world.report(world.event(energy_wh=TOO_MUCH_WH))
        settle_all()
        self.decide(dismiss)

        page = open_why(client, world, EVENING + MINUTE)

        assert "Does not count: more energy than the vehicle can draw" in read(page)

    def test_what_was_accepted_waits_once_more(self, client: Client) -> None:
        world = create_world()
        world.report(world.event(energy_wh=TOO_MUCH_WH))
        settle_all()
        self.decide(accept)

        [only] = view_of(open_why(client, world, EVENING + MINUTE)).stretches
        assert str(only.tag.label) == "Waits to be settled"
        settle_all()
        [only] = view_of(open_why(client, world, EVENING + MINUTE)).stretches
        assert str(only.tag.label) == "Inside your rules"

    def test_another_car_of_hers_is_another_matter(self, client: Client) -> None:
        world = create_world()
        other = create_car(world.olivia, plate="ZZ 2")
        world.report(world.event(vehicle=other))

        assert view_of(open_why(client, world, EVENING + MINUTE)).stretches == ()

    @staticmethod
    def decide(act: Callable[..., None]) -> None:
        kept = QuarantinedRecord.objects.get()
        fiona = create_person("Fiona", staff_role="finance_preparer")
        act(quarantined_id=kept.pk, actor_id=fiona.pk, reason="Looked at.", now=NOON)


def test_no_time_at_work_is_none(client: Client) -> None:
    world = create_world(compute_s_per_day_max=3_600)
    hear(world.vehicle, EVENING)

    page = open_why(client, world, EVENING + MINUTE)

    assert find_check(page, "Hours today")["found"] == "none"
    assert " 0 s" not in read(page)
