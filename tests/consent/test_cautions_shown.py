"""
Olivia sees what contradicts before she saves, and may save it all the same.
"""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from consent.models import ConsentVersion, Vehicle
from consent.rules import ReadyBy
from tests.consent.filling import address, fill, read
from tests.factories import NIGHTLY_RULES, create_consent, sign_in


# From 50 % to 100 % of 75 kWh at 3.68 kW takes more than a night.
FULL_AT_SEVEN: dict[str, Any] = {"ready_by": (ReadyBy((0, 1, 2, 3, 4, 5, 6), 7 * 60, 100),)}
CONFLICT = "charging to 100 % by 07:00 needs"


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


class TestReadyByAgainstTheWindows:
    @pytest.mark.parametrize("page", ["summary", "review"])
    def test_is_shown_before_saving(self, owner: Client, car: Vehicle, page: str) -> None:
        create_consent(car)
        draft = replace(NIGHTLY_RULES, **FULL_AT_SEVEN)

        shown = read(owner.post(address(page, car), fill(draft, number=1)))

        assert "Charging takes all of these hours." in shown
        assert f"Every day: with 50 % in the battery, {CONFLICT} 9" in shown
        assert ConsentVersion.objects.count() == 1

    @pytest.mark.parametrize("page", ["summary", "review"])
    def test_is_not_where_there_is_none(self, owner: Client, car: Vehicle, page: str) -> None:
        create_consent(car)

        shown = read(owner.post(address(page, car), fill(NIGHTLY_RULES, number=1)))

        assert "Charging takes" not in shown

    def test_forbids_nothing(self, owner: Client, car: Vehicle) -> None:
        create_consent(car)
        draft = replace(NIGHTLY_RULES, **FULL_AT_SEVEN)

        owner.post(address("review", car), fill(draft, number=1, confirm="1"))

        assert ConsentVersion.objects.latest("number").number == 2
