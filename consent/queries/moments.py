"""
What is known of a car at one moment: the rules of then, what it said, what it was asked.

Everything here was written down at the time; nothing of it is worked out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.db.models import Max, Min, Q, QuerySet

from consent.models import (
    ConsentEvent,
    ConsentVersion,
    DecisionRecord,
    GraceGrant,
    Lease,
    StateSample,
    Vehicle,
)
from consent.queries.decisions import take_newer
from consent.queries.standing import Standing, load_past_standings, load_standings
from consent.rules import (
    LEASE,
    TELEMETRY_STALE,
    ReasonCode,
    State,
    Use,
    WorkloadCategory,
    reasons_from_mask,
)
from consent.rules.samples import TELEMETRY_AHEAD_MAX, Telemetry
from consent.rules.week import QUARTER, floor_to_quarter


# An answer says something about the quarter-hour that follows it, and no more.
ASKED_WITHIN = QUARTER
# Answers further away are left out: they are about other moments.
ANSWERS_WITHIN = timedelta(hours=1)
ANSWERS_BEFORE, ANSWERS_AFTER = 16, 4
HEARD_WITHIN = timedelta(days=1)
_CODES = {code.value: code for code in ReasonCode}
_CATEGORIES = {category.bit: category for category in WorkloadCategory}


class Source(StrEnum):
    """
    Where the readings of a moment come from.
    """

    NOTHING = "nothing"
    CAR = "car"
    QUESTION = "question"
    METER = "meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """
    How the car stood by what it had said. `told_at`: it was told only after the moment.

    `repeated_until`: had the car said the same again before then, that was not kept.
    """

    state: State
    source: Source
    told_at: datetime | None = None
    repeated_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What a scheduler asked and was told; `asked_at` differs when a past moment was asked about.
    """

    asked_at: datetime
    decided_for: datetime
    job_id: str
    booking_id: int | None
    category: WorkloadCategory | None
    number: int | None
    permit: bool
    reasons: tuple[ReasonCode, ...]
    graced: tuple[ReasonCode, ...]
    valid_until: datetime | None
    use: Use | None
    telemetry: Telemetry | None

    @property
    def is_asked_later(self) -> bool:
        return self.asked_at != self.decided_for


