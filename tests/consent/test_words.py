from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consent.forms.rules import FAULT_TEXTS
from consent.queries.words import (
    CATEGORIES,
    GATE_LABELS,
    REASON_TITLES,
    describe_decision,
    describe_gates,
    describe_rules,
)
from consent.rules import FaultCode, Gate, ReasonCode, Use, WorkloadCategory
from tests.consent.terms import NIGHT, ask
from tests.consent.test_rules_drafts import DRAFT


NBSP = "\N{NO-BREAK SPACE}"
AFTERNOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def show(**case: object) -> dict[Gate, tuple[str, str]]:
    """
    Return the state and value of every gate that is shown.
    """
    now = case.get("now", NIGHT)
    assert isinstance(now, datetime)
    decision = ask(**case)  # type: ignore[arg-type]
    closes_at = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
    gates = describe_gates(decision, zone="Europe/Oslo", now=now, closes_at=closes_at)
    return {each.gate: (each.state, each.value) for each in gates}


def test_everything_has_words() -> None:
    assert set(REASON_TITLES) == set(ReasonCode)
    assert set(GATE_LABELS) == set(Gate)
    assert set(CATEGORIES) == set(WorkloadCategory)
    assert set(FAULT_TEXTS) == set(FaultCode)


class TestGates:
    def test_show_value_and_limit_of_what_is_met(self) -> None:
        gates = show()

        assert gates[Gate.BATTERY] == ("ok", f"62 / 40{NBSP}%")
        assert gates[Gate.HEAT] == ("ok", f"18 / 35{NBSP}°C")
        assert gates[Gate.PLUG] == ("ok", "Yes")
        assert gates[Gate.HOURS] == ("ok", "Until 07:00")
        assert gates[Gate.WORKLOAD] == ("later", "Not asked yet")
        assert Gate.CONSENT not in gates

    def test_show_why_and_until_when_it_is_not(self) -> None:
        gates = show(
            now=AFTERNOON,
            state={
                "plugged_in": False,
                "is_home": None,
                "is_moving": True,
                "state_of_charge_permille": 312,
            },
            use=Use(month_compute_s=720_000),
        )

        assert gates[Gate.PLUG] == ("no", "No")
        assert gates[Gate.HOME] == ("no", "Unknown")
        assert gates[Gate.DRIVING] == ("no", "No")
        assert gates[Gate.BATTERY] == ("no", f"31 / 40{NBSP}%")
        assert gates[Gate.HOURS] == ("no", "From 22:00")
        # The first of the month is a Tuesday, too far away for a bare clock's time.
        assert gates[Gate.MONTH_COMPUTE] == ("no", "From Tue 00:00")

    def test_leave_out_rules_that_nobody_set(self) -> None:
        gates = show(rules={"temp_high_c": None, "energy_wh_per_day_max": None})

        assert Gate.HEAT not in gates
        assert Gate.DAY_ENERGY not in gates


class TestTitle:
    def test_is_the_first_reason(self) -> None:
        decision = ask(now=AFTERNOON, state={"plugged_in": False})

        assert describe_decision(decision) == "Waiting: the car is not plugged in"

    def test_says_that_it_may_work(self) -> None:
        assert describe_decision(ask()) == "Ready for work"


class TestRules:
    @pytest.mark.parametrize(
        ("changes", "field", "text"),
        [
            ({}, "temperature", "Between 0 and 35 °C"),
            ({"temp_low_c": None}, "temperature", "Up to 35 °C"),
            ({"temp_high_c": None}, "temperature", "From 0 °C"),
            ({"temp_low_c": None, "temp_high_c": None}, "temperature", "At any temperature"),
            ({}, "energy", f"At most 6{NBSP}kWh a day, 90{NBSP}kWh a month"),
            (
                {"energy_wh_per_day_max": None, "energy_wh_per_month_max": None},
                "energy",
                "No limit",
            ),
            ({"compute_s_per_month_max": None}, "compute", f"At most 10{NBSP}h a day"),
            ({"power_limit_w": None}, "power_limit_w", "As much as the computer draws"),
            ({"plugged_in_only": False}, "plugged_in_only", "Plugged in or not"),
            ({"home_only": False}, "home_only", "At home or away"),
        ],
    )
    def test_are_said_in_words(self, changes: dict[str, object], field: str, text: str) -> None:
        words = {each.field: each.text for each in describe_rules(replace(DRAFT, **changes))}  # type: ignore[arg-type]

        assert words[field] == text
