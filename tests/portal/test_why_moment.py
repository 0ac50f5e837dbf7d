"""
Which moment is explained, to whom, and where the page is linked from.
"""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from time_machine import travel

from accounts.models import Outbox, User
from billing.models import RatedLine
from consent.models import Vehicle
from consent.operations.transfers import NewOwnersWords, accept_offer, offer_vehicle
from tests.billing.meters import EVENING, NOON, World, create_car, create_world, settle_all
from tests.consent.asking import ask_one, hear, run
from tests.factories import create_owner, create_person, sign_in
from tests.portal.asking_why import (
    HOUR,
    MINUTE,
    SECOND,
    UNTIL_EIGHT,
    address,
    get,
    open_why,
    read,
    view_of,
)
from web.public_ids import encode


pytestmark = pytest.mark.django_db


class TestMoment:
    def test_is_chosen_with_a_plain_form(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        path = f"{address(world.vehicle)}?date=2026-11-20&time=19:01"

        page = get(client, world.olivia, path)

        assert "Permitted at 19:01:00 on Fri 20 Nov" in read(page)
        choice = page.context["choice"]
        assert (choice.on_date, choice.at_time) == ("2026-11-20", "19:01")
        assert choice.earlier_url.endswith("?at=2026-11-20T17:46:00Z")
        assert choice.later_url.endswith("?at=2026-11-20T18:16:00Z")

    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-20T19:01",
            "2026-11-20T18:01:00Z",
            "2026-11-20T19:01:00+01:00",
            "2026-11-20T19:01:00 01:00",
        ],
    )
    def test_is_read_on_the_clock_of_the_car_or_with_an_offset(
        self, client: Client, text: str
    ) -> None:
        world = create_world()

        page = open_why(client, world, text)

        assert view_of(page).judged.moment.at == EVENING + MINUTE

    def test_that_came_twice_is_the_first_and_leads_to_the_second(self, client: Client) -> None:
        world = create_world()

        first = open_why(client, world, "2026-10-25T02:30")
        second = client.get(first.context["other_url"])

        assert "02:30 came twice. This is the first." in read(first)
        assert view_of(first).judged.moment.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert first.context["other_url"].endswith("?at=2026-10-25T01:30:00Z")
        assert second.status_code == 200

    def test_that_never_came_is_the_one_after_the_gap(self, client: Client) -> None:
        world = create_world()

        page = open_why(client, world, "2026-03-29T02:30")

        assert "02:30 never came. This is 03:30." in read(page)

    @pytest.mark.parametrize(
        "text", ["yesterday", "2026-13-01T00:00", "0001-01-01T00:00:00+14:00", "9" * 400]
    )
    def test_that_nobody_can_read_is_refused(self, client: Client, text: str) -> None:
        world = create_world()

        page = get(client, world.olivia, address(world.vehicle, text))

        assert page.status_code == 422
        assert "That is no date and time that we can read." in read(page)

    def test_that_is_still_to_come_is_refused(self, client: Client) -> None:
        world = create_world()

        page = get(client, world.olivia, address(world.vehicle, NOON + MINUTE))

        assert page.status_code == 422
        assert "That is still to come: it is Sun 22 Nov, 13:00." in read(page)

    def test_before_the_car_was_added_is_refused(self, client: Client) -> None:
        world = create_world()

        page = get(client, world.olivia, address(world.vehicle, "2025-12-31T12:00"))

        assert page.status_code == 422
        assert "You added this car on Thu 1 Jan, 01:00." in read(page)

    def test_takes_as_many_queries_with_a_long_past_as_with_a_short_one(
        self, client: Client
    ) -> None:
        world = create_world(energy_wh_per_day_max=50_000)
        sign_in(client, world.olivia)
        counts = []
        for events in (1, 40):
            for minute in range(events):
                hear(
                    world.vehicle, EVENING + minute * MINUTE, state_of_charge_permille=600 + minute
                )
                ask_one(
                    run(world.vehicle, f"j-{minute}", booking_id=world.booking.id),
                    now=EVENING + minute * MINUTE,
                )
            world.report(*(world.event(quarter) for quarter in range(1 if events == 1 else 12)))
            settle_all()
            with travel(NOON, tick=False), CaptureQueriesContext(connection) as queries:
                assert client.get(address(world.vehicle, EVENING + SECOND)).status_code == 200
            counts.append(len(queries))

        assert counts[0] == counts[1] <= 30


class TestOwnership:
    def test_is_that_of_the_owner_alone(self, client: Client) -> None:
        world = create_world()
        mallory = create_owner("Mallory")
        create_car(mallory, plate="MA 11 RY")

        foreign = get(client, mallory, address(world.vehicle, EVENING))
        absent = get(client, mallory, f"/cars/{encode('veh', 10**9)}/why/?at=2026-11-20T19:00")

        assert foreign.status_code == absent.status_code == 404

    def test_ends_with_the_car_and_begins_anew_with_its_next_owner(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        nina = create_person("Nina", is_owner=True)
        left_at = EVENING + HOUR
        hers = give_to(world, nina, now=left_at)

        before = get(client, world.olivia, address(world.vehicle, EVENING + MINUTE))
        after = get(client, world.olivia, address(world.vehicle, left_at))
        present = get(client, world.olivia, address(world.vehicle))
        of_hers = get(client, nina, address(hers, EVENING + MINUTE))

        assert "Permitted at 19:01:00" in read(before)
        assert "/rules/#" not in before.text
        assert after.status_code == present.status_code == 422
        assert "This car left your account on Fri 20 Nov, 20:00." in read(after)
        assert of_hers.status_code == 422
        assert "You added this car on" in read(of_hers)
        assert get(client, nina, address(world.vehicle, EVENING)).status_code == 404


def give_to(world: World, nina: User, *, now: datetime) -> Vehicle:
    """
    Let Nina take Olivia's car over; return hers.
    """
    offer_vehicle(
        vehicle_id=world.vehicle.pk,
        owner_id=world.olivia.pk,
        email=nina.email,
        link="https://parado.example/offers/{token}/",
        now=now - MINUTE,
    )
    text = Outbox.objects.latest("id").payload["text"]
    [token] = re.findall(r"/offers/([^/]+)/", text)
    words = NewOwnersWords(plate="NN 10 AA", name="Hers")
    return accept_offer(token=token, user_id=nina.pk, words=words, now=now)


class TestLinks:
    def test_lead_here_from_her_home(self, client: Client) -> None:
        world = create_world()

        home = get(client, world.olivia, "/")

        assert f'href="{address(world.vehicle)}"' in home.text

    def test_lead_here_from_a_reading_and_from_a_breach(self, client: Client) -> None:
        world = create_world(windows=UNTIL_EIGHT)
        world.report(world.event(), world.event(4))
        settle_all()
        [first, _second] = RatedLine.objects.order_by("starts_at")
        stamp = EVENING.strftime("%Y%m%dT%H%M%SZ")
        path = f"/sessions/{encode('veh', world.vehicle.pk)}/{stamp}/{first.record_id}/"

        reading = get(client, world.olivia, path)
        breaches = get(client, world.olivia, "/breaches/")

        assert "/why/?at=2026-11-20T18:00:00Z" in reading.text
        assert "/why/?at=2026-11-20T19:00:00Z" in breaches.text
