"""
When it opens again: what decide() says, beside asking decide() at every moment until then.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import (
    Decision,
    Gate,
    Pause,
    ReasonCode,
    Rules,
    Spans,
    State,
    Use,
    decide,
    mask_from_windows,
)
from consent.rules.spans import merge
from consent.rules.week import QUARTER, QUARTERS_PER_WEEK, Window, floor_to_quarter
from tests.consent.terms import GOOD_STATE, INFERENCE, NIGHT_RULES


# Each run draws others; PARADO_PROPERTY_CASES=20000 is the long run.
CASES = int(os.environ.get("PARADO_PROPERTY_CASES", "120"))
# Zones that change in the chosen weeks, by an hour, by half of one, at midnight, and not at all.
ZONES = ["Europe/Oslo", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "UTC"]
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LOOK_AHEAD = 45 * 96
# What the clock never ends is looked for so long: longer than any span drawn, and a week more.
NEVER_AHEAD = 12 * 96

windows = st.builds(
    Window,
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
)
masks = st.lists(windows, min_size=1, max_size=3).map(lambda some: mask_from_windows(tuple(some)))
moments = st.integers(0, 250 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
# Nothing used, the day's energy used up, the month's hours used up.
uses = st.sampled_from([Use(), Use(day_energy_wh=6_000), Use(month_compute_s=720_000)])


@dataclass(frozen=True)
class Situation:
    """
    A car that is always ready, at a moment; all that may stand in its way is the clock's.
    """

    rules: Rules
    state: State
    use: Use
    now: datetime

    def ask(self, at: datetime) -> Decision:
        """
        Decide at a later moment: what was used counts until its day or month is over.
        """
        now, then = self.now.astimezone(self.rules.zone), at.astimezone(self.rules.zone)
        use = self.use
        if then.date() != now.date():
            use = replace(use, day_energy_wh=0, day_compute_s=0)
        if (then.year, then.month) != (now.year, now.month):
            use = Use()
        state = replace(self.state, observed_at=at)
        return decide(rules=self.rules, state=state, use=use, workload=INFERENCE, now=at)

    def list_moments(self, *, quarters: int) -> list[datetime]:
        """
        Return every later moment at which anything here may begin or end.
        """
        floor = floor_to_quarter(self.now)
        found = [floor + step * QUARTER for step in range(1, quarters)]
        pauses = (self.state.pause, self.state.skip)
        found += [each.ends_at for each in pauses if each is not None and each.ends_at is not None]
        if self.state.hot_at is not None:
            found.append(self.state.hot_at + timedelta(seconds=self.rules.temp_hold_s))
        return sorted(at for at in found if at > self.now)


@st.composite
def spans(draw: st.DrawFn, now: datetime) -> Spans:
    """
    Draw up to three spans on quarter-hours, within a week around a moment.
    """
    offsets = st.integers(-96, 5 * 96)
    drawn = draw(st.lists(st.tuples(offsets, st.integers(1, 2 * 96)), max_size=3))
    first = floor_to_quarter(now)
    return merge(
        (first + begin * QUARTER, first + (begin + length) * QUARTER) for begin, length in drawn
    )


@st.composite
def breaks(draw: st.DrawFn, now: datetime) -> Pause | None:
    """
    Draw a break to the second, present or to come, without end at times.
    """
    starts_in, lasts = draw(st.integers(-86_400, 86_400)), draw(st.integers(1, 3 * 86_400))
    kind = draw(st.sampled_from(["none", "none", "short", "short", "endless"]))
    if kind == "none":
        return None
    starts_at = now + timedelta(seconds=starts_in)
    return Pause(starts_at, None if kind == "endless" else starts_at + timedelta(seconds=lasts))


@st.composite
def floors(draw: st.DrawFn) -> tuple[int, ...] | None:
    """
    Draw the charge that stretches of the week ask for, above or below the car's 620 permille.
    """
    lengths = draw(st.none() | st.lists(st.integers(1, 200), min_size=3, max_size=8))
    if lengths is None:
        return None
    levels: list[int] = []
    for place, length in enumerate(lengths):
        levels += [700 if place % 2 else 600] * length
    return tuple((levels * QUARTERS_PER_WEEK)[:QUARTERS_PER_WEEK])


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    now = draw(moments)
    held_s = draw(st.none() | st.integers(0, 7_200))
    rules = replace(
        NIGHT_RULES,
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        week_mask=draw(masks),
        closed=draw(spans(now)),
        opened=draw(spans(now)),
        ready_floors_permille=draw(floors()),
        temp_hold_s=3_600,
    )
    state = replace(
        GOOD_STATE,
        pause=draw(breaks(now)),
        skip=draw(breaks(now)),
        is_cooling=held_s is not None,
        hot_at=None if held_s is None else now - timedelta(seconds=held_s),
    )
    return Situation(rules, state, draw(uses), now)


@settings(max_examples=CASES, deadline=None)
@given(situation=situations())
def test_next_opening_is_when_it_first_permits(situation: Situation) -> None:
    decision = situation.ask(situation.now)

    if decision.permit:
        assert decision.next_open_at is None
        return
    if decision.next_open_at is None:
        moments = situation.list_moments(quarters=NEVER_AHEAD)
        assert not any(situation.ask(at).permit for at in moments if at.month == moments[0].month)
        return
    moments = situation.list_moments(quarters=LOOK_AHEAD)
    opening = next((at for at in moments if situation.ask(at).permit), None)
    assert decision.next_open_at == opening


@settings(max_examples=CASES, deadline=None)
@given(situation=situations())
def test_a_permit_ends_before_anything_changes(situation: Situation) -> None:
    decision = situation.ask(situation.now)

    if decision.permit:
        assert decision.valid_until is not None
        last = decision.valid_until - timedelta(microseconds=1)
        state = replace(situation.state, observed_at=situation.now)
        at_end = decide(
            rules=situation.rules, state=state, use=situation.use, workload=INFERENCE, now=last
        )
        assert at_end.permit
        assert at_end.power_limit_w == decision.power_limit_w


@settings(max_examples=CASES, deadline=None)
@given(situation=situations())
def test_each_reason_of_the_clock_ends_when_it_says(situation: Situation) -> None:
    for reason in situation.ask(situation.now).reasons:
        if reason.opens_at is not None and reason.gate is not Gate.PAUSE:
            before = situation.ask(reason.opens_at - timedelta(microseconds=1))
            assert reason.gate in {each.gate for each in before.reasons}
            then = situation.ask(reason.opens_at)
            assert reason.gate not in {each.gate for each in then.reasons}


def test_the_draws_meet_every_reason_of_the_clock() -> None:
    met: set[ReasonCode] = set()

    @settings(max_examples=300, deadline=None, database=None)
    @given(situation=situations())
    def collect(situation: Situation) -> None:
        met.update(situation.ask(situation.now).codes)

    collect()
    assert met >= {
        ReasonCode.PAUSED,
        ReasonCode.OUTSIDE_HOURS,
        ReasonCode.CLOSED_DATE,
        ReasonCode.READY_BY,
        ReasonCode.COOLING_DOWN,
        ReasonCode.DAY_ENERGY_SPENT,
        ReasonCode.MONTH_COMPUTE_SPENT,
    }