@dataclass(frozen=True, slots=True)
class Permit:
    """
    A job's permit that ran, or grace that it was given, in [starts_at, ends_at).
    """

    job_id: str
    starts_at: datetime
    ends_at: datetime
    graced: tuple[ReasonCode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """
    One car at one moment, for its owner. `use` of the standing counts its whole local day.

    `version_since` None: no version was in force. `first_heard_at` is the oldest sample that
    is kept; None: there is none. `answers` are newest first.
    """

    vehicle_id: int
    at: datetime
    is_now: bool
    standing: Standing
    version_since: datetime | None
    heard: Heard
    first_heard_at: datetime | None
    answers: tuple[Answer, ...]
    permits: tuple[Permit, ...]

    @property
    def last_answer(self) -> Answer | None:
        """
        Return the answer that stood at the moment, if one was given lately enough.
        """
        since = self.at - ASKED_WITHIN
        return choose_answer([each for each in self.answers if since < each.decided_for <= self.at])


def load_moment(*, vehicle: Vehicle, at: datetime, is_now: bool) -> Moment:
    """
    Return what is known of an owner's car at a moment. At most ten queries.
    """
    if is_now:
        standing = load_standings(vehicle_ids=[vehicle.pk], now=at)[vehicle.pk]
    else:
        [found] = load_past_standings(places=[(vehicle.pk, at)])
        assert found is not None, "the car was read before"
        standing = _restore_pause(found)
    answers = _list_answers(vehicle.pk, at)
    version = ConsentVersion.objects.filter(vehicle=vehicle, in_force__contains=at).first()
    heard = _hear_now(standing) if is_now else _hear(standing, answers, at)
    return Moment(
        vehicle_id=vehicle.pk,
        at=at,
        is_now=is_now,
        standing=standing,
        version_since=None if version is None else version.starts_at,
        heard=heard,
        first_heard_at=_samples(vehicle.pk).aggregate(first=Min("observed_at"))["first"],
        answers=answers,
        permits=(*_list_leases(vehicle.pk, at), *_list_grants(vehicle.pk, at)),
    )


def _restore_pause(standing: Standing) -> Standing:
    """
    Return the standing with the end that its pause had when it began: resuming cuts it short.
    """
    pause = standing.state.pause
    if pause is None:
        return standing
    begun = ConsentEvent.objects.filter(
        vehicle_id=standing.vehicle_id,
        kind=ConsentEvent.Kind.PAUSED,
        effective_at=pause.starts_at,
    ).first()
    if begun is None:
        return standing
    then = replace(pause, ends_at=begun.pause_ends_at)
    return replace(standing, state=replace(standing.state, pause=then))


# ------------------------------------------------------------------ what the car had said
def _samples(vehicle_id: int) -> QuerySet[StateSample]:
    return StateSample.objects.filter(vehicle_id=vehicle_id)


def _hear_now(standing: Standing) -> Heard:
    source = Source.NOTHING if standing.state.observed_at is None else Source.CAR
    return Heard(state=standing.state, source=source)


def _hear(standing: Standing, answers: Sequence[Answer], at: datetime) -> Heard:
    """
    Return what the car had said by its own clock, and with a question since.
    """
    heard = _hear_samples(standing, at)
    said = [each for each in answers if each.decided_for <= at and each.telemetry is not None]
    if not said or standing.rules is None:
        return heard
    answer = said[0]
    assert answer.telemetry is not None, "chosen for it"
    last = heard.state.observed_at
    if last is not None and answer.telemetry.observed_at <= last:
        return heard
    state = take_newer(
        state=heard.state,
        telemetry=answer.telemetry,
        rules=standing.rules,
        now=answer.decided_for,
    )
    return Heard(state=state, source=Source.QUESTION)


def _hear_samples(standing: Standing, at: datetime) -> Heard:
    known = _samples(standing.vehicle_id).filter(
        Q(observed_at__lte=at) | Q(observed_at__lte=at + TELEMETRY_AHEAD_MAX, received_at__lte=at)
    )
    # A late sample says how the car stood, and its latches are those of when it came.
    sound = known.filter(fault="").order_by("-observed_at").first()
    last = known.filter(is_late=False).order_by("-observed_at").first()
    if sound is None:
        return Heard(state=standing.state, source=Source.NOTHING)
    heard_at = known.filter(observed_at__gte=at - HEARD_WITHIN, received_at__lte=at).aggregate(
        last=Max("received_at")
    )["last"]
    is_told_late = sound.received_at > at
    return Heard(
        state=_make_state(standing.state, sound, last or sound, None if is_told_late else heard_at),
        source=Source.CAR,
        told_at=sound.received_at if is_told_late else None,
        repeated_until=_find_repeats(sound, last or sound, at),
    )


def _make_state(
    breaks: State, sound: StateSample, last: StateSample, heard_at: datetime | None
) -> State:
    temp = sound.battery_temp_decic
    return replace(
        breaks,
        observed_at=sound.observed_at,
        state_of_charge_permille=sound.state_of_charge_permille,
        plugged_in=sound.plugged_in,
        is_home=sound.is_home,
        is_moving=sound.is_moving,
        battery_temp_min_decic=temp,
        battery_temp_max_decic=temp,
        is_recovering=last.is_recovering,
        heard_at=heard_at,
        faulty_samples=last.faulty_samples,
        fault=_CODES[last.fault] if last.fault else None,
        is_cooling=last.is_cooling,
        hot_at=last.hot_at,
        is_warming=last.is_warming,
        cold_at=last.cold_at,
    )


def _find_repeats(sound: StateSample, last: StateSample, at: datetime) -> datetime | None:
    """
    Return until when the car may have said the same again without a trace.

    Of samples that are alike, one is kept in each quarter-hour.
    """
    if last.observed_at != sound.observed_at or at - sound.observed_at < TELEMETRY_STALE:
        return None
    until = min(at, floor_to_quarter(sound.observed_at) + QUARTER)
    return until if at - until < TELEMETRY_STALE else None


# ------------------------------------------------------------------ what was asked and granted
def _list_answers(vehicle_id: int, at: datetime) -> tuple[Answer, ...]:
    """
    Return the answers around a moment, newest first: the last before it, the first after it.
    """
    mine = DecisionRecord.objects.filter(vehicle_id=vehicle_id)
    before = mine.filter(decided_for__gt=at - ANSWERS_WITHIN, decided_for__lte=at)
    after = mine.filter(decided_for__gt=at, decided_for__lte=at + ANSWERS_WITHIN)
    found = [
        *reversed(after.order_by("decided_for", "id")[:ANSWERS_AFTER]),
        *before.order_by("-decided_for", "-id")[:ANSWERS_BEFORE],
    ]
    return tuple(_read_answer(record) for record in found)


def _read_answer(record: DecisionRecord) -> Answer:
    return Answer(
        asked_at=record.asked_at,
        decided_for=record.decided_for,
        job_id=record.job_id,
        booking_id=record.booking_id,
        category=_CATEGORIES.get(record.category_bit),
        number=record.number,
        permit=record.permit,
        reasons=reasons_from_mask(record.reasons_mask),
        graced=reasons_from_mask(record.graced_mask),
        valid_until=record.valid_until,
        use=None if record.use is None else Use(*record.use),
        telemetry=_read_telemetry(record),
    )


def _read_telemetry(record: DecisionRecord) -> Telemetry | None:
    if record.telemetry is None:
        return None
    observed_s, charge, plugged_in, is_home, is_moving, temp, power_w = record.telemetry
    return Telemetry(
        observed_at=datetime.fromtimestamp(observed_s, tz=UTC),
        state_of_charge_permille=charge,
        plugged_in=plugged_in,
        is_home=is_home,
        is_moving=is_moving,
        battery_temp_decic=temp,
        charge_power_w=power_w,
    )


def _list_leases(vehicle_id: int, at: datetime) -> Iterator[Permit]:
    """
    Yield the permits that ran; none is kept for longer than two hours.
    """
    running = Lease.objects.filter(vehicle_id=vehicle_id, started_at__lte=at, expires_at__gt=at)
    for lease in running.order_by("job_id"):
        yield Permit(lease.job_id, lease.started_at, lease.expires_at)


def _list_grants(vehicle_id: int, at: datetime) -> Iterator[Permit]:
    granted = GraceGrant.objects.filter(vehicle_id=vehicle_id, starts_at__lte=at, ends_at__gt=at)
    for grant in granted.order_by("job_id", "starts_at"):
        graced = reasons_from_mask(grant.reasons_mask)
        yield Permit(grant.job_id, grant.starts_at, grant.ends_at, graced)


def choose_answer(answers: Sequence[Answer]) -> Answer | None:
    """
    Return the first of these, but none that was asked for afterwards before one that was not:
    whoever asks about the past later must not change what had been told.
    """
    given_then = (each for each in answers if not each.is_asked_later)
    return next(given_then, next(iter(answers), None))


def is_asked_just_now(answer: Answer | None, at: datetime) -> bool:
    """
    Return whether a permit given with this answer could still run, so that its figures hold.
    """
    return answer is not None and at - answer.decided_for < LEASE
