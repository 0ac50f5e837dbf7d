"""
What an owner's sign says under its title: the figure, the owner's limit, and what happens next.
"""

from collections.abc import Callable
from datetime import datetime

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consent.queries import VehicleCard
from consent.queries.words import CATEGORIES
from consent.rules import Decision, Finding, Gate, ReasonCode
from web.templatetags.parado import (
    duration,
    energy,
    in_zone,
    local_datetime,
    local_time,
    number,
    pct,
    since,
)


# {value} is what was found, {limit} what the owner set, {opens} when the clock lifts it.
SENTENCES: dict[ReasonCode, str | Promise] = {
    ReasonCode.NO_CONSENT: gettext_lazy(
        "Nobody may use this car before you have set its rules and confirmed them."
    ),
    ReasonCode.CONSENT_WITHDRAWN: gettext_lazy(
        "You withdrew version <strong>{version}</strong>, and nothing runs any more. "
        "You can agree again at any time."
    ),
    ReasonCode.PAUSED: gettext_lazy(
        "Nothing runs until <strong>{opens}</strong>. From then on your rules decide again."
    ),
    ReasonCode.TELEMETRY_MISSING: gettext_lazy(
        "We have not heard from this car yet. It can work once it has reported how it stands."
    ),
    ReasonCode.TELEMETRY_STALE: gettext_lazy(
        "It last reported <strong>{value}</strong>, and what is older than "
        "<strong>{limit}</strong> does not count. It can work again once it reports."
    ),
    ReasonCode.DRIVING: gettext_lazy(
        "It moves, and a car on the road never works. It can work again once it is parked."
    ),
    ReasonCode.NOT_PLUGGED_IN: gettext_lazy(
        "You allow work only while it is plugged in, and it is not. "
        "It can work again once you plug it in."
    ),
    ReasonCode.PLUG_UNKNOWN: gettext_lazy(
        "You allow work only while it is plugged in, and it does not say whether it is. "
        "It can work again once it does."
    ),
    ReasonCode.NOT_HOME: gettext_lazy(
        "You allow work only at home, and it is away. It can work again once it is back."
    ),
    ReasonCode.HOME_UNKNOWN: gettext_lazy(
        "You allow work only at home, and it does not say whether it is there. "
        "It can work again once it does."
    ),
    ReasonCode.OUTSIDE_HOURS: gettext_lazy(
        "Your hours begin again at <strong>{opens}</strong>. Nothing runs before."
    ),
    ReasonCode.BATTERY_LOW: gettext_lazy(
        "It is at <strong>{value}</strong> and you asked us to leave the car alone below "
        "<strong>{limit}</strong>. It can work again from <strong>{resume}</strong> on."
    ),
    ReasonCode.BATTERY_RECOVERING: gettext_lazy(
        "It was under your floor, is at <strong>{value}</strong> now, and fills up to "
        "<strong>{limit}</strong> before it works again."
    ),
    ReasonCode.BATTERY_UNKNOWN: gettext_lazy(
        "You asked us to leave the car alone below <strong>{limit}</strong>, and it does not "
        "say its charge. It can work again once it does."
    ),
    ReasonCode.TOO_HOT: gettext_lazy(
        "Its battery is at <strong>{value}</strong> and you allow at most "
        "<strong>{limit}</strong>. It can work again once it has cooled down."
    ),
    ReasonCode.TOO_COLD: gettext_lazy(
        "Its battery is at <strong>{value}</strong> and you allow work from "
        "<strong>{limit}</strong> on. It can work again once it is warmer."
    ),
    ReasonCode.TEMPERATURE_UNKNOWN: gettext_lazy(
        "You set <strong>{limit}</strong> as a limit for its battery, and it does not say how "
        "warm that is. It can work again once it does."
    ),
    ReasonCode.DAY_ENERGY_SPENT: gettext_lazy(
        "It has used <strong>{value}</strong> of the <strong>{limit}</strong> that you allow "
        "a day. The count starts again at <strong>{opens}</strong>."
    ),
    ReasonCode.MONTH_ENERGY_SPENT: gettext_lazy(
        "It has used <strong>{value}</strong> of the <strong>{limit}</strong> that you allow "
        "a month. The count starts again on <strong>{opens}</strong>."
    ),
    ReasonCode.DAY_COMPUTE_SPENT: gettext_lazy(
        "It has worked <strong>{value}</strong> of the <strong>{limit}</strong> that you allow "
        "a day. The count starts again at <strong>{opens}</strong>."
    ),
    ReasonCode.MONTH_COMPUTE_SPENT: gettext_lazy(
        "It has worked <strong>{value}</strong> of the <strong>{limit}</strong> that you allow "
        "a month. The count starts again on <strong>{opens}</strong>."
    ),
    ReasonCode.POWER_EXCEEDED: gettext_lazy(
        "It drew <strong>{value}</strong> and you allow <strong>{limit}</strong>. "
        "Work that draws less can run."
    ),
    ReasonCode.WORKLOAD_UNLABELLED: gettext_lazy(
        "You allow <strong>{limit}</strong>, and the work did not say what it is. "
        "Work that says so can run."
    ),
    ReasonCode.WORKLOAD_REFUSED: gettext_lazy(
        "The work was <strong>{value}</strong>, and you allow <strong>{limit}</strong>. "
        "Work of that kind can run."
    ),
}

