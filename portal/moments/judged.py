"""
A moment put to the deciding function: what goes in, what comes out, and what is not known.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from billing.queries.moments import LaterUse
from billing.queries.readings import Line
from consent.queries.decisions import NO_WORK, Question, find_work, load_work
from consent.queries.moments import Answer, Heard, Moment, Source, is_asked_just_now
from consent.rules import (
    Decision,
    Finding,
    Gate,
    ReasonCode,
    Use,
    Workload,
    WorkloadCategory,
    decide,
    find_wanted_work,
)


# What only the car can tell.
GATES_OF_CAR = frozenset(
    {
        *(Gate.TELEMETRY, Gate.DRIVING, Gate.PLUG, Gate.HOME),
        *(Gate.BATTERY, Gate.READY, Gate.HEAT, Gate.COLD),
    }
)
_UNHEARD = frozenset(
    {
        ReasonCode.CONNECTION_LOST,
        ReasonCode.TELEMETRY_MISSING,
        ReasonCode.TELEMETRY_STALE,
    }
)
CATEGORIES = {category.bit: category for category in WorkloadCategory}


class WorkSource(StrEnum):
    """
    Whose work a moment was judged for: a job's that ran, one asked about, or welcome work.
    """

    METERED = "metered"
    ASKED = "asked"
    WANTED = "wanted"


class Verdict(StrEnum):
    PERMITTED = "permitted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """
    A moment with the decision that its evidence leads to. `line` is what was metered then.

    `unknown` are gates that the evidence leaves open: their findings bind nobody.
    """

    moment: Moment
    line: Line | None
    heard: Heard
    use: Use
    work: WorkSource
    workload: Workload
    decision: Decision
    unknown: frozenset[Gate]

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """
        Return the refusals that are certain.
        """
        found = self.decision.reasons
        return tuple(finding for finding in found if finding.gate not in self.unknown)

    @property
    def verdict(self) -> Verdict:
        if self.reasons:
            return Verdict.REFUSED
        return Verdict.UNKNOWN if self.unknown else Verdict.PERMITTED


def judge(*, moment: Moment, line: Line | None, later: LaterUse) -> Judged:
    """
    Decide about a moment as it stood, by the rules in force then.
    """
    heard = moment.heard if line is None else _read_meter(moment, line)
    use, (work, workload) = _find_use(moment, later), _find_workload(moment, line)
    rules, now = moment.standing.rules, moment.at
    heard, is_open = _settle_repeats(moment, heard)
    decision = decide(rules=rules, state=heard.state, use=use, workload=workload, now=now)
    unknown = {Gate.TELEMETRY} if is_open else _find_unheard(moment, heard, decision)
    return Judged(
        moment=moment,
        line=line,
        heard=heard,
        use=use,
        work=work,
        workload=workload,
        decision=decision,
        unknown=frozenset(unknown),
    )


def _read_meter(moment: Moment, line: Line) -> Heard:
    """
    Return how the car stood by its meter: settlement judged the work by the same reading.
    """
    state = replace(
        moment.heard.state,
        observed_at=moment.at,
        heard_at=moment.at,
        state_of_charge_permille=line.state_of_charge_min_permille,
        plugged_in=line.plugged_in,
        is_home=line.is_home,
        is_moving=False,
        battery_temp_min_decic=line.battery_temp_min_decic,
        battery_temp_max_decic=line.battery_temp_max_decic,
        faulty_samples=0,
        fault=None,
    )
    return Heard(state=state, source=Source.METER)


def _find_use(moment: Moment, later: LaterUse) -> Use:
    """
    Return the use counted by the moment; a scheduler's answer just before says it best.
    """
    standing, answer = moment.standing, moment.last_answer
    if moment.is_now:
        return standing.use
    if answer is not None and answer.use is not None and is_asked_just_now(answer, moment.at):
        return answer.use
    whole = standing.use
    return Use(
        day_energy_wh=max(0, whole.day_energy_wh - later.energy_wh),
        day_compute_s=max(0, whole.day_compute_s - later.compute_s),
        month_energy_wh=max(0, whole.month_energy_wh - later.energy_wh),
        month_compute_s=max(0, whole.month_compute_s - later.compute_s),
        month_wear_wh=max(0, whole.month_wear_wh - later.wear_wh),
        month_data_bytes=max(0, whole.month_data_bytes - later.data_bytes),
    )


def _find_workload(moment: Moment, line: Line | None) -> tuple[WorkSource, Workload]:
    rules, answer = moment.standing.rules, moment.last_answer
    if moment.is_now or (line is None and answer is None):
        wanted = Workload(category=None) if rules is None else find_wanted_work(rules=rules)
        return WorkSource.WANTED, wanted
    if line is not None:
        workload = Workload(
            CATEGORIES.get(line.category_bit), line.earnings.energy_wh, line.duration_s or None
        )
        workload = _let_go_on(moment, workload, line.job_id)
        return WorkSource.METERED, _add_buyer(moment, workload, line.booking_id)
    assert answer is not None, "one of the two"
    workload = _let_go_on(moment, Workload(answer.category), answer.job_id)
    return WorkSource.ASKED, _add_buyer(moment, workload, answer.booking_id)


def _let_go_on(moment: Moment, workload: Workload, job_id: str) -> Workload:
    """
    Return the work as that of a job which was let go on, where grace was granted to it.
    """
    for permit in moment.permits:
        if permit.job_id == job_id and permit.graced:
            return replace(workload, is_running=True, refused_since=permit.starts_at)
    return workload


def _add_buyer(moment: Moment, workload: Workload, booking_id: int | None) -> Workload:
    question = Question(moment.vehicle_id, workload.category, booking_id=booking_id)
    work = NO_WORK if booking_id is None else load_work(questions=[question])
    buyer_id, reward_micros_per_h = find_work(
        question=question, standing=moment.standing, work=work
    )
    return replace(workload, buyer_id=buyer_id, reward_micros_per_h=reward_micros_per_h)


def _settle_repeats(moment: Moment, heard: Heard) -> tuple[Heard, bool]:
    """
    Return the state with the repeat that was not kept, where an answer tells that one came;
    and whether it stays open if one did.
    """
    if heard.repeated_until is None:
        return heard, False
    answer = moment.last_answer
    if answer is None or not is_asked_just_now(answer, moment.at):
        return heard, True
    if _says_unheard(answer):
        return heard, False
    repeated = replace(heard.state, observed_at=heard.repeated_until, heard_at=heard.repeated_until)
    return replace(heard, state=repeated), False


def _says_unheard(answer: Answer) -> bool:
    return any(code in _UNHEARD for code in answer.reasons)


def _find_unheard(moment: Moment, heard: Heard, decision: Decision) -> set[Gate]:
    """
    Return the checks of a car of which nothing is kept from so long ago.
    """
    if moment.is_now or heard.source is not Source.NOTHING:
        return set()
    answer = moment.last_answer
    if answer is not None and ReasonCode.TELEMETRY_MISSING in answer.reasons:
        return set()
    return {
        finding.gate
        for finding in decision.findings
        if finding.gate in GATES_OF_CAR
        and (finding.limit is not None or finding.gate is Gate.DRIVING)
    }
