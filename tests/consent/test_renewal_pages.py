"""
Olivia's pages before and after a consent has ended.
"""

import re
from collections.abc import Iterator
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from consent.models import ConsentVersion, Vehicle
from tests.consent.renewing import DAY, END, publish
from tests.consent.terms import NIGHT
from tests.factories import create_consent, sign_in
from web.public_ids import encode


@pytest.fixture
def _days_before() -> Iterator[None]:
    with time_machine.travel(END - 20 * DAY, tick=False):
        yield


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


def address(car: Vehicle, name: str = "renew") -> str:
    return reverse(f"consent:{name}", args=[encode("veh", car.pk)])


def read(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def fill(page: str) -> dict[str, str]:
    """
    Return the hidden fields of the form that agrees again.
    """
    return dict(re.findall(r'<input type="hidden" name="(\w+_\w+)" value="([^"]*)">', page))


@pytest.mark.usefixtures("_days_before")
class TestPages:
    @pytest.mark.parametrize("path", ["/cars/", "/"])
    def test_say_that_a_consent_ends_soon(self, owner: Client, car: Vehicle, path: str) -> None:
        create_consent(car, now=NIGHT)

        page = read(owner, path)

        assert "Your consent for BX 42 LR ends on Sat 18 Dec" in page
        assert "Agree again" in page

    def test_say_nothing_before_that(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT + 60 * DAY)

        assert "Agree again" not in read(owner, "/cars/")

    def test_agree_again_in_one_press(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        page = owner.get(address(car)).content.decode()
        assert "The notice has changed" not in page

        response = owner.post(address(car), fill(page))

        assert response.status_code == 302
        assert ConsentVersion.objects.latest("number").number == 2
        assert "Agree again" not in read(owner, "/cars/")
        assert "The same rules again." in read(owner, address(car, "history"))

    def test_show_what_the_new_notice_changes(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        publish(agree_by=END - 5 * DAY)

        page = owner.get(address(car)).content.decode()

        assert "You agreed under notice 2026-11. This is notice 2027-03." in page
        assert "<ins>One point more.</ins>" in page
        assert "<del>You are paid the electricity" in page
        owner.post(address(car), fill(page))
        assert ConsentVersion.objects.latest("number").notice_version == "2027-03"

    def test_ask_again_when_the_notice_changed_meanwhile(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        seen = fill(owner.get(address(car)).content.decode())
        publish()

        response = owner.post(address(car), seen)

        assert response.status_code == 409
        assert "Something changed since you read this." in response.content.decode()
        assert ConsentVersion.objects.count() == 1

    def test_without_a_notice_agree_to_nothing(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        assert owner.post(address(car), {"expected_number": "1"}).status_code == 409

    def test_are_not_there_without_a_consent(self, owner: Client, car: Vehicle) -> None:
        assert owner.get(address(car)).status_code == 404

    def test_are_nobody_elses(self, client: Client, car: Vehicle, mallory: User) -> None:
        create_consent(car, now=NIGHT)
        sign_in(client, mallory)

        assert client.get(address(car)).status_code == 404
        assert client.post(address(car)).status_code == 404


class TestEndedPages:
    @pytest.fixture(autouse=True)
    def _days_after(self) -> Iterator[None]:
        with time_machine.travel(END + 5 * DAY, tick=False):
            yield

    def test_say_that_it_has_ended(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        assert "Your consent for BX 42 LR has ended." in read(owner, "/cars/")
        assert "Your consent has ended." in read(owner, address(car))

    def test_ask_who_is_there_before_it_begins_again(
        self, client: Client, olivia: User, car: Vehicle
    ) -> None:
        create_consent(car, now=NIGHT)
        sign_in(client, olivia, is_fresh=False)
        page = client.get(address(car)).content.decode()

        response = client.post(address(car), fill(page))

        assert response.status_code == 302
        assert "/account/reauthenticate/" in response["Location"]
        assert ConsentVersion.objects.count() == 1

    def test_begin_again(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        page = owner.get(address(car)).content.decode()

        owner.post(address(car), fill(page))

        assert ConsentVersion.objects.latest("number").number == 2
