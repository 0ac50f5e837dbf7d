"""
Before rules take effect: what changes, who has to show that it is them, and two tabs at once.
"""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent import operations
from consent.models import ConsentVersion, Vehicle
from consent.queries import make_first_draft
from consent.rules import DateException
from tests.consent.filling import address, fill, read, read_hidden
from tests.factories import (
    EARLY,
    NIGHTLY_RULES,
    PASSWORD,
    create_consent,
    create_organization,
    sign_in,
)


TIGHTER = {"battery_stop_pct": 45}
WIDER: dict[str, Any] = {"home_only": None}


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


@pytest.fixture
def tired(client: Client, olivia: User) -> Client:
    """
    Stand for Olivia an hour after she signed in.
    """
    sign_in(client, olivia, is_fresh=False)
    return client


def latest() -> ConsentVersion:
    return ConsentVersion.objects.latest("number")


class TestReview:
    def test_shows_old_and_new_side_by_side_and_saves_nothing(
        self, owner: Client, car: Vehicle
    ) -> None:
        create_consent(car)

        response = owner.post(address("review", car), fill(NIGHTLY_RULES, number=1, **TIGHTER))

        page = read(response)
        assert response.status_code == 200
        assert "Stops under 40 %, starts again at 50 %" in page
        assert "Stops under 45 %, starts again at 50 %" in page
        assert "1 rule changes" in page
        assert ">stricter<" in page
        assert ConsentVersion.objects.count() == 1

    def test_says_which_way_each_rule_was_moved(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)

        page = read(
            owner.post(
                address("review", car),
                fill(NIGHTLY_RULES, number=1, time_zone="Europe/Lisbon", **TIGHTER, **WIDER),
            )
        )

        for move in ("stricter", "looser", "looser and stricter"):
            assert page.count(f">{move}<") == 1

    def test_names_buyers(self, owner: Client, car: Vehicle) -> None:
        batch = create_organization()
        create_consent(car)

        page = read(
            owner.post(
                address("review", car),
                fill(NIGHTLY_RULES, number=1, buyers_mode="except", buyer_ids=[batch.pk]),
            )
        )

        assert "All but Ben's Batch" in page

    def test_warns_before_it_is_saved(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)
        ready = {
            "ready_by_on": "on",
            "ready_by_days": ["weekdays"],
            "ready_by_level": ["80"],
            "ready_by_time": ["07:30"],
        }

        page = read(owner.post(address("review", car), fill(NIGHTLY_RULES, number=1, **ready)))

        assert "Charging takes most of these hours." in page
        assert "charging to 80 % by 07:30 needs 7 h 30 min of the 9 h" in page

    def test_confirming_puts_the_draft_in_force(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)

        response = owner.post(
            address("review", car), fill(NIGHTLY_RULES, number=1, confirm="1", **TIGHTER)
        )

        assert response.status_code == 302
        assert (latest().number, latest().battery_stop_pct) == (2, 45)
        assert latest().energy_wh_per_day_max == NIGHTLY_RULES.energy_wh_per_day_max
        assert latest().notice_language == "en"

    def test_what_it_sends_again_is_the_same_draft(self, owner: Client, car: Vehicle) -> None:
        draft = make_first_draft(time_zone="Australia/Lord_Howe")
        sent = read_hidden(read(owner.post(address("review", car), fill(draft))))

        owner.post(address("review", car), sent | {"confirm": ["1"]})

        assert latest().week_mask == draft.week_mask
        assert latest().time_zone == "Australia/Lord_Howe"
        assert latest().power_limit_w is None

    def test_pressing_confirm_twice_makes_one_version(self, owner: Client, car: Vehicle) -> None:
        draft = fill(NIGHTLY_RULES, confirm="1")

        owner.post(address("review", car), draft)
        owner.post(address("review", car), draft)

        assert ConsentVersion.objects.count() == 1

    def test_changing_something_shows_the_draft_again(self, owner: Client, car: Vehicle) -> None:
        response = owner.post(address("rules", car), fill(NIGHTLY_RULES, battery_stop_pct=47))

        assert response.status_code == 200
        assert re.search(r'name="battery_stop_pct"[^>]*value="47"', read(response))

    def test_address_without_a_draft_leads_to_the_editor(self, owner: Client, car: Vehicle) -> None:
        assert owner.get(address("review", car))["Location"] == address("rules", car)

    def test_is_of_no_use_to_mallory(self, client: Client, car: Vehicle, mallory: User) -> None:
        sign_in(client, mallory)

        response = client.post(address("review", car), fill(NIGHTLY_RULES, confirm="1"))

        assert response.status_code == 404
        assert not ConsentVersion.objects.exists()


