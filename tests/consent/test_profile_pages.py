"""
Defaults for all cars on pages: kept once, followed by cars, each with rules of its own.
"""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from consent.models import ConsentVersion, ProfileVersion, Vehicle
from consent.rules import RulesDraft
from tests.consent.filling import address, fill, read, read_hidden
from tests.factories import (
    NIGHTLY_RULES,
    PASSWORD,
    create_consent,
    create_vehicle,
    sign_in,
)


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


def save(client: Client, draft: RulesDraft = NIGHTLY_RULES, *, number: int = 0, **more: Any) -> Any:
    return client.post(
        reverse("consent:profile_review"), fill(draft, number=number, confirm="1", **more)
    )


def follow(client: Client, car: Vehicle, draft: RulesDraft = NIGHTLY_RULES, **more: Any) -> Any:
    number = current(car).number if ConsentVersion.objects.filter(vehicle=car).exists() else 0
    sent = fill(draft, number=number, follows="on", confirm="1", **more)
    return client.post(address("review", car), sent)


def current(car: Vehicle) -> ConsentVersion:
    return ConsentVersion.objects.get(vehicle=car, in_force__upper_inf=True)


class TestDefaults:
    def test_begin_with_the_rules_of_a_car(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, battery_stop_pct=37)

        page = read(owner.get(reverse("consent:profile")))

        assert "There are none yet." in page
        assert re.search(r'name="battery_stop_pct"[^>]*value="37"', page)
        assert "Withdraw consent" not in page
        assert 'id="id_follows"' not in page

    def test_are_reviewed_with_what_changes_for_which_car(
        self, owner: Client, car: Vehicle, olivia: User
    ) -> None:
        other = create_vehicle(olivia, plate="EL 20 002", name="Zoe")
        create_consent(other)
        save(owner)
        follow(owner, car)

        page = read(
            owner.post(
                reverse("consent:profile_review"),
                fill(NIGHTLY_RULES, number=1, battery_stop_pct=45),
            )
        )

        assert "Stops under 45 %" in page
        assert page.count(">stricter<") == 1
        assert "Nothing happens to this car." in page
        assert ProfileVersion.objects.count() == 1

    def test_reach_every_car_that_follows(self, owner: Client, car: Vehicle) -> None:
        save(owner)
        follow(owner, car)

        response = save(owner, number=1, battery_stop_pct=45)

        assert response["Location"] == reverse("consent:cars")
        assert (current(car).number, current(car).battery_stop_pct) == (2, 45)

    def test_ask_who_is_there_before_they_loosen_a_car(
        self, client: Client, owner: Client, car: Vehicle, olivia: User
    ) -> None:
        save(owner)
        follow(owner, car)
        sign_in(client, olivia, is_fresh=False)

        save(client, number=1, battery_stop_pct=45)
        assert current(car).battery_stop_pct == 45
        asked = save(client, number=2, battery_stop_pct=30)
        assert current(car).battery_stop_pct == 45
        client.post(asked["Location"], {"password": PASSWORD})

        assert current(car).battery_stop_pct == 30

    def test_are_refused_when_a_car_could_not_agree(self, owner: Client, car: Vehicle) -> None:
        save(owner)
        # After heat this car begins again at 16 °C, where the defaults begin after cold at 18.
        follow(owner, car, temp_high_resume_c="16")

        response = save(owner, number=1, temp_low_c="15", temp_low_resume_c="18")

        page = read(response)
        assert response.status_code == 200
        assert "Not for every car." in page
        assert "After a cold spell it would have to be warmer" in page
        assert "Confirm the defaults" not in page
        assert ProfileVersion.objects.count() == 1

    def test_meet_those_of_another_tab(self, owner: Client) -> None:
        save(owner)
        save(owner, number=1, battery_stop_pct=45)

        response = save(owner, number=1, battery_stop_pct=48)

        page = read(response)
        assert response.status_code == 409
        assert "Your defaults changed meanwhile" in page
        assert "Stops under 45 %" in page
        assert "Stops under 48 %" in page
        assert read_hidden(page)["expected_number"] == ["2"]
        assert ProfileVersion.objects.count() == 2

    def test_are_merged_rule_by_rule(self, owner: Client) -> None:
        save(owner)
        save(owner, number=1, battery_stop_pct=45)
        # This tab changed the battery as well, and the power, which nobody else did.
        mine: dict[str, Any] = {
            "battery_stop_pct": 48,
            "power_limit_w": 600,
            "power_limit_w_on": "on",
        }
        page = read(save(owner, number=1, **mine))
        assert page.count("changed on both sides") == 1
        merging = read_hidden(page) | {"take_power": "mine"}
        merging.pop("confirm", None)

        asked = owner.post(reverse("consent:profile_review"), merging)
        assert asked.status_code == 422
        review = owner.post(reverse("consent:profile_review"), merging | {"take_battery": "theirs"})
        owner.post(reverse("consent:profile_review"), read_hidden(read(review)) | {"confirm": "1"})

        merged = ProfileVersion.objects.get(number=3).rules
        assert (merged["battery_stop_pct"], merged["power_limit_w"]) == (45, 600)

    def test_refuse_another_version_by_if_match(self, owner: Client) -> None:
        save(owner)
        draft = fill(NIGHTLY_RULES, number=1, confirm="1", battery_stop_pct=45)

        response = owner.post(reverse("consent:profile_review"), draft, headers={"If-Match": '"2"'})

        assert response.status_code == 412
        assert ProfileVersion.objects.count() == 1

    def test_are_each_owners_own(self, client: Client, owner: Client, mallory: User) -> None:
        save(owner)
        sign_in(client, mallory)

        assert "There are none yet." in read(client.get(reverse("consent:profile")))

    def test_need_a_draft_that_could_run(self, owner: Client) -> None:
        response = save(owner, categories=[])

        assert response.status_code == 422
        assert not ProfileVersion.objects.exists()


