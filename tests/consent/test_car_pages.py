import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from consent.models import ConsentVersion, Pause, Vehicle
from tests.consent.filling import fill, read
from tests.consent.terms import NIGHT
from tests.factories import (
    NIGHTLY_RULES,
    create_consent,
    create_pool,
    create_vehicle,
    create_vehicle_state,
    sign_in,
)
from web.public_ids import encode


PAGES = ("details", "rules", "review", "history")
ACTS = (
    "pause",
    "resume",
    "skip",
    "unskip",
    "undo",
    "withdraw",
    "details",
    "review",
    "rules",
    "summary",
)
NEW_CAR = {
    "plate": " bx  42 lr ",
    "name": "Model Y",
    "region_code": "no-trondheim",
    "hardware_class_code": "ai4",
    "battery_kwh": "75.5",
}


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


def address(name: str, public_id: str, *rest: Any) -> str:
    return reverse(f"consent:{name}", args=[public_id, *rest])


class TestCars:
    def test_shows_each_car_with_why_it_does_not_work(
        self, owner: Client, car: Vehicle, olivia: User
    ) -> None:
        create_consent(car)
        create_vehicle_state(car, now=timezone.now(), plugged_in=False)
        create_vehicle(olivia, plate="ZZ 1")

        page = owner.get(reverse("consent:cars")).content.decode()

        assert "the car is not plugged in" in page
        assert "you have agreed to nothing yet" in page

    def test_costs_the_same_for_one_car_and_for_many(
        self, owner: Client, olivia: User, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            create_consent(create_vehicle(olivia, plate=f"M {number}"))

        with django_assert_max_num_queries(11):
            owner.get(reverse("consent:cars"))

    def test_says_where_to_begin_without_a_car(self, owner: Client) -> None:
        assert "No car yet" in owner.get(reverse("consent:cars")).content.decode()


class TestAddCar:
    def test_makes_the_car_and_its_owner(self, client: Client, ben: User) -> None:
        create_pool()
        sign_in(client, ben)

        response = client.post(reverse("consent:car_new"), NEW_CAR)

        vehicle = Vehicle.objects.get()
        assert response["Location"] == address("rules", encode("veh", vehicle.pk))
        assert (vehicle.plate, vehicle.battery_wh) == ("BX 42 LR", 75_500)
        assert (vehicle.rated_power_w, vehicle.time_zone) == (1_000, "Europe/Oslo")
        ben.refresh_from_db()
        assert ben.is_owner

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"plate": ""}, "This field is required"),
            ({"battery_kwh": "4"}, "greater than or equal to 5"),
            ({"region_code": "mars"}, "Select a valid choice"),
            ({"charge_power_kw": "0.5"}, "greater than or equal to 1"),
            ({"charge_limit_pct": "101"}, "less than or equal to 100"),
            ({"charge_limit_pct": "49"}, "greater than or equal to 50"),
            ({"plate": "BX 42 LR TOO LONG"}, "at most 12 characters"),
        ],
    )
    def test_marks_what_is_wrong(self, owner: Client, changes: dict[str, str], text: str) -> None:
        create_pool()

        response = owner.post(reverse("consent:car_new"), NEW_CAR | changes)

        assert response.status_code == 422
        assert text in response.content.decode()
        assert not Vehicle.objects.exists()

    def test_asks_how_fast_and_how_far_it_charges(self, owner: Client) -> None:
        create_pool()
        page = owner.get(reverse("consent:car_new")).content.decode()
        assert re.search(r'name="charge_power_kw" value="3.68"', page)
        assert re.search(r'name="charge_limit_pct" value="100"', page)

        owner.post(
            reverse("consent:car_new"),
            NEW_CAR | {"charge_power_kw": "11", "charge_limit_pct": "80"},
        )

        vehicle = Vehicle.objects.get()
        assert (vehicle.charge_power_w, vehicle.charge_limit_pct) == (11_000, 80)
        # What nobody said is what most have.
        owner.post(reverse("consent:car_new"), NEW_CAR | {"plate": "ZZ 2"})
        usual = Vehicle.objects.get(plate="ZZ 2")
        assert (usual.charge_power_w, usual.charge_limit_pct) == (3_680, 100)

    def test_refuses_a_floor_that_the_car_is_not_charged_to(self, owner: Client) -> None:
        create_pool()
        owner.post(reverse("consent:car_new"), NEW_CAR | {"charge_limit_pct": "80"})
        path = address("review", encode("veh", Vehicle.objects.get().pk))
        high = replace(NIGHTLY_RULES, battery_stop_pct=81, battery_resume_pct=85)

        response = owner.post(path, fill(high, confirm="1"))

        assert response.status_code == 422
        page = read(response)
        assert "Your car is set to charge less far than this floor: it would never work." in page
        assert "once under the floor it would never start again" in page
        assert not ConsentVersion.objects.exists()
        # One percent less it may be.
        least = replace(NIGHTLY_RULES, battery_stop_pct=80, battery_resume_pct=80)
        assert owner.post(path, fill(least, confirm="1")).status_code == 302

    def test_says_that_the_car_is_there_already(self, owner: Client, car: Vehicle) -> None:
        create_pool()

        response = owner.post(reverse("consent:car_new"), NEW_CAR)

        assert response.status_code == 422
        assert "added this car already" in response.content.decode()


