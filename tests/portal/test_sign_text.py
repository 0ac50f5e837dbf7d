"""
What the sign says under its title, for every reason: the figure, the limit, and what is next.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consent.rules import (
    NO_USE,
    BuyersMode,
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
from tests.portal.cards import ALWAYS, NOW, RULES, STATE, make_card


# Mondays from 07:00 on, written as the quarter-hours 28 and 29 of the week.
MONDAY_MORNING = 3 << 28
HOUR = timedelta(hours=1)
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
        "Nothing runs any more since 21:40. You can agree again at any time.",
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
    (ReasonCode.TELEMETRY_MISSING, {"state": State()}, "We have not heard from this car yet."),
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
    (
        ReasonCode.CLOSED_DATE,
        {"rules": replace(RULES, closed=((NOW - HOUR, NOW + HOUR),))},
        "You closed this date. Your hours begin again at 22:52.",
    ),
    (
        ReasonCode.CLOSED_DATE,
        {"rules": replace(RULES, closed=((NOW - HOUR, NOW + HOUR),), week_mask=0)},
        "You closed this date, and no hours follow it.",
    ),
    (
        ReasonCode.QUIET_EXCEEDED,
        {
            "rules": replace(RULES, quiet_mask=ALWAYS, quiet_power_limit_w=300),
            "workload": replace(INFERENCE, metered_energy_wh=125, metered_duration_s=900),
        },
        "It drew 500 W and you allow 300 W in your quiet hours.",
    ),
    (
        ReasonCode.MONTH_WEAR_SPENT,
        {
            "rules": replace(RULES, wear_wh_per_month_max=60_000),
            "use": Use(month_wear_wh=61_200),
        },
        (
            "It has used 102 % of the wear that you allow a month. "
            "The count starts again on Tue 1 Dec, 00:00."
        ),
    ),
    (
        ReasonCode.MONTH_WEAR_SPENT,
        {
            "rules": replace(RULES, wear_wh_per_month_max=6_000),
            "workload": replace(INFERENCE, needs_energy_wh=6_001),
        },
        "The work would wear the car more than you allow a month.",
    ),
    (
        ReasonCode.REWARD_TOO_LOW,
        {
            "rules": replace(RULES, reward_micros_per_h_min=200_000),
            "workload": replace(INFERENCE, reward_micros_per_h=150_000),
        },
        (
            "The work pays €0.15 an hour after electricity and wear, and you ask for €0.20. "
            "Work that pays more can run."
        ),
    ),
    (
        ReasonCode.REWARD_UNKNOWN,
        {"rules": replace(RULES, reward_micros_per_h_min=200_000)},
        "You ask for €0.20 an hour after electricity and wear, and nobody said",
    ),
    (
        ReasonCode.BUYER_REFUSED,
        {
            "rules": replace(RULES, buyers_mode=BuyersMode.EXCEPT, buyer_ids=frozenset({7})),
            "workload": replace(INFERENCE, buyer_id=7),
        },
        "You do not want work of this buyer. Work of other buyers can run.",
    ),
    (
        ReasonCode.BUYER_UNKNOWN,
        {"rules": replace(RULES, buyers_mode=BuyersMode.ONLY, buyer_ids=frozenset({7}))},
        "You choose whose work runs, and nobody said whose this is.",
    ),
    (
        ReasonCode.MONTH_DATA_SPENT,
        {
            "rules": replace(RULES, mobile_data_bytes_per_month_max=500_000_000),
            "use": Use(month_data_bytes=501_000_000),
        },
        "It has moved 501 MB of the 500 MB of mobile data that you allow a month.",
    ),
    (
        ReasonCode.MONTH_DATA_SPENT,
        {"rules": replace(RULES, mobile_data_bytes_per_month_max=0)},
        "You allow no mobile data.",
    ),
    (
        ReasonCode.READY_BY,
        {"rules": replace(RULES, ready_floors_permille=(0,) * 28 + (950,) * 644)},
        (
            "It is at 90 %, needs 95 % by now to be ready in time, and charges first. "
            "It can work again at Mon 23 Nov, 00:00, or as soon as it has caught up."
        ),
    ),
    (
        ReasonCode.READY_BY,
        {"rules": replace(RULES, ready_floors_permille=(950,) * 672)},
        "It is at 90 %, and at no hour of your week is that enough",
    ),
    (
        ReasonCode.CONSENT_EXPIRED,
        {"rules": replace(RULES, expires_at=NOW - HOUR)},
        "You agreed until 20:52, and nothing runs any more.",
    ),
    (
        ReasonCode.COOLING_DOWN,
        {
            "rules": replace(RULES, temp_hold_s=1_800),
            "state": replace(STATE, is_cooling=True, hot_at=NOW - timedelta(minutes=17)),
        },
        "was too warm and is at 24 °C now. It waits until 22:05 before it works again",
    ),
    (
        ReasonCode.COOLING_DOWN,
        {
            "rules": replace(RULES, temp_high_resume_c=22),
            "state": replace(STATE, is_cooling=True),
        },
        "Its battery was too warm, is at 24 °C now, and cools down to 22 °C before",
    ),
    (
        ReasonCode.WARMING_UP,
        {
            "rules": replace(RULES, temp_hold_s=1_800),
            "state": replace(STATE, is_warming=True, cold_at=NOW - timedelta(minutes=17)),
        },
        "was too cold and is at 20 °C now. It waits until 22:05 before it works again",
    ),
    (
        ReasonCode.WARMING_UP,
        {
            "rules": replace(RULES, temp_low_resume_c=21),
            "state": replace(STATE, is_warming=True),
        },
        "Its battery was too cold, is at 20 °C now, and warms up to 21 °C before",
    ),
    (
        ReasonCode.CONNECTION_LOST,
        {"state": replace(STATE, heard_at=NOW - timedelta(minutes=12))},
        "We last heard from it 12 minutes ago, and work needs a word every 5 min.",
    ),
    (
        ReasonCode.TELEMETRY_CONTRADICTORY,
        {"state": replace(STATE, faulty_samples=2, fault=ReasonCode.TELEMETRY_CONTRADICTORY)},
        "It said that it moves while it is plugged in, which cannot be.",
    ),
    (
        ReasonCode.TELEMETRY_OUT_OF_RANGE,
        {"state": replace(STATE, faulty_samples=2, fault=ReasonCode.TELEMETRY_OUT_OF_RANGE)},
        "It reported a figure that no car can have. Its last report that counts came 9 s ago;",
    ),
    (
        ReasonCode.TELEMETRY_IN_FUTURE,
        {"state": replace(STATE, faulty_samples=2, fault=ReasonCode.TELEMETRY_IN_FUTURE)},
        "Its report is dated later than now.",
    ),
    (
        ReasonCode.DAY_ENERGY_SPENT,
        {"workload": replace(INFERENCE, needs_energy_wh=12_001)},
        "The work needs more than the 12.0 kWh that you allow a day leave it.",
    ),
    (
        ReasonCode.MONTH_ENERGY_SPENT,
        {
            "rules": replace(RULES, energy_wh_per_day_max=None),
            "workload": replace(INFERENCE, needs_energy_wh=90_001),
        },
        "The work needs more than the 90.0 kWh that you allow a month leave it.",
    ),
    (
        ReasonCode.DAY_COMPUTE_SPENT,
        {"workload": replace(INFERENCE, needs_compute_s=12 * 3600 + 1)},
        "The work needs more than the 12 h that you allow a day leave it.",
    ),
    (
        ReasonCode.MONTH_COMPUTE_SPENT,
        {
            "rules": replace(RULES, compute_s_per_day_max=None),
            "workload": replace(INFERENCE, needs_compute_s=160 * 3600 + 1),
        },
        "that you allow a month leave it. Shorter work can run.",
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
        assert "\N{EN DASH}" not in text

    def test_has_a_sentence_for_every_reason(self) -> None:
        assert set(SENTENCES) == set(ReasonCode)
        assert {code for code, _, _ in REASONS} == set(ReasonCode)
        assert set(ENDLESS_SENTENCES) <= set(ReasonCode)

    def test_says_that_work_can_run(self) -> None:
        first, text = write()

        assert first is None
        assert text.startswith("Every rule you set is met. When a buyer has work, it runs, and")

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
