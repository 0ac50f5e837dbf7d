"""
What a draft would earn: from the car's own nights, and honest where there are few or none.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from time_machine import travel

from billing.models import WorkOutlook
from billing.operations.outlooks import refresh_outlooks
from consent import operations as consent
from consent.rules import ReadyBy, Window, WorkloadCategory
from portal.past.estimate import NIGHTS_PER_MONTH
from portal.past.facts import forget_facts
from tests.billing.meters import NOON, World, create_car, create_world, settle_all
from tests.factories import create_owner, sign_in
from tests.portal.nights import (
    FIRST,
    HOUR,
    NEARLY_ALWAYS,
    NIGHT_NET,
    NIGHTS,
    address,
    create_nights,
    get_rules_in_force,
    write_draft,
)
from tests.portal.samples import AWAY, say, say_hourly
from web.public_ids import encode


pytestmark = pytest.mark.django_db

EVENINGS = (Window((0, 1, 2, 3, 4, 5, 6), 19 * 60, 23 * 60),)
MONTH = NIGHTS_PER_MONTH


@pytest.fixture
def world() -> World:
    return create_nights()


def look(client: Client, world: World, *, htmx: bool = True, at: Any = NOON, **changes: Any) -> Any:
    """
    Post a draft as the editor does that was just opened.
    """
    forget_facts()
    return look_again(client, world, htmx=htmx, at=at, **changes)


def look_again(
    client: Client, world: World, *, htmx: bool = True, at: Any = NOON, **changes: Any
) -> Any:
    sign_in(client, world.olivia)
    with travel(at, tick=False):
        return client.post(
            address(world, "rules/preview") + "?places=editor",
            write_draft(world, **changes),
            headers={"HX-Request": "true"} if htmx else {},
        )


def net_of(response: Any) -> int:
    net: int = response.context["view"].estimate.money.net
    return net


class TestFigure:
    def test_is_what_was_metered_where_the_rules_do_not_differ(
        self, client: Client, world: World
    ) -> None:
        response = look(client, world)

        view = response.context["view"]
        assert view.estimate.nights == NIGHTS
        assert view.estimate.money.net == round(MONTH * NIGHT_NET)
        # Electricity at 0.24, wear at 0.05.
        assert view.estimate.money.electricity == round(MONTH * NIGHT_NET * 2.4)
        assert view.delta_micros == 0
        assert "€4.87" in response.text

    def test_says_between_what_most_months_are(self, client: Client, world: World) -> None:
        # One night of ten brought nothing.
        say(world.vehicle, FIRST - timedelta(days=1))
        say(world.vehicle, FIRST - timedelta(days=1) + HOUR, **AWAY)

        view = look(client, world).context["view"]

        # 11 nights, ten with 160,000 and one with 0: m = 145,455, s = 48,242.
        width = 1.2816 * 48_241.9 * (MONTH + MONTH**2 / 11) ** 0.5
        assert view.estimate.nights == 11
        assert view.estimate.low_micros == pytest.approx(MONTH * 145_454.5 - width, abs=200)
        assert view.estimate.high_micros == pytest.approx(MONTH * 145_454.5 + width, abs=200)
        assert "Most months between €3.77 and €5.09" in view.basis

    def test_says_how_few_nights_there_are(self, client: Client, world: World) -> None:
        assert "That is little to go by yet." in look(client, world).text

    def test_is_less_with_fewer_hours(self, client: Client, world: World) -> None:
        # Work runs from 21 to 23: an hour of it is left.
        windows = (Window((0, 1, 2, 3, 4, 5, 6), 19 * 60, 22 * 60),)

        response = look(client, world, windows=windows)

        assert net_of(response) == round(MONTH * NIGHT_NET / 2)
        assert response.context["view"].delta_micros == -round(MONTH * NIGHT_NET / 2)
        assert "€2.44 less than now" in response.text

    def test_counts_usual_work_where_the_rules_of_then_said_no(self, client: Client) -> None:
        world = create_nights(windows=EVENINGS)

        response = look(client, world, windows=(Window((0, 1, 2, 3, 4, 5, 6), 19 * 60, 1440),))

        # From 23 to 24 nobody had work, so next to the mean of the week there is none.
        assert net_of(response) > round(MONTH * NIGHT_NET)
        assert response.context["view"].delta_micros > 0

    def test_leaves_paused_nights_out(self, client: Client, world: World) -> None:
        before = net_of(look(client, world))
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=FIRST + timedelta(days=9, hours=6),
            kind="until_resumed",
            now=FIRST + timedelta(days=9),
        )

        view = look(client, world).context["view"]

        assert view.estimate.nights == NIGHTS - 1
        assert view.estimate.money.net == before

    def test_ends_with_the_last_whole_night(self, client: Client, world: World) -> None:
        late = NOON + timedelta(hours=10)
        say_hourly(world.vehicle, NOON, late)

        assert look(client, world, at=late).context["view"].estimate.nights == NIGHTS


class TestWithoutAPast:
    def test_shows_what_is_typical_in_the_region_and_says_so(
        self, client: Client, world: World
    ) -> None:
        newcomer = replace(
            world, vehicle=create_car(world.olivia, plate="KLM 118", windows=NEARLY_ALWAYS)
        )

        response = look(client, newcomer)

        view = response.context["view"]
        assert view.estimate.is_typical
        assert net_of(response) > 0
        assert "typical for cars in your region" in response.text
        assert view.costs == ()

    def test_keeps_to_the_limits_of_a_day(self, client: Client, world: World) -> None:
        newcomer = replace(
            world, vehicle=create_car(world.olivia, plate="KLM 118", windows=NEARLY_ALWAYS)
        )
        whole = net_of(look(client, newcomer))

        capped = net_of(look(client, newcomer, energy_wh_per_day_max=100))

        assert 0 < capped < whole

    def test_says_that_nobody_can_say_where_no_work_was_metered(self, client: Client) -> None:
        response = look(client, create_world())

        assert "nobody can say yet" in response.text
        assert "€0" not in response.text


class TestWhereTheHoursGo:
    def test_counts_what_is_left_after_each_condition(self, client: Client, world: World) -> None:
        funnel = look(client, world, battery_stop_pct=20).context["view"].funnel

        # 23.75 hours are open, twelve plugged in, and two have work.
        assert [bar.text.replace("\N{NO-BREAK SPACE}", " ") for bar in funnel] == [
            f"{round(23.75 * MONTH)} h",
            f"{round(12 * MONTH)} h",
            f"{round(12 * MONTH)} h",
            f"{round(2 * MONTH)} h",
        ]

    def test_shows_what_the_floor_takes(self, client: Client, world: World) -> None:
        funnel = (
            look(client, world, battery_stop_pct=71, battery_resume_pct=71).context["view"].funnel
        )

        assert funnel[2].text.startswith("0")


class TestCosts:
    def test_say_what_each_rule_alone_kept_away(self, client: Client, world: World) -> None:
        response = look(client, world, battery_stop_pct=71, battery_resume_pct=75)

        costs = {chip.part: chip.text for chip in response.context["view"].chips}
        assert "Costs you about <b>€4.87</b> a month" in costs["battery"]
        assert "nothing" in costs["plug"]
        assert costs["ready_by"] == ""

    def test_reach_the_rows_of_the_editor(self, client: Client, world: World) -> None:
        sign_in(client, world.olivia)
        editor = client.get(address(world, "rules")).text
        fragment = look(client, world).text

        assert "<html" not in fragment
        chips = [chip.part for chip in look(client, world).context["view"].chips]
        for key in (*(f"cost-{part}" for part in chips), "worth-21", "savebar-net", "savebar-more"):
            assert f'id="{key}"' in editor
            assert f'id="{key}"' in fragment

    def test_count_kinds_of_work_that_are_refused(self, client: Client, world: World) -> None:
        research = (WorkloadCategory.RESEARCH,)

        response = look(client, world, categories=research)

        assert net_of(response) == 0
        costs = {chip.part: chip.text for chip in response.context["view"].chips}
        assert "€4.87" in costs["categories"]
        suggestions = response.context["view"].suggestions
        assert suggestions[0].text == "Allow: AI inference"
        assert suggestions[0].net_micros == round(MONTH * NIGHT_NET)

    def test_count_what_a_power_limit_takes_off(self, client: Client, world: World) -> None:
        # 400 W let 100 Wh of each 200 through.
        response = look(client, world, power_limit_w=400)

        assert net_of(response) == round(MONTH * NIGHT_NET / 2)
        costs = {chip.part: chip.text for chip in response.context["view"].chips}
        assert "€2.44" in costs["power"]


class TestChanges:
    def test_are_the_three_best_of_different_rules(self, client: Client, world: World) -> None:
        windows = (Window((0, 1, 2, 3, 4, 5, 6), 19 * 60, 22 * 60),)

        suggestions = look(client, world, windows=windows).context["view"].suggestions

        assert [each.text for each in suggestions] == ["Work from 22:00 to 23:00 too"]
        assert suggestions[0].net_micros == round(MONTH * NIGHT_NET / 2)

    def test_lower_the_floor_as_far_as_it_helps(self, client: Client, world: World) -> None:
        suggestions = (
            look(client, world, battery_stop_pct=75, battery_resume_pct=75)
            .context["view"]
            .suggestions
        )

        assert suggestions[0].text.replace("\N{NO-BREAK SPACE}", " ") == (
            "Lower the floor from 75 % to 65 %"
        )
        assert suggestions[0].net_micros == round(MONTH * NIGHT_NET)

    def test_raise_a_budget_by_no_more_than_it_lets_through(
        self, client: Client, world: World
    ) -> None:
        # Five of eight quarters fit 1 kWh a day; 1.5 kWh have room for eight: 7.5 rounded up.
        response = look(client, world, energy_wh_per_day_max=1_000)

        assert net_of(response) == round(MONTH * NIGHT_NET * 5 / 8)
        first = response.context["view"].suggestions[0]
        assert first.text.replace("\N{NO-BREAK SPACE}", " ") == (
            "Allow 1.5 kWh a day instead of 1.0 kWh"
        )
        assert first.net_micros == round(MONTH * NIGHT_NET * 3 / 8)

    def test_give_charging_half_an_hour_more(self, client: Client, world: World) -> None:
        # At 3.68 kW the battery gains 43 permille an hour: 99 % by 4:00 needs work to end.
        ready = (ReadyBy((0, 1, 2, 3, 4, 5, 6), 4 * 60, 90),)

        view = look(client, world, ready_by=ready).context["view"]

        assert {chip.part: "about" in chip.text for chip in view.chips}["ready_by"]


class TestWithoutScripts:
    def test_is_a_page_that_keeps_the_draft(self, client: Client, world: World) -> None:
        response = look(client, world, htmx=False, battery_stop_pct=55, battery_resume_pct=60)

        assert response.status_code == 200
        assert "<html" in response.text
        assert '<input type="hidden" name="battery_stop_pct" value="55">' in response.text
        assert "What each rule costs" in response.text

    def test_shows_the_rules_in_force_when_asked_without_a_draft(
        self, client: Client, world: World
    ) -> None:
        sign_in(client, world.olivia)
        with travel(NOON, tick=False):
            response = client.get(address(world, "rules/preview"))

        assert net_of(response) == round(MONTH * NIGHT_NET)

    def test_says_what_cannot_be_read(self, client: Client, world: World) -> None:
        sent = write_draft(world) | {"battery_stop_pct": ["ninety"]}
        sign_in(client, world.olivia)
        with travel(NOON, tick=False):
            page = client.post(address(world, "rules/preview"), sent)
            fragment = client.post(
                address(world, "rules/preview"), sent, headers={"HX-Request": "true"}
            )

        assert page.status_code == 422
        assert "needs another look" in page.text
        assert fragment.status_code == 200
        assert net_of(fragment) == round(MONTH * NIGHT_NET)

    def test_sends_no_costs_to_a_page_without_places_for_them(
        self, client: Client, world: World
    ) -> None:
        sign_in(client, world.olivia)
        with travel(NOON, tick=False):
            fragment = client.post(
                address(world, "rules/preview"), write_draft(world), headers={"HX-Request": "true"}
            )

        assert "hx-swap-oob" in look(client, world).text
        assert "hx-swap-oob" not in fragment.text


class TestWhileAnOwnerEdits:
    def test_the_past_is_read_anew_after_minutes(self, client: Client, world: World) -> None:
        assert look(client, world).context["view"].estimate.nights == NIGHTS
        # A night that the car tells of late.
        say(world.vehicle, FIRST - timedelta(days=1))

        soon = look_again(client, world, at=NOON + timedelta(minutes=4)).context["view"]
        later = look_again(client, world, at=NOON + timedelta(minutes=5)).context["view"]

        assert (soon.estimate.nights, later.estimate.nights) == (NIGHTS, NIGHTS + 1)

    def test_each_draft_is_judged_anew(self, client: Client, world: World) -> None:
        whole = net_of(look(client, world))

        windows = (Window((0, 1, 2, 3, 4, 5, 6), 19 * 60, 22 * 60),)

        assert net_of(look_again(client, world, windows=windows)) < whole

    def test_what_is_remembered_is_nobody_elses(self, client: Client, world: World) -> None:
        look(client, world)
        consent.stop_all_cars(owner_id=world.olivia.pk, now=NOON)
        sent = write_draft(world)

        with travel(NOON, tick=False):
            assert client.post(address(world, "rules/preview"), sent).status_code == 404


class TestWhoMayLook:
    def test_hides_the_car_from_everybody_else(self, client: Client, world: World) -> None:
        mallory = create_owner("Mallory")
        create_car(mallory, plate="MAL 1")
        sign_in(client, mallory)
        sent = write_draft(world)

        for name in ("rules/preview", "replay"):
            assert client.get(address(world, name)).status_code == 404
            assert client.post(address(world, name), sent).status_code == 404
            absent = f"/cars/{encode('veh', 10**9)}/{name}/"
            assert client.get(absent).status_code == 404

    def test_asks_strangers_to_sign_in(self, client: Client, world: World) -> None:
        response = client.get(address(world, "rules/preview"))

        assert response.status_code == 302


def test_takes_as_many_queries_for_many_nights_as_for_few(
    client: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    look(client, world)
    with django_assert_max_num_queries(40) as few:
        look(client, world)
    world.report(
        *(
            world.event(starts_at=FIRST + HOUR * hour, ends_at=FIRST + HOUR * hour + HOUR / 4)
            for hour in (5, 6, 7)
        )
    )
    settle_all()
    refresh_outlooks(now=NOON)
    assert WorkOutlook.objects.count() == 6

    with django_assert_max_num_queries(len(few)):
        look(client, world)
    assert get_rules_in_force(world).battery_stop_pct == 40
