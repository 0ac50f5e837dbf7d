"""
Answers to "may it run?", in batches: what a question is put from, and answers that bind nobody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from consent.queries.arrays import write_array
from consent.queries.standing import Standing, load_past_standings, load_standings
from consent.rules import (
    NO_USE,
    Decision,
    ReasonCode,
    Rules,
    State,
    Workload,
    WorkloadCategory,
    decide,
    is_recovering_after,
    step_cold_latch,
    step_heat_latch,
)
from consent.rules.samples import Telemetry, find_fault
from consent.rules.terms import value
from web.rows import fetch_rows


@value
class Question:
    """
    May this vehicle run such work? `at` asks about a past moment instead of now.

    `booking_id` tells who buys and what is paid. `expected_wh` is what the whole job will use,
    None: nobody knows.
    """

    vehicle_id: int
    category: WorkloadCategory | None
    telemetry: Telemetry | None = None
    at: datetime | None = None
    job_id: str = ""
    booking_id: int | None = None
    expected_wh: int | None = None


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """
    Who buys under a booking, and what its owner gets per kWh after electricity and wear.
    """

    buyer_id: int
    reward_micros_per_kwh: int


_WORK = """
SELECT booking_id, buyer_id, reward_micros_per_kwh
FROM consent_workterms
WHERE booking_id = ANY(%s::bigint[])
"""

NO_WORK: Mapping[int, WorkFacts] = {}


def load_work(*, questions: Iterable[Question]) -> Mapping[int, WorkFacts]:
    """
    Return what is known of the bookings asked about, by their id.
    """
    ids = {question.booking_id for question in questions} - {None}
    if not ids:
        return NO_WORK
    return {row[0]: WorkFacts(row[1], row[2]) for row in fetch_rows(_WORK, [write_array(ids)])}


def load_places(
    *,
    questions: Sequence[Question],
    now: datetime,
    before_use: Callable[[Sequence[int]], None] | None = None,
) -> tuple[dict[int, Standing], list[Standing | None]]:
    """
    Return the present standings by vehicle, and those of the past questions in their order.

    `before_use` as for `load_standings`.
    """
    present = {question.vehicle_id for question in questions if question.at is None}
    past = [(question.vehicle_id, question.at) for question in questions if question.at]
    return (
        load_standings(vehicle_ids=list(present), now=now, before_use=before_use)
        if present
        else {},
        load_past_standings(places=past) if past else [],
    )


def evaluate(*, questions: Sequence[Question], now: datetime) -> list[Decision | None]:
    """
    Decide every question, in order; None: no such vehicle. Nothing is granted or written down.

    Telemetry in a question counts when it is newer than what is stored. A past question is
    answered from the rules, pauses and use of that time.
    """
    present, past = load_places(questions=questions, now=now)
    work = load_work(questions=questions)
    past_in_order = iter(past)
    return [
        _decide(question, present.get(question.vehicle_id), work, now)
        if question.at is None
        else decide_past(question=question, standing=next(past_in_order), work=work)
        for question in questions
    ]


def decide_past(
    *, question: Question, standing: Standing | None, work: Mapping[int, WorkFacts]
) -> Decision | None:
    """
    Decide for the moment that a question names: no job runs then, and none gets a lease.
    """
    assert question.at is not None, "a question about the past"
    decision = _decide(question, standing, work, question.at)
    return None if decision is None else decision._replace(valid_until=None)


def _decide(
    question: Question, standing: Standing | None, work: Mapping[int, WorkFacts], now: datetime
) -> Decision | None:
    if standing is None:
        return None
    buyer_id, reward_micros_per_h = find_work(question=question, standing=standing, work=work)
    return decide(
        rules=standing.rules,
        state=find_state(question=question, standing=standing, now=now),
        use=NO_USE if standing.rules is None else standing.use_beside(question.job_id),
        workload=Workload(
            category=question.category, buyer_id=buyer_id, reward_micros_per_h=reward_micros_per_h
        ),
        now=now,
    )


def find_work(
    *, question: Question, standing: Standing, work: Mapping[int, WorkFacts]
) -> tuple[int | None, int | None]:
    """
    Return who buys, and the reward in micros per hour of the car at its rated power.
    """
    facts = None if question.booking_id is None else work.get(question.booking_id)
    if facts is None:
        return None, None
    return facts.buyer_id, facts.reward_micros_per_kwh * standing.rated_power_w // 1000


def find_state(*, question: Question, standing: Standing, now: datetime) -> State:
    """
    Return the state that counts for a question, after the sample that it may carry.
    """
    if question.telemetry is None or standing.rules is None:
        return standing.state
    return take_newer(
        state=standing.state, telemetry=question.telemetry, rules=standing.rules, now=now
    )


def take_newer(*, state: State, telemetry: Telemetry, rules: Rules, now: datetime) -> State:
    """
    Return the state after a sample that comes at `now`; an older one changes no reading.
    """
    fault = find_fault(telemetry=telemetry, now=now)
    observed_at, charge = telemetry.observed_at, telemetry.state_of_charge_permille
    temp = telemetry.battery_temp_decic
    is_old = state.observed_at is not None and observed_at <= state.observed_at
    if is_old and fault is not ReasonCode.TELEMETRY_IN_FUTURE:
        return replace(state, heard_at=now)
    if fault is not None:
        return replace(state, heard_at=now, faulty_samples=state.faulty_samples + 1, fault=fault)
    is_cooling, hot_at = step_heat_latch(
        was_latched=state.is_cooling,
        hot_at=state.hot_at,
        temp_decic=temp,
        rules=rules,
        observed_at=observed_at,
    )
    is_warming, cold_at = step_cold_latch(
        was_latched=state.is_warming,
        cold_at=state.cold_at,
        temp_decic=temp,
        rules=rules,
        observed_at=observed_at,
    )
    return State(
        observed_at=observed_at,
        state_of_charge_permille=charge,
        plugged_in=telemetry.plugged_in,
        is_home=telemetry.is_home,
        is_moving=telemetry.is_moving,
        battery_temp_min_decic=temp,
        battery_temp_max_decic=temp,
        is_recovering=is_recovering_after(
            was_recovering=state.is_recovering, charge_permille=charge, rules=rules
        ),
        pause=state.pause,
        heard_at=now,
        is_cooling=is_cooling,
        hot_at=hot_at,
        is_warming=is_warming,
        cold_at=cold_at,
        skip=state.skip,
    )
