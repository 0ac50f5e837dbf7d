"""
What one sample after another does to the latches, and what the decision makes of them.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent.rules import is_recovering_after, step_cold_latch, step_heat_latch
from consent.rules.latches import FREE, Latch
from consent.rules.terms import Rules
from tests.consent.terms import NIGHT_RULES


AT = datetime(2026, 7, 4, 20, 0, tzinfo=UTC)
# Too hot over 35 °C, again from 31 °C on; too cold under 0 °C, again from 4 °C on; 30 minutes.
HELD = replace(NIGHT_RULES, temp_high_resume_c=31, temp_low_resume_c=4, temp_hold_s=1_800)
HALF_AN_HOUR = timedelta(minutes=30)
# The latch as it was set at AT.
SHUT: Latch = (True, AT)
Step = Callable[[Latch, int | None, Rules, datetime], Latch]


def heat(was: Latch, temp: int | None, rules: Rules, at: datetime) -> Latch:
    return step_heat_latch(
        was_latched=was[0], hot_at=was[1], temp_decic=temp, rules=rules, observed_at=at
    )


def cold(was: Latch, temp: int | None, rules: Rules, at: datetime) -> Latch:
    return step_cold_latch(
        was_latched=was[0], cold_at=was[1], temp_decic=temp, rules=rules, observed_at=at
    )


class TestRecovery:
    @pytest.mark.parametrize(
        ("was_recovering", "charge_permille", "expected"),
        [
            (False, 400, False),
            (False, 399, True),
            (True, 499, True),
            (True, 500, False),
            (True, None, True),
            (False, None, False),
        ],
    )
    def test_latches_below_stop_and_lets_go_at_resume(
        self, *, was_recovering: bool, charge_permille: int | None, expected: bool
    ) -> None:
        is_recovering = is_recovering_after(
            was_recovering=was_recovering, charge_permille=charge_permille, rules=NIGHT_RULES
        )

        assert is_recovering is expected


@pytest.mark.parametrize(
    ("step", "on_limit", "beyond", "between", "at_resume"),
    [(heat, 350, 351, 311, 310), (cold, 0, -1, 39, 40)],
    ids=["heat", "cold"],
)
class TestTemperature:
    def test_latches_beyond_the_limit_and_not_on_it(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        assert step(FREE, on_limit, HELD, AT) == FREE
        assert step(FREE, beyond, HELD, AT) == SHUT

    def test_remembers_when_it_was_last_beyond(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        later = AT + timedelta(minutes=5)

        assert step(SHUT, beyond, HELD, later) == (True, later)

    def test_holds_between_limit_and_resume_level_however_long(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        assert step(SHUT, between, HELD, AT + timedelta(hours=9)) == SHUT

    def test_holds_at_the_resume_level_to_the_second(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        last = AT + HALF_AN_HOUR - timedelta(seconds=1)

        assert step(SHUT, at_resume, HELD, last) == SHUT
        assert step(SHUT, at_resume, HELD, AT + HALF_AN_HOUR) == FREE

    def test_a_sample_without_a_temperature_changes_nothing(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        assert step(SHUT, None, HELD, AT + HALF_AN_HOUR) == SHUT
        assert step(FREE, None, HELD, AT) == FREE

    def test_lets_go_at_the_limit_where_no_resume_level_is_set(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        assert step(SHUT, on_limit, NIGHT_RULES, AT) == FREE

    def test_waits_for_no_hold_that_nobody_saw_begin(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        assert step((True, None), at_resume, HELD, AT) == FREE

    def test_lets_go_when_the_owner_sets_no_limit(
        self, step: Step, on_limit: int, beyond: int, between: int, at_resume: int
    ) -> None:
        free = replace(HELD, temp_high_c=None, temp_low_c=None)

        assert step(SHUT, beyond, free, AT) == FREE
