"""
Each reason as a phrase inside a sentence: "Outside your rules: the battery is under your floor".
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.rules import ReasonCode


REASON_PHRASES: dict[ReasonCode, str | Promise] = {
    ReasonCode.NO_CONSENT: _("you had agreed to nothing"),
    ReasonCode.CONSENT_WITHDRAWN: _("you had withdrawn your consent"),
    ReasonCode.PAUSED: _("you had paused the car"),
    ReasonCode.TELEMETRY_MISSING: _("the car had not reported"),
    ReasonCode.TELEMETRY_STALE: _("no word from the car"),
    ReasonCode.DRIVING: _("the car moved"),
    ReasonCode.NOT_PLUGGED_IN: _("not plugged in"),
    ReasonCode.PLUG_UNKNOWN: _("the car did not say if it was plugged in"),
    ReasonCode.NOT_HOME: _("not at home"),
    ReasonCode.HOME_UNKNOWN: _("the car did not say if it was at home"),
    ReasonCode.OUTSIDE_HOURS: _("outside your hours"),
    ReasonCode.BATTERY_LOW: _("battery under your floor"),
    ReasonCode.BATTERY_RECOVERING: _("battery still filling up"),
    ReasonCode.BATTERY_UNKNOWN: _("the car did not say its charge"),
    ReasonCode.TOO_HOT: _("battery too warm"),
    ReasonCode.TOO_COLD: _("battery too cold"),
    ReasonCode.TEMPERATURE_UNKNOWN: _("battery temperature unknown"),
    ReasonCode.DAY_ENERGY_SPENT: _("energy of the day used up"),
    ReasonCode.MONTH_ENERGY_SPENT: _("energy of the month used up"),
    ReasonCode.DAY_COMPUTE_SPENT: _("hours of the day used up"),
    ReasonCode.MONTH_COMPUTE_SPENT: _("hours of the month used up"),
    ReasonCode.POWER_EXCEEDED: _("more power than you allow"),
    ReasonCode.WORKLOAD_UNLABELLED: _("work of no named kind"),
    ReasonCode.WORKLOAD_REFUSED: _("a kind of work you do not want"),
    ReasonCode.CLOSED_DATE: _("a date that you closed"),
    ReasonCode.QUIET_EXCEEDED: _("more power than your quiet hours allow"),
    ReasonCode.MONTH_WEAR_SPENT: _("wear of the month used up"),
    ReasonCode.REWARD_TOO_LOW: _("less reward than you ask"),
    ReasonCode.REWARD_UNKNOWN: _("nobody said what the work paid"),
    ReasonCode.BUYER_REFUSED: _("a buyer you do not want"),
    ReasonCode.BUYER_UNKNOWN: _("nobody said whose work it was"),
    ReasonCode.MONTH_DATA_SPENT: _("mobile data of the month used up"),
    ReasonCode.READY_BY: _("charge needed to be ready in time"),
    ReasonCode.CONSENT_EXPIRED: _("your consent had expired"),
    ReasonCode.COOLING_DOWN: _("battery still cooling down"),
    ReasonCode.WARMING_UP: _("battery still warming up"),
    ReasonCode.CONNECTION_LOST: _("the car had lost its connection"),
    ReasonCode.TELEMETRY_CONTRADICTORY: _("the car contradicted itself"),
    ReasonCode.TELEMETRY_OUT_OF_RANGE: _("the car said what cannot be"),
    ReasonCode.TELEMETRY_IN_FUTURE: _("the clock of the car was ahead"),
}


def phrase_reason(code: ReasonCode) -> str:
    """
    Return a reason as a phrase in the language of the request.
    """
    return str(REASON_PHRASES[code])
