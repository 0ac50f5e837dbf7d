"""
Defaults for all cars: one change reaches every car that follows, or none.
"""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from consent import operations
from consent.models import ConsentEvent, ConsentVersion, OwnRules, ProfileVersion, Vehicle
from consent.operations import NoProfile, ProfileRefused, RulesRefused, StaleVersion
from consent.queries import verify_chain
from consent.rules import FaultCode, RulesDraft
from tests.consent.terms import NIGHT
from tests.factories import NIGHTLY_RULES, create_consent, create_owner, create_vehicle


HOUR = timedelta(hours=1)


@pytest.fixture
def second_car(olivia: User) -> Vehicle:
    return create_vehicle(olivia, plate="EL 20 002", rated_power_w=500)


def save(owner: User, *, number: int | None = None, **changes: Any) -> ProfileVersion:
    return operations.save_profile(
        owner_id=owner.pk,
        rules=replace(NIGHTLY_RULES, **changes),
        expected_number=number,
        notice_language="en",
        now=NIGHT,
    )


def follow(
    car: Vehicle, *own_fields: str, own: RulesDraft = NIGHTLY_RULES, number: int | None = None
) -> ConsentVersion:
    return operations.follow_profile(
        vehicle_id=car.pk,
        owner_id=car.owner_id,
        own=own,
        own_fields=frozenset(own_fields),
        expected_number=number,
        notice_language="en",
        now=NIGHT,
    )


def current(car: Vehicle) -> ConsentVersion:
    return ConsentVersion.objects.get(vehicle=car, in_force__upper_inf=True)


class TestSaveProfile:
    def test_changes_every_car_that_follows(
        self, olivia: User, car: Vehicle, second_car: Vehicle
    ) -> None:
        save(olivia)
        follow(car)
        follow(second_car)

        profile = save(olivia, number=1, battery_stop_pct=45)

        assert profile.number == 2
        for each in (car, second_car):
            version = current(each)
            assert (version.number, version.battery_stop_pct) == (2, 45)
            assert (version.profile_number, version.own_fields) == (2, [])
            assert verify_chain(vehicle_id=each.pk) is None
        assert ConsentEvent.objects.filter(kind="changed").count() == 2

    def test_leaves_alone_what_does_not_follow(
        self, olivia: User, car: Vehicle, second_car: Vehicle, mallory: User
    ) -> None:
        foreign = create_vehicle(mallory, plate="MA 11 001")
        create_consent(car, now=NIGHT - HOUR)
        save(olivia)
        save(mallory)
        follow(foreign)
        follow(second_car)
        operations.withdraw(vehicle_id=second_car.pk, owner_id=olivia.pk, now=NIGHT)

        save(olivia, battery_stop_pct=45)

        assert current(car).number == 1
        assert current(foreign).battery_stop_pct == 40
        assert current(second_car).state == "withdrawn"

    def test_fits_each_car(self, olivia: User, car: Vehicle, second_car: Vehicle) -> None:
        save(olivia)
        follow(car)
        follow(second_car)

        # 900 W are a limit for a computer of 1 kW, and none for one of 500 W.
        assert current(car).power_limit_w == 900
        assert current(second_car).power_limit_w is None

    def test_keeps_what_a_car_has_of_its_own(self, olivia: User, car: Vehicle) -> None:
        save(olivia, battery_stop_pct=45)
        own = replace(NIGHTLY_RULES, battery_stop_pct=30, energy_wh_per_day_max=1_000)
        follow(car, "battery", "energy", own=own)
        assert current(car).battery_stop_pct == 45

        # The stricter rule hid the car's own; it counts again when the defaults are looser.
        save(olivia, battery_stop_pct=25)

        version = current(car)
        assert (version.battery_stop_pct, version.energy_wh_per_day_max) == (30, 1_000)
        assert version.own_fields == ["battery", "energy"]

    def test_is_refused_as_a_whole(self, olivia: User, car: Vehicle, second_car: Vehicle) -> None:
        save(olivia)
        follow(car)
        follow(second_car, "compute", own=replace(NIGHTLY_RULES, energy_wh_per_month_max=None))

        with pytest.raises(ProfileRefused) as caught:
            save(olivia, energy_wh_per_day_max=90_001)

        assert set(caught.value.faults) == {car.pk, second_car.pk}
        [fault] = caught.value.faults[car.pk]
        assert fault.code is FaultCode.DAY_OVER_MONTH
        assert ProfileVersion.objects.count() == 1
        assert current(car).number == 1

    def test_refuses_a_draft_that_began_from_older_defaults(self, olivia: User) -> None:
        save(olivia, number=0)
        save(olivia, number=1, battery_stop_pct=45)

        with pytest.raises(StaleVersion) as caught:
            save(olivia, number=1, battery_stop_pct=50)

        assert caught.value.current_number == 2

    def test_returns_the_defaults_when_the_same_is_sent_twice(
        self, olivia: User, car: Vehicle
    ) -> None:
        first = save(olivia, number=0)
        assert save(olivia, number=0) == first
        assert ProfileVersion.objects.count() == 1

    def test_nobody_edits_them(self, olivia: User, car: Vehicle) -> None:
        save(olivia)
        follow(car)

        for rows in (ProfileVersion.objects.all(), OwnRules.objects.all()):
            with pytest.raises(DatabaseError), transaction.atomic():
                rows.update(rules={})
            with pytest.raises(DatabaseError), transaction.atomic():
                rows.delete()


