"""
The nights again under a draft: each with what it would have brought and what stood in its way.
"""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import travel

from billing.queries.earnings import get_earnings
from consent import operations as consent
from consent.rules import Window
from portal.past.estimate import estimate_month, to_month
from portal.past.facts import forget_facts, list_noons, load_facts
from portal.past.nights import replay
from tests.billing.meters import NOON, World, create_car, create_world, settle_all
from tests.factories import sign_in
from tests.portal.nights import (
    FIRST,
    NEARLY_ALWAYS,
    NIGHT_NET,
    NIGHTS,
    address,
    create_nights,
    get_rules_in_force,
    write_draft,
)
from tests.portal.samples import say_nights


pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    forget_facts()
    return create_nights()


def look(client: Client, world: World, query: str = "", *, htmx: bool = False) -> Any:
    sign_in(client, world.olivia)
    with travel(NOON, tick=False):
        return client.get(
            address(world, "replay") + query, headers={"HX-Request": "true"} if htmx else {}
        )


def post(
    client: Client, world: World, *, path: str = "replay", days: str = "", **changes: Any
) -> Any:
    sign_in(client, world.olivia)
    with travel(NOON, tick=False):
        return client.post(address(world, path), write_draft(world, **changes) | {"days": [days]})


class TestNights:
    def test_bring_what_was_metered_where_the_rules_do_not_differ(
        self, client: Client, world: World
    ) -> None:
        view = look(client, world).context["view"]

        assert view.night_count == NIGHTS
        assert view.net_micros == view.really_micros == NIGHTS * NIGHT_NET
        metered = get_earnings(
            owner_id=world.olivia.pk,
            vehicle_ids=[world.vehicle.pk],
            currency="EUR",
            starts_at=NOON - timedelta(days=30),
            ends_at=NOON,
        )
        assert view.net_micros == metered[0].earnings.better_off_micros

    def test_say_which_rule_stood_in_the_way(self, client: Client, world: World) -> None:
        response = post(client, world, battery_stop_pct=75, battery_resume_pct=75)

        first = response.context["view"].table.rows[0]
        # Twelve hours plugged in, and a quarter in which it said that it was away.
        assert first.cells[1].text.startswith("Battery floor 12\N{NO-BREAK SPACE}h")
        assert first.cells[4].text == "0.00"
        assert first.cells[5].text == "0.16"

    def test_say_that_the_hours_stood_in_the_way_of_work(
        self, client: Client, world: World
    ) -> None:
        # From 22 on: of the work of 21 to 23 the first hour is lost, and it was there.
        late = (Window((0, 1, 2, 3, 4, 5, 6), 22 * 60, 7 * 60),)
        view = post(client, world, windows=late).context["view"]

        first = view.table.rows[0]
        assert first.cells[1].text.startswith("Outside your hours")
        assert (first.cells[4].text, first.cells[5].text) == ("0.08", "0.16")

    def test_are_named_by_the_day_on_which_they_begin(self, client: Client, world: World) -> None:
        rows = look(client, world).context["view"].table.rows

        # The last one began on Saturday, the 21st, and went on into Sunday.
        assert rows[0].cells[0].text.replace("\N{NO-BREAK SPACE}", " ") == "Sat 21 Nov"

    def test_are_those_of_which_anything_is_known(self, client: Client, world: World) -> None:
        text = look(client, world, "?days=90").text

        assert "the car was first heard 10 nights ago" in text

    def test_show_a_pause(self, client: Client, world: World) -> None:
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=FIRST + timedelta(days=9, hours=1),
            kind="hour",
            now=FIRST + timedelta(days=9),
        )

        view = look(client, world).context["view"]

        assert "Paused by you 1 h" in view.table.rows[0].cells[1].text.replace(
            "\N{NO-BREAK SPACE}", " "
        )

    def test_are_counted_on_the_clock_of_the_car(self) -> None:
        # Clocks went back on 25 October 2026: the night has 25 hours.
        noons = list_noons(time_zone="Europe/Oslo", days=30, now=NOON)

        lengths = {last - first for first, last in pairwise(noons)}
        assert lengths == {96, 100}
        assert len(noons) == 31


