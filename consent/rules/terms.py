"""
What a decision is made from and what it is made into: plain values.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from consent.rules.codes import Gate, ReasonCode, WorkloadCategory


@dataclass(frozen=True, slots=True)
class Rules:
    """
    One consent version as the decision needs it. None in a limit means: no limit.

    Units: percent of the battery [0, 100], degrees Celsius, watt-hours at the wall and
    seconds of compute per local day and local month of `zone`, watts.
    """

    number: int
    is_withdrawn: bool
    zone: ZoneInfo
    week_mask: int
    battery_stop_pct: int
    battery_resume_pct: int
    plugged_in_only: bool
    home_only: bool
    temp_high_c: int | None
    temp_low_c: int | None
    energy_wh_per_day_max: int | None
    energy_wh_per_month_max: int | None
    compute_s_per_day_max: int | None
    compute_s_per_month_max: int | None
    power_limit_w: int | None
    categories_mask: int


@dataclass(frozen=True, slots=True)
class Pause:
    """
    A break asked for by the owner; `ends_at` None lasts until they resume.
    """

    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class State:
    """
    What the car last said, and whether its owner has paused it.

    `observed_at` None: never heard from. Any other None: the car did not say.
    Units: state of charge in permille, temperatures in tenths of a degree Celsius.
    """

    observed_at: datetime | None = None
    state_of_charge_permille: int | None = None
    plugged_in: bool | None = None
    is_home: bool | None = None
    is_moving: bool | None = None
    battery_temp_min_decic: int | None = None
    battery_temp_max_decic: int | None = None
    is_recovering: bool = False
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """
    What the car did since local midnight and since the first of the month: Wh and seconds.
    """

    day_energy_wh: int = 0
    day_compute_s: int = 0
    month_energy_wh: int = 0
    month_compute_s: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """
    The work to be done. A metered interval, judged afterwards, also says what it drew.
    """

    category: WorkloadCategory | None
    metered_energy_wh: int | None = None
    metered_duration_s: float | None = None


NO_STATE = State()
NO_USE = Use()

# A limit or a reading in a finding: whole numbers in the unit of its rule, yes or no,
# an instant, or a word.
Value = bool | int | str | datetime | None


class Finding(NamedTuple):
    """
    One check with what it looked at. `code` None: it stands in nobody's way.

    `value` and `limit` are in the unit of their rule; `limit` None: the owner set none.
    `opens_at`: when the clock alone will lift this refusal, None when it cannot.
    """

    gate: Gate
    code: ReasonCode | None = None
    value: Value = None
    limit: Value = None
    opens_at: datetime | None = None


class Decision(NamedTuple):
    """
    The answer for one vehicle, workload and moment.

    `findings` are all checks in gate order, `reasons` those that refuse. `valid_until`
    is None on a refusal. `next_open_at` is the earliest moment at which the clock no
    longer stands in the way; the car itself may still refuse then. None: nothing here
    waits for the clock, or no clock will lift it.
    """

    permit: bool
    findings: tuple[Finding, ...]
    reasons: tuple[Finding, ...]
    valid_until: datetime | None
    next_open_at: datetime | None
    consent_version: int | None
    power_limit_w: int | None

    @property
    def codes(self) -> tuple[ReasonCode, ...]:
        return tuple(finding.code for finding in self.reasons if finding.code is not None)
