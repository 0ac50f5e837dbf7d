"""
Money for metered usage: prices, rounding, outcomes. The SQL of settlement computes the same;
a property test holds both equal.

Units: watt-hours at the wall, micros (millionths of a currency unit), micros per kWh.
"""

from dataclasses import dataclass
from enum import StrEnum


WH_PER_KWH = 1000
# A breach of consent pays the record's reward twice more, and its electricity once more.
COMPENSATION_REWARDS = 2
# Meters are rated within 5 %; what exceeds the rated power by more cannot have happened.
PLAUSIBLE_PERCENT = 105
SECONDS_PER_HOUR = 3600
QUARTERS_PER_DAY = 96
QUARTERS_PER_WEEK = 7 * QUARTERS_PER_DAY


class OutcomeCode(StrEnum):
    """
    What became of a record. Only implausible records earn nothing (until a person decides).
    """

    ACCEPTED = "accepted"
    OUTSIDE_CONSENT = "outside_consent"
    OUTSIDE_BOOKING = "outside_booking"
    OVER_BOOKING = "over_booking"
    SUPERSEDED = "superseded"
    IMPLAUSIBLE = "implausible"


# The numbers under which rated lines keep them; they never change hands.
OUTCOMES_BY_NUMBER = (
    OutcomeCode.ACCEPTED,
    OutcomeCode.OUTSIDE_CONSENT,
    OutcomeCode.OUTSIDE_BOOKING,
    OutcomeCode.OVER_BOOKING,
    OutcomeCode.SUPERSEDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    The prices that hold for one record, in micros per kWh and micros per completed job.
    """

    tariff_micros_per_kwh: int
    wear_micros_per_kwh: int
    reward_micros_per_kwh: int
    reward_micros_per_job: int
    price_micros_per_kwh: int
    price_micros_per_job: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What was found out about one record before it is priced.

    `refusals` is the mask of consent's reasons, 0 when the owner's rules permitted it.
    """

    energy_wh: int
    is_job_paid: bool = False
    is_in_booking: bool = True
    is_within_energy: bool = True
    refusals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedRecord:
    """
    The rated line of one record: what the owner gets, what the buyer pays, what is left.
    """

    outcome: OutcomeCode
    is_billed: bool
    electricity_micros: int
    wear_micros: int
    reward_micros: int
    job_micros: int
    compensation_micros: int
    charge_micros: int
    job_charge_micros: int
    fee_micros: int

    @property
    def owner_micros(self) -> int:
        """
        Return what the owner earns, without compensation.
        """
        return self.electricity_micros + self.wear_micros + self.reward_micros + self.job_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """
    Where an owner's components come from: the buyer first, in the order electricity, wear,
    reward; the rest from the platform.
    """

    electricity_micros: int
    wear_micros: int
    reward_micros: int
    job_micros: int
    rest_electricity_micros: int
    rest_wear_micros: int
    rest_reward_micros: int
    rest_job_micros: int
    kept_micros: int


def round_half_up_micros(numerator: int) -> int:
    """
    Return thousandths of a micro (Wh x micros per kWh) as micros. Not for negative amounts.
    """
    assert numerator >= 0, "amounts are rounded before they are reversed"
    return (numerator + WH_PER_KWH // 2) // WH_PER_KWH


def price_energy(*, energy_wh: int, micros_per_kwh: int) -> int:
    return round_half_up_micros(energy_wh * micros_per_kwh)


def is_plausible(*, energy_wh: int, rated_power_w: int, duration_s: int) -> bool:
    """
    Return whether the vehicle could have drawn this much: rated power x time x 1.05.
    """
    limit = rated_power_w * duration_s * PLAUSIBLE_PERCENT
    return energy_wh * SECONDS_PER_HOUR * 100 <= limit


def find_outcome(facts: Facts) -> OutcomeCode:
    """
    Name what became of a record; what went against the owner's rules is named first.
    """
    if facts.refusals:
        return OutcomeCode.OUTSIDE_CONSENT
    if not facts.is_in_booking:
        return OutcomeCode.OUTSIDE_BOOKING
    if not facts.is_within_energy:
        return OutcomeCode.OVER_BOOKING
    return OutcomeCode.ACCEPTED


def price_record(*, facts: Facts, terms: Terms) -> PricedRecord:
    """
    Return the rated line of a plausible record. The owner is paid in every outcome.
    """
    electricity, wear, reward = (
        price_energy(energy_wh=facts.energy_wh, micros_per_kwh=micros_per_kwh)
        for micros_per_kwh in (
            terms.tariff_micros_per_kwh,
            terms.wear_micros_per_kwh,
            terms.reward_micros_per_kwh,
        )
    )
    job = terms.reward_micros_per_job if facts.is_job_paid else 0
    is_billed = facts.is_in_booking and facts.is_within_energy
    charge, job_charge = 0, 0
    if is_billed:
        charge = price_energy(energy_wh=facts.energy_wh, micros_per_kwh=terms.price_micros_per_kwh)
        job_charge = terms.price_micros_per_job if facts.is_job_paid else 0
    owner = electricity + wear + reward + job
    return PricedRecord(
        outcome=find_outcome(facts),
        is_billed=is_billed,
        electricity_micros=electricity,
        wear_micros=wear,
        reward_micros=reward,
        job_micros=job,
        compensation_micros=COMPENSATION_REWARDS * reward + electricity if facts.refusals else 0,
        charge_micros=charge,
        job_charge_micros=job_charge,
        fee_micros=charge + job_charge - owner if is_billed else 0,
    )


def fund(line: PricedRecord) -> Funding:
    """
    Split the owner's components by who pays them. The parts always add up to the whole.
    """
    electricity = min(line.electricity_micros, line.charge_micros)
    wear = min(line.wear_micros, line.charge_micros - electricity)
    reward = min(line.reward_micros, line.charge_micros - electricity - wear)
    job = min(line.job_micros, line.job_charge_micros)
    paid = electricity + wear + reward + job
    return Funding(
        electricity_micros=electricity,
        wear_micros=wear,
        reward_micros=reward,
        job_micros=job,
        rest_electricity_micros=line.electricity_micros - electricity,
        rest_wear_micros=line.wear_micros - wear,
        rest_reward_micros=line.reward_micros - reward,
        rest_job_micros=line.job_micros - job,
        kept_micros=line.charge_micros + line.job_charge_micros - paid,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffWindow:
    """
    A price for [starts_minute, ends_minute) after local midnight on each of `days`
    (Monday 0). An end at or before the start lies on the next day.
    """

    days: tuple[int, ...]
    starts_minute: int
    ends_minute: int
    micros_per_kwh: int


def make_bands(
    *, base_micros_per_kwh: int, windows: tuple[TariffWindow, ...]
) -> tuple[bytes, tuple[int, ...]]:
    """
    Return the band of each quarter-hour of the week, and the price of each band.

    A later window covers an earlier one. Band 0 is the base price.
    """
    prices = [base_micros_per_kwh]
    bands = bytearray(QUARTERS_PER_WEEK)
    for window in windows:
        if window.micros_per_kwh not in prices:
            prices.append(window.micros_per_kwh)
        band = prices.index(window.micros_per_kwh)
        minutes = (window.ends_minute - window.starts_minute) % 1440 or 1440
        for day in window.days:
            first = day * QUARTERS_PER_DAY + window.starts_minute // 15
            for quarter in range(first, first + minutes // 15):
                bands[quarter % QUARTERS_PER_WEEK] = band
    return bytes(bands), tuple(prices)
