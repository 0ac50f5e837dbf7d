from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from consent import operations
from consent.models import ConsentEvent, ConsentVersion, Vehicle
from consent.operations import RulesRefused, StaleVersion, VehicleNotFound
from consent.queries import verify_chain
from consent.rules import FaultCode
from tests.consent.terms import NIGHT, NIGHTS
from tests.factories import NIGHTLY_RULES, create_consent


HOUR = timedelta(hours=1)


class TestGiveConsent:
    def test_first_version_is_in_force_from_now(self, car: Vehicle, olivia: User) -> None:
        version = create_consent(car, now=NIGHT, expected_number=0)

        version.refresh_from_db()
        assert (version.number, version.state) == (1, "given")
        assert (version.starts_at, version.ends_at) == (NIGHT, None)
        assert version.week_mask == NIGHTS
        assert version.actor_id == olivia.pk

    def test_change_ends_the_version_before_at_the_same_moment(self, car: Vehicle) -> None:
        first = create_consent(car, now=NIGHT)
        second = create_consent(car, now=NIGHT + HOUR, battery_stop_pct=50, expected_number=1)

        first.refresh_from_db()
        assert first.ends_at == second.starts_at == NIGHT + HOUR
        assert second.number == 2

    def test_refuses_a_draft_that_began_from_an_older_version(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        create_consent(car, now=NIGHT + HOUR, battery_stop_pct=45)

        with pytest.raises(StaleVersion) as caught:
            create_consent(car, now=NIGHT + HOUR, battery_stop_pct=50, expected_number=1)

        assert caught.value.current_number == 2

    def test_returns_the_version_when_the_same_is_sent_twice(self, car: Vehicle) -> None:
        first = create_consent(car, now=NIGHT, expected_number=0)
        again = create_consent(car, now=NIGHT + HOUR, expected_number=0)

        assert again == first
        assert ConsentVersion.objects.count() == 1

    def test_refuses_rules_that_can_never_run(self, car: Vehicle) -> None:
        with pytest.raises(RulesRefused) as caught:
            create_consent(car, windows=())

        assert [fault.code for fault in caught.value.faults] == [FaultCode.NO_HOURS]
        assert not ConsentVersion.objects.exists()

    def test_refuses_somebody_elses_vehicle(self, car: Vehicle, mallory: User) -> None:
        with pytest.raises(VehicleNotFound):
            operations.give_consent(
                vehicle_id=car.pk,
                owner_id=mallory.pk,
                rules=NIGHTLY_RULES,
                expected_number=None,
                notice_language="en",
                now=NIGHT,
            )

    def test_tells_the_feed(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        create_consent(car, now=NIGHT + HOUR, battery_stop_pct=50)

        events = ConsentEvent.objects.order_by("id").values_list("kind", "number", "effective_at")
        assert list(events) == [("given", 1, NIGHT), ("changed", 2, NIGHT + HOUR)]

    def test_never_begins_before_the_version_it_ends(self, car: Vehicle) -> None:
        first = create_consent(car, now=NIGHT)
        second = create_consent(car, now=NIGHT - HOUR, battery_stop_pct=50)

        first.refresh_from_db()
        assert first.ends_at == second.starts_at == NIGHT + timedelta(microseconds=1)

    def test_after_a_withdrawal_consent_is_given_anew(self, car: Vehicle, olivia: User) -> None:
        create_consent(car, now=NIGHT)
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + HOUR)

        third = create_consent(car, now=NIGHT + 2 * HOUR, expected_number=2)

        assert (third.number, third.state) == (3, "given")
        assert ConsentEvent.objects.latest("id").kind == "given"
        assert verify_chain(vehicle_id=car.pk) is None


class TestOneVersionAtATime:
    def test_database_refuses_two_versions_at_once(self, car: Vehicle) -> None:
        version = create_consent(car, now=NIGHT)
        version.pk = None
        version.number = 2

        with (
            pytest.raises(IntegrityError, match="consent_version_one"),
            transaction.atomic(),
        ):
            version.save(force_insert=True)
