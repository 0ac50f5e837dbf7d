"""
Olivia asks to be forgotten: what goes, what stays, and what is owed to her first.
"""

import re
from collections.abc import Iterator
from html import unescape

import pytest
import time_machine
from django.test import Client

from accounts.models import ErasureRequest
from billing.operations.erasure import ask_for_erasure
from consent.queries.receipts import get_signed_receipt
from tests.billing.erasing import CLEARED, complete
from tests.billing.meters import NOON, World, create_world
from tests.billing.people import create_fiona, earn
from tests.factories import create_organization, create_owner, create_person, sign_in
from web.public_ids import encode


@pytest.fixture
def world() -> World:
    return create_world()


def read(client: Client, path: str = "/settings/erasure/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.fixture
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("_noon")
class TestPage:
    def test_says_what_goes_what_stays_and_what_is_owed(self, client: Client) -> None:
        olivia = create_owner("Olivia")
        earn(olivia, reward=9_200_000)
        sign_in(client, olivia)

        page = read(client)

        assert "The number plates and names of your cars" in page
        assert "Each version of the rules with its digest" in page
        assert "€9.20" in page
        assert "I give up what is left" in page

    def test_asks_and_takes_back(self, client: Client, world: World) -> None:
        sign_in(client, world.olivia)
        client.post("/settings/erasure/", {"understood": "on"})

        assert "We have noted it." in read(client)
        assert "Keep my account after all" in read(client)
        world.vehicle.refresh_from_db()
        assert world.vehicle.retired_at is not None
        client.post("/settings/erasure/take-back/")
        assert "Your account stays." in read(client)

    def test_needs_a_tick_and_a_fresh_sign_in(self, client: Client) -> None:
        olivia = create_owner("Olivia")
        sign_in(client, olivia)
        assert client.post("/settings/erasure/").status_code == 422

        sign_in(client, olivia, is_fresh=False)
        response = client.post("/settings/erasure/", {"understood": "on"})

        assert "/account/reauthenticate/" in response["Location"]
        assert not ErasureRequest.objects.exists()

    def test_sends_who_is_needed_away(self, client: Client) -> None:
        ben = create_person("Ben")
        create_organization(ben)
        for person, text in ((ben, "leave it first"), (create_fiona(), "You work here")):
            sign_in(client, person)
            response = client.post("/settings/erasure/", {"understood": "on"})

            assert response.status_code == 409
            assert text in response.content.decode()
        assert not ErasureRequest.objects.exists()

    def test_is_linked_from_the_settings(self, client: Client) -> None:
        sign_in(client, create_owner("Olivia"))

        assert "/settings/erasure/" in client.get("/settings/").content.decode()

    def test_afterwards_no_receipt_says_whose_it_was(self, world: World) -> None:
        ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)
        complete(world.olivia)

        receipt = get_signed_receipt(
            vehicle_id=world.vehicle.pk, owner_id=world.olivia.pk, number=1, now=CLEARED
        )["receipt"]
        assert receipt["vehicle"] == {
            "id": encode("veh", world.vehicle.pk),
            "plate": "",
            "name": "",
        }
