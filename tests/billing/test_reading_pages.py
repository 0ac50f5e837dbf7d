"""
Olivia opens one meter reading of a session: all that was metered, and how each amount is made.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.models import UsageRecord
from tests.billing.meters import EVENING, NOON, World, create_world, settle_all
from tests.factories import create_owner, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def find_address(world: World) -> str:
    record = UsageRecord.objects.get()
    car = encode("veh", world.vehicle.pk)
    return f"/sessions/{car}/{EVENING:%Y%m%dT%H%M%SZ}/{record.id}/"


def read(client: Client, world: World, **data: Any) -> str:
    """
    Return the words of the page of a reading that was metered like this.
    """
    world.report(world.event(0, **data))
    settle_all()
    response = client.get(find_address(world))
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.fixture
def world(client: Client) -> World:
    made = create_world()
    sign_in(client, made.olivia)
    return made


class TestReading:
    def test_says_all_that_was_metered(self, client: Client, world: World) -> None:
        page = read(client, world)

        assert "Energy at the wall 252 Wh" in page
        assert "Lowest battery level 61.5 %" in page
        assert "Battery temperature 11 °C \N{EN DASH} 29.5 °C" in page
        assert "Plugged in Yes" in page
        assert "At home Yes" in page

    @pytest.mark.parametrize(
        ("size_bytes", "words"),
        [(None, "not said"), (0, "0 MB"), (7, "0.000007 MB"), (1_234_500_000, "1,234.5 MB")],
    )
    def test_says_how_much_mobile_data_it_took(
        self, client: Client, world: World, size_bytes: int | None, words: str
    ) -> None:
        page = read(client, world, mobile_data_bytes=size_bytes)

        assert f"Mobile data {words} " in page.replace("\N{NO-BREAK SPACE}", " ")

    def test_is_nobody_elses(self, client: Client, world: World) -> None:
        read(client, world)
        sign_in(client, create_owner("Mallory"))

        assert client.get(find_address(world)).status_code == 404
