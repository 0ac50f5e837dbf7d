"""
Answers to "may it run?", for schedulers, in batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from consent.queries.standing import Standing, load_past_standings, load_standings
from consent.rules import (
    Decision,
    Rules,
    State,
    Workload,
    WorkloadCategory,
    decide,
    is_recovering_after,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """
    What a car says of itself at `observed_at`; None: it did not say. Units as in `State`.
    """

    observed_at: datetime
    state_of_charge_permille: int | None = None
    plugged_in: bool | None = None
    is_home: bool | None = None
    is_moving: bool | None = None
    battery_temp_decic: int | None = None
    charge_power_w: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """
    May this vehicle run such work? `at` asks about a past moment instead of now.
    """

    vehicle_id: int
    category: WorkloadCategory | None
    telemetry: Telemetry | None = None
    at: datetime | None = None


def evaluate(*, questions: Sequence[Question], now: datetime) -> list[Decision | None]:
    """
    Decide every question, in order; None: no such vehicle. At most two statements.

    Telemetry in a question counts when it is newer than what is stored. A past question is
    answered from the rules, pauses and use of that time, and gives no lease.
    """
    present = [question.vehicle_id for question in questions if question.at is None]
    now_by_id = load_standings(vehicle_ids=present, now=now) if present else {}
    past = iter(
        load_past_standings(
            places=[(question.vehicle_id, question.at) for question in questions if question.at]
        )
        if len(present) < len(questions)
        else ()
    )
    return [
        _decide(question, now_by_id.get(question.vehicle_id), now)
        if question.at is None
        else _replay(question, next(past), question.at)
        for question in questions
    ]


def _decide(question: Question, standing: Standing | None, now: datetime) -> Decision | None:
    if standing is None:
        return None
    state = standing.state
    if question.telemetry is not None and standing.rules is not None:
        state = take_newer(state=state, telemetry=question.telemetry, rules=standing.rules)
    return decide(
        rules=standing.rules,
        state=state,
        use=standing.use,
        workload=Workload(category=question.category),
        now=now,
    )


def _replay(question: Question, standing: Standing | None, at: datetime) -> Decision | None:
    decision = _decide(question, standing, at)
    return None if decision is None else decision._replace(valid_until=None)


def take_newer(*, state: State, telemetry: Telemetry, rules: Rules) -> State:
    """
    Return the state after a sample; an older one changes nothing.
    """
    if state.observed_at is not None and telemetry.observed_at <= state.observed_at:
        return state
    charge = telemetry.state_of_charge_permille
    return replace(
        state,
        observed_at=telemetry.observed_at,
        state_of_charge_permille=charge,
        plugged_in=telemetry.plugged_in,
        is_home=telemetry.is_home,
        is_moving=telemetry.is_moving,
        battery_temp_min_decic=telemetry.battery_temp_decic,
        battery_temp_max_decic=telemetry.battery_temp_decic,
        is_recovering=is_recovering_after(
            was_recovering=state.is_recovering, charge_permille=charge, rules=rules
        ),
    )
