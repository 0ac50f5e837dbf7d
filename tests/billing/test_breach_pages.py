"""
Olivia sees what ran against her rules: when, by which clock the rule had closed, and what was paid.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.models import Transfer
from billing.queries.breaches import list_breaches
from consent import operations as consent
from consent.models import Vehicle
from consent.rules import Window
from tests.billing.meters import EVENING, NOON, World, create_world, settle_all
from tests.factories import create_owner, sign_in
from web.public_ids import encode


# 18:00 UTC is 19:00 in Oslo: these hours close half an hour after the booking begins.
UNTIL_HALF_PAST = (Window((0, 1, 2, 3, 4, 5, 6), 12 * 60, 19 * 60 + 30),)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def fetch(client: Client, query: str = "", address: str = "/breaches/") -> str:
    response = client.get(f"{address}{query}")
    assert response.status_code == 200
    return response.content.decode()


def read(client: Client, query: str = "") -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", fetch(client, query))).split())


def read_sessions(client: Client) -> str:
    return fetch(client, address="/sessions/")


def open_as(world: World, client: Client) -> Client:
    sign_in(client, world.olivia)
    return client


@pytest.mark.django_db
class TestBreaches:
    def test_say_both_clocks_the_rule_and_what_was_paid(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(*(world.event(quarter) for quarter in range(4)))
        settle_all()

        page = read(open_as(world, client))

        assert "4 metered intervals were compared" in page
        assert "2 of them were outside your rules" in page
        assert page.count("Outside your hours") == 2
        # On Olivia's clock and by UTC; at that moment her hours had closed.
        assert "20 Nov 2026, 19:30:00 CET" in page
        assert "20 Nov 2026, 18:30:00 UTC" in page
        assert "Your hours closed at" in page
        assert "252 Wh" in page
        # 2 x 0.0252 + 0.06048 each, in one transfer of the day.
        assert "€0.11" in page
        transfer = Transfer.objects.get(code="consent_breach")
        assert transfer.amount_micros == 2 * 110_880
        name = f"{encode('ent', transfer.entry_id)}-{transfer.number}"
        assert page.count(f"in transfer {name} of €0.22") == 2

    def test_lead_to_the_reading_that_they_were_made_from(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(*(world.event(quarter) for quarter in range(3)))
        settle_all()

        page = open_as(world, client).get("/breaches/").content.decode()
        [path] = re.findall(r'href="(/sessions/[^"]+)"', page)

        reading = client.get(path)
        assert reading.status_code == 200
        assert "Outside your rules: outside your hours" in reading.content.decode()

    def test_name_the_moment_of_a_withdrawal(self, client: Client) -> None:
        world = create_world()
        consent.withdraw(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            now=EVENING + timedelta(minutes=7, seconds=9),
        )
        world.report(world.event(2))
        settle_all()

        page = read(open_as(world, client))

        assert "You had withdrawn your consent" in page
        assert "You withdrew at" in page
        assert "20 Nov 2026, 19:07:09 CET" in page
        assert "20 Nov 2026, 18:07:09 UTC" in page
        assert "Written down by us" in page

    def test_name_the_moment_of_a_pause(self, client: Client) -> None:
        world = create_world()
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=None,
            kind="until_resumed",
            now=EVENING + timedelta(minutes=2),
        )
        world.report(world.event(1))
        settle_all()

        page = read(open_as(world, client))

        assert "You paused at" in page
        assert "20 Nov 2026, 19:02:00 CET" in page

    def test_without_a_clock_say_the_rule_only(self, client: Client) -> None:
        world = create_world(battery_stop_pct=70, battery_resume_pct=80)
        world.report(world.event())
        settle_all()

        page = read(open_as(world, client))

        assert "Battery under your floor" in page
        assert "closed at" not in page

    def test_are_none_where_all_was_allowed(self, client: Client) -> None:
        world = create_world()
        world.report(world.event(), world.event(1))
        settle_all()

        page = read(open_as(world, client))

        assert "Nothing ran outside your rules" in page
        assert "2 metered intervals were compared" in page
        assert "0 of them were outside your rules" in page

    def test_are_not_promised_where_nothing_was_metered(self, client: Client) -> None:
        world = create_world()

        page = read(open_as(world, client))

        assert "Nothing to check in these days" in page

    def test_of_one_car_leave_out_the_others(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        other = Vehicle.objects.create(
            owner=world.olivia,
            plate="BX 43 LR",
            name="",
            region_code="no-trondheim",
            hardware_class_code="ai4",
            rated_power_w=1_100,
            battery_wh=75_000,
            time_zone="Europe/Oslo",
        )
        world.report(world.event(2), world.event(2, vehicle=other, sequence=1))
        settle_all()
        open_as(world, client)

        assert "2 of them were outside" in read(client)
        page = read(client, f"?car={encode('veh', other.pk)}")
        assert "1 of them was outside" in page
        assert "You had agreed to nothing" in page

    def test_go_back_in_time(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(world.event(2))
        settle_all()
        open_as(world, client)

        assert "1 of them was outside" in read(client)
        assert "Nothing to check in these days" in read(client, "?until=20260901T000000Z")

    def test_corrected_since_say_so(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(world.event(2, id="wrong"))
        settle_all()
        world.report(world.event(2, supersedes="wrong", energy_wh=126))
        settle_all()

        page = read(open_as(world, client))

        assert "Corrected by a later reading" in page

    def test_are_nobody_elses(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(world.event(2))
        settle_all()
        mallory = create_owner("Mallory")
        sign_in(client, mallory)

        assert "Nothing to check in these days" in read(client)
        assert client.get(f"/breaches/?car={encode('veh', world.vehicle.pk)}").status_code == 404
        assert not list_breaches(
            owner_id=mallory.pk,
            vehicle_ids=[world.vehicle.pk],
            starts_at=EVENING,
            ends_at=NOON,
            limit=10,
        )

    def test_lead_to_older_ones_only_where_a_car_worked_before(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(world.event(2))
        settle_all()
        open_as(world, client)

        assert "Older" not in read(client)
        assert "Older" not in read_sessions(client)
        with time_machine.travel(NOON + timedelta(days=95), tick=False):
            open_as(world, client)
            assert "Older" in read(client)
            assert "Older" in read_sessions(client)
            [address] = re.findall(r'rel="next" href="/breaches/([^"]+)"', fetch(client))
            older = read(client, unescape(address))
        assert "1 of them was outside" in older
        assert "Older" not in older

    def test_go_on_where_a_full_page_ends(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(*(world.event(quarter) for quarter in range(2, 7)))
        settle_all()
        open_as(world, client)
        monkeypatch.setattr("billing.views.breaches.BREACHES_SHOWN", 2)

        pages, query = [], ""
        for _page in range(3):
            page = fetch(client, query)
            pages.append(re.findall(r'id="(breach-\d+)"', page))
            query = "".join(re.findall(r'rel="next" href="/breaches/([^"]+)"', page))

        assert [len(page) for page in pages] == [2, 2, 1]
        assert len({key for page in pages for key in page}) == 5

    def test_cost_the_same_for_one_and_for_many(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(*(world.event(quarter) for quarter in range(2, 12)))
        settle_all()
        open_as(world, client)

        with django_assert_max_num_queries(12):
            read(client)


@pytest.mark.django_db
class TestGoneCar:
    def test_keeps_its_sessions_and_earnings_for_who_had_it(self, client: Client) -> None:
        world = create_world(windows=UNTIL_HALF_PAST)
        world.report(world.event(), world.event(2))
        settle_all()
        open_as(world, client)
        before = find_amounts(client)
        assert len(set(before)) > 3
        Vehicle.objects.filter(pk=world.vehicle.pk).update(retired_at=NOON)

        assert find_amounts(client) == before
        sessions = client.get("/sessions/").content.decode()
        [path] = re.findall(r'href="(/sessions/veh_[^"]+)"', sessions)
        assert client.get(path).status_code == 200
        assert "1 of them was outside" in read(client)


def find_amounts(client: Client) -> list[str]:
    return re.findall("€[0-9.]+", client.get("/earnings/").content.decode())