class TestFollowProfile:
    def test_needs_defaults(self, car: Vehicle) -> None:
        with pytest.raises(NoProfile):
            follow(car)

    def test_says_where_its_rules_come_from(self, olivia: User, car: Vehicle) -> None:
        save(olivia, battery_stop_pct=45)

        version = follow(car, "hours", number=0)

        assert (version.number, version.profile_number) == (1, 1)
        assert version.own_fields == ["hours"]
        assert version.battery_stop_pct == 45
        assert follow(car, "hours", number=0) == version

    def test_refuses_a_stale_draft_and_what_can_never_run(self, olivia: User, car: Vehicle) -> None:
        save(olivia)
        follow(car)
        follow(car, "energy", own=replace(NIGHTLY_RULES, energy_wh_per_day_max=1))
        with pytest.raises(StaleVersion):
            follow(car, number=0)
        with pytest.raises(RulesRefused):
            follow(car, "hours", own=replace(NIGHTLY_RULES, windows=()))

    def test_a_consent_of_its_own_ends_it(self, olivia: User, car: Vehicle) -> None:
        save(olivia)
        follow(car)

        create_consent(car, now=NIGHT + HOUR)
        save(olivia, battery_stop_pct=45)

        assert current(car).profile_number is None
        assert current(car).battery_stop_pct == 40

    def test_a_withdrawal_remembers_what_it_followed(self, olivia: User, car: Vehicle) -> None:
        save(olivia)
        own = replace(NIGHTLY_RULES, battery_stop_pct=30)
        follow(car, "battery", own=own)

        version = operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + HOUR)

        assert (version.profile_number, version.own_fields) == (1, ["battery"])
        assert OwnRules.objects.get(version=version).rules["battery_stop_pct"] == 30


@pytest.mark.django_db(transaction=True)
def test_no_car_is_left_behind_by_a_race() -> None:
    olivia = create_owner("Olivia")
    cars = [create_vehicle(olivia, plate=f"EL 20 {place:03}") for place in range(4)]
    save(olivia, number=0)

    def work(call: Any, *arguments: Any) -> None:
        try:
            call(*arguments)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(follow, car)) for car in cars]
    threads.insert(
        2, threading.Thread(target=work, args=(lambda: save(olivia, battery_stop_pct=45),))
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {current(car).profile_number for car in cars} == {2}
    assert {current(car).battery_stop_pct for car in cars} == {45}
