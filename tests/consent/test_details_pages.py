"""
Olivia corrects her car over HTTP: what is asked, what is refused, and what she reads then.
"""

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from consent import operations
from consent.models import ConsentVersion, Vehicle
from consent.rules import ReadyBy
from tests.consent.filling import address, read, read_hidden
from tests.factories import PASSWORD, create_consent, create_pool, create_vehicle, sign_in


TYPED = {
    "plate": "BX 42 LR",
    "name": "Model Y",
    "region_code": "no-trondheim",
    "hardware_class_code": "ai4",
    "battery_kwh": "75",
    "charge_power_kw": "3.68",
    "charge_limit_pct": "100",
}
READY: dict[str, Any] = {"ready_by": (ReadyBy((0, 1, 2, 3, 4), 7 * 60, 80),)}


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    create_pool()
    sign_in(client, olivia)
    return client


@pytest.fixture
def tired(client: Client, olivia: User) -> Client:
    """
    Stand for Olivia an hour after she signed in.
    """
    create_pool()
    sign_in(client, olivia, is_fresh=False)
    return client


@pytest.fixture
def agreed(car: Vehicle) -> Vehicle:
    create_consent(car, now=timezone.now())
    return car


def type_in(*, revision: int = 1, number: int = 1, **changes: Any) -> dict[str, Any]:
    """
    Return what a browser sends from the page as it was at first, with some fields typed anew.
    """
    before = {f"before_{name}": value for name, value in TYPED.items()}
    return TYPED | before | {"expected_revision": revision, "expected_number": number} | changes


def save(client: Client, car: Vehicle, **changes: Any) -> HttpResponse:
    response = client.post(address("details", car), type_in(**changes))
    assert isinstance(response, HttpResponse)
    return response


def told(client: Client, car: Vehicle) -> str:
    """
    Return the page that follows, with what it tells.
    """
    return read(client.get(address("details", car)))


def count_versions() -> int:
    return ConsentVersion.objects.count()


class TestShow:
    def test_shows_what_is_saved(self, owner: Client, agreed: Vehicle) -> None:
        page = told(owner, agreed)

        for name in ("plate", "name", "battery_kwh", "charge_power_kw", "charge_limit_pct"):
            assert re.search(rf'name="{name}" value="{TYPED[name]}"', page), name
        assert '<option value="no-trondheim" selected>Trondheim</option>' in page
        assert "makes a new version with the same rules" in page

    def test_what_it_sends_changes_nothing(self, owner: Client, agreed: Vehicle) -> None:
        page = told(owner, agreed)
        sent = TYPED | {name: values[0] for name, values in read_hidden(page).items()}

        owner.post(address("details", agreed), sent)

        assert "Nothing was changed: this is what is saved." in told(owner, agreed)
        assert count_versions() == 1

    def test_keeps_a_place_where_no_work_is_bought_any_more(
        self, owner: Client, olivia: User
    ) -> None:
        car = create_vehicle(olivia, plate="ZZ 2", region_code="no-bergen", rated_power_w=700)
        place = {"plate": "ZZ 2", "region_code": "no-bergen", "name": "Old"}

        assert save(owner, car, number=0, **place).status_code == 302

        car.refresh_from_db()
        assert (car.name, car.region_code, car.rated_power_w) == ("Old", "no-bergen", 700)

    def test_is_found_from_the_cars_and_from_the_rules(
        self, owner: Client, agreed: Vehicle
    ) -> None:
        for page in (reverse("consent:cars"), address("rules", agreed)):
            assert address("details", agreed) in owner.get(page).content.decode()

    def test_says_that_the_car_is_offered(self, owner: Client, agreed: Vehicle) -> None:
        owner.post(address("transfer", agreed), {"email": "nina@example.com"})

        assert "You offered it to nina@example.com." in told(owner, agreed)


class TestSave:
    def test_says_what_was_and_what_is(self, owner: Client, agreed: Vehicle) -> None:
        response = save(owner, agreed, plate=" el  12 345", name="Red", charge_limit_pct="80")

        assert response["Location"] == address("details", agreed)
        page = told(owner, agreed)
        assert "The number plate is now EL 12 345, was BX 42 LR." in page
        assert "You call it Red now, before Model Y." in page
        assert "It charges up to 80 % now, before up to 100 %." in page
        assert count_versions() == 1

    def test_another_battery_makes_a_version_and_says_until_when(
        self, owner: Client, agreed: Vehicle
    ) -> None:
        save(owner, agreed, battery_kwh="60", charge_power_kw="11")

        page = told(owner, agreed)
        assert "The battery is now 60 kWh, was 75 kWh." in page
        assert "The charger is now 11 kW, was 3.68 kW." in page
        assert re.search(r"Version 2 of your rules goes on with it, until \d+ \w+ 20\d\d", page)
        first, second = ConsentVersion.objects.order_by("number")
        assert second.expires_at == first.expires_at

    def test_moves_to_another_place_on_another_clock(self, owner: Client, agreed: Vehicle) -> None:
        other = create_pool(region_code="pt-lisbon").region
        other.name, other.time_zone = "Lisbon", "Europe/Lisbon"
        other.save()

        save(owner, agreed, region_code="pt-lisbon")

        agreed.refresh_from_db()
        assert (agreed.region_code, agreed.time_zone) == ("pt-lisbon", "Europe/Lisbon")
        page = told(owner, agreed)
        assert "It is parked in Lisbon now, before in Trondheim." in page
        assert "Your rules stay on the clock of Europe/Oslo until you change it there." in page

    def test_before_any_rules_there_is_no_version(self, owner: Client, car: Vehicle) -> None:
        save(owner, car, number=0, battery_kwh="60")

        assert "The battery is now 60 kWh" in told(owner, car)
        assert count_versions() == 0

    def test_after_a_withdrawal_neither(self, owner: Client, agreed: Vehicle) -> None:
        operations.withdraw(vehicle_id=agreed.pk, owner_id=agreed.owner_id, now=timezone.now())

        save(owner, agreed, number=2, battery_kwh="60")

        assert count_versions() == 2