class TestFollowing:
    def test_is_asked_for_where_no_car_follows(self, owner: Client, car: Vehicle) -> None:
        save(owner)

        assert "No car follows them yet" in read(owner.get(reverse("consent:cars")))

    def test_is_offered_once_there_are_defaults(self, owner: Client, car: Vehicle) -> None:
        assert 'id="id_follows"' not in read(owner.get(address("rules", car)))

        save(owner)

        assert 'id="id_follows"' in read(owner.get(address("rules", car)))

    def test_takes_all_rules_but_those_that_were_changed(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, battery_stop_pct=35, energy_wh_per_day_max=4_000)
        save(owner, battery_stop_pct=45)
        own = replace(NIGHTLY_RULES, battery_stop_pct=35, energy_wh_per_day_max=4_000)

        follow(owner, car, own, power_limit_w="700")

        version = current(car)
        assert (version.profile_number, version.own_fields) == (1, ["power"])
        assert (version.battery_stop_pct, version.energy_wh_per_day_max) == (45, 6_000)
        assert version.power_limit_w == 700

    def test_says_where_each_rule_comes_from(self, owner: Client, car: Vehicle) -> None:
        save(owner)
        follow(owner, car, battery_stop_pct=30, power_limit_w="700")
        assert (current(car).battery_stop_pct, current(car).power_limit_w) == (40, 700)

        page = read(owner.get(address("rules", car)))

        assert page.count(">this car<") == 1
        assert page.count(">the stricter of both<") == 1
        assert page.count(">from your defaults<") == 16
        assert "In force: Stops under 40 %, starts again at 50 %" in page
        # The form shows what was asked for, which counts again when the defaults are looser.
        assert re.search(r'name="battery_stop_pct"[^>]*value="30"', page)

    def test_a_rule_can_be_given_back(self, owner: Client, car: Vehicle) -> None:
        save(owner)
        follow(owner, car, power_limit_w="700")

        follow(owner, car, replace(NIGHTLY_RULES, power_limit_w=700), given_up=["power"])

        assert (current(car).own_fields, current(car).power_limit_w) == ([], 900)

    def test_ends_with_the_switch_and_keeps_the_rules(self, owner: Client, car: Vehicle) -> None:
        save(owner, battery_stop_pct=45)
        follow(owner, car)

        draft = fill(NIGHTLY_RULES, number=1, battery_stop_pct=45, confirm="1")
        owner.post(address("review", car), draft)

        assert (current(car).profile_number, current(car).battery_stop_pct) == (None, 45)

    def test_meets_defaults_that_changed_meanwhile(self, owner: Client, car: Vehicle) -> None:
        save(owner)
        follow(owner, car)
        save(owner, number=1, battery_stop_pct=45)

        response = owner.post(
            address("review", car),
            fill(NIGHTLY_RULES, number=1, follows="on", power_limit_w="700", confirm="1"),
        )

        assert response.status_code == 409
        assert "Version 2 came into force" in read(response)