class TestPage:
    def test_replays_thirty_nights_or_ninety(self, client: Client, world: World) -> None:
        assert look(client, world).context["view"].days == 30
        assert look(client, world, "?days=90").context["view"].days == 90
        assert look(client, world, "?days=a%20b").context["view"].days == 30

    def test_answers_a_fragment_to_the_page_itself(self, client: Client, world: World) -> None:
        response = look(client, world, "?days=90", htmx=True)

        assert "<html" not in response.text
        assert response.headers["Vary"].count("HX-Request") == 1

    def test_marks_the_choice_also_where_only_a_fragment_changes(
        self, client: Client, world: World
    ) -> None:
        sign_in(client, world.olivia)
        headers = {"HX-Request": "true"}
        with travel(NOON, tick=False):
            url = address(world, "replay") + "?days=90"
            chosen = client.get(url, headers=headers | {"HX-Target": "replay-x"}).text
            further = client.get(url, headers=headers).text

        assert re.search(r'days=90" aria-current="true"', chosen)
        assert not re.search(r'days=30" aria-current', chosen)
        # A further car on the page has no choice of its own.
        assert 'id="choices"' not in further

    def test_marks_the_choice_of_a_draft(self, client: Client, world: World) -> None:
        page = post(client, world, days="90").text

        assert 'name="days" value="90" aria-current="true"' in page

    def test_carries_the_draft_along(self, client: Client, world: World) -> None:
        response = post(client, world, battery_stop_pct=55, battery_resume_pct=60, days="90")

        assert response.context["view"].days == 90
        assert '<input type="hidden" name="battery_stop_pct" value="55">' in response.text
        assert "nothing is saved yet" in response.text

    def test_leads_to_the_owners_other_cars(self, client: Client, world: World) -> None:
        second = create_car(world.olivia, plate="KLM 118")

        response = look(client, world)

        assert [card.vehicle_id for card in response.context["others"]] == [second.pk]

    def test_says_that_there_is_nothing_to_replay_yet(self, client: Client) -> None:
        assert "Nothing to replay yet" in look(client, create_world()).text

    def test_refuses_a_draft_that_cannot_be_read(self, client: Client, world: World) -> None:
        sign_in(client, world.olivia)
        sent = write_draft(world) | {"temp_high_c_on": ["on"], "temp_high_c": ["hot"]}
        with travel(NOON, tick=False):
            assert client.post(address(world, "replay"), sent).status_code == 422


nights_windows = st.lists(
    st.builds(
        Window,
        days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
        starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
        ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


class TestTotals:
    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        windows=nights_windows,
        stop=st.integers(60, 75),
        cap=st.none() | st.integers(100, 2_000),
    )
    def test_of_the_preview_are_those_of_the_replay(
        self, client: Client, world: World, windows: Any, stop: int, cap: int | None
    ) -> None:
        changes: dict[str, Any] = {
            "windows": tuple(each for each in windows if each.length_minutes < 1440),
            "battery_stop_pct": stop,
            "battery_resume_pct": stop,
            "energy_wh_per_day_max": cap,
        }
        if not changes["windows"]:
            changes["windows"] = NEARLY_ALWAYS

        preview = post(client, world, path="rules/preview", **changes).context["view"]
        replayed = post(client, world, days="90", **changes).context["view"]

        assert preview.estimate.nights == replayed.night_count
        assert preview.estimate.money.net == pytest.approx(
            to_month(replayed.net_micros, nights=replayed.night_count), abs=1
        )

    def test_are_those_of_the_meter_under_budgets_that_did_not_differ(self) -> None:
        world = create_nights(energy_wh_per_day_max=1_600)
        draft = get_rules_in_force(world)
        # More was plugged in and permitted than had work, and the cap was just reached.
        facts = load_facts(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            time_zone="Europe/Oslo",
            battery_wh=75_000,
            charge_power_w=3_680,
            days=90,
            now=NOON,
        )

        replayed = replay(facts=facts, draft=draft)

        assert replayed.net_micros == NIGHTS * NIGHT_NET
        assert estimate_month(replayed).nights == NIGHTS

    def test_leave_breaches_out(self) -> None:
        world = create_nights()
        at = FIRST + timedelta(hours=5)
        world.report(
            world.event(starts_at=at, ends_at=at + timedelta(minutes=15), plugged_in=False)
        )
        settle_all()
        facts = load_facts(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            time_zone="Europe/Oslo",
            battery_wh=75_000,
            charge_power_w=3_680,
            days=30,
            now=NOON,
        )

        first = replay(facts=facts, draft=get_rules_in_force(world)).nights[0]

        assert (first.money.net, first.really.net) == (NIGHT_NET, NIGHT_NET + 25_200)
        assert "plug" in first.blocked


def test_one_car_says_nothing_of_another(client: Client, world: World) -> None:
    other = create_car(world.olivia, plate="KLM 118")
    say_nights(other, FIRST, nights=2)

    assert look(client, world).context["view"].night_count == NIGHTS
