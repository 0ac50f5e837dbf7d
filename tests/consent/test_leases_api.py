"""
A scheduler's day over HTTP: permits renewed, ended, rehearsed, and what ends them.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent import operations
from consent.models import DecisionRecord, Lease, Vehicle
from consent.rules import Gate, Grace, ReasonCode, Window
from tests.consent.calling import ask, codes, post, tell
from tests.factories import create_consent
from web.public_ids import encode


SECOND = timedelta(seconds=1)
ALWAYS = (Window((0, 1, 2, 3, 4, 5, 6), 0, 1440),)
NEVER_NOW = (Window((0,), 0, 15),)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def ready_car(scheduler: Client, car: Vehicle, now: datetime) -> Vehicle:
    create_consent(car, windows=ALWAYS)
    tell(scheduler, car, now)
    return car


class TestRun:
    def test_a_permit_names_what_the_caller_must_see_to(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        context = ask(scheduler, ready_car)["context"]

        assert context["obligations"] == [{"id": "power_limit", "watts": 900}]
        assert (context["graced"], context["grace_ends_at"]) == ([], None)
        assert "dry_run" not in context

    def test_a_grace_names_its_reason_and_its_end(
        self, scheduler: Client, car: Vehicle, now: datetime
    ) -> None:
        create_consent(car, windows=ALWAYS, grace=(Grace(Gate.HOURS, 10),))
        tell(scheduler, car, now)
        ask(scheduler, car)
        create_consent(car, windows=NEVER_NOW, grace=(Grace(Gate.HOURS, 10),), now=now)

        answer = ask(scheduler, car)

        context = answer["context"]
        assert answer["decision"] is True
        assert [reason["code"] for reason in context["graced"]] == ["outside_hours"]
        assert context["reasons"] == []
        [_, finish] = context["obligations"]
        assert finish == {"id": "finish_by", "at": context["grace_ends_at"]}
        left = datetime.fromisoformat(context["grace_ends_at"]) - timezone.now()
        assert timedelta(minutes=9) < left <= timedelta(minutes=10)

    def test_a_withdrawal_makes_every_renewal_fail(
        self, scheduler: Client, ready_car: Vehicle, olivia: User
    ) -> None:
        assert ask(scheduler, ready_car)["decision"] is True
        assert ask(scheduler, ready_car)["decision"] is True

        operations.withdraw(vehicle_id=ready_car.pk, owner_id=olivia.pk, now=timezone.now())

        for _ in range(2):
            answer = ask(scheduler, ready_car)
            assert (answer["decision"], codes(answer)) == (False, ["consent_withdrawn"])
        assert Lease.objects.get().expires_at <= timezone.now()

    def test_one_bad_sample_does_not_stop_a_job_and_two_do(
        self, scheduler: Client, ready_car: Vehicle, now: datetime
    ) -> None:
        assert ask(scheduler, ready_car)["decision"] is True

        tell(scheduler, ready_car, now + SECOND, state_of_charge_pct=101)
        assert ask(scheduler, ready_car)["decision"] is True

        tell(scheduler, ready_car, now + 2 * SECOND, is_moving=True)
        answer = ask(scheduler, ready_car)
        assert (answer["decision"], codes(answer)) == (False, ["telemetry_contradictory"])

        tell(scheduler, ready_car, now + 3 * SECOND)
        assert ask(scheduler, ready_car)["decision"] is True

    def test_the_expected_energy_of_a_job_is_reserved(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        assert ask(scheduler, ready_car, energy_wh=5_000)["decision"] is True

        answer = ask(scheduler, ready_car, job_id="j-82", energy_wh=1_001)

        assert codes(answer) == ["day_energy_spent"]
        assert ask(scheduler, ready_car, job_id="j-83", energy_wh=900)["decision"] is True

    @pytest.mark.parametrize("energy_wh", [0, -1, 1.5, 10**40, "12"])
    def test_an_expectation_that_is_none_is_refused(
        self, scheduler: Client, ready_car: Vehicle, energy_wh: Any
    ) -> None:
        document = {
            "evaluations": [
                {
                    "subject": {
                        "type": "workload",
                        "id": "j-1",
                        "properties": {"category": "inference", "energy_wh": energy_wh},
                    },
                    "action": {"name": "run"},
                    "resource": {"type": "vehicle", "id": encode("veh", ready_car.pk)},
                }
            ]
        }

        [answer] = post(scheduler, "/access/v1/evaluations", document)["evaluations"]

        assert codes(answer) == ["malformed"]


class TestStop:
    def test_ends_the_lease_of_a_job(self, scheduler: Client, ready_car: Vehicle) -> None:
        ask(scheduler, ready_car)

        answer = ask(scheduler, ready_car, action="stop")

        assert (answer["decision"], answer["context"]["stopped"]) == (True, True)
        assert answer["context"]["reasons"] == []
        assert Lease.objects.get().expires_at <= timezone.now()
        # Evidence is kept of what was judged.
        assert DecisionRecord.objects.count() == 1

    def test_of_a_job_without_a_lease_is_a_deny(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        answer = ask(scheduler, ready_car, action="stop")

        assert (answer["decision"], codes(answer)) == (False, ["no_lease"])


class TestDryRun:
    def test_takes_no_lease_leaves_no_record_and_says_so(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        answer = ask(scheduler, ready_car, context={"dry_run": True})

        assert (answer["decision"], answer["context"]["dry_run"]) == (True, True)
        assert not Lease.objects.exists()
        assert not DecisionRecord.objects.exists()

    def test_of_a_past_moment_leaves_no_record_either(
        self, scheduler: Client, ready_car: Vehicle, now: datetime
    ) -> None:
        context = {"time": (now - timedelta(hours=1)).isoformat()}

        answer = ask(scheduler, ready_car, context=context | {"dry_run": True})
        assert (answer["context"]["replayed"], answer["context"]["dry_run"]) == (True, True)
        assert not DecisionRecord.objects.exists()

        ask(scheduler, ready_car, context=context)
        record = DecisionRecord.objects.get()
        assert record.decided_for == now - timedelta(hours=1)
        assert record.reasons_mask == ReasonCode.TELEMETRY_MISSING.bit
