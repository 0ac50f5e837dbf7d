"""
Decisions as they are written in JSON. Texts are fixed and English; pages have their own.
"""

from http import HTTPStatus
from typing import Any, NamedTuple

from consent.rules import Decision, Finding, Gate, Obligation, ReasonCode
from web.public_ids import encode


class Fault(NamedTuple):
    """
    A question that cannot be put: a deny with its own reason.
    """

    code: str
    detail: str
    status: int = HTTPStatus.BAD_REQUEST


# What the value of an obligation is called, by its id.
OBLIGATION_VALUES = {"power_limit": "watts", "finish_by": "at"}

DETAILS = {
    ReasonCode.NO_CONSENT: "The owner has agreed to nothing yet.",
    ReasonCode.CONSENT_WITHDRAWN: "The owner has withdrawn consent.",
    ReasonCode.PAUSED: "The owner has paused this vehicle.",
    ReasonCode.NOT_PLUGGED_IN: "The vehicle is not plugged in.",
    ReasonCode.PLUG_UNKNOWN: "The vehicle did not say whether it is plugged in.",
    ReasonCode.NOT_HOME: "The vehicle is not at home.",
    ReasonCode.HOME_UNKNOWN: "The vehicle did not say whether it is at home.",
    ReasonCode.OUTSIDE_HOURS: "Outside the owner's hours.",
    ReasonCode.BATTERY_LOW: "The battery is under the owner's stop level, in percent.",
    ReasonCode.BATTERY_UNKNOWN: "The vehicle did not say how full its battery is.",
    ReasonCode.TOO_HOT: "The battery is warmer than the owner allows, in degrees Celsius.",
    ReasonCode.TOO_COLD: "The battery is colder than the owner allows, in degrees Celsius.",
    ReasonCode.TEMPERATURE_UNKNOWN: "The vehicle did not say how warm its battery is.",
    ReasonCode.DAY_ENERGY_SPENT: "The owner's energy of the day is used, in Wh.",
    ReasonCode.MONTH_ENERGY_SPENT: "The owner's energy of the month is used, in Wh.",
    ReasonCode.DAY_COMPUTE_SPENT: "The owner's compute time of the day is used, in s.",
    ReasonCode.MONTH_COMPUTE_SPENT: "The owner's compute time of the month is used, in s.",
    ReasonCode.POWER_EXCEEDED: "More power than the owner allows, in W.",
    ReasonCode.WORKLOAD_UNLABELLED: "The workload has no category.",
    ReasonCode.WORKLOAD_REFUSED: "The owner does not allow this category of work.",
    ReasonCode.TELEMETRY_MISSING: "The vehicle was never heard from.",
    ReasonCode.TELEMETRY_STALE: "What the vehicle said last is too old; limit in s.",
    ReasonCode.DRIVING: "The vehicle is moving.",
    ReasonCode.BATTERY_RECOVERING: "The battery has not reached the owner's resume level again.",
    ReasonCode.CLOSED_DATE: "The owner has closed this date.",
    ReasonCode.QUIET_EXCEEDED: "More power than the owner allows in quiet hours, in W.",
    ReasonCode.MONTH_WEAR_SPENT: "The owner's wear budget of the month is used, in permille of it.",
    ReasonCode.REWARD_TOO_LOW: "The reward is below the owner's, in micros per hour.",
    ReasonCode.REWARD_UNKNOWN: "The booking, and so the reward, is not known.",
    ReasonCode.BUYER_REFUSED: "The owner does not allow this buyer.",
    ReasonCode.BUYER_UNKNOWN: "The booking, and so the buyer, is not known.",
    ReasonCode.MONTH_DATA_SPENT: "The owner's mobile data of the month is used, in bytes.",
    ReasonCode.READY_BY: "The vehicle must charge to be ready in time, in percent.",
    ReasonCode.CONSENT_EXPIRED: "The owner's consent is over and was not given anew.",
    ReasonCode.COOLING_DOWN: "The battery was too hot and is cooling down, in degrees Celsius.",
    ReasonCode.WARMING_UP: "The battery was too cold and is warming up, in degrees Celsius.",
    ReasonCode.CONNECTION_LOST: "Nothing was heard from the vehicle for too long; limit in s.",
    ReasonCode.TELEMETRY_CONTRADICTORY: "The vehicle said that it moves while it is plugged in.",
    ReasonCode.TELEMETRY_OUT_OF_RANGE: "The vehicle said what no vehicle can read.",
    ReasonCode.TELEMETRY_IN_FUTURE: "The vehicle's clock is ahead.",
}
# The rules count these in tenths, so that no limit is missed by a rounding of floats.
TENTHS = frozenset({Gate.BATTERY, Gate.READY, Gate.HEAT, Gate.COLD})


def show_decision(
    decision: Decision, *, is_replayed: bool = False, is_dry_run: bool = False
) -> dict[str, Any]:
    """
    Return one decision; a mark stands only where it says something.
    """
    context: dict[str, Any] = {
        "reasons": [_show_reason(finding) for finding in decision.reasons],
        "graced": [_show_reason(finding) for finding in decision.graced],
        "grace_ends_at": decision.grace_ends_at,
        "valid_until": decision.valid_until,
        "next_open_at": decision.next_open_at,
        "consent_version": decision.consent_version,
        "power_limit_w": decision.power_limit_w,
        "obligations": [_show_obligation(each) for each in decision.obligations],
    }
    if is_replayed:
        context["replayed"] = True
    if is_dry_run:
        context["dry_run"] = True
    return {"decision": decision.permit, "context": context}


def show_stop(*, is_stopped: bool, is_dry_run: bool) -> dict[str, Any]:
    if not is_stopped:
        return show_fault(NO_LEASE)
    context: dict[str, Any] = {**_NOTHING, "reasons": [], "stopped": True}
    if is_dry_run:
        context["dry_run"] = True
    return {"decision": True, "context": context}


def show_fault(fault: Fault) -> dict[str, Any]:
    reason = {
        "code": fault.code,
        "rule": None,
        "value": None,
        "limit": None,
        "detail": fault.detail,
        "opens_at": None,
    }
    error = {"status": fault.status, "message": fault.detail}
    return {"decision": False, "context": {**_NOTHING, "error": error, "reasons": [reason]}}


NO_LEASE = Fault("no_lease", "This job holds no lease on this vehicle.", HTTPStatus.NOT_FOUND)
_NOTHING: dict[str, Any] = {
    "graced": [],
    "grace_ends_at": None,
    "valid_until": None,
    "next_open_at": None,
    "consent_version": None,
    "power_limit_w": None,
    "obligations": [],
}


def _show_obligation(obligation: Obligation) -> dict[str, Any]:
    return {"id": obligation.code, OBLIGATION_VALUES[obligation.code]: obligation.value}


def _show_reason(finding: Finding) -> dict[str, Any]:
    assert finding.code is not None
    is_in_tenths = finding.gate in TENTHS
    return {
        "code": finding.code,
        "rule": finding.gate,
        "value": _from_tenths(finding.value) if is_in_tenths else _show_value(finding),
        "limit": _from_tenths(finding.limit) if is_in_tenths else finding.limit,
        "detail": DETAILS[finding.code],
        "opens_at": finding.opens_at,
    }


def _show_value(finding: Finding) -> object:
    # Organisations leave under their public ids, as everywhere else.
    if finding.gate is Gate.BUYER and isinstance(finding.value, int):
        return encode("org", finding.value)
    return finding.value


def _from_tenths(value: object) -> float | None:
    return value / 10 if isinstance(value, int) else None
