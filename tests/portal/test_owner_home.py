"""
The owner's home: what is true now, and what was earned, on one page.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from time_machine import travel

from accounts.models import User
from billing.models import Tariff
from consent.rules import Gate, Window
from portal.owner import RULE_ROWS
from tests.billing.meters import EVENING, NOON, World, create_car, create_world, settle_all
from tests.factories import create_owner, create_vehicle_state, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """
    Olivia's car worked two hours on Friday evening; it is Sunday noon now.
    """
    world = create_world()
    world.report(*(world.event(quarter) for quarter in range(8)))
    settle_all()
    return world


def read_home(client: Client, user: User, address: str = "/") -> Any:
    sign_in(client, user)
    with travel(NOON, tick=False):
        return client.get(address)


class TestHome:
    def test_shows_strangers_what_parado_is(self, client: Client) -> None:
        response = client.get("/")

        assert response.status_code == 200
        assert "portal/start.html" in [template.name for template in response.templates]

    def test_says_why_the_car_waits_and_every_gate(self, client: Client, world: World) -> None:
        response = read_home(client, world.olivia)

        assert "Waiting: the car has not reported yet" in response.text
        assert "Inside your hours" in response.text

    def test_says_that_the_car_may_work(self, client: Client, world: World) -> None:
        create_vehicle_state(world.vehicle, now=NOON)

        assert "Ready for work" in read_home(client, world.olivia).text

    def test_leads_from_every_gate_to_the_row_of_its_rule(
        self, client: Client, world: World
    ) -> None:
        create_vehicle_state(world.vehicle, now=NOON)
        links = re.findall(r'href="([^"]+/rules/)#([a-z_]+)"', read_home(client, world.olivia).text)
        assert {row for _page, row in links} >= {"hours", "battery", "plug", "categories"}

        rules = read_home(client, world.olivia, links[0][0]).text

        assert set(RULE_ROWS) == set(Gate)
        assert [row for row in RULE_ROWS.values() if f'id="{row}"' not in rules] == []

    def test_shows_no_limits_of_the_month_where_none_is_set(
        self, client: Client, world: World
    ) -> None:
        assert "Your limits this month" not in read_home(client, world.olivia).text

    def test_shows_how_much_of_a_months_limits_is_used(self, client: Client) -> None:
        world = create_world(energy_wh_per_month_max=4_032, mobile_data_mb_per_month_max=500)
        world.report(*(world.event(quarter) for quarter in range(8)))
        settle_all()

        meters = read_home(client, world.olivia).context["limits"]

        # 8 x 252 Wh of 4.032 kWh.
        assert [(meter.key, meter.percent) for meter in meters] == [
            ("month_energy", 50.0),
            ("data", 0.0),
        ]

    def test_is_green_only_while_the_car_works(self, client: Client, world: World) -> None:
        create_vehicle_state(world.vehicle, now=NOON)
        assert 'data-state="waiting"' in read_home(client, world.olivia).text

        starts_at = NOON - timedelta(minutes=15)
        world.report(world.event(starts_at=starts_at, ends_at=NOON))
        settle_all()

        text = read_home(client, world.olivia).text
        assert 'data-state="earning"' in text
        assert "Earning: your car is at work" in text

    def test_shows_what_the_month_left_after_electricity_and_wear(
        self, client: Client, world: World
    ) -> None:
        text = read_home(client, world.olivia).text

        # 8 x 252 Wh: paid 8 x 0.09828 = 0.78624, better off 8 x 0.0252 = 0.2016.
        assert "€0.20" in text
        assert "€0.79" in text
        assert "−€0.48" in text  # noqa: RUF001 - the page's own minus sign

    def test_asks_for_the_tariff_while_an_average_prices_the_electricity(
        self, client: Client, world: World
    ) -> None:
        assert "priced with a regional average" in read_home(client, world.olivia).text

        Tariff.objects.update(owner=world.olivia, region_code="")

        assert "priced with a regional average" not in read_home(client, world.olivia).text

    def test_says_that_no_electricity_price_is_known(self, client: Client) -> None:
        olivia = create_owner()
        create_car(olivia, plate="BX 42 LR")

        assert "No electricity price is known here." in read_home(client, olivia).text

    def test_lists_the_session_with_the_state_of_its_money(
        self, client: Client, world: World
    ) -> None:
        text = read_home(client, world.olivia).text

        assert "19:00–21:00" in text  # noqa: RUF001 - the page's own dash
        assert "Clearing" in text

    def test_says_that_a_session_ended_with_the_hours(self, client: Client) -> None:
        until_eight = Window((0, 1, 2, 3, 4, 5, 6), 12 * 60, 20 * 60)
        world = create_world(windows=(until_eight,))
        world.report(*(world.event(quarter) for quarter in range(4)))
        settle_all()

        assert "End of your hours" in read_home(client, world.olivia).text

    def test_asks_an_owner_without_a_car_to_add_one(self, client: Client) -> None:
        response = read_home(client, create_owner())

        assert "Add your first car" in response.text

    def test_shows_one_of_several_cars(self, client: Client, world: World) -> None:
        second = create_car(world.olivia, plate="KLM 118")

        response = read_home(client, world.olivia, f"/?car={encode('veh', second.pk)}")

        assert response.context["car"].vehicle.plate == "KLM 118"

    def test_knows_no_car_of_somebody_else(self, client: Client, world: World) -> None:
        mallory = create_owner("Mallory")
        create_car(mallory, plate="MAL 1")
        foreign, absent = encode("veh", world.vehicle.pk), encode("veh", 10**9)

        assert read_home(client, mallory, f"/?car={foreign}").status_code == 404
        assert read_home(client, mallory, f"/?car={absent}").status_code == 404

    def test_polls_the_sign_alone(self, client: Client, world: World) -> None:
        address = f"/cars/{encode('veh', world.vehicle.pk)}/sign/"

        response = read_home(client, world.olivia, address)

        assert "<html" not in response.text
        assert "Waiting" in response.text
        assert read_home(client, create_owner("Mallory"), address).status_code == 404

    def test_takes_as_many_queries_for_many_lines_as_for_few(
        self, client: Client, world: World, django_assert_max_num_queries: Any
    ) -> None:
        sign_in(client, world.olivia)
        with travel(NOON, tick=False), django_assert_max_num_queries(40) as few:
            client.get("/")
        world.report(*(world.event(quarter) for quarter in range(8, 24)))
        settle_all()

        with travel(NOON, tick=False), django_assert_max_num_queries(len(few)):
            client.get("/")


class TestSessions:
    def test_leads_from_the_list_to_the_meter_reading(self, client: Client, world: World) -> None:
        page = read_home(client, world.olivia, "/sessions/")
        assert "19:00–21:00" in page.text  # noqa: RUF001 - the page's own dash
        session_url = page.context["table"].rows[0].cells[0].url

        session = client.get(session_url)
        assert "Every quarter-hour" in session.text
        assert session.text.count("Inside your rules") == 8
        reading_url = session.context["lines_table"].rows[0].cells[0].url

        reading = client.get(reading_url)
        # 0.252 kWh x 0.24 = 0.060480, x 0.05 = 0.012600, x 0.10 = 0.025200.
        for figure in ("0.252 kWh", "0.060480", "0.012600", "0.025200", "0.098280"):
            assert figure in reading.text

    def test_names_the_rule_that_was_broken_and_the_compensation(self, client: Client) -> None:
        world = create_world(battery_stop_pct=60, battery_resume_pct=65)
        world.report(world.event(state_of_charge_min_pct=47.0))
        settle_all()

        page = read_home(client, world.olivia, "/sessions/")
        session = client.get(page.context["table"].rows[0].cells[0].url)

        assert "Outside your rules: battery under your floor" in session.text
        # 2 x 0.0252 + 0.06048 = 0.11088.
        assert "€0.11 compensation" in session.text

    def test_shows_a_correction_and_what_it_took_back(self, client: Client, world: World) -> None:
        world.report(
            world.event(0, id="eu1-correction", energy_wh=200, supersedes="eu1-000001"),
        )
        settle_all()

        page = read_home(client, world.olivia, "/sessions/")
        session = client.get(page.context["table"].rows[0].cells[0].url)

        assert "Taken back: corrected" in session.text
        assert session.context["session"].earnings.energy_wh == 7 * 252 + 200

    def test_hides_a_session_from_everybody_else(self, client: Client, world: World) -> None:
        page = read_home(client, world.olivia, "/sessions/")
        url = page.context["table"].rows[0].cells[0].url
        reading = client.get(url).context["lines_table"].rows[0].cells[0].url
        mallory = create_owner("Mallory")

        for address in (url, reading, url.replace("T18", "T17")):
            assert read_home(client, mallory, address).status_code == 404

    def test_says_nothing_of_cars_that_are_not_there(self, client: Client, world: World) -> None:
        address = f"/sessions/?car={encode('veh', 10**9)}"

        assert read_home(client, world.olivia, address).status_code == 404

    @pytest.mark.parametrize("stamp", ["00010101T000000Z", "99991231T235959Z", "soon"])
    def test_bears_the_ends_of_the_calendar(self, client: Client, world: World, stamp: str) -> None:
        for path in ("/sessions/", "/breaches/"):
            page = read_home(client, world.olivia, f"{path}?until={stamp}")
            assert page.context["until"] == read_home(client, world.olivia, path).context["until"]
        car = encode("veh", world.vehicle.pk)
        assert read_home(client, world.olivia, f"/sessions/{car}/{stamp}/").status_code == 404

    def test_goes_back_month_by_month(self, client: Client, world: World) -> None:
        stamp = (EVENING - timedelta(days=1)).strftime("%Y%m%dT%H%M%SZ")

        page = read_home(client, world.olivia, f"/sessions/?until={stamp}")

        assert page.context["table"].rows == ()


class TestEarnings:
    def test_sums_months_and_says_where_the_money_is(self, client: Client, world: World) -> None:
        page = read_home(client, world.olivia, "/earnings/")

        assert "November 2026" in page.text
        assert page.context["earnings"].better_off_micros == 8 * 25_200
        assert page.context["facts"][0].value == "€0.79"

    def test_is_not_for_strangers(self, client: Client) -> None:
        response = client.get("/earnings/")

        assert response.status_code == 302
        assert "/account/login/" in response["Location"]
