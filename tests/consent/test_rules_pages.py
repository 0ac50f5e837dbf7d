import re
from datetime import timedelta
from html import unescape
from typing import Any, ClassVar

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from consent.forms.rules import make_first_draft
from consent.forms.week import make_week_input
from consent.models import ConsentVersion, Vehicle
from consent.rules import RulesDraft, Window, WorkloadCategory, mask_from_windows
from tests.factories import NIGHTLY_RULES, create_consent, sign_in
from web.public_ids import encode


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


def address(name: str, car: Vehicle, **arguments: Any) -> str:
    return reverse(f"consent:{name}", args=[encode("veh", car.pk), *arguments.values()])


def fill(draft: RulesDraft, *, number: int = 0, **changes: Any) -> dict[str, Any]:
    """
    Return what a browser sends that shows this draft, with some fields changed.
    """
    week = make_week_input(draft.windows)
    limits = {
        "temp_high_c": (draft.temp_high_c, 1),
        "temp_low_c": (draft.temp_low_c, 1),
        "energy_wh_per_day_max": (draft.energy_wh_per_day_max, 1_000),
        "energy_wh_per_month_max": (draft.energy_wh_per_month_max, 1_000),
        "compute_s_per_day_max": (draft.compute_s_per_day_max, 3_600),
        "compute_s_per_month_max": (draft.compute_s_per_month_max, 3_600),
        "power_limit_w": (draft.power_limit_w, 1),
    }
    data: dict[str, Any] = {
        "expected_number": number,
        "hours": list(week.cells),
        "hours_before": week.before,
        "hours_days": [row.days for row in week.rows],
        "hours_from": [row.starts for row in week.rows],
        "hours_to": [row.ends for row in week.rows],
        "time_zone": draft.time_zone,
        "battery_stop_pct": draft.battery_stop_pct,
        "battery_resume_pct": draft.battery_resume_pct,
        "categories": [category.value for category in draft.categories],
    }
    for name, (limit, scale) in limits.items():
        if limit is not None:
            data |= {name: limit / scale, f"{name}_on": "on"}
    for name in ("plugged_in_only", "home_only"):
        if getattr(draft, name):
            data[name] = "on"
    return data | changes


