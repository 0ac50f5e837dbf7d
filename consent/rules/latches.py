"""
What stays shut for a while after a limit was met: battery and temperature between two levels.
"""

from datetime import datetime, timedelta

from consent.rules.terms import Rules


# Whether the latch holds, and when the temperature was last beyond the limit; None: it is free.
Latch = tuple[bool, datetime | None]

FREE: Latch = (False, None)


def is_recovering_after(*, was_recovering: bool, charge_permille: int | None, rules: Rules) -> bool:
    """
    Return whether the battery, once under the stop level, still has to reach the resume level.

    A sample without a charge leaves it as it was.
    """
    if charge_permille is None:
        return was_recovering
    if charge_permille < rules.battery_stop_pct * 10:
        return True
    return was_recovering and charge_permille < rules.battery_resume_pct * 10


def step_heat_latch(
    *,
    was_latched: bool,
    hot_at: datetime | None,
    temp_decic: int | None,
    rules: Rules,
    observed_at: datetime,
) -> Latch:
    """
    Return `is_cooling` and `hot_at` after a sample; one without a temperature changes nothing.

    Too hot latches. The latch lets go at the resume level, and not before the hold is over.
    """
    if temp_decic is None:
        return was_latched, hot_at
    if rules.temp_high_c is None:
        return FREE
    if temp_decic > rules.temp_high_c * 10:
        return True, observed_at
    is_held = temp_decic > find_heat_resume_decic(rules) or observed_at < find_hold_end(
        hot_at, rules, observed_at
    )
    return (True, hot_at) if was_latched and is_held else FREE


def step_cold_latch(
    *,
    was_latched: bool,
    cold_at: datetime | None,
    temp_decic: int | None,
    rules: Rules,
    observed_at: datetime,
) -> Latch:
    """
    Return `is_warming` and `cold_at` after a sample, as `step_heat_latch` does for heat.
    """
    if temp_decic is None:
        return was_latched, cold_at
    if rules.temp_low_c is None:
        return FREE
    if temp_decic < rules.temp_low_c * 10:
        return True, observed_at
    is_held = temp_decic < find_cold_resume_decic(rules) or observed_at < find_hold_end(
        cold_at, rules, observed_at
    )
    return (True, cold_at) if was_latched and is_held else FREE


def find_heat_resume_decic(rules: Rules) -> int:
    """
    Return the temperature at which a hot battery may work again; without one set, the limit.
    """
    resume_c = rules.temp_high_c if rules.temp_high_resume_c is None else rules.temp_high_resume_c
    assert resume_c is not None, "asked only where heat is limited"
    return resume_c * 10


def find_cold_resume_decic(rules: Rules) -> int:
    """
    Return the temperature at which a cold battery may work again; without one set, the limit.
    """
    resume_c = rules.temp_low_c if rules.temp_low_resume_c is None else rules.temp_low_resume_c
    assert resume_c is not None, "asked only where cold is limited"
    return resume_c * 10


def find_hold_end(beyond_at: datetime | None, rules: Rules, now: datetime) -> datetime:
    """
    Return when the hold after `beyond_at` ends; `now` where nobody knows when that was.
    """
    return now if beyond_at is None else beyond_at + timedelta(seconds=rules.temp_hold_s)