class TestStepUp:
    def test_stricter_needs_no_fresh_sign_in(self, tired: Client, car: Vehicle) -> None:
        create_consent(car)

        tired.post(address("review", car), fill(NIGHTLY_RULES, number=1, confirm="1", **TIGHTER))

        assert latest().battery_stop_pct == 45

    def test_looser_asks_first_and_is_carried_out_then(self, tired: Client, car: Vehicle) -> None:
        create_consent(car)

        asked = tired.post(
            address("review", car), fill(NIGHTLY_RULES, number=1, confirm="1", **WIDER)
        )
        assert asked.status_code == 302
        assert latest().number == 1
        done = tired.post(asked["Location"], {"password": PASSWORD})

        assert done["Location"] == address("rules", car)
        assert (latest().number, latest().home_only) == (2, False)
        assert latest().week_mask == NIGHTLY_RULES.week_mask

    def test_a_wrong_password_loosens_nothing(self, tired: Client, car: Vehicle) -> None:
        create_consent(car)
        draft = fill(NIGHTLY_RULES, number=1, confirm="1", **WIDER)

        asked = tired.post(address("review", car), draft)
        tired.post(asked["Location"], {"password": "guess"})

        assert latest().number == 1

    def test_a_first_consent_is_looser_than_none(self, tired: Client, car: Vehicle) -> None:
        asked = tired.post(address("review", car), fill(NIGHTLY_RULES, confirm="1"))

        assert "reauthenticate" in asked["Location"]
        assert not ConsentVersion.objects.exists()

    def test_so_is_one_after_a_withdrawal(self, tired: Client, car: Vehicle, olivia: User) -> None:
        create_consent(car)
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=timezone.now())

        asked = tired.post(
            address("review", car), fill(NIGHTLY_RULES, number=2, confirm="1", **TIGHTER)
        )

        assert "reauthenticate" in asked["Location"]
        assert latest().state == "withdrawn"

    def test_the_stricter_part_can_be_saved_at_once(self, tired: Client, car: Vehicle) -> None:
        create_consent(car)
        draft = fill(NIGHTLY_RULES, number=1, **TIGHTER, **WIDER)

        assert "Save only what is stricter" in read(tired.post(address("review", car), draft))
        tired.post(address("review", car), draft | {"confirm": "stricter"})

        assert (latest().number, latest().battery_stop_pct, latest().home_only) == (2, 45, True)

    def test_unless_it_would_contradict_the_rest(self, tired: Client, car: Vehicle) -> None:
        create_consent(car, quiet_windows=NIGHTLY_RULES.windows, quiet_power_limit_w=700)
        draft = fill(
            replace(
                NIGHTLY_RULES,
                quiet_windows=NIGHTLY_RULES.windows,
                quiet_power_limit_w=700,
            ),
            number=1,
            power_limit_w="600",
            quiet_power_limit_w_on=None,
        )

        response = tired.post(address("review", car), draft | {"confirm": "stricter"})

        assert "would contradict the others" in read(response)
        assert latest().number == 1

    def test_a_past_date_that_drops_out_is_no_loosening(self, tired: Client, car: Vehicle) -> None:
        create_consent(car, now=EARLY, exceptions=(DateException(EARLY.date(), is_open=False),))

        response = tired.post(address("review", car), fill(NIGHTLY_RULES, number=1, confirm="1"))

        assert response["Location"] == address("rules", car)
        assert latest().exceptions == []


