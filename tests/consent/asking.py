"""
A scheduler's questions, put to the operation that answers them: the car is Olivia's, at night.
"""

from datetime import datetime, timedelta
from typing import Any

from consent import operations
from consent.models import Vehicle
from consent.operations.decisions import Action, Request, Semantic
from consent.queries import Question, Telemetry
from consent.rules import Decision, WorkloadCategory
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle_state


SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
# 06:59:30 in Oslo; the nightly hours end at 07:00.
DAWN = datetime.fromisoformat("2026-11-19T05:59:30+00:00")
SEVEN = DAWN + 30 * SECOND


def run(car: Vehicle, job_id: str = "j-1", **facts: Any) -> Request:
    at = facts.pop("at", None)
    usual = {"category": WorkloadCategory.INFERENCE, "at": at, "job_id": job_id}
    return Request(Question(car.pk, **(usual | facts)))


def stop(car: Vehicle, job_id: str = "j-1") -> Request:
    return Request(Question(car.pk, None, job_id=job_id), Action.STOP)


def ask(
    *requests: Request | None, now: datetime = NIGHT, semantic: Semantic = Semantic.EXECUTE_ALL
) -> list[Any]:
    return operations.answer(requests=requests, semantic=semantic, now=now)


def ask_one(request: Request, now: datetime = NIGHT) -> Decision:
    [decision] = ask(request, now=now)
    assert isinstance(decision, Decision)
    return decision


def hear(car: Vehicle, at: datetime, **facts: Any) -> None:
    usual = {
        "state_of_charge_permille": 620,
        "plugged_in": True,
        "is_home": True,
        "battery_temp_decic": 180,
    }
    sample = Telemetry(observed_at=at, **(usual | facts))
    operations.record_telemetry(samples=[(car.pk, sample)], now=at)


def make_ready(car: Vehicle, *, now: datetime = NIGHT, **rules: Any) -> Vehicle:
    """
    Give a car its nightly rules (6 kWh a day, 900 W) and fresh telemetry.
    """
    create_consent(car, **rules)
    create_vehicle_state(car, now=now, heard_at=now)
    return car