# The same where no clock will lift it.
ENDLESS_SENTENCES: dict[ReasonCode, str | Promise] = {
    ReasonCode.PAUSED: gettext_lazy("You set no end. Nothing runs until you resume."),
    ReasonCode.OUTSIDE_HOURS: gettext_lazy(
        "Your week has no hours for work. It can work once you allow some."
    ),
}


def write_sign_text(card: VehicleCard, *, now: datetime) -> SafeString | str:
    """
    Return what stands under a car's title: why, with the figures, and what happens next.
    """
    decision = card.decision
    if decision.permit:
        return _(
            "Every rule you set is met. When a buyer has work, it runs, and pays your "
            "electricity and wear first."
        )
    parts = (_write_reason(card, now), _write_opening(card, now), _count_others(decision))
    return format_html("{} {} {}", *parts) if parts[2] else format_html("{} {}", *parts[:2])


def _write_reason(card: VehicleCard, now: datetime) -> SafeString:
    first = card.decision.reasons[0]
    assert first.code is not None
    sentence = SENTENCES[first.code]
    if first.opens_at is None:
        sentence = ENDLESS_SENTENCES.get(first.code, sentence)
    return format_html(
        str(sentence),
        value=_write_value(first, now),
        limit=_write_limit(first),
        opens=_write_moment(first.opens_at, card.time_zone, now) if first.opens_at else "",
        resume=pct(card.rules.battery_resume_pct) if card.rules else "",
        version=card.decision.consent_version,
    )


def _write_opening(card: VehicleCard, now: datetime) -> SafeString | str:
    """
    Return when the owner's hours open, unless the reason has just said so.
    """
    decision = card.decision
    if decision.next_open_at in {None, decision.reasons[0].opens_at}:
        return ""
    return format_html(
        _("The next hours that you allow begin at <strong>{time}</strong>."),
        time=_write_moment(decision.next_open_at, card.time_zone, now),
    )


def _count_others(decision: Decision) -> str:
    count = len(decision.reasons) - 1
    if not count:
        return ""
    text = ngettext("One more rule says no too.", "%(count)s more rules say no too.", count)
    return text % {"count": number(count)}


def _write_value(finding: Finding, now: datetime) -> str:
    if finding.gate is Gate.TELEMETRY:
        return since(finding.value, now) if isinstance(finding.value, datetime) else ""
    return _write_figure(finding.gate, finding.value)


def _write_limit(finding: Finding) -> str:
    return _write_figure(finding.gate, finding.limit)


def _write_figure(gate: Gate, figure: object) -> str:
    """
    Return a value or limit in the unit of its rule; "" for what has no figure, as yes and no.
    """
    if isinstance(figure, str):
        return _name_categories(figure)
    if gate not in FIGURES or not isinstance(figure, int):
        return ""
    return FIGURES[gate](figure)


def _name_categories(codes: str) -> str:
    chosen = set(codes.split(","))
    names = [str(name) for category, name in CATEGORIES.items() if category.value in chosen]
    return ", ".join(names) or _("no kind of work")


def _write_moment(at: datetime | None, zone: str, now: datetime) -> str:
    """
    Return a clock's time, with the day unless it is today.
    """
    if at is not None and in_zone(at, zone).date() == in_zone(now, zone).date():
        return local_time(at, zone)
    return local_datetime(at, zone)


def _write_charge(permille: int) -> str:
    return pct(permille / 10)


def _write_degrees(tenths: int) -> str:
    return f"{number(tenths / 10, 1)}\N{NO-BREAK SPACE}°C"


def _write_watts(power_w: int) -> str:
    return f"{number(power_w)}\N{NO-BREAK SPACE}W"


FIGURES: dict[Gate, Callable[[int], str]] = {
    Gate.TELEMETRY: duration,
    Gate.BATTERY: _write_charge,
    Gate.HEAT: _write_degrees,
    Gate.COLD: _write_degrees,
    Gate.DAY_ENERGY: energy,
    Gate.MONTH_ENERGY: energy,
    Gate.DAY_COMPUTE: duration,
    Gate.MONTH_COMPUTE: duration,
    Gate.POWER: _write_watts,
}
