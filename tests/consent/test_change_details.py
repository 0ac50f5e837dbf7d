"""
Olivia corrects what her car is: what a version says of it, until when it holds, and two at once.
"""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEvent
from consent import operations
from consent.models import ConsentEvent, ConsentVersion, Vehicle
from consent.operations import DetailsChange, PlateTaken, RulesRefused, StaleDetails, StaleVersion
from consent.queries import VehicleNotFound, verify_chain
from consent.queries.details import get_details
from consent.rules import FaultCode, ReadyBy
from tests.consent.renewing import DAY, END, publish, renew
from tests.consent.terms import NIGHT
from tests.factories import NIGHTLY_RULES, create_consent, create_owner, create_vehicle


LATER = NIGHT + DAY
READY: dict[str, Any] = {"ready_by": (ReadyBy((0, 1, 2, 3, 4), 7 * 60, 80),)}


def change(
    car: Vehicle, *, now: datetime = LATER, revision: int = 1, number: int = 1, **facts: Any
) -> DetailsChange:
    """
    Correct Olivia's car in the named facts, as its owner saw it at first.
    """
    known = Vehicle.objects.get(pk=car.pk)
    return operations.change_details(
        vehicle_id=car.pk,
        owner_id=car.owner_id,
        details=replace(get_details(known), **facts),
        expected_revision=revision,
        expected_number=number,
        now=now,
    )


def latest(car: Vehicle) -> ConsentVersion:
    return ConsentVersion.objects.filter(vehicle=car).latest("number")


