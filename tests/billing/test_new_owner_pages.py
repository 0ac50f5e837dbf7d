"""
Olivia's car earned, broke rules and was asked about; Nina, who has it now, sees nothing of that.
"""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client

from accounts.models import Outbox, User
from consent.models import Vehicle
from consent.operations import NewOwnersWords, accept_offer, offer_vehicle
from tests.billing.meters import EVENING, NOON, World, create_world, settle_all
from tests.consent.asking import ask_one, hear, run
from tests.factories import create_consent, create_person, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db

# What of Olivia's must not show: her plate and name, and what was metered and checked.
TRACES = ("BX 42 LR", "Olivia", "252 Wh", "4 metered intervals were compared")


@pytest.fixture
def world() -> World:
    made = create_world(energy_wh_per_day_max=400)
    hear(made.vehicle, EVENING)
    assert ask_one(run(made.vehicle, booking_id=made.booking.id), now=EVENING).permit
    made.report(*(made.event(quarter) for quarter in range(4)))
    settle_all()
    return made


@pytest.fixture
def nina() -> User:
    return create_person("Nina")


def hand_over(world: World, nina: User) -> Vehicle:
    offer_vehicle(
        vehicle_id=world.vehicle.pk,
        owner_id=world.olivia.pk,
        email=nina.email,
        link="http://testserver/offers/{token}/",
        now=NOON,
    )
    [token] = re.findall(r"/offers/([^/]+)/", Outbox.objects.latest("id").payload["text"])
    words = NewOwnersWords("NN 10 AA", "Mine")
    return accept_offer(token=token, user_id=nina.pk, words=words, now=NOON)


def list_pages(car: Vehicle) -> tuple[str, ...]:
    own = f"/cars/{encode('veh', car.pk)}"
    at = f"{EVENING + timedelta(minutes=5):%Y-%m-%dT%H:%M}"
    return (
        *("/", "/cars/", "/sessions/", "/breaches/", "/payouts/", "/earnings/"),
        *(f"{own}/history/", f"{own}/rules/", f"{own}/why/", f"{own}/why/?at={at}"),
        *(f"{own}/replay/", f"{own}/withdraw/"),
    )


def read_all(client: Client, person: User, car: Vehicle) -> dict[str, str]:
    """
    Return the words of each page that exists, between its header and its end.
    """
    sign_in(client, person)
    words = {}
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        for path in list_pages(car):
            response = client.get(path)
            if response.status_code == 200:
                main = response.content.decode().partition("<main")[2]
                words[path] = " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())
    return words


def find_traces(words: dict[str, str]) -> set[str]:
    return {trace for trace in TRACES for text in words.values() if trace in text}


def test_the_new_owner_sees_nothing_of_the_old_ones_history(
    client: Client, world: World, nina: User
) -> None:
    # Negative control: to Olivia every trace shows.
    assert find_traces(read_all(client, world.olivia, world.vehicle)) >= set(TRACES) - {"Olivia"}

    car = hand_over(world, nina)
    create_consent(car, now=NOON)

    pages = read_all(client, nina, car)
    assert len(pages) >= 8, sorted(pages)
    assert find_traces(pages) == set()