class TestRefuse:
    @pytest.mark.parametrize(
        ("changes", "name", "text"),
        [
            ({"plate": ""}, "plate", "This field is required"),
            ({"plate": "BX 42 LR TOO LONG"}, "plate", "at most 12 characters"),
            ({"battery_kwh": "4"}, "battery_kwh", "greater than or equal to 5"),
            ({"battery_kwh": "a lot"}, "battery_kwh", "Enter a number"),
            ({"charge_power_kw": ""}, "charge_power_kw", "This field is required"),
            ({"charge_power_kw": "0.5"}, "charge_power_kw", "greater than or equal to 1"),
            ({"charge_limit_pct": "101"}, "charge_limit_pct", "less than or equal to 100"),
            ({"region_code": "mars"}, "region_code", "Select a valid choice"),
            # Floor 40 %, again at 50 %: the limit must reach both.
            ({"charge_limit_pct": "49"}, "charge_limit_pct", "greater than or equal to 50"),
        ],
    )
    def test_marks_what_is_wrong_and_leads_to_it(
        self, owner: Client, agreed: Vehicle, changes: dict[str, str], name: str, text: str
    ) -> None:
        response = save(owner, agreed, **changes)

        page = read(response)
        assert response.status_code == 422
        assert f'<a href="#id_{name}">' in page
        assert text in page
        assert re.search(rf'name="{name}"[^>]*aria-invalid="true"', page)
        agreed.refresh_from_db()
        assert agreed.revision == 1

    def test_names_the_rule_that_stands_against_it(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, battery_stop_pct=81, battery_resume_pct=85)

        response = save(owner, car, charge_limit_pct="80")

        page = read(response)
        assert response.status_code == 422
        assert "Your rules stop work under 81 %" in page
        assert "Your rules start work again at 85 %" in page
        assert f'<a href="{address("rules", car)}">Change the rules</a>' in page

    def test_names_the_hour_that_could_not_be_met(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, now=timezone.now(), **READY)

        assert "want 80 % by 07:00: a car that" in read(save(owner, car, charge_limit_pct="79"))
        slow = save(owner, car, charge_power_kw="1", battery_kwh="400")
        assert "would take more than a week from your floor" in read(slow)

    def test_names_a_power_that_the_computer_never_draws(
        self, owner: Client, agreed: Vehicle
    ) -> None:
        small = create_pool(region_code="no-bergen", hardware_class_code="ai3").hardware_class
        small.power_w = 500
        small.save()

        response = save(owner, agreed, region_code="no-bergen", hardware_class_code="ai3")

        assert "limit its power to 900 W, and this computer draws 500 W at most" in read(response)

    def test_says_that_another_car_has_the_plate(self, owner: Client, agreed: Vehicle) -> None:
        create_vehicle(agreed.owner, plate="ZZ 2")

        response = save(owner, agreed, plate="zz 2")

        assert response.status_code == 422
        assert "You have another car with this plate." in read(response)


