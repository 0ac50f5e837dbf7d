from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override

from consent.forms.texts import FAULT_TEXTS
from consent.queries.words import (
    CATEGORIES,
    GATE_LABELS,
    REASON_TITLES,
    describe_decision,
    describe_gates,
    describe_rules,
)
from consent.rules import (
    BuyersMode,
    DateException,
    FaultCode,
    Gate,
    Grace,
    Pause,
    ReadyBy,
    ReasonCode,
    Use,
    Window,
    Workload,
    WorkloadCategory,
)
from consent.rules.parts import PARTS
from consent.rules.week import QUARTERS_PER_WEEK
from tests.consent.terms import NIGHT, ask
from tests.consent.test_rules_faults import DRAFT


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
        assert gates[Gate.MONTH_COMPUTE] == ("ok", f"0 / 200{NBSP}h")
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

    def test_show_further_rules_with_their_units(self) -> None:
        rules = {
            "ready_floors_permille": (500,) * QUARTERS_PER_WEEK,
            "wear_wh_per_month_max": 60_000,
            "mobile_data_bytes_per_month_max": 500_000_000,
            "buyers_mode": BuyersMode.EXCEPT,
            "reward_micros_per_h_min": 200_000,
        }
        use = Use(month_wear_wh=45_000, month_data_bytes=120_000_000)
        paid = Workload(WorkloadCategory.INFERENCE, buyer_id=7, reward_micros_per_h=250_000)

        gates = show(rules=rules, use=use, workload=paid)

        assert gates[Gate.READY] == ("ok", f"62 / 50{NBSP}%")
        assert gates[Gate.WEAR] == ("ok", f"75 / 100{NBSP}%")
        assert gates[Gate.DATA] == ("ok", f"120 / 500{NBSP}MB")
        assert gates[Gate.BUYER] == ("later", "Not asked yet")
        assert gates[Gate.REWARD] == ("later", "Not asked yet")

    def test_show_much_data_in_the_unit_of_the_editor(self) -> None:
        gates = show(
            rules={"mobile_data_bytes_per_month_max": 5_000_000_000},
            use=Use(month_data_bytes=1_240_000_000),
        )

        assert gates[Gate.DATA] == ("ok", f"1.24 / 5{NBSP}GB")

    def test_show_what_was_refused_of_the_work(self) -> None:
        rules = {
            "buyers_mode": BuyersMode.EXCEPT,
            "buyer_ids": frozenset({7}),
            "reward_micros_per_h_min": 200_000,
        }
        poor = Workload(
            WorkloadCategory.INFERENCE, 250, 900, buyer_id=7, reward_micros_per_h=150_000
        )

        gates = show(rules=rules, workload=poor)

        assert gates[Gate.POWER] == ("no", f"1,000 / 900{NBSP}W")
        assert gates[Gate.BUYER] == ("no", "No")
        assert gates[Gate.REWARD] == ("no", "€0.15 / €0.20")

    def test_show_until_when_a_hold_and_a_pause_last(self) -> None:
        gates = show(
            rules={"temp_hold_s": 1_800},
            state={
                "is_cooling": True,
                "hot_at": NIGHT - timedelta(minutes=28, seconds=20),
                "pause": Pause(NIGHT, None),
                "skip": None,
            },
        )

        assert gates[Gate.HEAT] == ("no", "From 23:05")
        assert gates[Gate.PAUSE] == ("no", "No")

    def test_show_how_old_the_last_word_is(self) -> None:
        gates = show(state={"observed_at": NIGHT - timedelta(minutes=12)})

        assert gates[Gate.TELEMETRY] == ("no", "12 minutes ago")
        assert show(state={"observed_at": None})[Gate.TELEMETRY] == ("no", "Unknown")

    def test_show_a_consent_that_is_over(self) -> None:
        assert show(rules={"expires_at": NIGHT}) == {Gate.CONSENT: ("no", "No")}

    def test_leave_out_a_morning_that_asks_for_no_charge_now(self) -> None:
        rules = {"ready_floors_permille": (0,) * QUARTERS_PER_WEEK}

        assert Gate.READY not in show(rules=rules)


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
            ({}, "energy", "At most 6 kWh a day, 90 kWh a month"),
            (
                {"energy_wh_per_day_max": None, "energy_wh_per_month_max": None},
                "energy",
                "No limit",
            ),
            ({"compute_s_per_month_max": None}, "compute", "At most 10 h a day"),
            ({"power_limit_w": None}, "power", "As much as the computer draws"),
            ({"plugged_in_only": False}, "plug", "Plugged in or not"),
            ({"home_only": False}, "home", "At home or away"),
            (
                {"temp_high_resume_c": 31, "temp_low_resume_c": 4, "temp_hold_min": 30},
                "temperature",
                (
                    "Between 0 and 35 °C; after heat again from 31 °C down; "
                    "after cold again from 4 °C up; not before 30 min have passed"
                ),
            ),
            ({}, "dates", "No date differs from the week"),
            (
                {
                    "exceptions": (
                        *(
                            DateException(date(2026, 12, 24) + timedelta(days=day), is_open=False)
                            for day in range(3)
                        ),
                        DateException(date(2026, 12, 31), is_open=False),
                        DateException(date(2027, 1, 2), is_open=True, starts_minute=600),
                    ),
                    "holiday_country": "NO",
                },
                "dates",
                (
                    "Closed on 24 Dec 2026 – 26 Dec 2026, 31 Dec 2026; "  # noqa: RUF001 - a range
                    "Open on 2 Jan 2027 10:00–24:00; "  # noqa: RUF001 - a range
                    "Closed on public holidays of Norway"
                ),
            ),
            (
                {"holiday_country": "DE-BW"},
                "dates",
                "Closed on public holidays of Germany: Baden-Württemberg",
            ),
            ({}, "ready_by", "At no certain time"),
            (
                {
                    "ready_by": (
                        ReadyBy((0, 1, 2, 3, 4), 7 * 60, 80),
                        ReadyBy((0, 5), 9 * 60 + 15, 60),
                    )
                },
                "ready_by",
                "Ready by 07:00 on weekdays with 80 %; Ready by 09:15 on Mon, Sat with 60 %",
            ),
            ({}, "wear", "No limit"),
            (
                {
                    "wear_cycles_milli_per_month_max": 1_500,
                    "wear_distance_km_per_month_max": 400,
                    "wear_micros_per_month_max": 12_000_000,
                },
                "wear",
                (
                    "At most 1.5 full charge cycles a month, the wear of 400 km a month, "
                    "€12.00 a month"
                ),
            ),
            ({}, "data", "No limit"),
            ({"mobile_data_mb_per_month_max": 500}, "data", "At most 500 MB a month"),
            ({"mobile_data_mb_per_month_max": 2_500}, "data", "At most 2.5 GB a month"),
            ({}, "quiet", "None"),
            (
                {
                    "quiet_power_limit_w": 300,
                    "quiet_windows": (Window((0, 1, 2, 3, 4), 22 * 60, 6 * 60),),
                },
                "quiet",
                "At most 300 W: Weekdays 22:00–06:00",  # noqa: RUF001 - a range
            ),
            ({}, "reward", "Any, after electricity and wear"),
            (
                {"reward_micros_per_h_min": 200_000},
                "reward",
                "At least €0.20 an hour, after electricity and wear",
            ),
            ({}, "buyers", "All"),
            (
                {"buyers_mode": BuyersMode.ONLY, "buyer_ids": (7,)},
                "buyers",
                "Only Bright Labs",
            ),
            (
                {"buyers_mode": BuyersMode.EXCEPT, "buyer_ids": (8, 7, 9)},
                "buyers",
                "All but Bright Labs, 2 buyers",
            ),
            ({"buyers_mode": BuyersMode.ONLY}, "buyers", "Only nobody"),
            ({}, "grace", "It stops at once"),
            (
                {
                    "grace": (
                        Grace(Gate.HOURS, 15),
                        Grace(Gate.HOME, 0),
                        Grace(Gate.DAY_ENERGY, None),
                        Grace(Gate.MONTH_ENERGY, None),
                    )
                },
                "grace",
                (
                    "It has 15 min when your hours end; "
                    "It may finish the job when a limit of energy is reached"
                ),
            ),
        ],
    )
    def test_are_said_in_words(self, changes: dict[str, Any], field: str, text: str) -> None:
        draft = replace(DRAFT, **changes)

        words = {
            each.field: each.text for each in describe_rules(draft, buyer_names={7: "Bright Labs"})
        }

        assert words[field].replace(NBSP, " ") == text

    def test_are_named_and_ordered_as_in_the_editor(self) -> None:
        assert [each.field for each in describe_rules(DRAFT)] == list(PARTS)

    def test_speak_the_language_of_the_request(self) -> None:
        with override("pt"):
            words = {
                each.field: each.text
                for each in describe_rules(replace(DRAFT, holiday_country="NO"))
            }

        assert "Noruega" in words["dates"]
