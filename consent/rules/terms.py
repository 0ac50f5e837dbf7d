"""
What a decision is made from and what it is made into: plain values.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar, dataclass_transform
from zoneinfo import ZoneInfo

from consent.rules.codes import BuyersMode, Gate, ReasonCode, WorkloadCategory
from consent.rules.readiness import pack_floors


# Half-open spans [from, to) of instants, sorted, none touching another.
Spans = tuple[tuple[datetime, datetime], ...]
T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """
    Make a dataclass that the type checker keeps anybody from changing.

    A batch makes thousands: one that is frozen at run time as well takes four times as long.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@dataclass(frozen=True, slots=True)
class Rules:
    """
    One consent version as the decision needs it. None in a limit means: no limit.

    Units: percent of the battery [0, 100], degrees Celsius, watt-hours at the wall and
    seconds of compute per local day and local month of `zone`, watts.

    `closed` and `opened` are the date exceptions as instants; an opened span wins.
    `ready_floors_permille` has, for each of the 672 quarters of the week, the charge that the
    car must still have when the quarter ends to be ready in time (`consent.rules.readiness`).
    `wear_wh` is energy weighted by the battery's warmth (`consent.rules.wear`); the two
    prices turn it and compute time into micros of wear. `grace` names, for the gates that
    have any, the minutes for which a running job may go on, None: until it is finished.
    `packed_floors` are the floors again, packed once for all decisions.
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
    expires_at: datetime | None = None
    closed: Spans = ()
    opened: Spans = ()
    ready_floors_permille: tuple[int, ...] | None = None
    temp_high_resume_c: int | None = None
    temp_low_resume_c: int | None = None
    temp_hold_s: int = 0
    wear_wh_per_month_max: int | None = None
    wear_micros_per_month_max: int | None = None
    wear_micros_per_kwh: int = 0
    compute_micros_per_h: int = 0
    reward_micros_per_h_min: int | None = None
    buyers_mode: BuyersMode = BuyersMode.ALL
    buyer_ids: frozenset[int] = frozenset()
    mobile_data_bytes_per_month_max: int | None = None
    quiet_mask: int = 0
    quiet_power_limit_w: int | None = None
    grace: tuple[tuple[Gate, int | None], ...] = ()
    packed_floors: int | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        floors = self.ready_floors_permille
        object.__setattr__(self, "packed_floors", None if floors is None else pack_floors(floors))


@dataclass(frozen=True, slots=True)
class Pause:
    """
    A break asked for by the owner; `ends_at` None lasts until they resume.

    `lets_jobs_finish`: what runs when it begins may run to its end.
    """

    starts_at: datetime
    ends_at: datetime | None
    lets_jobs_finish: bool = False


@value
class State:
    """
    What the car last said, and whether its owner has paused it.

    `observed_at` None: never heard from. Any other None: the car did not say.
    Units: state of charge in permille, temperatures in tenths of a degree Celsius.

    `observed_at` is the age of the sample, `heard_at` that of the connection: a late sample
    moves only the second. `faulty_samples` counts the samples since the last good one that
    could not be true, `fault` says why the last of them could not. `is_cooling` and
    `is_warming` are the latches between a temperature's limit and its resume level, `hot_at`
    and `cold_at` when it was last beyond the limit. `skip` is a night that the owner left
    out, present or to come.
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
    heard_at: datetime | None = None
    faulty_samples: int = 0
    fault: ReasonCode | None = None
    is_cooling: bool = False
    hot_at: datetime | None = None
    is_warming: bool = False
    cold_at: datetime | None = None
    skip: Pause | None = None


@value
class Use:
    """
    What the car did since local midnight and since the first of the month: Wh, seconds, bytes.

    `reserved` is what running leases of other jobs were granted and nobody metered yet; it
    counts against every budget of its kind.
    """

    day_energy_wh: int = 0
    day_compute_s: int = 0
    month_energy_wh: int = 0
    month_compute_s: int = 0
    month_wear_wh: int = 0
    month_data_bytes: int = 0
    reserved_energy_wh: int = 0
    reserved_compute_s: int = 0


@value
class Workload:
    """
    The work to be done. A metered interval, judged afterwards, also says what it drew.

    `buyer_id` and `reward_micros_per_h` (at the car's rated power, after electricity and
    wear) come from the booking; None: unknown. `needs_*` is what the job, or its next
    minute, will use up. `is_running`: a lease of this job has not ended; `refused_since`
    is when a rule with grace first stood in its way.
    """

    category: WorkloadCategory | None
    metered_energy_wh: int | None = None
    metered_duration_s: float | None = None
    buyer_id: int | None = None
    reward_micros_per_h: int | None = None
    needs_energy_wh: int = 0
    needs_compute_s: int = 0
    is_running: bool = False
    refused_since: datetime | None = None


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


def found(
    gate: Gate,
    code: ReasonCode | None = None,
    value: Value = None,
    limit: Value = None,
    opens_at: datetime | None = None,
) -> Finding:
    """
    Return a finding, three times as fast as by the name of its class: a decision makes twenty.
    """
    return tuple.__new__(Finding, (gate, code, value, limit, opens_at))


class Obligation(NamedTuple):
    """
    What the caller of a permit must see to; one that it does not understand is a deny.

    `code` is "power_limit" (value in W) or "finish_by" (value an instant).
    """

    code: str
    value: int | datetime


class Decision(NamedTuple):
    """
    The answer for one vehicle, workload and moment.

    `findings` are all checks in gate order, `reasons` those that refuse, `graced` those that
    would refuse a new job and let this one go on until `grace_ends_at`. `valid_until`
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
    graced: tuple[Finding, ...] = ()
    grace_ends_at: datetime | None = None
    obligations: tuple[Obligation, ...] = ()

    @property
    def codes(self) -> tuple[ReasonCode, ...]:
        return tuple(finding.code for finding in self.reasons if finding.code is not None)
