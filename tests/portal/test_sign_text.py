"""
What the sign says under its title, for every reason: the figure, the limit, and what is next.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consent.rules import (
    NO_STATE,
    NO_USE,
    Pause,
    ReasonCode,
    Rules,
    State,
    Use,
    Workload,
    WorkloadCategory,
    decide,
)
from portal.sign_text import ENDLESS_SENTENCES, SENTENCES, write_sign_text
from tests.portal.cards import NOW, RULES, STATE, make_card


# Mondays from 07:00 on, written as the quarter-hours 28 and 29 of the week.
MONDAY_MORNING = 3 << 28
INFERENCE = Workload(category=WorkloadCategory.INFERENCE)


def write(
    *,
    rules: Rules | None = RULES,
    state: State = STATE,
    use: Use = NO_USE,
    workload: Workload = INFERENCE,
) -> tuple[ReasonCode | None, str]:
    """
    Return the first reason and the text of a car that stands like this, in plain words.
    """
    decision = decide(rules=rules, state=state, use=use, workload=workload, now=NOW)
    text = str(write_sign_text(make_card(decision, rules), now=NOW))
    for markup, plain in (("<strong>", ""), ("</strong>", ""), ("\xa0", " ")):
        text = text.replace(markup, plain)
    return (decision.codes[0] if decision.codes else None), text.strip()


REASONS: list[tuple[ReasonCode, dict[str, Any], str]] = [
    (ReasonCode.NO_CONSENT, {"rules": None}, "Nobody may use this car before you have set"),
    (
        ReasonCode.CONSENT_WITHDRAWN,
        {"rules": replace(RULES, is_withdrawn=True)},
        "You withdrew version 14, and nothing runs any more.",
    ),
    (
        ReasonCode.PAUSED,
        {"state": replace(STATE, pause=Pause(NOW, NOW + timedelta(hours=1)))},
        "Nothing runs until 22:52. From then on your rules decide again.",
    ),
    (
        ReasonCode.PAUSED,
        {"state": replace(STATE, pause=Pause(NOW, None))},
        "You set no end. Nothing runs until you resume.",
    ),
    (ReasonCode.TELEMETRY_MISSING, {"state": NO_STATE}, "We have not heard from this car yet."),
    (
        ReasonCode.TELEMETRY_STALE,
        {"state": replace(STATE, observed_at=NOW - timedelta(minutes=12))},
        "It last reported 12 minutes ago, and what is older than 5 min does not count.",
    ),
    (
        ReasonCode.DRIVING,
        {"state": replace(STATE, is_moving=True)},
        "It can work again once it is parked.",
    ),
    (
        ReasonCode.NOT_PLUGGED_IN,
        {"state": replace(STATE, plugged_in=False)},
        "You allow work only while it is plugged in, and it is not.",
    ),
    (
        ReasonCode.PLUG_UNKNOWN,
        {"state": replace(STATE, plugged_in=None)},
        "plugged in, and it does not say whether it is.",
    ),
    (
        ReasonCode.NOT_HOME,
        {"state": replace(STATE, is_home=False)},
        "You allow work only at home, and it is away.",
    ),
    (
        ReasonCode.HOME_UNKNOWN,
        {"state": replace(STATE, is_home=None)},
        "at home, and it does not say whether it is there.",
    ),
    (
        ReasonCode.OUTSIDE_HOURS,
        {"rules": replace(RULES, week_mask=MONDAY_MORNING)},
        "Your hours begin again at Mon 23 Nov, 07:00. Nothing runs before.",
    ),
    (
        ReasonCode.OUTSIDE_HOURS,
        {"rules": replace(RULES, week_mask=0)},
        "Your week has no hours for work.",
    ),
    (
        ReasonCode.BATTERY_LOW,
        {"state": replace(STATE, state_of_charge_permille=470)},
        (
            "It is at 47 % and you asked us to leave the car alone below 60 %. "
            "It can work again from 65 % on."
        ),
    ),
    (
        ReasonCode.BATTERY_RECOVERING,
        {"state": replace(STATE, state_of_charge_permille=620, is_recovering=True)},
        "is at 62 % now, and fills up to 65 % before it works again.",
    ),
    (
        ReasonCode.BATTERY_UNKNOWN,
        {"state": replace(STATE, state_of_charge_permille=None)},
        "leave the car alone below 60 %, and it does not say its charge.",
    ),
    (
        ReasonCode.TOO_HOT,
        {"state": replace(STATE, battery_temp_max_decic=354)},
        "Its battery is at 35.4 °C and you allow at most 35 °C.",
    ),
    (
        ReasonCode.TOO_COLD,
        {"state": replace(STATE, battery_temp_min_decic=-21)},
        "Its battery is at −2.1 °C and you allow work from 5 °C on.",  # noqa: RUF001
    ),
    (
        ReasonCode.TEMPERATURE_UNKNOWN,
        {"state": replace(STATE, battery_temp_max_decic=None)},
        "You set 35 °C as a limit for its battery, and it does not say how warm that is.",
    ),
    (
        ReasonCode.DAY_ENERGY_SPENT,
        {"use": Use(day_energy_wh=12_100)},
        (
            "It has used 12.1 kWh of the 12.0 kWh that you allow a day. "
            "The count starts again at Mon 23 Nov, 00:00."
        ),
    ),
    (
        ReasonCode.MONTH_ENERGY_SPENT,
        {"use": Use(month_energy_wh=90_000)},
        (
            "It has used 90.0 kWh of the 90.0 kWh that you allow a month. "
            "The count starts again on Tue 1 Dec, 00:00."
        ),
    ),
    (
        ReasonCode.DAY_COMPUTE_SPENT,
        {"use": Use(day_compute_s=12 * 3600)},
        "It has worked 12 h of the 12 h that you allow a day.",
    ),
    (
        ReasonCode.MONTH_COMPUTE_SPENT,
        {"use": Use(month_compute_s=160 * 3600)},
        "that you allow a month. The count starts again on Tue 1 Dec, 00:00.",
    ),
    (
        ReasonCode.POWER_EXCEEDED,
        {"workload": replace(INFERENCE, metered_energy_wh=225, metered_duration_s=900)},
        "It drew 900 W and you allow 800 W. Work that draws less can run.",
    ),
    (
        ReasonCode.WORKLOAD_UNLABELLED,
        {"workload": Workload(category=None)},
        "You allow AI inference, Speech and translation, and the work did not say what it is.",
    ),
    (
        ReasonCode.WORKLOAD_REFUSED,
        {"workload": Workload(category=WorkloadCategory.TRAINING)},
        "The work was Model training, and you allow AI inference, Speech and translation.",
    ),
]


class TestSignText:
    @pytest.mark.parametrize(("code", "car", "sentence"), REASONS)
    def test_says_the_figure_the_limit_and_what_is_next(
        self, code: ReasonCode, car: dict[str, Any], sentence: str
    ) -> None:
        first, text = write(**car)

        assert first is code
        assert sentence in text
        assert "{" not in text

    def test_has_a_sentence_for_every_reason(self) -> None:
        assert set(SENTENCES) == set(ReasonCode)
        assert {code for code, _, _ in REASONS} == set(ReasonCode)
        assert set(ENDLESS_SENTENCES) <= set(ReasonCode)

    def test_says_that_work_can_run(self) -> None:
        assert write() == (
            None,
            (
                "Every rule you set is met. When a buyer has work, it runs, and pays your "
                "electricity and wear first."
            ),
        )

    def test_adds_the_next_hours_and_counts_the_other_rules(self) -> None:
        _, text = write(
            rules=replace(RULES, week_mask=MONDAY_MORNING),
            state=replace(STATE, plugged_in=False, is_home=False),
        )

        assert "once you plug it in. The next hours that you allow begin at Mon 23 Nov, 07:00." in (
            text
        )
        assert text.endswith("2 more rules say no too.")

    def test_says_what_is_left_when_no_kind_of_work_is_allowed(self) -> None:
        _, text = write(rules=replace(RULES, categories_mask=0))

        assert "you allow no kind of work." in text
