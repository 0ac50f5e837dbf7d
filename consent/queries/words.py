"""
Decisions and rules in an owner's words, in the language of the request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.queries.evidence import write_minute
from consent.rules import (
    Decision,
    Finding,
    Gate,
    ReasonCode,
    RulesDraft,
    Window,
    WorkloadCategory,
)
from web.templatetags.parado import duration, in_zone, local_time, number


Text = str | Promise

CATEGORIES: dict[WorkloadCategory, Text] = {
    WorkloadCategory.INFERENCE: gettext_lazy("AI inference"),
    WorkloadCategory.RESEARCH: gettext_lazy("Scientific research"),
    WorkloadCategory.RENDERING: gettext_lazy("Video and 3D rendering"),
    WorkloadCategory.TRAINING: gettext_lazy("Model training"),
    WorkloadCategory.SPEECH: gettext_lazy("Speech and translation"),
    WorkloadCategory.OTHER: gettext_lazy("Anything else"),
}

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
}

DAY_SETS: dict[tuple[int, ...], Text] = {
    (0, 1, 2, 3, 4, 5, 6): gettext_lazy("Every day"),
    (0, 1, 2, 3, 4): gettext_lazy("Weekdays"),
    (5, 6): gettext_lazy("Weekends"),
}


@dataclass(frozen=True, slots=True)
class GateWords:
    """
    One check as the sign shows it; "later": it has nothing to look at yet.
    """

    gate: Gate
    state: Literal["ok", "no", "later"]
    label: Text
    value: str


@dataclass(frozen=True, slots=True)
class RuleWords:
    """
    One rule in words; `field` is the name of what an owner set.
    """

    field: str
    label: Text
    text: str


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
    if finding.gate in {Gate.POWER, Gate.CONSENT, Gate.PAUSE, Gate.TELEMETRY}:
        return False
    return finding.limit is not None


def _find_state(finding: Finding) -> Literal["ok", "no", "later"]:
    if finding.code is not None:
        return "no"
    return "later" if finding.gate is Gate.WORKLOAD or finding.value is None else "ok"


def _write_value(finding: Finding, *, zone: str, now: datetime, closes_at: datetime | None) -> str:
    if finding.gate is Gate.HOURS and closes_at is not None and finding.code is None:
        return _("Until %(time)s") % {"time": local_time(closes_at, zone)}
    if finding.gate is Gate.WORKLOAD and finding.code is None:
        return _("Not asked yet")
    if finding.opens_at is not None:
        return _("From %(time)s") % {"time": _write_moment(finding.opens_at, zone, now)}
    if finding.value is None:
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


def _write_charge(finding: Finding) -> str:
    return _write_pair(finding, lambda value: number(value // 10), "\N{NO-BREAK SPACE}%")


def _write_heat(finding: Finding) -> str:
    return _write_pair(finding, lambda value: number(value // 10), "\N{NO-BREAK SPACE}°C")


def _write_energy(finding: Finding) -> str:
    return _write_pair(finding, lambda value: number(value / 1000, 1), "\N{NO-BREAK SPACE}kWh")


def _write_time(finding: Finding) -> str:
    return _write_pair(finding, duration, "")


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
    Gate.BATTERY: _write_charge,
    Gate.HEAT: _write_heat,
    Gate.COLD: _write_heat,
    Gate.DAY_ENERGY: _write_energy,
    Gate.MONTH_ENERGY: _write_energy,
    Gate.DAY_COMPUTE: _write_time,
    Gate.MONTH_COMPUTE: _write_time,
}


def describe_rules(draft: RulesDraft) -> tuple[RuleWords, ...]:
    """
    Return every rule in words, in the order of the editor.
    """
    return (
        RuleWords("hours", _("Hours"), describe_week(draft)),
        RuleWords("time_zone", _("Clock"), draft.time_zone),
        RuleWords("battery", _("Battery"), _describe_battery(draft)),
        RuleWords("plugged_in_only", _("Plug"), _describe_plug(draft)),
        RuleWords("home_only", _("Place"), _describe_home(draft)),
        RuleWords("temperature", _("Battery temperature"), _describe_temperature(draft)),
        RuleWords("energy", _("Energy"), _describe_energy(draft)),
        RuleWords("compute", _("Working time"), _describe_compute(draft)),
        RuleWords("power_limit_w", _("Power"), _describe_power(draft)),
        RuleWords("categories", _("Kinds of work"), _describe_work(draft)),
    )


def describe_week(draft: RulesDraft) -> str:
    hours = draft.week_mask.bit_count() / 4
    spans = "; ".join(describe_window(window) for window in draft.windows)
    return _("%(spans)s (%(hours)s of 168 hours)") % {"spans": spans, "hours": number(hours, 2)}


def describe_window(window: Window) -> str:
    days = DAY_SETS.get(window.days) or ", ".join(str(WEEKDAYS_ABBR[day]) for day in window.days)
    times = f"{write_minute(window.starts_minute)}\N{EN DASH}{write_minute(window.ends_minute)}"
    return f"{days} {times}"


def _describe_battery(draft: RulesDraft) -> str:
    return _("Stops under %(stop)s %%, starts again at %(resume)s %%") % {
        "stop": draft.battery_stop_pct,
        "resume": draft.battery_resume_pct,
    }


def _describe_plug(draft: RulesDraft) -> str:
    return _("Only while plugged in") if draft.plugged_in_only else _("Plugged in or not")


def _describe_home(draft: RulesDraft) -> str:
    return _("Only at home") if draft.home_only else _("At home or away")


def _describe_temperature(draft: RulesDraft) -> str:
    low, high = draft.temp_low_c, draft.temp_high_c
    if low is not None and high is not None:
        return _("Between %(low)s and %(high)s °C") % {"low": low, "high": high}
    if high is not None:
        return _("Up to %(high)s °C") % {"high": high}
    if low is not None:
        return _("From %(low)s °C") % {"low": low}
    return _("At any temperature")


def _describe_energy(draft: RulesDraft) -> str:
    return _join_limits(
        _per_day(draft.energy_wh_per_day_max, _write_kwh),
        _per_month(draft.energy_wh_per_month_max, _write_kwh),
    )


def _describe_compute(draft: RulesDraft) -> str:
    return _join_limits(
        _per_day(draft.compute_s_per_day_max, _write_hours),
        _per_month(draft.compute_s_per_month_max, _write_hours),
    )


def _write_kwh(energy_wh: int) -> str:
    return f"{number(energy_wh / 1000, 3)}\N{NO-BREAK SPACE}kWh"


def _write_hours(duration_s: int) -> str:
    return f"{number(duration_s / 3600, 2)}\N{NO-BREAK SPACE}h"


def _per_day(limit: int | None, write: Callable[[int], str]) -> str:
    return "" if limit is None else _("%(limit)s a day") % {"limit": write(limit)}


def _per_month(limit: int | None, write: Callable[[int], str]) -> str:
    return "" if limit is None else _("%(limit)s a month") % {"limit": write(limit)}


def _join_limits(*limits: str) -> str:
    given = [limit for limit in limits if limit]
    return _("At most %(limits)s") % {"limits": ", ".join(given)} if given else _("No limit")


def _describe_power(draft: RulesDraft) -> str:
    if draft.power_limit_w is None:
        return _("As much as the computer draws")
    return _("At most %(power)s W") % {"power": number(draft.power_limit_w)}


def _describe_work(draft: RulesDraft) -> str:
    return ", ".join(str(CATEGORIES[category]) for category in draft.categories)