class TestTwoTabs:
    @pytest.fixture(autouse=True)
    def two_versions(self, car: Vehicle) -> None:
        """
        Another tab raised the floor and the limit of a day after the draft was begun.
        """
        create_consent(car)
        create_consent(car, battery_stop_pct=45, energy_wh_per_day_max=7_000)

    def begin(self, **changes: Any) -> dict[str, Any]:
        return fill(NIGHTLY_RULES, number=1, confirm="1", **changes)

    def test_the_second_save_meets_both(self, owner: Client, car: Vehicle) -> None:
        response = owner.post(
            address("review", car), self.begin(battery_stop_pct=48, plugged_in_only=None)
        )

        page = read(response)
        assert response.status_code == 409
        assert "Version 2 came into force after you began" in page
        assert "It was: Stops under 40 %" in page
        assert "Stops under 45 %" in page
        assert "Stops under 48 %" in page
        assert 'name="expected_number" value="2"' in page
        assert ConsentVersion.objects.count() == 2
        # One side changed: it is proposed. Both did: somebody has to say.
        assert checked(page) == {"plug": "mine", "energy": "theirs", "battery": ""}

    def test_what_is_chosen_is_reviewed_and_saved(self, owner: Client, car: Vehicle) -> None:
        merging = owner.post(
            address("review", car), self.begin(battery_stop_pct=48, plugged_in_only=None)
        )
        sent = read_hidden(read(merging))

        review = owner.post(
            address("review", car),
            sent | {"take_battery": "mine", "take_plug": "theirs", "take_energy": "theirs"},
        )
        assert "Review your rules" in read(review)
        owner.post(address("review", car), read_hidden(read(review)) | {"confirm": "1"})

        version = latest()
        assert (version.number, version.battery_stop_pct) == (3, 48)
        assert (version.plugged_in_only, version.energy_wh_per_day_max) == (True, 7_000)

    def test_asks_again_for_what_was_not_chosen(self, owner: Client, car: Vehicle) -> None:
        merging = owner.post(address("review", car), self.begin(battery_stop_pct=48))
        sent = read_hidden(read(merging))

        again = owner.post(address("review", car), sent | {"take_energy": "mine"})

        page = read(again)
        assert again.status_code == 422
        assert "Say for each of them" in page
        assert '<a href="#take-battery">Battery</a>' in page
        assert 'id="take-battery"' in page
        assert checked(page) == {"energy": "mine", "battery": ""}

    def test_a_third_version_meets_all_of_it_again(self, owner: Client, car: Vehicle) -> None:
        merging = owner.post(address("review", car), self.begin(battery_stop_pct=48))
        sent = read_hidden(read(merging))
        create_consent(car, battery_stop_pct=46)

        again = owner.post(
            address("review", car), sent | {"take_energy": "mine", "take_battery": "mine"}
        )

        page = read(again)
        assert again.status_code == 409
        assert "Version 3 came into force" in page
        assert 'name="merge" value="1"' in page

    def test_if_match_is_heeded(self, owner: Client, car: Vehicle) -> None:
        draft = fill(NIGHTLY_RULES, number=2, confirm="1", battery_stop_pct=50)

        for stale in ('"1"', "1", 'W/"1"'):
            refused = owner.post(address("review", car), draft, headers={"If-Match": stale})
            assert refused.status_code == 412
        assert ConsentVersion.objects.count() == 2

        for number, matching in ((2, '"2"'), (3, "*"), (4, '"1", "4"')):
            draft["expected_number"] = number
            draft["battery_stop_pct"] = 44 + number
            saved = owner.post(address("review", car), draft, headers={"If-Match": matching})
            assert saved.status_code == 302

    def test_a_save_that_comes_between_is_met_too(
        self, owner: Client, car: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        saved = operations.give_consent

        def give_late(**terms: Any) -> ConsentVersion:
            monkeypatch.undo()
            create_consent(car, battery_stop_pct=47)
            return saved(**terms)

        monkeypatch.setattr("consent.views.review.operations.give_consent", give_late)
        draft = fill(NIGHTLY_RULES, number=2, confirm="1", battery_stop_pct=48)

        response = owner.post(address("review", car), draft)

        assert response.status_code == 409
        assert "Version 3 came into force" in read(response)


def checked(page: str) -> dict[str, str]:
    """
    Return what a merge proposes for each rule, "" where it asks.
    """
    found: dict[str, str] = {}
    for part, value, rest in re.findall(r'name="take_(\w+)" value="(\w+)"([^>]*)>', page):
        found[part] = value if "checked" in rest else found.get(part, "")
    return found