def read(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


class TestEditor:
    def test_suggests_rules_to_who_agreed_to_none(self, owner: Client, car: Vehicle) -> None:
        response = owner.get(address("rules", car))

        page = read(response)
        assert response.status_code == 200
        assert "You have agreed to nothing yet" in page
        assert page.count('class="cell"') == 168
        assert "Every day 22:00\N{EN DASH}07:00 (63 of 168 hours)" in page
        assert "Withdraw consent" not in page

    def test_shows_the_version_in_force(self, owner: Client, car: Vehicle) -> None:
        create_consent(car, energy_wh_per_day_max=4_500, temp_low_c=None)

        page = read(owner.get(address("rules", car)))

        assert "Version 1 is in force" in page
        assert re.search(r'name="energy_wh_per_day_max"[^>]*value="4.5"', page)
        assert re.search(r'name="energy_wh_per_day_max_on"[^>]* checked', page)
        assert not re.search(r'name="temp_low_c_on"[^>]* checked', page)
        assert re.search(r'value="training"(?![^>]*checked)', page)

    def test_takes_a_constant_number_of_statements(
        self, owner: Client, car: Vehicle, django_assert_max_num_queries: Any
    ) -> None:
        create_consent(car)

        # Session, person, what the person is, vehicle, version.
        with django_assert_max_num_queries(8):
            owner.get(address("rules", car))


class TestReview:
    def test_shows_old_and_new_side_by_side_and_saves_nothing(
        self, owner: Client, car: Vehicle
    ) -> None:
        create_consent(car)

        response = owner.post(
            address("review", car), fill(NIGHTLY_RULES, number=1, battery_stop_pct=45)
        )

        page = read(response)
        assert response.status_code == 200
        assert "Stops under 40 %, starts again at 50 %" in page
        assert "Stops under 45 %, starts again at 50 %" in page
        assert page.count(">changed<") == 1
        assert ConsentVersion.objects.count() == 1

    def test_confirming_puts_the_draft_in_force(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)

        response = owner.post(
            address("review", car),
            fill(NIGHTLY_RULES, number=1, battery_stop_pct=45, confirm="1"),
        )

        assert response.status_code == 302
        version = ConsentVersion.objects.latest("number")
        assert (version.number, version.battery_stop_pct) == (2, 45)
        assert version.energy_wh_per_day_max == NIGHTLY_RULES.energy_wh_per_day_max
        assert version.notice_language == "en"

    def test_what_it_sends_again_is_the_same_draft(self, owner: Client, car: Vehicle) -> None:
        draft = make_first_draft(time_zone="Australia/Lord_Howe")
        reviewed = read(owner.post(address("review", car), fill(draft)))
        sent: dict[str, list[str]] = {"confirm": ["1"]}
        for name, value in re.findall(
            r'<input type="hidden" name="(\w+)" value="([^"]*)">', reviewed
        ):
            sent.setdefault(name, []).append(value)

        owner.post(address("review", car), sent)

        version = ConsentVersion.objects.get()
        assert version.week_mask == draft.week_mask
        assert version.time_zone == "Australia/Lord_Howe"
        assert version.power_limit_w is None

    def test_a_stale_draft_is_kept_and_shown_beside_what_came_first(
        self, owner: Client, car: Vehicle
    ) -> None:
        create_consent(car)
        create_consent(car, battery_stop_pct=45)

        response = owner.post(
            address("review", car),
            fill(NIGHTLY_RULES, number=1, battery_stop_pct=48, confirm="1"),
        )

        page = read(response)
        assert response.status_code == 409
        assert "Version 2 came into force after you began" in page
        assert "Stops under 45 %" in page
        assert "Stops under 48 %" in page
        assert 'name="expected_number" value="2"' in page
        assert ConsentVersion.objects.count() == 2

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


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "field", "text"),
        [
            ({"battery_resume_pct": 30}, "battery_resume_pct", "cannot start again below"),
            ({"battery_stop_pct": "lots"}, "battery_stop_pct", "Enter a whole number"),
            ({"energy_wh_per_day_max": "0"}, "energy_wh_per_day_max", "number from 0.1 to 100"),
            ({"energy_wh_per_day_max": "NaN"}, "energy_wh_per_day_max", "number from 0.1"),
            ({"power_limit_w": "5000"}, "power_limit_w", "never draws that much"),
            ({"temp_high_c": "90"}, "temp_high_c", "number from 20 to 50"),
            ({"time_zone": "Europe/Atlantis"}, "time_zone", "Select a valid choice"),
            ({"categories": []}, "categories", "at least one kind of work"),
            ({"hours": [], "hours_from": [], "hours_to": []}, "hours", "No hour of the week"),
            ({"hours": ["9-99-f"]}, "hours", "could not be read"),
            ({"hours_from": ["22:07"]}, "hours", "typed times need another look"),
        ],
    )
    def test_marks_the_field_and_leads_to_it(
        self, owner: Client, car: Vehicle, changes: dict[str, Any], field: str, text: str
    ) -> None:
        response = owner.post(address("review", car), fill(NIGHTLY_RULES, **changes))

        page = read(response)
        assert response.status_code == 422
        assert text in page
        assert re.search(rf'<li><a href="#id_{field}', page)
        assert f'id="id_{field}"' in page
        assert not ConsentVersion.objects.exists()


