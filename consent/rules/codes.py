"""
The words of a decision: why not (ReasonCode), in which order (Gate), which work.

Every member carries a fixed bit, because masks of them are stored for years: a
member may be added, its bit may never change hands.
"""

from enum import Enum, StrEnum
from typing import Self, TypeVar


Word = TypeVar("Word", bound=Enum)


# A settled record keeps its refusals in one `integer`; bits above 30 are for
# refusals that only a live decision can meet, and those are never stored.
STORED_BITS_MAX = 30


def at_hand(words: type[Word]) -> type[Word]:
    """
    Keep the members of an enumeration as plain attributes of it, as Python 3.12 does.

    Until then each is looked for in vain and then found by a call: a decision names fifty,
    which took as long as a third of its checks.
    """
    for name, word in words.__members__.items():
        type.__setattr__(words, name, word)
    return words


class _Flag(StrEnum):
    """
    A word with a bit of its own. `bit_number` counts from 0, `bit` is 1 << bit_number.
    """

    bit_number: int
    bit: int

    def __new__(cls, code: str, bit_number: int) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.bit_number = bit_number
        member.bit = 1 << bit_number
        return member


@at_hand
class ReasonCode(_Flag):
    """
    Why a vehicle must not run a job.
    """

    NO_CONSENT = "no_consent", 0
    CONSENT_WITHDRAWN = "consent_withdrawn", 1
    PAUSED = "paused", 2
    NOT_PLUGGED_IN = "not_plugged_in", 3
    PLUG_UNKNOWN = "plug_unknown", 4
    NOT_HOME = "not_home", 5
    HOME_UNKNOWN = "home_unknown", 6
    OUTSIDE_HOURS = "outside_hours", 7
    BATTERY_LOW = "battery_low", 8
    BATTERY_UNKNOWN = "battery_unknown", 9
    TOO_HOT = "too_hot", 10
    TOO_COLD = "too_cold", 11
    TEMPERATURE_UNKNOWN = "temperature_unknown", 12
    DAY_ENERGY_SPENT = "day_energy_spent", 13
    MONTH_ENERGY_SPENT = "month_energy_spent", 14
    DAY_COMPUTE_SPENT = "day_compute_spent", 15
    MONTH_COMPUTE_SPENT = "month_compute_spent", 16
    POWER_EXCEEDED = "power_exceeded", 17
    WORKLOAD_UNLABELLED = "workload_unlabelled", 18
    WORKLOAD_REFUSED = "workload_refused", 19
    CLOSED_DATE = "closed_date", 20
    QUIET_EXCEEDED = "quiet_exceeded", 21
    MONTH_WEAR_SPENT = "month_wear_spent", 22
    REWARD_TOO_LOW = "reward_too_low", 23
    REWARD_UNKNOWN = "reward_unknown", 24
    BUYER_REFUSED = "buyer_refused", 25
    BUYER_UNKNOWN = "buyer_unknown", 26
    MONTH_DATA_SPENT = "month_data_spent", 27
    READY_BY = "ready_by", 28
    CONSENT_EXPIRED = "consent_expired", 29

    TELEMETRY_MISSING = "telemetry_missing", 32
    TELEMETRY_STALE = "telemetry_stale", 33
    DRIVING = "driving", 34
    BATTERY_RECOVERING = "battery_recovering", 35
    COOLING_DOWN = "cooling_down", 36
    WARMING_UP = "warming_up", 37
    CONNECTION_LOST = "connection_lost", 38
    TELEMETRY_CONTRADICTORY = "telemetry_contradictory", 39
    TELEMETRY_OUT_OF_RANGE = "telemetry_out_of_range", 40
    TELEMETRY_IN_FUTURE = "telemetry_in_future", 41

    @property
    def is_stored(self) -> bool:
        """
        Return whether a settled record may carry this refusal.
        """
        return self.bit_number <= STORED_BITS_MAX


@at_hand
class WorkloadCategory(_Flag):
    """
    What a buyer declares a job to be; an owner allows a set of these.
    """

    INFERENCE = "inference", 0
    RESEARCH = "research", 1
    RENDERING = "rendering", 2
    TRAINING = "training", 3
    SPEECH = "speech", 4
    OTHER = "other", 5


@at_hand
class Gate(StrEnum):
    """
    The checks in the order in which they are made, shown and explained.
    """

    CONSENT = "consent"
    PAUSE = "pause"
    TELEMETRY = "telemetry"
    DRIVING = "driving"
    PLUG = "plug"
    HOME = "home"
    HOURS = "hours"
    BATTERY = "battery"
    READY = "ready"
    HEAT = "heat"
    COLD = "cold"
    DAY_ENERGY = "day_energy"
    MONTH_ENERGY = "month_energy"
    DAY_COMPUTE = "day_compute"
    MONTH_COMPUTE = "month_compute"
    WEAR = "wear"
    DATA = "data"
    POWER = "power"
    WORKLOAD = "workload"
    BUYER = "buyer"
    REWARD = "reward"


@at_hand
class BuyersMode(StrEnum):
    """
    Which buyers may use the car: all, only those named, or all but those named.
    """

    ALL = "all"
    ONLY = "only"
    EXCEPT = "except"


# No grace is given where waiting could hurt the car, its owner or the truth of the answer.
GATES_WITHOUT_GRACE = frozenset(
    {Gate.CONSENT, Gate.TELEMETRY, Gate.DRIVING, Gate.BATTERY, Gate.READY, Gate.HEAT, Gate.COLD}
)


ALL_CATEGORIES_MASK = sum(category.bit for category in WorkloadCategory)


def reasons_from_mask(mask: int) -> tuple[ReasonCode, ...]:
    """
    Return the reasons in a stored mask, by rising bit.

    :raises ValueError: the mask has a bit that no reason owns.
    """
    reasons = tuple(code for code in ReasonCode if mask & code.bit)
    if sum(code.bit for code in reasons) != mask:
        raise ValueError(f"no reason owns a bit of {mask:#x}")
    return reasons


def mask_from_reasons(reasons: tuple[ReasonCode, ...]) -> int:
    """
    Return the mask of the reasons that a settled record may carry.
    """
    return sum(code.bit for code in set(reasons) if code.is_stored)


def categories_from_mask(mask: int) -> tuple[WorkloadCategory, ...]:
    return tuple(category for category in WorkloadCategory if mask & category.bit)


def mask_from_categories(categories: tuple[WorkloadCategory, ...]) -> int:
    return sum(category.bit for category in set(categories))
