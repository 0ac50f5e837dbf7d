"""
What an owner's pages say of hours: dates count there as they do in decisions.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from consent.models import Vehicle
from consent.operations import pause
from consent.queries import get_vehicle_card, list_pause_choices
from consent.queries.hours import list_past_hours
from consent.rules import BuyersMode, DateException, Gate
from tests.factories import create_consent, create_vehicle_state


# 23:00 in Oslo on Wednesday, 18 November 2026; the night lasts from 22:00 to 07:00.
NOW = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
TEN = NOW - timedelta(hours=1)
MIDNIGHT = NOW + timedelta(hours=1)
THURSDAY = DateException(date(2026, 11, 19), is_open=False)


def at_home(car: Vehicle) -> None:
    create_vehicle_state(car, now=NOW, heard_at=NOW)


@pytest.mark.django_db
class TestCard:
    def test_tonight_ends_where_a_closed_date_begins(self, olivia: User, car: Vehicle) -> None:
        create_consent(car, now=NOW - timedelta(days=1), exceptions=(THURSDAY,))
        at_home(car)

        card = get_vehicle_card(vehicle_id=car.pk, owner_id=olivia.pk, now=NOW)

        assert card.decision.permit
        assert card.closes_at == MIDNIGHT
        tonight = {each.kind: each.ends_at for each in list_pause_choices(card=card, now=NOW)}
        assert tonight["tonight"] == MIDNIGHT

    def test_asks_about_work_that_a_choosy_owner_would_take(
        self, olivia: User, car: Vehicle
    ) -> None:
        create_consent(
            car,
            now=NOW - timedelta(days=1),
            buyers_mode=BuyersMode.EXCEPT,
            buyer_ids=(7,),
            reward_micros_per_h_min=1_000,
        )
        at_home(car)

        card = get_vehicle_card(vehicle_id=car.pk, owner_id=olivia.pk, now=NOW)

        assert card.decision.permit
        later = {gate.gate for gate in card.gates if gate.state == "later"}
        assert later == {Gate.WORKLOAD, Gate.BUYER, Gate.REWARD}


@pytest.mark.django_db
class TestOpenSpans:
    def test_leave_closed_dates_out_and_have_openings_out_of_turn(
        self, olivia: User, car: Vehicle
    ) -> None:
        noon = DateException(
            date(2026, 11, 20), is_open=True, starts_minute=12 * 60, ends_minute=13 * 60
        )
        create_consent(car, now=NOW - timedelta(days=1), exceptions=(THURSDAY, noon))

        hours = list_past_hours(
            vehicle_id=car.pk,
            owner_id=olivia.pk,
            starts_at=TEN - timedelta(hours=2),
            ends_at=TEN + timedelta(days=2),
        )

        assert hours.open == (
            (TEN, MIDNIGHT),
            (MIDNIGHT + timedelta(hours=36), MIDNIGHT + timedelta(hours=37)),
        )

    def test_of_the_past_know_what_the_owner_had_paused(self, olivia: User, car: Vehicle) -> None:
        create_consent(car, now=TEN)
        pause(
            vehicle_id=car.pk,
            owner_id=olivia.pk,
            until=NOW + timedelta(minutes=30),
            kind="hour",
            now=NOW - timedelta(minutes=30),
        )
        terms: dict[str, Any] = {
            "vehicle_id": car.pk,
            "starts_at": TEN - timedelta(days=1),
            "ends_at": NOW,
        }

        hours = list_past_hours(owner_id=olivia.pk, **terms)

        assert hours.agreed == ((TEN, NOW),)
        assert hours.paused == ((NOW - timedelta(minutes=30), NOW),)
        stranger = list_past_hours(owner_id=olivia.pk + 1, **terms)
        assert (stranger.agreed, stranger.open, stranger.paused) == ((), (), ())