class TestTwoWaysToSayTheWeek:
    TYPED: ClassVar[dict[str, Any]] = {
        "hours_days": ["weekdays"],
        "hours_from": ["20:15"],
        "hours_to": ["06:45"],
    }

    def save(self, owner: Client, car: Vehicle, **changes: Any) -> ConsentVersion:
        response = owner.post(address("review", car), fill(NIGHTLY_RULES, confirm="1", **changes))
        assert response.status_code == 302, read(response)
        return ConsentVersion.objects.get()

    def test_typed_quarter_hours_count_when_only_they_changed(
        self, owner: Client, car: Vehicle
    ) -> None:
        version = self.save(owner, car, **self.TYPED)

        assert version.week_mask == mask_from_windows(
            (Window((0, 1, 2, 3, 4), 20 * 60 + 15, 6 * 60 + 45),)
        )
        assert version.windows == [{"days": [0, 1, 2, 3, 4], "starts": "20:15", "ends": "06:45"}]

    def test_ticked_hours_count_when_only_they_changed(self, owner: Client, car: Vehicle) -> None:
        version = self.save(owner, car, hours=["5-10-f", "5-11-3"])

        assert version.week_mask == mask_from_windows((Window((5,), 600, 690),))
        assert version.windows == [{"days": [5], "starts": "10:00", "ends": "11:30"}]

    def test_asks_which_counts_when_both_changed(self, owner: Client, car: Vehicle) -> None:
        response = owner.post(
            address("review", car), fill(NIGHTLY_RULES, hours=["5-10-f"], **self.TYPED)
        )

        assert response.status_code == 422
        assert "Which of them counts?" in read(response)

    def test_follows_the_answer(self, owner: Client, car: Vehicle) -> None:
        version = self.save(owner, car, hours=["5-10-f"], hours_counts="grid", **self.TYPED)

        assert version.week_mask.bit_count() == 4

    def test_midnight_as_an_end_is_the_end_of_the_day(self, owner: Client, car: Vehicle) -> None:
        version = self.save(owner, car, hours_days=["6"], hours_from=["12:00"], hours_to=["00:00"])

        assert version.week_mask == mask_from_windows((Window((6,), 720, 1440),))


class TestSummary:
    def test_says_the_draft_in_words(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)

        response = owner.post(
            address("summary", car),
            fill(NIGHTLY_RULES, number=1, battery_stop_pct=44),
            headers={"HX-Request": "true"},
        )

        page = read(response)
        assert response.status_code == 200
        assert "<html" not in page
        assert "Stops under 44 %" in page
        assert page.count(">changed<") == 1

    def test_says_that_something_is_wrong(self, owner: Client, car: Vehicle) -> None:
        response = owner.post(address("summary", car), fill(NIGHTLY_RULES, categories=[]))

        assert response.status_code == 200
        assert "needs another look" in read(response)


class TestHistory:
    def test_lists_versions_with_what_changed(
        self, owner: Client, car: Vehicle, olivia: User
    ) -> None:
        create_consent(car)
        create_consent(
            car,
            now=timezone.now() - timedelta(days=1),
            categories=(WorkloadCategory.SPEECH,),
        )

        page = read(owner.get(address("history", car)))

        assert page.index("Version 2") < page.index("Version 1")
        assert "Speech and translation" in page
        assert "the chain is whole" in page

    def test_receipt_is_a_file_to_keep(self, owner: Client, car: Vehicle) -> None:
        version = create_consent(car)

        response = owner.get(address("receipt", car, number=1))

        receipt = response.json()
        assert response["Content-Disposition"].startswith("attachment;")
        assert receipt["record_id"] == f"{encode('veh', car.pk)}-1"
        assert receipt["purposes"] == ["inference", "research"]
        assert receipt["privacy_notice"] == {"version": "2026-11", "language": "en"}
        assert receipt["integrity"]["digest"] == bytes(version.digest).hex()
        assert receipt["content"]["rules"]["battery_stop_pct"] == 40

    def test_there_is_no_receipt_of_a_version_that_never_was(
        self, owner: Client, car: Vehicle
    ) -> None:
        assert owner.get(address("receipt", car, number=9)).status_code == 404
