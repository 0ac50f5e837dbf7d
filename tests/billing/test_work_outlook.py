"""
How often a plugged-in car has work, by hour of the week.
"""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import WorkOutlook
from billing.operations.outlooks import refresh_due_outlook, refresh_outlooks
from consent import operations as consent
from consent.rules import WorkloadCategory
from tests.billing.meters import EVENING, NOON, World, create_car, create_world, settle_all
from tests.portal.samples import AWAY, say, say_hourly


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
# Friday, 19:00 in Trondheim is hour 4 x 24 + 19 of its week.
FRIDAY_19 = 4 * 24 + 19
INFERENCE, TRAINING = WorkloadCategory.INFERENCE.bit, WorkloadCategory.TRAINING.bit


@pytest.fixture
def world() -> World:
    """
    Olivia's car is plugged in on Friday from 19 to 23 and works in five of the quarters.
    """
    world = create_world()
    say_hourly(world.vehicle, EVENING, EVENING + 4 * HOUR)
    say(world.vehicle, EVENING + 4 * HOUR, **AWAY)
    world.report(*(world.event(quarter, job_completed=quarter == 4) for quarter in range(5)))
    settle_all()
    return world


def count(category_bit: int = INFERENCE) -> WorkOutlook:
    refresh_outlooks(now=NOON)
    return WorkOutlook.objects.get(category_bit=category_bit)


class TestRefresh:
    def test_counts_permitted_and_worked_quarters_by_local_hour(self, world: World) -> None:
        outlook = count()

        assert outlook.permitted[FRIDAY_19 : FRIDAY_19 + 5] == [4, 4, 4, 4, 0]
        assert outlook.worked[FRIDAY_19 : FRIDAY_19 + 3] == [4, 1, 0]
        assert outlook.energy_wh[FRIDAY_19 : FRIDAY_19 + 2] == [4 * 252, 252]
        assert outlook.worked_s[FRIDAY_19] == 3600
        assert outlook.job_micros[FRIDAY_19 : FRIDAY_19 + 2] == [0, 2_000]
        assert outlook.buyers == {str(world.ben.id): 5 * 252}

    def test_counts_presence_since_a_car_was_first_heard(self, world: World) -> None:
        outlook = count()

        assert outlook.plugged[FRIDAY_19] == 4
        assert outlook.seen[FRIDAY_19] == 4
        assert outlook.seen[FRIDAY_19 - 1] == 0
        # Saturday: silent, and counted.
        assert (outlook.seen[5 * 24 + 12], outlook.plugged[5 * 24 + 12]) == (4, 0)

    def test_counts_a_kind_without_work_as_permitted(self, world: World) -> None:
        outlook = count(TRAINING)

        assert (outlook.permitted[FRIDAY_19], outlook.worked[FRIDAY_19]) == (4, 0)

    def test_leaves_out_kinds_that_the_owner_refuses(self) -> None:
        world = create_world(categories=(WorkloadCategory.INFERENCE,))
        say_hourly(world.vehicle, EVENING, EVENING + HOUR)

        assert count(TRAINING).permitted[FRIDAY_19] == 0

    def test_leaves_out_quarters_that_a_rule_or_a_pause_closed(self) -> None:
        world = create_world(battery_stop_pct=75, battery_resume_pct=75)
        say_hourly(world.vehicle, EVENING, EVENING + HOUR)
        other = create_car(world.olivia, plate="KLM 118")
        say_hourly(other, EVENING, EVENING + HOUR)
        consent.pause(
            vehicle_id=other.pk,
            owner_id=world.olivia.pk,
            until=EVENING + 2 * HOUR,
            kind="hour",
            now=EVENING + HOUR / 2,
        )

        # The first car is under its floor, the second was paused half of the hour.
        assert count().permitted[FRIDAY_19] == 2

    def test_leaves_out_a_day_whose_budget_is_spent(self) -> None:
        world = create_world(energy_wh_per_day_max=500)
        say_hourly(world.vehicle, EVENING, EVENING + 2 * HOUR)
        world.report(world.event(0), world.event(1))
        settle_all()

        assert count().permitted[FRIDAY_19 : FRIDAY_19 + 2] == [2, 0]

    def test_starts_anew_every_time(self, world: World) -> None:
        first, second = count(), count()

        assert first.permitted == second.permitted
        assert WorkOutlook.objects.count() == 6


class TestDue:
    def test_counts_a_pool_once_an_hour(self, world: World) -> None:
        assert refresh_due_outlook(now=NOON) == 1
        assert refresh_due_outlook(now=NOON + timedelta(minutes=59)) == 0
        assert refresh_due_outlook(now=NOON + HOUR) == 1

    def test_looks_sooner_where_there_was_no_work_yet(self) -> None:
        create_world()

        assert refresh_due_outlook(now=NOON) == 1
        assert refresh_due_outlook(now=NOON + timedelta(minutes=1)) == 0
        assert refresh_due_outlook(now=NOON + timedelta(minutes=2)) == 1


def test_counts_the_hours_of_the_week_as_clocks_show_them() -> None:
    world = create_world()
    # Clocks went back on 25 October 2026: 17:00 UTC is 19:00 before, 18:00 after.
    for day in (24, 26):
        at = datetime(2026, 10, day, 17, tzinfo=UTC)
        say(world.vehicle, at)
        say(world.vehicle, at + timedelta(minutes=15), **AWAY)
    refresh_outlooks(now=datetime(2026, 11, 1, tzinfo=UTC))

    plugged = WorkOutlook.objects.get(category_bit=INFERENCE).plugged
    assert [hour for hour, quarters in enumerate(plugged) if quarters] == [18, 5 * 24 + 19]
