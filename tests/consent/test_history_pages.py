"""
What Olivia agreed to over time: listed, compared, and taken up again as a draft.
"""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from consent.models import ConsentVersion, Vehicle
from tests.consent.terms import NIGHT
from tests.factories import create_consent, sign_in
from web.public_ids import encode


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


@pytest.fixture
def old_car(car: Vehicle) -> Vehicle:
    """
    Leave behind three versions of a car.
    """
    create_consent(car)
    create_consent(car, now=NIGHT, battery_stop_pct=45)
    create_consent(car, now=NIGHT, battery_stop_pct=45, home_only=False)
    return car


def address(name: str, car: Vehicle, query: str = "") -> str:
    return reverse(f"consent:{name}", args=[encode("veh", car.pk)]) + query


def read(client: Client, path: str) -> str:
    """
    Return a page's text without marks, spaces as one.
    """
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def list_marked(client: Client, path: str) -> list[str]:
    """
    Return the rules that a comparison marks as different.
    """
    page = client.get(path).content.decode()
    rows = re.findall(r'<th scope="row">([^<]+?) <span class="tag"', page)
    return [unescape(row) for row in rows]


class TestCompare:
    def test_marks_only_what_differs(self, owner: Client, old_car: Vehicle) -> None:
        assert list_marked(owner, address("compare", old_car, "?first=1&second=2")) == ["Battery"]
        assert list_marked(owner, address("compare", old_car, "?first=2&second=3")) == ["Place"]
        assert list_marked(owner, address("compare", old_car, "?first=3&second=1")) == [
            "Battery",
            "Place",
        ]

    def test_says_both_in_words(self, owner: Client, old_car: Vehicle) -> None:
        page = read(owner, address("compare", old_car, "?first=1&second=3"))

        assert "2 rules differ" in page
        assert "Stops under 40 %" in page
        assert "Stops under 45 %" in page
        assert page.count("Only while plugged in") == 2

    def test_begins_with_the_last_two(self, owner: Client, old_car: Vehicle) -> None:
        assert list_marked(owner, address("compare", old_car)) == ["Place"]

    def test_of_one_version_with_itself_finds_nothing(
        self, owner: Client, old_car: Vehicle
    ) -> None:
        page = read(owner, address("compare", old_car, "?first=2&second=2"))

        assert "The same rules" in page

    @pytest.mark.parametrize("query", ["?first=9", "?second=0", "?first=x", "?first=1&second=-1"])
    def test_knows_no_version_that_never_was(
        self, owner: Client, old_car: Vehicle, query: str
    ) -> None:
        assert owner.get(address("compare", old_car, query)).status_code == 404

    def test_needs_a_version(self, owner: Client, car: Vehicle) -> None:
        assert owner.get(address("compare", car)).status_code == 404

    def test_is_offered_on_the_history(self, owner: Client, old_car: Vehicle) -> None:
        page = read(owner, address("history", old_car))

        assert "Compare two versions" in page


class TestRestore:
    def test_puts_an_old_version_into_the_editor(self, owner: Client, old_car: Vehicle) -> None:
        page = owner.get(address("rules", old_car, "?from=1")).content.decode()

        assert "An old version as a draft." in page
        assert "You are editing a draft." in page
        assert "Discard draft" in page
        [floor] = re.findall(r'<input type="number"[^>]*name="battery_stop_pct"[^>]*>', page)
        assert 'value="40"' in floor
        # Review and confirmation start from what is in force now.
        [number] = re.findall(r'<input[^>]*name="expected_number"[^>]*>', page)
        assert 'value="3"' in number

    def test_changes_nothing_by_itself(self, owner: Client, old_car: Vehicle) -> None:
        owner.get(address("rules", old_car, "?from=1"))

        current = ConsentVersion.objects.get(in_force__upper_inf=True)
        assert (current.number, current.battery_stop_pct) == (3, 45)

    @pytest.mark.parametrize("number", ["9", "0", "x", "1" * 30])
    def test_knows_no_version_that_never_was(
        self, owner: Client, old_car: Vehicle, number: str
    ) -> None:
        assert owner.get(address("rules", old_car, f"?from={number}")).status_code == 404

    def test_is_offered_for_what_is_over(self, owner: Client, old_car: Vehicle) -> None:
        page = read(owner, address("history", old_car))

        assert "Start a draft from version 1" in page
        assert "Start a draft from version 3" not in page


class TestGoneCar:
    @pytest.fixture
    def gone_car(self, old_car: Vehicle) -> Vehicle:
        Vehicle.objects.filter(pk=old_car.pk).update(retired_at=timezone.now())
        return old_car

    def test_keeps_its_records_for_who_agreed(self, owner: Client, gone_car: Vehicle) -> None:
        page = read(owner, address("history", gone_car))

        assert "You no longer have this car." in page
        assert "Version 3" in page
        assert "Start a draft" not in page
        for kind in ("receipt", "receipt_pdf"):
            path = reverse(f"consent:{kind}", args=[encode("veh", gone_car.pk), 2])
            assert owner.get(path).status_code == 200

    def test_is_listed_apart_from_the_cars_that_work(
        self, owner: Client, gone_car: Vehicle
    ) -> None:
        page = read(owner, reverse("consent:cars"))

        assert "No car yet" in page
        assert "Cars you had" in page
        assert "BX 42 LR" in page

    def test_has_no_editor(self, owner: Client, gone_car: Vehicle) -> None:
        assert owner.get(address("rules", gone_car, "?from=1")).status_code == 404

    def test_shows_nobody_else_anything(
        self, client: Client, mallory: User, gone_car: Vehicle
    ) -> None:
        sign_in(client, mallory)

        for name in ("history", "compare"):
            assert client.get(address(name, gone_car)).status_code == 404
