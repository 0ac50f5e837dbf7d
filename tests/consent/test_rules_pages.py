import re
from datetime import timedelta
from typing import Any, ClassVar

import holidays
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent.models import ConsentVersion, Vehicle
from consent.rules import Window, WorkloadCategory, mask_from_windows
from tests.consent.filling import address, fill, read
from tests.factories import NIGHTLY_RULES, create_consent, sign_in


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


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

    def test_offers_every_part_that_has_holidays_and_keeps_the_longest_name(
        self, owner: Client, car: Vehicle
    ) -> None:
        known = holidays.list_supported_countries(include_aliases=False)
        codes = [*known, *(f"{country}-{part}" for country in known for part in known[country])]
        longest = max(codes, key=len)
        draft = fill(NIGHTLY_RULES, confirm="1", holiday_country=longest)

        assert owner.post(address("review", car), draft).status_code == 302

        assert ConsentVersion.objects.get().holiday_country == longest
        page = read(owner.get(address("rules", car)))
        assert f'<option value="{longest}" selected>' in page
        assert not [code for code in codes if f'<option value="{code}">' not in page]

    def test_takes_a_constant_number_of_statements(
        self, owner: Client, car: Vehicle, django_assert_max_num_queries: Any
    ) -> None:
        create_consent(car)

        # Session, person, what the person is, vehicle, version, pool, defaults, buyers, notice.
        with django_assert_max_num_queries(12):
            owner.get(address("rules", car))


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
            ({"temp_hold_min": "100000"}, "temp_hold_min", "may wait from 0 to 240 minutes"),
            ({"temp_hold_min": "-1"}, "temp_hold_min", "may wait from 0 to 240 minutes"),
            ({"temp_high_resume_c": "9" * 40}, "temp_high_resume_c", "starts again at a temp"),
            ({"time_zone": "Europe/Atlantis"}, "time_zone", "time zone from the list"),
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

    def test_names_a_date_as_a_calendar_does(self, owner: Client, car: Vehicle) -> None:
        day = (timezone.now() + timedelta(days=30)).date()
        opening: dict[str, Any] = {
            "exceptions_kind": ["open"],
            "exceptions_first": [day.isoformat()],
            "exceptions_last": [""],
            "exceptions_from": ["22:00"],
            "exceptions_to": ["23:00"],
        }

        page = read(owner.post(address("summary", car), fill(NIGHTLY_RULES, **opening)))

        assert f"{day.day} {day:%b %Y} changes nothing." in page
        assert "Your hours are open then anyway." in page

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
