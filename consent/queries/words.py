"""
Decisions in an owner's words, in the language of the request; rules are in `rule_words`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.queries.rule_words import (
    CATEGORIES,
    DAY_SETS,
    RuleWords,
    Text,
    describe_rules,
    describe_week,
    describe_window,
    write_date,
)
from consent.rules import Decision, Finding, Gate, ReasonCode
from web.templatetags.parado import in_zone, local_time, money_exact, number, since


__all__ = [
    "CATEGORIES",
    "DAY_SETS",
    "GATE_LABELS",
    "REASON_FIELDS",
    "REASON_TITLES",
    "GateWords",
    "RuleWords",
    "Text",
    "describe_decision",
    "describe_gates",
    "describe_rules",
    "describe_week",
    "describe_window",
    "write_date",
]

# What stands on the sign when this is the first refusal.
REASON_TITLES: dict[ReasonCode, Text] = {
    ReasonCode.NO_CONSENT: gettext_lazy("Off: you have agreed to nothing yet"),
    ReasonCode.CONSENT_WITHDRAWN: gettext_lazy("Off: you withdrew your consent"),
    ReasonCode.PAUSED: gettext_lazy("Paused by you"),
    ReasonCode.TELEMETRY_MISSING: gettext_lazy("Waiting: the car has not reported yet"),
    ReasonCode.TELEMETRY_STALE: gettext_lazy("Waiting: no word from the car"),
    ReasonCode.DRIVING: gettext_lazy("Waiting: the car is on the road"),
    ReasonCode.NOT_PLUGGED_IN: gettext_lazy("Waiting: the car is not plugged in"),
    ReasonCode.PLUG_UNKNOWN: gettext_lazy("Waiting: the car does not say if it is plugged in"),
    ReasonCode.NOT_HOME: gettext_lazy("Waiting: the car is not at home"),
    ReasonCode.HOME_UNKNOWN: gettext_lazy("Waiting: the car does not say if it is at home"),
    ReasonCode.OUTSIDE_HOURS: gettext_lazy("Waiting: outside your hours"),
    ReasonCode.BATTERY_LOW: gettext_lazy("Waiting: the battery is under your floor"),
    ReasonCode.BATTERY_RECOVERING: gettext_lazy("Waiting: the battery is still filling up"),
    ReasonCode.BATTERY_UNKNOWN: gettext_lazy("Waiting: the car does not say its charge"),
    ReasonCode.TOO_HOT: gettext_lazy("Waiting: the battery is too warm"),
    ReasonCode.TOO_COLD: gettext_lazy("Waiting: the battery is too cold"),
    ReasonCode.TEMPERATURE_UNKNOWN: gettext_lazy("Waiting: the car does not say its warmth"),
    ReasonCode.DAY_ENERGY_SPENT: gettext_lazy("Done for today: your energy limit is reached"),
    ReasonCode.MONTH_ENERGY_SPENT: gettext_lazy("Done for this month: energy limit reached"),
    ReasonCode.DAY_COMPUTE_SPENT: gettext_lazy("Done for today: your hours limit is reached"),
    ReasonCode.MONTH_COMPUTE_SPENT: gettext_lazy("Done for this month: hours limit reached"),
    ReasonCode.POWER_EXCEEDED: gettext_lazy("Stopped: more power than you allow"),
    ReasonCode.WORKLOAD_UNLABELLED: gettext_lazy("Refused: the work did not say its kind"),
    ReasonCode.WORKLOAD_REFUSED: gettext_lazy("Refused: a kind of work you do not want"),
    ReasonCode.CLOSED_DATE: gettext_lazy("Waiting: you closed this date"),
    ReasonCode.QUIET_EXCEEDED: gettext_lazy("Stopped: more power than your quiet hours allow"),
    ReasonCode.MONTH_WEAR_SPENT: gettext_lazy("Done for this month: wear limit reached"),
    ReasonCode.REWARD_TOO_LOW: gettext_lazy("Refused: it pays less than you ask"),
    ReasonCode.REWARD_UNKNOWN: gettext_lazy("Refused: nobody said what the work pays"),
    ReasonCode.BUYER_REFUSED: gettext_lazy("Refused: a buyer you do not want"),
    ReasonCode.BUYER_UNKNOWN: gettext_lazy("Refused: nobody said whose work it is"),
    ReasonCode.MONTH_DATA_SPENT: gettext_lazy("Done for this month: mobile data used up"),
    ReasonCode.READY_BY: gettext_lazy("Waiting: charging to be ready in time"),
    ReasonCode.CONSENT_EXPIRED: gettext_lazy("Off: your consent has expired"),
    ReasonCode.COOLING_DOWN: gettext_lazy("Waiting: the battery is cooling down"),
    ReasonCode.WARMING_UP: gettext_lazy("Waiting: the battery is warming up"),
    ReasonCode.CONNECTION_LOST: gettext_lazy("Waiting: the car has lost its connection"),
    ReasonCode.TELEMETRY_CONTRADICTORY: gettext_lazy("Waiting: the car contradicts itself"),
    ReasonCode.TELEMETRY_OUT_OF_RANGE: gettext_lazy("Waiting: the car says what cannot be"),
    ReasonCode.TELEMETRY_IN_FUTURE: gettext_lazy("Waiting: the clock of the car is ahead"),
}

GATE_LABELS: dict[Gate, Text] = {
    Gate.CONSENT: gettext_lazy("Your consent"),
    Gate.PAUSE: gettext_lazy("Not paused"),
    Gate.TELEMETRY: gettext_lazy("Heard from the car"),
    Gate.DRIVING: gettext_lazy("Parked"),
    Gate.PLUG: gettext_lazy("Plugged in"),
    Gate.HOME: gettext_lazy("Parked at home"),
    Gate.HOURS: gettext_lazy("Inside your hours"),
    Gate.BATTERY: gettext_lazy("Battery floor"),
    Gate.HEAT: gettext_lazy("Battery not too warm"),
    Gate.COLD: gettext_lazy("Battery not too cold"),
    Gate.DAY_ENERGY: gettext_lazy("Energy today"),
    Gate.MONTH_ENERGY: gettext_lazy("Energy this month"),
    Gate.DAY_COMPUTE: gettext_lazy("Hours today"),
    Gate.MONTH_COMPUTE: gettext_lazy("Hours this month"),
    Gate.POWER: gettext_lazy("Power limit"),
    Gate.WORKLOAD: gettext_lazy("Kind of work"),
    Gate.READY: gettext_lazy("Ready in time"),
    Gate.WEAR: gettext_lazy("Wear this month"),
    Gate.DATA: gettext_lazy("Mobile data this month"),
    Gate.BUYER: gettext_lazy("Buyer"),
    Gate.REWARD: gettext_lazy("Reward"),
}

# Where a reason leads: the row of the editor, by the keys of `consent.rules.parts`. What no
# rule of an owner causes has a row there too, which says so.
REASON_FIELDS: dict[ReasonCode, str] = {
    ReasonCode.NO_CONSENT: "consent",
    ReasonCode.CONSENT_WITHDRAWN: "consent",
    ReasonCode.CONSENT_EXPIRED: "consent",
    ReasonCode.PAUSED: "pause",
    ReasonCode.TELEMETRY_MISSING: "telemetry",
    ReasonCode.TELEMETRY_STALE: "telemetry",
    ReasonCode.CONNECTION_LOST: "telemetry",
    ReasonCode.TELEMETRY_CONTRADICTORY: "telemetry",
    ReasonCode.TELEMETRY_OUT_OF_RANGE: "telemetry",
    ReasonCode.TELEMETRY_IN_FUTURE: "telemetry",
    ReasonCode.DRIVING: "driving",
    ReasonCode.NOT_PLUGGED_IN: "plug",
    ReasonCode.PLUG_UNKNOWN: "plug",
    ReasonCode.NOT_HOME: "home",
    ReasonCode.HOME_UNKNOWN: "home",
    ReasonCode.OUTSIDE_HOURS: "hours",
    ReasonCode.CLOSED_DATE: "dates",
    ReasonCode.BATTERY_LOW: "battery",
    ReasonCode.BATTERY_RECOVERING: "battery",
    ReasonCode.BATTERY_UNKNOWN: "battery",
    ReasonCode.READY_BY: "ready_by",
    ReasonCode.TOO_HOT: "temperature",
    ReasonCode.COOLING_DOWN: "temperature",
    ReasonCode.TOO_COLD: "temperature",
    ReasonCode.WARMING_UP: "temperature",
    ReasonCode.TEMPERATURE_UNKNOWN: "temperature",
    ReasonCode.DAY_ENERGY_SPENT: "energy",
    ReasonCode.MONTH_ENERGY_SPENT: "energy",
    ReasonCode.DAY_COMPUTE_SPENT: "compute",
    ReasonCode.MONTH_COMPUTE_SPENT: "compute",
    ReasonCode.MONTH_WEAR_SPENT: "wear",
    ReasonCode.MONTH_DATA_SPENT: "data",
    ReasonCode.POWER_EXCEEDED: "power",
    ReasonCode.QUIET_EXCEEDED: "quiet",
    ReasonCode.WORKLOAD_UNLABELLED: "categories",
    ReasonCode.WORKLOAD_REFUSED: "categories",
    ReasonCode.BUYER_REFUSED: "buyers",
    ReasonCode.BUYER_UNKNOWN: "buyers",
    ReasonCode.REWARD_TOO_LOW: "reward",
    ReasonCode.REWARD_UNKNOWN: "reward",
}

BYTES_PER_GB = 10**9
# What is known only when work comes; an owner's page asks as if the right work came.
_GATES_OF_WORK = frozenset({Gate.WORKLOAD, Gate.BUYER, Gate.REWARD})
_NEVER_SHOWN = frozenset({Gate.POWER, Gate.CONSENT, Gate.PAUSE, Gate.TELEMETRY})


@dataclass(frozen=True, slots=True)
class GateWords:
    """
    One check as the sign shows it; "later": it has nothing to look at yet.
    """

    gate: Gate
    state: Literal["ok", "no", "later"]
    label: Text
    value: str


def describe_decision(decision: Decision) -> Text:
    """
    Return the one line that says what is true now.
    """
    if decision.permit:
        return _("Ready for work")
    code = decision.reasons[0].code
    assert code is not None
    return REASON_TITLES[code]


def describe_gates(
    decision: Decision, *, zone: str, now: datetime, closes_at: datetime | None = None
) -> tuple[GateWords, ...]:
    """
    Return every check that has something to say, in the order in which it is made.

    `closes_at` is when the present hours end; without it the gate says "Yes".
    """
    return tuple(
        GateWords(
            finding.gate,
            _find_state(finding),
            GATE_LABELS[finding.gate],
            _write_value(finding, zone=zone, now=now, closes_at=closes_at),
        )
        for finding in decision.findings
        if _is_worth_showing(finding)
    )


def _is_worth_showing(finding: Finding) -> bool:
    """
    Return whether an owner would look for this check: refusals, and rules that they set.
    """
    if finding.code is not None or finding.gate in {Gate.PLUG, Gate.HOURS, Gate.BATTERY}:
        return True
    if finding.gate is Gate.READY:
        # Most of the week no charge is asked for.
        return bool(finding.limit)
    return finding.gate not in _NEVER_SHOWN and finding.limit is not None


def _find_state(finding: Finding) -> Literal["ok", "no", "later"]:
    if finding.code is not None:
        return "no"
    return "later" if finding.gate in _GATES_OF_WORK or finding.value is None else "ok"


def _write_value(finding: Finding, *, zone: str, now: datetime, closes_at: datetime | None) -> str:
    if finding.gate is Gate.HOURS and closes_at is not None and finding.code is None:
        return _("Until %(time)s") % {"time": local_time(closes_at, zone)}
    if finding.gate in _GATES_OF_WORK and finding.code is None:
        return _("Not asked yet")
    if finding.opens_at is not None:
        return _("From %(time)s") % {"time": _write_moment(finding.opens_at, zone, now)}
    if isinstance(finding.value, datetime) and finding.gate is Gate.TELEMETRY:
        return since(finding.value, now)
    if finding.value is None and finding.gate is not Gate.CONSENT:
        return _("Unknown")
    return _WRITERS.get(finding.gate, _write_yes)(finding)


def _write_moment(at: datetime, zone: str, now: datetime) -> str:
    """
    Return a clock's time, with the weekday when it is not within a day.
    """
    text = local_time(at, zone)
    if at - now < timedelta(hours=20):
        return text
    return f"{WEEKDAYS_ABBR[in_zone(at, zone).weekday()]} {text}"


def _write_yes(finding: Finding) -> str:
    return _("Yes") if finding.value and finding.code is None else _("No")


def _write_driving(finding: Finding) -> str:
    return _("No") if finding.value else _("Yes")


def _write_permille(finding: Finding) -> str:
    return _write_pair(finding, lambda value: number(value // 10), "\N{NO-BREAK SPACE}%")


def _write_degrees(finding: Finding) -> str:
    return _write_pair(finding, lambda value: number(value // 10), "\N{NO-BREAK SPACE}°C")


def _write_energy(finding: Finding) -> str:
    return _write_pair(finding, lambda value: number(value / 1000, 1), "\N{NO-BREAK SPACE}kWh")


def _write_hours(finding: Finding) -> str:
    # As the limit was typed: 200 h, not 8 days and 8 hours.
    return _write_pair(finding, lambda value: number(value / 3600, 2), "\N{NO-BREAK SPACE}h")


def _write_data(finding: Finding) -> str:
    # In the unit of the limit, as the editor shows it.
    limit = finding.limit if isinstance(finding.limit, int) else 0
    if limit < BYTES_PER_GB:
        return _write_pair(finding, lambda value: number(value / 10**6), "\N{NO-BREAK SPACE}MB")
    return _write_pair(
        finding, lambda value: number(value / BYTES_PER_GB, 2), "\N{NO-BREAK SPACE}GB"
    )


def _write_power(finding: Finding) -> str:
    return _write_pair(finding, number, "\N{NO-BREAK SPACE}W")


def _write_reward(finding: Finding) -> str:
    return _write_pair(finding, money_exact, "")


def _write_pair(finding: Finding, write: Callable[[int], str], unit: str) -> str:
    """
    Return "47 / 60 %": what is, and the limit when there is one.
    """
    assert isinstance(finding.value, int)
    text = write(finding.value)
    if isinstance(finding.limit, int):
        text = f"{text} / {write(finding.limit)}"
    return text + unit


_WRITERS: dict[Gate, Callable[[Finding], str]] = {
    Gate.DRIVING: _write_driving,
    Gate.BATTERY: _write_permille,
    Gate.READY: _write_permille,
    Gate.HEAT: _write_degrees,
    Gate.COLD: _write_degrees,
    Gate.DAY_ENERGY: _write_energy,
    Gate.MONTH_ENERGY: _write_energy,
    Gate.DAY_COMPUTE: _write_hours,
    Gate.MONTH_COMPUTE: _write_hours,
    Gate.WEAR: _write_permille,
    Gate.DATA: _write_data,
    Gate.POWER: _write_power,
    Gate.REWARD: _write_reward,
}