class TestVersion:
    def test_another_battery_makes_one_of_the_same_rules(self, car: Vehicle) -> None:
        first = create_consent(car, now=NIGHT, **READY)

        made = change(car, battery_wh=60_000).version

        assert made is not None
        assert made == latest(car)
        assert (made.number, made.battery_wh, made.charge_power_w) == (2, 60_000, 3_680)
        assert made.ready_by == first.ready_by
        assert made.ready_floors_permille != first.ready_floors_permille
        assert (first.battery_wh, made.starts_at) == (75_000, LATER)
        assert verify_chain(vehicle_id=car.pk) is None

    def test_it_ends_when_the_one_before_would_have(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        made = change(car, now=NIGHT + 300 * DAY, charge_power_w=11_000).version

        assert made is not None
        assert made.expires_at == END

    def test_it_ends_by_a_notice_that_waited_for_an_answer(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        agree_by = NIGHT + 60 * DAY
        publish(agree_by=agree_by)

        made = change(car, now=NIGHT + 30 * DAY, battery_wh=60_000).version

        assert made is not None
        # Nobody agreed to the notice that came since.
        assert (made.notice_version, made.expires_at) == ("2026-11", agree_by)

    def test_it_keeps_what_the_calendar_was(self, car: Vehicle) -> None:
        first = create_consent(car, now=NIGHT, holiday_country="NO")

        change(car, now=NIGHT + 100 * DAY, battery_wh=60_000)

        assert latest(car).closed == first.closed

    def test_it_names_what_was_agreed_to(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        change(car, battery_wh=60_000)
        change(car, revision=2, number=2, battery_wh=64_000)

        numbers = ConsentVersion.objects.order_by("number").values_list("carries_on_number")
        assert [number for (number,) in numbers] == [None, 1, 1]

    def test_the_feed_tells_it(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        change(car, battery_wh=60_000)

        event = ConsentEvent.objects.latest("id")
        assert (event.kind, event.number, event.state) == ("changed", 2, "given")

    @pytest.mark.parametrize(
        "facts",
        [
            {"plate": "EL 1"},
            {"name": "The red one"},
            {"charge_limit_pct": 80},
            {"region_code": "no-bergen"},
        ],
    )
    def test_nothing_else_makes_one(self, car: Vehicle, facts: dict[str, Any]) -> None:
        create_consent(car, now=NIGHT)

        assert change(car, **facts).version is None

        assert latest(car).number == 1
        car.refresh_from_db()
        assert {name: getattr(car, name) for name in facts} == facts
        assert car.revision == 2

    def test_a_car_that_agreed_to_nothing_gets_none(self, car: Vehicle) -> None:
        assert change(car, number=0, battery_wh=60_000).version is None

        assert create_consent(car, now=LATER).battery_wh == 60_000

    def test_nor_does_a_consent_that_is_over(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        assert change(car, now=END, battery_wh=60_000).version is None
        # It is judged by the battery of then once it is agreed to again.
        assert renew(car, now=END).battery_wh == 60_000

    def test_nor_one_that_was_withdrawn(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        operations.withdraw(vehicle_id=car.pk, owner_id=car.owner_id, now=NIGHT)

        assert change(car, number=2, battery_wh=60_000).version is None
        assert latest(car).state == "withdrawn"

    def test_a_car_that_follows_defaults_goes_on_following(self, car: Vehicle) -> None:
        terms: dict[str, Any] = {"owner_id": car.owner_id, "notice_language": "en", "now": NIGHT}
        operations.save_profile(rules=NIGHTLY_RULES, expected_number=0, **terms)
        operations.follow_profile(
            vehicle_id=car.pk,
            own=replace(NIGHTLY_RULES, battery_stop_pct=45),
            own_fields=frozenset({"battery"}),
            expected_number=0,
            **terms,
        )

        change(car, battery_wh=60_000)
        operations.save_profile(
            rules=replace(NIGHTLY_RULES, power_limit_w=500), expected_number=1, **terms
        )

        assert (latest(car).number, latest(car).power_limit_w) == (3, 500)
        assert (latest(car).battery_stop_pct, latest(car).battery_wh) == (45, 60_000)


class TestAgreeingAgain:
    """
    A version that nobody agreed to is no answer to somebody who agrees.
    """

    def test_a_renewal_begun_before_is_not_taken_for_done(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        change(car, battery_wh=60_000)

        with pytest.raises(StaleVersion):
            renew(car, now=NIGHT + 300 * DAY)
        renewed = renew(car, now=NIGHT + 300 * DAY, expected_number=2)
        assert renewed.expires_at > END
        assert renewed.carries_on_number is None

    def test_nor_are_the_same_rules(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        change(car, battery_wh=60_000)

        with pytest.raises(StaleVersion):
            create_consent(car, now=LATER, expected_number=1)


class TestRefusals:
    @pytest.mark.parametrize(
        ("rules", "facts", "code"),
        [
            ({"battery_stop_pct": 81, "battery_resume_pct": 81}, {"charge_limit_pct": 80},
             FaultCode.STOP_ABOVE_CHARGE),
            ({"battery_resume_pct": 81}, {"charge_limit_pct": 80}, FaultCode.RESUME_ABOVE_CHARGE),
            (READY, {"charge_limit_pct": 79}, FaultCode.READY_ABOVE_CHARGE),
            (READY, {"battery_wh": 400_000, "charge_power_w": 1_000}, FaultCode.READY_UNREACHABLE),
            ({}, {"rated_power_w": 800}, FaultCode.POWER_NEVER_BINDS),
        ],
    )  # fmt: skip
    def test_rules_that_could_not_hold_stand_against_it(
        self, car: Vehicle, rules: dict[str, Any], facts: dict[str, Any], code: FaultCode
    ) -> None:
        create_consent(car, now=NIGHT, **rules)

        with pytest.raises(RulesRefused) as refused:
            change(car, **facts)

        assert code in {fault.code for fault in refused.value.faults}
        car.refresh_from_db()
        assert (car.revision, latest(car).number) == (1, 1)

    def test_a_limit_at_the_floor_is_enough(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT, battery_stop_pct=80, battery_resume_pct=80)

        change(car, charge_limit_pct=80)

    def test_what_was_wrong_before_is_not_its_fault(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT, battery_stop_pct=81, battery_resume_pct=85)
        Vehicle.objects.update(charge_limit_pct=80)

        assert change(car, battery_wh=60_000).version is not None

    def test_a_plate_is_not_taken_twice(self, car: Vehicle) -> None:
        create_vehicle(car.owner, plate="ZZ 2")

        with pytest.raises(PlateTaken):
            change(car, number=0, plate="ZZ 2")

    def test_is_of_no_use_to_mallory(self, car: Vehicle) -> None:
        mallory = create_owner("Mallory")

        with pytest.raises(VehicleNotFound):
            operations.change_details(
                vehicle_id=car.pk,
                owner_id=mallory.pk,
                details=get_details(car),
                expected_revision=1,
                expected_number=0,
                now=LATER,
            )

    def test_a_car_that_was_given_away_stays_as_it_was(self, car: Vehicle) -> None:
        Vehicle.objects.update(retired_at=NIGHT)

        with pytest.raises(VehicleNotFound):
            change(car, number=0, name="Mine again")


class TestTwice:
    def test_a_repeat_returns_what_the_first_call_made(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        made = change(car, battery_wh=60_000).version
        again = change(car, battery_wh=60_000).version

        assert made == again
        assert latest(car).number == 2

    def test_another_change_in_between_is_not_written_over(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        change(car, name="The red one")

        with pytest.raises(StaleDetails):
            change(car, battery_wh=60_000)

    def test_nor_rules_that_were_agreed_in_between(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        create_consent(car, now=NIGHT, wear_cycles_milli_per_month_max=1_000)

        with pytest.raises(StaleDetails):
            change(car, battery_wh=90_000)

    def test_nothing_changed_is_no_change(self, car: Vehicle) -> None:
        change(car, number=0)

        car.refresh_from_db()
        assert car.revision == 1
        assert not AuditEvent.objects.exists()

    def test_what_was_changed_is_noted(self, car: Vehicle) -> None:
        change(car, number=0, battery_wh=60_000, name="The red one")

        event = AuditEvent.objects.get()
        assert (event.action, event.subject) == ("vehicle.changed", f"vehicle:{car.pk}")
        assert event.detail == {"name": ["Model Y", "The red one"], "battery_wh": [75_000, 60_000]}


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_asked_again(car: Vehicle) -> None:
    create_consent(car, now=NIGHT)
    start, outcomes = threading.Barrier(2), []

    def save(battery_wh: int) -> None:
        try:
            start.wait()
            outcomes.append(change(car, battery_wh=battery_wh).version)
        except StaleDetails:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(each,)) for each in (60_000, 64_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timedelta(minutes=1).total_seconds())

    [made] = [outcome for outcome in outcomes if outcome is not None]
    assert len(outcomes) == 2
    car.refresh_from_db()
    assert (car.revision, car.battery_wh) == (2, made.battery_wh)
    assert latest(car).number == 2
    assert verify_chain(vehicle_id=car.pk) is None