class TestActs:
    @pytest.mark.parametrize("kind", ["hour", "tonight", "until_resumed"])
    def test_pause_takes_one_press(self, owner: Client, car: Vehicle, kind: str) -> None:
        create_consent(car)

        response = owner.post(address("pause", encode("veh", car.pk)), {"kind": kind})

        assert response["Location"] == reverse("consent:cars")
        assert Pause.objects.get().kind == kind

    def test_pause_of_an_hour_says_its_clock_time(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)
        owner.post(address("pause", encode("veh", car.pk)), {"kind": "hour"})

        ends_at = Pause.objects.get().ends_at
        assert ends_at is not None
        assert timedelta(minutes=59) < ends_at - timezone.now() <= timedelta(hours=1)

    def test_a_pause_of_no_known_kind_changes_nothing(self, owner: Client, car: Vehicle) -> None:
        owner.post(address("pause", encode("veh", car.pk)), {"kind": "for ever"})

        assert not Pause.objects.exists()

    def test_resume_takes_one_press(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)
        owner.post(address("pause", encode("veh", car.pk)), {"kind": "until_resumed"})
        owner.post(address("resume", encode("veh", car.pk)))

        assert Pause.objects.get().resumed_at is not None

    def test_withdraw_takes_one_press_and_no_reason(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)

        owner.post(address("withdraw", encode("veh", car.pk)))

        assert ConsentVersion.objects.latest("number").state == "withdrawn"

    def test_returns_to_the_page_it_was_done_on_and_to_no_stranger(
        self, owner: Client, car: Vehicle
    ) -> None:
        create_consent(car)
        path = address("withdraw", encode("veh", car.pk))

        assert owner.post(path, {"next": "/cars/"})["Location"] == "/cars/"
        away = owner.post(path, {"next": "https://evil.example/"})
        assert away["Location"] == reverse("consent:cars")

    @pytest.mark.parametrize("name", ["pause", "resume", "withdraw", "summary"])
    def test_a_link_does_nothing(self, owner: Client, car: Vehicle, name: str) -> None:
        assert owner.get(address(name, encode("veh", car.pk))).status_code == 405


class TestWhoseCar:
    """
    Olivia owns the car, Mallory must not see it, and cannot tell it from one that is not there.
    """

    ABSENT = encode("veh", 10**9)

    @pytest.fixture(autouse=True)
    def _night(self) -> Iterator[None]:
        # Two requests at one moment: nothing that a clock writes can tell them apart.
        with time_machine.travel(NIGHT, tick=False):
            yield

    @pytest.mark.parametrize("name", PAGES)
    def test_foreign_and_absent_pages_are_the_same(
        self, client: Client, car: Vehicle, mallory: User, name: str
    ) -> None:
        create_consent(car)
        sign_in(client, mallory)
        own = encode("veh", car.pk)

        foreign, absent, nonsense = (
            self.describe(client.get(address(name, public_id)), public_id)
            for public_id in (own, self.ABSENT, "nonsense")
        )

        assert foreign[0] == 404
        assert foreign == absent
        assert foreign == nonsense

    @pytest.mark.parametrize("name", ACTS)
    def test_foreign_and_absent_acts_are_the_same_and_do_nothing(
        self, client: Client, car: Vehicle, mallory: User, name: str
    ) -> None:
        create_consent(car)
        sign_in(client, mallory)
        own = encode("veh", car.pk)

        foreign, absent = (
            self.describe(client.post(address(name, public_id), {"kind": "hour"}), public_id)
            for public_id in (own, self.ABSENT)
        )

        assert foreign[0] == 404
        assert foreign == absent
        assert ConsentVersion.objects.count() == 1
        assert not Pause.objects.exists()

    def test_foreign_and_absent_receipts_are_the_same(
        self, client: Client, car: Vehicle, mallory: User
    ) -> None:
        create_consent(car)
        sign_in(client, mallory)

        for public_id in (encode("veh", car.pk), self.ABSENT):
            assert client.get(address("receipt", public_id, 1)).status_code == 404

    def test_who_owns_no_car_is_refused(self, client: Client, car: Vehicle, ben: User) -> None:
        sign_in(client, ben)

        assert client.get(address("rules", encode("veh", car.pk))).status_code == 403

    def test_who_is_signed_out_is_asked_to_sign_in(self, client: Client, car: Vehicle) -> None:
        response = client.get(address("rules", encode("veh", car.pk)))

        assert response.status_code == 302
        assert "login" in response["Location"]

    @staticmethod
    def describe(response: HttpResponseBase, public_id: str) -> tuple[int, list[str], str]:
        """
        Return status, names of the headers and text, without the address it was asked for, and
        with its one token masked: each rendering draws another.
        """
        assert isinstance(response, HttpResponse)
        text = response.content.decode()
        [token] = re.findall(r'<meta name="csrf-token" content="([^"]+)">', text)
        masked = text.replace(token, "TOKEN").replace(public_id, "ID")
        return response.status_code, sorted(response.headers), masked
