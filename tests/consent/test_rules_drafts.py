from dataclasses import replace
from typing import Any

import pytest

from consent.rules import Fault, FaultCode, RulesDraft, Window, WorkloadCategory, find_faults
from tests.consent.terms import EVERY_DAY


DRAFT = RulesDraft(
    time_zone="Europe/Oslo",
    windows=(Window(EVERY_DAY, 22 * 60, 7 * 60),),
    battery_stop_pct=40,
    battery_resume_pct=50,
    plugged_in_only=True,
    home_only=True,
    temp_high_c=35,
    temp_low_c=0,
    energy_wh_per_day_max=6_000,
    energy_wh_per_month_max=90_000,
    compute_s_per_day_max=36_000,
    compute_s_per_month_max=720_000,
    power_limit_w=900,
    categories=(WorkloadCategory.INFERENCE,),
)


def find(**changes: Any) -> tuple[Fault, ...]:
    return find_faults(draft=replace(DRAFT, **changes), rated_power_w=1_000)


def test_a_sound_draft_has_no_faults() -> None:
    assert find() == ()


def test_limits_may_all_be_left_out() -> None:
    assert not find(
        temp_high_c=None,
        temp_low_c=None,
        energy_wh_per_day_max=None,
        energy_wh_per_month_max=None,
        compute_s_per_day_max=None,
        compute_s_per_month_max=None,
        power_limit_w=None,
    )


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"windows": ()}, "windows", FaultCode.NO_HOURS),
        (
            {"windows": tuple(Window((0,), n * 15, n * 15 + 15) for n in range(43))},
            "windows",
            FaultCode.TOO_MANY_WINDOWS,
        ),
        ({"time_zone": "Europe/Atlantis"}, "time_zone", FaultCode.ZONE_UNKNOWN),
        ({"battery_stop_pct": 19}, "battery_stop_pct", FaultCode.STOP_OUT_OF_RANGE),
        ({"battery_resume_pct": 101}, "battery_resume_pct", FaultCode.RESUME_OUT_OF_RANGE),
        ({"battery_resume_pct": 39}, "battery_resume_pct", FaultCode.RESUME_BELOW_STOP),
        ({"temp_high_c": 51}, "temp_high_c", FaultCode.HIGH_OUT_OF_RANGE),
        ({"temp_low_c": -21}, "temp_low_c", FaultCode.LOW_OUT_OF_RANGE),
        (
            {"energy_wh_per_day_max": 0},
            "energy_wh_per_day_max",
            FaultCode.LIMIT_NOT_POSITIVE,
        ),
        (
            {"compute_s_per_day_max": 720_001},
            "compute_s_per_day_max",
            FaultCode.DAY_OVER_MONTH,
        ),
        ({"power_limit_w": 0}, "power_limit_w", FaultCode.LIMIT_NOT_POSITIVE),
        ({"power_limit_w": 1_001}, "power_limit_w", FaultCode.POWER_NEVER_BINDS),
        ({"categories": ()}, "categories", FaultCode.NO_CATEGORIES),
    ],
)
def test_names_the_field_and_the_fault(
    changes: dict[str, Any], field: str, code: FaultCode
) -> None:
    assert find(**changes) == (Fault(field, code),)


@pytest.mark.parametrize(
    ("window", "code"),
    [
        (Window((0,), 600, 600), FaultCode.WINDOW_EMPTY),
        (Window((), 600, 660), FaultCode.WINDOW_EMPTY),
        (Window((0,), 607, 660), FaultCode.WINDOW_NOT_QUARTER),
        (Window((0,), 600, 661), FaultCode.WINDOW_NOT_QUARTER),
        (Window((0,), 1440, 60), FaultCode.WINDOW_NOT_QUARTER),
        (Window((0,), 600, 1455), FaultCode.WINDOW_NOT_QUARTER),
    ],
)
def test_names_the_window_that_is_wrong(window: Window, code: FaultCode) -> None:
    assert find(windows=(DRAFT.windows[0], window)) == (Fault("windows", code, 1),)
