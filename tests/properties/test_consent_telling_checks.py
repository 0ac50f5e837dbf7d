"""
Decisions by the checks that can refuse under the rules, beside decisions by all of them.
"""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.rules import (
    CHECKS,
    BuyersMode,
    Gate,
    Pause,
    State,
    Use,
    Workload,
    WorkloadCategory,
    decide,
    list_telling_checks,
)
from consent.rules.week import FULL_WEEK, NO_HOURS, QUARTERS_PER_WEEK
from tests.consent.terms import GOOD_STATE, NIGHT, NIGHT_RULES


HOUR = timedelta(hours=1)
SPENT = Use(10**9, 10**9, 10**9, 10**9, 10**9, 10**12)
ILL_STATE = State(
    observed_at=NIGHT,
    state_of_charge_permille=100,
    plugged_in=False,
    is_home=False,
    is_moving=True,
    battery_temp_min_decic=-50,
    battery_temp_max_decic=450,
    pause=Pause(NIGHT - HOUR, NIGHT + HOUR),
)
LIMITED = replace(
    NIGHT_RULES,
    closed=((NIGHT - HOUR, NIGHT + HOUR),),
    ready_floors_permille=(900,) * QUARTERS_PER_WEEK,
    wear_wh_per_month_max=1,
    wear_micros_per_month_max=1,
    reward_micros_per_h_min=200_000,
    buyers_mode=BuyersMode.EXCEPT,
    buyer_ids=frozenset({7}),
    mobile_data_bytes_per_month_max=1,
    quiet_mask=FULL_WEEK,
    quiet_power_limit_w=100,
    grace=((Gate.HOURS, 15), (Gate.PLUG, None)),
)
# What each field says in rules that do not limit it.
FREE: dict[str, Any] = {
    "closed": (),
    "opened": ((NIGHT - HOUR, NIGHT + HOUR),),
    "week_mask": FULL_WEEK,
    "ready_floors_permille": None,
    "buyers_mode": BuyersMode.ALL,
    "plugged_in_only": False,
    "home_only": False,
    **dict.fromkeys(
        (
            "temp_high_c",
            "temp_low_c",
            "energy_wh_per_day_max",
            "energy_wh_per_month_max",
            "compute_s_per_day_max",
            "compute_s_per_month_max",
            "wear_wh_per_month_max",
            "wear_micros_per_month_max",
            "mobile_data_bytes_per_month_max",
            "power_limit_w",
            "quiet_power_limit_w",
            "reward_micros_per_h_min",
        )
    ),
}
UNLIMITED = replace(LIMITED, **FREE)

rules = st.sets(st.sampled_from(sorted(FREE))).map(
    lambda names: replace(LIMITED, **{name: FREE[name] for name in names})
)
states = st.builds(
    lambda fields: replace(GOOD_STATE, **{name: getattr(ILL_STATE, name) for name in fields}),
    st.sets(st.sampled_from([each.name for each in fields(State)])),
)
workloads = st.builds(
    Workload,
    category=st.sampled_from([None, WorkloadCategory.INFERENCE, WorkloadCategory.TRAINING]),
    metered_energy_wh=st.none() | st.just(10**6),
    metered_duration_s=st.none() | st.just(900.0),
    buyer_id=st.sampled_from([None, 1, 7]),
    reward_micros_per_h=st.sampled_from([None, 1, 10**9]),
    is_running=st.booleans(),
)


@settings(max_examples=500, deadline=None)
@given(rules=rules, state=states, use=st.sampled_from([Use(), SPENT]), workload=workloads)
def test_they_decide_as_all_checks_do(
    rules: Any, state: State, use: Use, workload: Workload
) -> None:
    asked: dict[str, Any] = {
        "rules": rules,
        "state": state,
        "use": use,
        "workload": workload,
        "now": NIGHT,
    }
    decision = decide(**asked, checks=list_telling_checks(rules))

    assert decision._replace(findings=()) == decide(**asked)._replace(findings=())


def test_rules_that_limit_everything_are_checked_for_everything() -> None:
    # What concerns consent itself is refused before there is any check.
    assert list_telling_checks(LIMITED) == CHECKS[1:]


def test_rules_that_limit_nothing_are_checked_for_what_every_car_must_be() -> None:
    decision = decide(
        rules=UNLIMITED,
        state=GOOD_STATE,
        use=SPENT,
        workload=Workload(WorkloadCategory.INFERENCE),
        now=NIGHT,
        checks=list_telling_checks(UNLIMITED),
    )

    assert [finding.gate for finding in decision.findings] == [
        Gate.PAUSE,
        Gate.TELEMETRY,
        Gate.DRIVING,
        Gate.BATTERY,
        Gate.WORKLOAD,
    ]


def test_a_week_without_hours_is_checked() -> None:
    rules = replace(UNLIMITED, week_mask=NO_HOURS)

    assert len(list_telling_checks(rules)) == len(list_telling_checks(UNLIMITED)) + 1
