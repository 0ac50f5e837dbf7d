"""
Decisions as they are written in JSON. Texts are fixed and English; pages have their own.
"""

from typing import Any, NamedTuple

from consent.rules import Decision, Finding, Gate, ReasonCode


class Fault(NamedTuple):
    """
    A question that cannot be put: a deny with its own reason.
    """

    code: str
    detail: str


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
    ReasonCode.TELEMETRY_STALE: "The vehicle was last heard from too long ago; limit in s.",
    ReasonCode.DRIVING: "The vehicle is moving.",
    ReasonCode.BATTERY_RECOVERING: "The battery has not reached the owner's resume level again.",
}
# The rules count these in tenths, so that no limit is missed by a rounding of floats.
TENTHS = frozenset({Gate.BATTERY, Gate.HEAT, Gate.COLD})


def show_decision(decision: Decision, *, is_replayed: bool) -> dict[str, Any]:
    context = {
        "reasons": [_show_reason(finding) for finding in decision.reasons],
        "valid_until": decision.valid_until,
        "next_open_at": decision.next_open_at,
        "consent_version": decision.consent_version,
        "power_limit_w": decision.power_limit_w,
    }
    if is_replayed:
        context["replayed"] = True
    return {"decision": decision.permit, "context": context}


def show_fault(fault: Fault) -> dict[str, Any]:
    return {
        "decision": False,
        "context": {
            "error": {"status": 400, "message": fault.detail},
            "reasons": [
                {
                    "code": fault.code,
                    "rule": None,
                    "value": None,
                    "limit": None,
                    "detail": fault.detail,
                    "opens_at": None,
                }
            ],
            "valid_until": None,
            "next_open_at": None,
            "consent_version": None,
            "power_limit_w": None,
        },
    }


def _show_reason(finding: Finding) -> dict[str, Any]:
    assert finding.code is not None
    is_in_tenths = finding.gate in TENTHS
    return {
        "code": finding.code,
        "rule": finding.gate,
        "value": _from_tenths(finding.value) if is_in_tenths else finding.value,
        "limit": _from_tenths(finding.limit) if is_in_tenths else finding.limit,
        "detail": DETAILS[finding.code],
        "opens_at": finding.opens_at,
    }


def _from_tenths(value: object) -> float | None:
    return value / 10 if isinstance(value, int) else None
