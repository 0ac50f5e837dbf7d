"""
When it opens again: what decide() says, beside asking decide() every quarter-hour until it permits.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import Decision, Pause, Rules, Use, decide, mask_from_windows
from consent.rules.week import QUARTER, Window, floor_to_quarter
from tests.consent.terms import GOOD_STATE, INFERENCE, NIGHT_RULES


# Zones that change in the chosen weeks, by an hour, by half of one, at midnight, and not at all.
ZONES = ["Europe/Oslo", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "UTC"]
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LOOK_AHEAD = 45 * 96

windows = st.builds(
    Window,
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    starts_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    ends_minute=st.integers(1, 96).map(lambda quarter: quarter * 15),
)
rules = st.builds(
    lambda zone, some: replace(
        NIGHT_RULES, zone=ZoneInfo(zone), week_mask=mask_from_windows(tuple(some))
    ),
    st.sampled_from(ZONES),
    st.lists(windows, min_size=1, max_size=3),
)
moments = st.integers(0, 250 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
pauses = st.none() | st.integers(1, 3 * 96).map(lambda quarters: quarters * QUARTER)
# Nothing used, the day's energy used up, the month's hours used up.
uses = st.sampled_from([Use(), Use(day_energy_wh=6_000), Use(month_compute_s=720_000)])


def ask(
    rules: Rules, *, at: datetime, asked_at: datetime, pause: Pause | None, use: Use
) -> Decision:
    """
    Decide for a car that is always ready; what it used counts until its day or month is over.
    """
    now, then = asked_at.astimezone(rules.zone), at.astimezone(rules.zone)
    if then.date() != now.date():
        use = replace(use, day_energy_wh=0, day_compute_s=0)
    if (then.year, then.month) != (now.year, now.month):
        use = Use()
    state = replace(GOOD_STATE, observed_at=at, pause=pause)
    return decide(rules=rules, state=state, use=use, workload=INFERENCE, now=at)


@settings(max_examples=200, deadline=None)
@given(rules=rules, now=moments, length=pauses, use=uses)
def test_next_opening_is_when_it_first_permits(
    rules: Rules, now: datetime, length: timedelta | None, use: Use
) -> None:
    pause = None if length is None else Pause(now, floor_to_quarter(now) + length)

    decision = ask(rules, at=now, asked_at=now, pause=pause, use=use)

    if decision.permit:
        assert decision.next_open_at is None
        return
    quarters = (floor_to_quarter(now) + step * QUARTER for step in range(1, LOOK_AHEAD))
    opening = next(
        at for at in quarters if ask(rules, at=at, asked_at=now, pause=pause, use=use).permit
    )
    assert decision.next_open_at == opening
