"""
Answers to schedulers that bind: a permit to a job is a lease, and every answer is written down.

One short transaction for a whole batch: rules are read, vehicles with budgets are locked, then
what is left of those is read, and their rules again where they changed (R4: lock first, then
read). Items are judged one after the other, so that what one is granted counts for the next.

A decision counts from the moment at which it reads the rules: a withdrawal commits before or
after that, and whoever asks after the commit, to begin or to renew, does not find the consent
again. The rows of vehicles without budgets are not locked for it: that would write a thousand of
them for every batch, and make owners wait for schedulers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from consent.operations.leases import (
    Answered,
    LeaseChange,
    grant_grace,
    keep_leases,
    lock_vehicles,
    mask_of,
    record_decisions,
)
from consent.queries.decisions import (
    NO_WORK,
    Question,
    WorkFacts,
    decide_past,
    find_state,
    find_work,
    load_places,
    load_work,
)
from consent.queries.standing import Standing
from consent.rules import LEASE, Decision, Workload, decide
from consent.rules.leases import (
    NOTHING,
    RENEWAL,
    HeldLease,
    Reservation,
    release,
    reserve,
)
from consent.rules.terms import value
from web.transactions import durable


class Action(StrEnum):
    """
    What a job asks for: to run, or to be let go.
    """

    RUN = "run"
    STOP = "stop"


class Semantic(StrEnum):
    """
    When a batch stops: never, after its first deny, after its first permit.
    """

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


@value
class Request:
    """
    One item of a batch. A dry run takes no lease, ends none and leaves no record.
    """

    question: Question
    action: Action = Action.RUN
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """
    The answer to a job that is over; `permit`: it had a lease, which is ended now.
    """

    permit: bool


Answer = Decision | Stop


@value
class Job:
    """
    A job on a car. `lease` is the last that it had, `running` the same while it has not ended.
    """

    standing: Standing
    lease: HeldLease | None
    running: HeldLease | None

    @property
    def has_budget(self) -> bool:
        return self.standing.has_budget

    @property
    def held(self) -> Reservation:
        if self.lease is None:
            return NOTHING
        return Reservation(self.lease.reserved_energy_wh, self.lease.reserved_compute_s)

    @property
    def power_w(self) -> int:
        """
        Return the most that the car may draw; quiet hours may allow less.
        """
        rated_w, rules = self.standing.rated_power_w, self.standing.rules
        limit = None if rules is None else rules.power_limit_w
        return rated_w if limit is None else min(rated_w, limit)


@dataclass(slots=True)
class Batch:
    """
    What is known and what was granted while a batch is answered.
    """

    now: datetime
    standings: dict[int, Standing]
    past: Iterator[Standing | None]
    work: Mapping[int, WorkFacts] = field(default_factory=lambda: NO_WORK)
    # Vehicles asked about more than once: what one item is granted counts for the next.
    shared: frozenset[int] = frozenset()
    changes: dict[tuple[int, str], LeaseChange] = field(default_factory=dict)
    graced: list[tuple[LeaseChange, int]] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)

    def change(self, vehicle_id: int, lease: HeldLease, was: HeldLease | None) -> LeaseChange:
        """
        Note how a lease shall be; the first of several changes knows what is stored.
        """
        key = (vehicle_id, lease.job_id)
        before = self.changes.get(key)
        made = LeaseChange(vehicle_id, lease, was if before is None else before.was)
        self.changes[key] = made
        if vehicle_id in self.shared:
            standing = self.standings[vehicle_id]
            others = [each for each in standing.leases if each.job_id != lease.job_id]
            self.standings[vehicle_id] = replace(standing, leases=(*others, lease))
        return made


@durable
def answer(
    *,
    requests: Sequence[Request | None],
    semantic: Semantic = Semantic.EXECUTE_ALL,
    now: datetime,
) -> list[Answer | None]:
    """
    Answer in order, up to the item that ends the batch by its semantic.

    A request None could not be read: a deny, whose answer is None. So is that of a vehicle
    that does not exist.
    """
    batch = _open_batch([request for request in requests if request is not None], now)
    answers: list[Answer | None] = []
    for request in requests:
        given = None if request is None else _answer(batch, request)
        answers.append(given)
        if _ends_batch(given, semantic):
            break
    if batch.changes:
        keep_leases(changes=batch.changes.values(), now=now)
    if batch.graced:
        grant_grace(changes=batch.graced)
    if batch.answered:
        record_decisions(answers=batch.answered, now=now)
    return answers


def _open_batch(requests: Sequence[Request], now: datetime) -> Batch:
    questions = [request.question for request in requests]
    lasting = {request.question.vehicle_id for request in requests if not request.is_dry_run}

    def lock(vehicle_ids: Iterable[int]) -> None:
        if asked := lasting.intersection(vehicle_ids):
            lock_vehicles(vehicle_ids=asked)

    standings, past = load_places(questions=questions, now=now, before_use=lock)
    return Batch(
        now,
        standings,
        iter(past),
        load_work(questions=questions),
        _find_shared(questions),
    )


def _find_shared(questions: Iterable[Question]) -> frozenset[int]:
    counts = Counter([question.vehicle_id for question in questions])
    return frozenset([vehicle_id for vehicle_id, count in counts.items() if count > 1])


def _ends_batch(given: Answer | None, semantic: Semantic) -> bool:
    if semantic is Semantic.EXECUTE_ALL:
        return False
    permit = given is not None and given.permit
    return permit is (semantic is Semantic.PERMIT_ON_FIRST_PERMIT)


def _answer(batch: Batch, request: Request) -> Answer | None:
    question = request.question
    if request.action is Action.STOP:
        return _stop(batch, request)
    if question.at is not None:
        standing = next(batch.past)
        decision = decide_past(question=question, standing=standing, work=batch.work)
        if decision is not None and standing is not None and not request.is_dry_run:
            job = _find_job(standing, question.job_id, batch.now)
            batch.answered.append(
                Answered(question, decision, standing.use if job.has_budget else None)
            )
        return decision
    standing = batch.standings.get(question.vehicle_id)
    return None if standing is None else _run(batch, request, standing)


def _run(batch: Batch, request: Request, standing: Standing) -> Decision:
    question, now = request.question, batch.now
    job = _find_job(standing, question.job_id, now)
    needs = _reserve(job, question, now, until=now + LEASE)
    buyer_id, reward_micros_per_h = find_work(question=question, standing=standing, work=batch.work)
    use = standing.use_beside(question.job_id)
    decision = decide(
        rules=standing.rules,
        state=find_state(question=question, standing=standing, now=now),
        use=use,
        workload=Workload(
            category=question.category,
            buyer_id=buyer_id,
            reward_micros_per_h=reward_micros_per_h,
            needs_energy_wh=needs.energy_wh,
            needs_compute_s=needs.compute_s,
            is_running=job.running is not None,
            refused_since=_find_refusal_start(job, now),
        ),
        now=now,
        checks=standing.checks,
    )
    if request.is_dry_run:
        return decision
    if decision.permit:
        _grant(batch, job, question, decision)
    elif job.running is not None:
        _end(batch, job, job.running)
    batch.answered.append(Answered(question, decision, use if job.has_budget else None))
    return decision


def _grant(batch: Batch, job: Job, question: Question, decision: Decision) -> None:
    now, ends_at = batch.now, decision.valid_until
    assert ends_at is not None, "a permit has an end"
    reserved = _reserve(job, question, now, until=ends_at)
    granted = HeldLease(
        question.job_id,
        question.booking_id,
        now if job.running is None else job.running.started_at,
        ends_at,
        _find_refusal_start(job, now) if decision.graced else None,
        reserved.energy_wh,
        reserved.compute_s,
    )
    change = batch.change(job.standing.vehicle_id, granted, job.lease)
    if decision.graced:
        batch.graced.append((change, mask_of(decision.graced)))


def _stop(batch: Batch, request: Request) -> Stop | None:
    standing = batch.standings.get(request.question.vehicle_id)
    if standing is None:
        return None
    job = _find_job(standing, request.question.job_id, batch.now)
    if job.running is None:
        return Stop(permit=False)
    if not request.is_dry_run:
        _end(batch, job, job.running)
    return Stop(permit=True)


def _end(batch: Batch, job: Job, lease: HeldLease) -> None:
    ended_at = min(batch.now, lease.expires_at)
    held = release(
        held=job.held, started_at=lease.started_at, power_w=job.power_w, ended_at=ended_at
    )
    ended = lease._replace(
        expires_at=ended_at,
        refused_since=None,
        reserved_energy_wh=held.energy_wh,
        reserved_compute_s=held.compute_s,
    )
    batch.change(job.standing.vehicle_id, ended, lease)


def _find_job(standing: Standing, job_id: str, now: datetime) -> Job:
    for lease in standing.leases:
        if lease.job_id == job_id:
            is_running = now < lease.expires_at + RENEWAL
            return Job(standing, lease, lease if is_running else None)
    return Job(standing, None, None)


def _reserve(job: Job, question: Question, now: datetime, *, until: datetime) -> Reservation:
    """
    Return what a job holds that may run until then: nothing where nothing is limited.
    """
    if not job.has_budget:
        return NOTHING
    return reserve(
        held=job.held,
        held_until=None if job.running is None else job.running.expires_at,
        power_w=job.power_w,
        expected_wh=question.expected_wh,
        now=now,
        until=until,
    )


def _find_refusal_start(job: Job, now: datetime) -> datetime | None:
    """
    Return since when rules with grace stand in a running job's way, if any do now.

    A lease that was cut short where the hours end is renewed a moment later: the grace
    begins where it ended, and leaves no gap.
    """
    if job.running is None:
        return None
    return job.running.refused_since or min(now, job.running.expires_at)
