"""
Agreeing again before a consent ends, and being told in time.
"""

from datetime import datetime

import pytest
import time_machine

from accounts.models import Outbox, User
from consent import operations, queries, tasks
from consent.models import ConsentVersion, ExpiryReminder, Vehicle
from consent.operations import NoConsent, NoticeChanged, StaleVersion
from consent.operations.renewals import remind_of_expiry
from consent.queries import VehicleNotFound
from consent.rules import ReasonCode
from tests.consent.renewing import DAY, END, HOUR, publish, renew
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle, create_vehicle_state
from web.public_ids import encode


def codes(car: Vehicle, now: datetime) -> tuple[ReasonCode, ...]:
    return queries.decide_now(vehicle_id=car.pk, owner_id=car.owner_id, now=now).codes


@pytest.mark.django_db
class TestRenew:
    def test_makes_a_new_version_of_the_same_rules(self, car: Vehicle) -> None:
        first = create_consent(car, now=NIGHT)

        version = renew(car, now=END - 10 * DAY)

        assert (version.number, version.battery_stop_pct) == (2, first.battery_stop_pct)
        assert version.expires_at > END
        assert queries.verify_chain(vehicle_id=car.pk) is None

    def test_lets_a_car_work_again_whose_consent_had_ended(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        later = END + 10 * DAY
        create_vehicle_state(car, now=later)
        assert codes(car, later) == (ReasonCode.CONSENT_EXPIRED,)

        renew(car, now=later)

        assert ReasonCode.CONSENT_EXPIRED not in codes(car, later)

    def test_done_twice_is_done_once(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        assert renew(car, now=END) == renew(car, now=END)

    def test_needs_a_consent(self, car: Vehicle, olivia: User) -> None:
        with pytest.raises(NoConsent):
            renew(car, now=NIGHT)
        create_consent(car, now=NIGHT)
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + HOUR)
        with pytest.raises(NoConsent):
            renew(car, now=NIGHT + 2 * HOUR, expected_number=2)

    def test_needs_the_rules_that_were_read(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        create_consent(car, now=NIGHT + HOUR, battery_stop_pct=45)

        with pytest.raises(StaleVersion):
            renew(car, now=END)

    def test_needs_the_notice_that_was_read(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        publish()

        with pytest.raises(NoticeChanged):
            renew(car, now=END, notice_version="2026-11")

        assert ConsentVersion.objects.count() == 1

    def test_needs_the_owner(self, car: Vehicle, mallory: User) -> None:
        create_consent(car, now=NIGHT)

        with pytest.raises(VehicleNotFound):
            renew(car, now=END, owner_id=mallory.pk)


@pytest.mark.django_db
class TestReminders:
    def test_come_thirty_and_seven_days_before_and_once_each(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        counts = [
            remind_of_expiry(now=END - days * DAY) for days in (40, 31, 30, 29, 8, 7, 6, 1, 0, -1)
        ]

        assert counts == [0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
        first, last = Outbox.objects.order_by("id")
        assert first.payload["to"] == "olivia@example.com"
        assert "BX 42 LR" in first.payload["subject"]
        assert "18 Dec 2027" in first.payload["text"].replace("\N{NO-BREAK SPACE}", " ")
        assert f"/cars/{encode('veh', car.pk)}/renew/" in last.payload["text"]

    def test_come_when_a_new_notice_ends_a_consent(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        agree_by = NIGHT + 60 * DAY
        publish(agree_by=agree_by)

        counts = [remind_of_expiry(now=agree_by - days * DAY) for days in (45, 20, 10, 3)]

        assert counts == [0, 1, 0, 1]

    def test_of_many_cars_are_one_mail(self, car: Vehicle, olivia: User, mallory: User) -> None:
        for plate in ("BX 43 LR", "BX 44 LR"):
            create_consent(create_vehicle(olivia, plate=plate), now=NIGHT)
        create_consent(create_vehicle(mallory, plate="MA 11 RY"), now=NIGHT)
        create_consent(car, now=NIGHT)

        assert remind_of_expiry(now=END - 20 * DAY) == 4

        mails = {each.payload["to"]: each.payload for each in Outbox.objects.all()}
        assert mails.keys() == {"olivia@example.com", "mallory@example.com"}
        mine = mails["olivia@example.com"]
        assert "3 cars" in mine["subject"]
        assert mine["text"].count("/renew/") == 3
        assert "MA 11 RY" not in mine["text"]

    def test_come_in_the_owners_language(self, car: Vehicle, olivia: User) -> None:
        create_consent(car, now=NIGHT)
        olivia.language = "pt"
        olivia.save()

        remind_of_expiry(now=END - 20 * DAY)

        assert "dez" in Outbox.objects.get().payload["text"]

    def test_leave_out_what_ended_otherwise(self, car: Vehicle, olivia: User) -> None:
        create_consent(car, now=NIGHT)
        other = create_vehicle(olivia, plate="BX 43 LR")
        create_consent(other, now=NIGHT)
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + HOUR)
        Vehicle.objects.filter(pk=other.pk).update(retired_at=NIGHT + HOUR)

        assert remind_of_expiry(now=END - 20 * DAY) == 0

    def test_leave_nobody_out_of_a_long_queue(
        self, car: Vehicle, olivia: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("consent.operations.renewals.EXPIRY_REMINDERS_BATCH", 2)
        for place in range(4):
            create_consent(create_vehicle(olivia, plate=f"BX {place} LR"), now=NIGHT)

        counts = [remind_of_expiry(now=END - 20 * DAY) for _ in range(4)]

        assert counts == [2, 2, 0, 0]
        assert ExpiryReminder.objects.count() == 4

    @pytest.fixture
    def _first_look(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "_reminders", tasks.Pace())

    @pytest.mark.usefixtures("_first_look")
    def test_are_looked_for_by_the_sweep_once_an_hour(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        with time_machine.travel(END - 20 * DAY) as traveller:
            tasks.sweep()
            assert Outbox.objects.count() == 1
            create_consent(create_vehicle(car.owner, plate="BX 43 LR"), now=NIGHT)

            tasks.sweep()
            assert Outbox.objects.count() == 1
            traveller.shift(HOUR)
            tasks.sweep()
            assert Outbox.objects.count() == 2
