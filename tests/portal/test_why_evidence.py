"""
What a moment is judged by: only what was written down by then, and what is not known.
"""

import pytest
from django.test import Client

from consent.models import StateSample
from consent.queries import Telemetry
from tests.billing.meters import EVENING, QUARTER, create_world, settle_all
from tests.consent.asking import ask_one, hear, run
from tests.portal.asking_why import (
    FLOOR,
    HOUR,
    MINUTE,
    SECOND,
    UNTIL_EIGHT,
    find_check,
    open_why,
    read,
    view_of,
)
from tests.portal.samples import say


pytestmark = pytest.mark.django_db


class TestEvidence:
    def test_is_what_the_car_had_said_by_then(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING, state_of_charge_permille=380)
        hear(world.vehicle, EVENING + 4 * MINUTE, state_of_charge_permille=620)

        assert "battery 38 %" in read(open_why(client, world, EVENING + 3 * MINUTE))
        assert "Permitted" in read(open_why(client, world, EVENING + 4 * MINUTE))

    def test_is_unknown_before_the_first_word_of_the_car(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)

        page = open_why(client, world, EVENING - HOUR)

        assert "Not known at 18:00:00 on Fri 20 Nov" in read(page)
        assert find_check(page, "Plugged in")["state"] == "unknown"
        assert "is kept since 20 Nov 2026, 19:00:00 CET" in read(page)

    def test_lets_what_is_certain_refuse_all_the_same(self, client: Client) -> None:
        world = create_world(windows=UNTIL_EIGHT)

        page = open_why(client, world, EVENING + 2 * HOUR)

        assert "Refused at 21:00:00 on Fri 20 Nov: outside your hours" in read(page)
        assert "Nothing that the car said is kept" in read(page)

    def test_leaves_open_if_a_car_was_heard_whose_repeats_are_not_kept(
        self, client: Client
    ) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)

        within = open_why(client, world, EVENING + 10 * MINUTE)
        after = open_why(client, world, EVENING + 25 * MINUTE)

        assert "Not known" in read(within)
        assert find_check(within, "Heard from the car")["state"] == "unknown"
        assert find_check(within, "Plugged in")["state"] == "ok"
        assert "Had it said the same again within that quarter-hour" in read(within)
        assert "Refused" in read(after)
        assert "the car had lost its connection" in read(after)

    def test_of_an_answer_closes_that_gap(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        hear(world.vehicle, EVENING + 9 * MINUTE)
        assert StateSample.objects.count() == 1
        ask_one(run(world.vehicle), now=EVENING + 10 * MINUTE)

        assert "Permitted" in read(open_why(client, world, EVENING + 10 * MINUTE + SECOND))

    def test_counts_the_sample_that_came_with_a_question(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING)
        at = EVENING + 20 * MINUTE
        said = Telemetry(
            observed_at=at, state_of_charge_permille=390, plugged_in=True, battery_temp_decic=180
        )
        ask_one(run(world.vehicle, telemetry=said), now=at)

        page = open_why(client, world, at + SECOND)

        assert "battery 39 %, floor 40 %" in read(page)
        assert "those of 19:20:00, 1 s before, as they came with a question." in read(page)
        assert view_of(page).difference == ""

    def test_says_what_was_told_only_later(self, client: Client) -> None:
        world = create_world(**FLOOR)
        sample = say(world.vehicle, EVENING, state_of_charge_permille=380)
        StateSample.objects.filter(vehicle=world.vehicle).update(received_at=EVENING + HOUR)

        page = open_why(client, world, sample.observed_at + MINUTE)

        assert "battery 38 %" in read(page)
        assert "reached us only at 20 Nov 2026, 20:00:00 CET" in read(page)

    def test_says_of_an_answer_that_it_was_asked_for_afterwards(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        world.report(world.event())
        settle_all()
        question = run(world.vehicle, "j-late", at=EVENING + MINUTE)
        ask_one(question, now=EVENING + 3 * HOUR)

        page = read(open_why(client, world, EVENING + 2 * MINUTE))

        assert "It asked only afterwards, on Fri 20 Nov, 22:00." in page

    def test_believes_what_was_told_then_before_what_was_asked_for_afterwards(
        self, client: Client
    ) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        ask_one(run(world.vehicle, "j-1"), now=EVENING)
        question = run(world.vehicle, "j-late", at=EVENING + MINUTE)
        ask_one(question, now=EVENING + 3 * HOUR)

        page = read(open_why(client, world, EVENING + 2 * MINUTE))

        assert "The scheduler was told yes at 19:00:00" in page
        assert "It asked only afterwards" not in page

    def test_counts_the_use_of_then_and_not_of_the_whole_day(self, client: Client) -> None:
        world = create_world(energy_wh_per_day_max=1_000)
        world.report(*(world.event(quarter) for quarter in range(4)))
        settle_all()
        hear(world.vehicle, EVENING - MINUTE)

        before = open_why(client, world, EVENING - MINUTE)
        between = open_why(client, world, EVENING + QUARTER + MINUTE)
        later = open_why(client, world, EVENING + 2 * HOUR)

        assert find_check(before, "Energy today")["found"] == "0.0 kWh"
        # One interval of 252 Wh had ended.
        assert find_check(between, "Energy today")["found"] == "0.3 kWh"
        spent = find_check(later, "Energy today")
        assert (spent["state"], spent["found"]) == ("no", "1.0 kWh")

    def test_of_what_others_reserved_is_that_of_the_answer(self, client: Client) -> None:
        world = create_world(energy_wh_per_day_max=1_000)
        hear(world.vehicle, EVENING)
        ask_one(run(world.vehicle, "j-1", expected_wh=900), now=EVENING)
        ask_one(run(world.vehicle, "j-2", expected_wh=900), now=EVENING)

        page = open_why(client, world, EVENING + SECOND)
        long_after = open_why(client, world, EVENING + 3 * MINUTE)

        assert find_check(page, "Energy today")["found"] == "0.9 kWh"
        assert "What running jobs had reserved" in read(long_after)