class TestLooser:
    """
    A battery that fills up sooner leaves more hours for work, by the same rule.
    """

    @pytest.fixture
    def ready(self, car: Vehicle) -> Vehicle:
        create_consent(car, now=timezone.now(), **READY)
        return car

    def test_is_shown_before_it_happens(self, owner: Client, ready: Vehicle) -> None:
        page = read(save(owner, ready, charge_power_kw="11"))

        assert "With this the car may do more" in page
        assert "The charger is now 11 kW, was 3.68 kW." in page
        assert ">looser<" in page
        # From 50 to 80 % with an hour to spare: 3 h 20 min and 7 h 57 min before 07:00, five
        # times, by quarter-hours.
        assert "charging keeps 17.5 h of your hours a week free, before 40 h." in page
        assert count_versions() == 1

    def test_asks_who_is_there_and_is_carried_out_then(self, tired: Client, ready: Vehicle) -> None:
        asked = save(tired, ready, charge_power_kw="11", confirm="1")
        assert "reauthenticate" in asked["Location"]
        assert count_versions() == 1

        done = tired.post(asked["Location"], {"password": PASSWORD})

        assert done["Location"] == address("details", ready)
        assert ConsentVersion.objects.latest("number").charge_power_w == 11_000

    def test_a_wrong_password_changes_nothing(self, tired: Client, ready: Vehicle) -> None:
        asked = save(tired, ready, charge_power_kw="11", confirm="1")
        tired.post(asked["Location"], {"password": "guess"})

        assert count_versions() == 1

    def test_what_was_shown_can_be_confirmed_or_changed(
        self, owner: Client, ready: Vehicle
    ) -> None:
        shown = read_hidden(read(save(owner, ready, charge_power_kw="11")))

        again = owner.post(address("details", ready), shown | {"again": "1"})
        assert 'name="charge_power_kw" value="11"' in read(again)
        assert again.status_code == 200
        owner.post(address("details", ready), shown | {"confirm": "1"})
        assert count_versions() == 2

    def test_what_is_stricter_needs_no_fresh_sign_in(self, tired: Client, ready: Vehicle) -> None:
        save(tired, ready, charge_power_kw="2.3")

        assert ConsentVersion.objects.latest("number").charge_power_w == 2_300

    def test_nor_does_what_no_rule_asks_about(self, tired: Client, agreed: Vehicle) -> None:
        save(tired, agreed, charge_power_kw="11")

        assert count_versions() == 2


class TestTwoTabs:
    def test_what_one_saved_and_the_other_typed_stand_together(
        self, owner: Client, agreed: Vehicle
    ) -> None:
        save(owner, agreed, battery_kwh="60")

        response = save(owner, agreed, name="Red")

        page = read(response)
        assert response.status_code == 409
        assert "The car or its rules changed meanwhile." in page
        assert 'name="name" value="Red"' in page
        assert 'name="battery_kwh" value="60"' in page
        agreed.refresh_from_db()
        assert agreed.name == "Model Y"
        # Saved again, both hold.
        sent = read_hidden(page)
        owner.post(address("details", agreed), TYPED | sent | {"name": "Red", "battery_kwh": "60"})
        agreed.refresh_from_db()
        assert (agreed.name, agreed.battery_wh) == ("Red", 60_000)
        assert count_versions() == 2

    def test_what_both_changed_is_named(self, owner: Client, agreed: Vehicle) -> None:
        save(owner, agreed, battery_kwh="60")

        page = read(save(owner, agreed, battery_kwh="64"))

        assert "Battery, in kWh: 60 is saved now." in page
        assert 'name="battery_kwh" value="64"' in page

    def test_rules_that_were_saved_meanwhile_are_not_passed_by(
        self, owner: Client, agreed: Vehicle
    ) -> None:
        create_consent(agreed, now=timezone.now(), **READY)

        # By the rules of version 1 this allows nothing new.
        response = save(owner, agreed, charge_power_kw="11")

        assert response.status_code == 409
        assert count_versions() == 2

    def test_a_name_does_not_mind_other_rules(self, owner: Client, agreed: Vehicle) -> None:
        create_consent(agreed, now=timezone.now(), **READY)

        assert save(owner, agreed, name="Red").status_code == 302

    def test_pressing_twice_changes_once(self, owner: Client, agreed: Vehicle) -> None:
        for _press in range(2):
            assert save(owner, agreed, battery_kwh="60").status_code == 302

        agreed.refresh_from_db()
        assert (agreed.revision, count_versions()) == (2, 2)

    def test_a_program_names_the_revision(self, owner: Client, agreed: Vehicle) -> None:
        path, sent = address("details", agreed), type_in(name="Red")

        assert owner.post(path, sent, headers={"If-Match": '"7"'}).status_code == 412
        assert owner.post(path, sent, headers={"If-Match": '"1"'}).status_code == 302


class TestHistory:
    @pytest.fixture
    def corrected(self, owner: Client, agreed: Vehicle) -> Vehicle:
        save(owner, agreed, battery_kwh="60")
        return agreed

    def test_tells_what_became_of_the_car(self, owner: Client, corrected: Vehicle) -> None:
        page = read(owner.get(address("history", corrected)))

        assert "The battery is now 60 kWh, was 75 kWh." in page
        assert "The rules are those that you agreed to in version 1, and they end on" in page
        assert "The same rules again." not in page
        assert "Car details changed" in page

    def test_comparing_sets_the_figures_side_by_side(
        self, owner: Client, corrected: Vehicle
    ) -> None:
        page = read(owner.get(address("compare", corrected)))

        assert "The same rules for other figures of the car" in page
        assert re.search(r"Size of the battery .{,80}differs.*75 kWh.*60 kWh", page)

    def test_the_receipt_says_by_what_it_is_judged(self, owner: Client, corrected: Vehicle) -> None:
        path = address("receipt", corrected, number=2)
        receipt = owner.get(path).json()["receipt"]

        figures = {each["field"]: each["text"] for each in receipt["judged_by"]}
        assert figures == {"battery_wh": "60\u00a0kWh", "charge_power_w": "3.68\u00a0kW"}
        assert [each["event_state"] for each in receipt["events"]] == ["given", "continued"]
        assert receipt["content"]["carries_on_number"] == 1
