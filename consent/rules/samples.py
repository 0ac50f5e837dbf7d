"""
What a car says of itself, and which of it cannot be true.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.rules.codes import ReasonCode


CHARGE_PERMILLE_MAX = 1_000
COLDEST_DECIC = -400
HOTTEST_DECIC = 900
# More than any charger gives or takes.
CHARGE_POWER_W_MAX = 400_000
# `web.limits` names it for people; a test holds both places equal.
TELEMETRY_AHEAD_S_MAX = 120
TELEMETRY_AHEAD_MAX = timedelta(seconds=TELEMETRY_AHEAD_S_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """
    What a car says of itself at `observed_at`; None: it did not say. Units as in `State`.
    """

    observed_at: datetime
    state_of_charge_permille: int | None = None
    plugged_in: bool | None = None
    is_home: bool | None = None
    is_moving: bool | None = None
    battery_temp_decic: int | None = None
    charge_power_w: int | None = None


def find_fault(*, telemetry: Telemetry, now: datetime) -> ReasonCode | None:
    """
    Return why a sample that comes at `now` cannot be true; None: it can.

    The clock comes first: nothing else of a sample of the future means anything yet.
    """
    if telemetry.observed_at > now + TELEMETRY_AHEAD_MAX:
        return ReasonCode.TELEMETRY_IN_FUTURE
    if not _is_in_range(telemetry):
        return ReasonCode.TELEMETRY_OUT_OF_RANGE
    if telemetry.is_moving and telemetry.plugged_in:
        return ReasonCode.TELEMETRY_CONTRADICTORY
    return None


def _is_in_range(telemetry: Telemetry) -> bool:
    charge, temp = telemetry.state_of_charge_permille, telemetry.battery_temp_decic
    power_w = telemetry.charge_power_w
    return (
        (charge is None or 0 <= charge <= CHARGE_PERMILLE_MAX)
        and (temp is None or COLDEST_DECIC <= temp <= HOTTEST_DECIC)
        and (power_w is None or abs(power_w) <= CHARGE_POWER_W_MAX)
    )
