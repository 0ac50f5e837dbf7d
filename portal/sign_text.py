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
    money_exact,
    number,
    pct,
    since,
)


# {value} is what was found, {limit} what the owner set, {opens} when the clock lifts it, {since}
# when the version in force began.
SENTENCES: dict[ReasonCode, str | Promise] = {
    ReasonCode.NO_CONSENT: gettext_lazy(
        "Nobody may use this car before you have set its rules and confirmed them."
    ),
    ReasonCode.CONSENT_WITHDRAWN: gettext_lazy(
        "Nothing runs any more since <strong>{since}</strong>. You can agree again at any time."
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
    ReasonCode.CLOSED_DATE: gettext_lazy(
        "You closed this date. Your hours begin again at <strong>{opens}</strong>."
    ),
    ReasonCode.QUIET_EXCEEDED: gettext_lazy(
        "It drew <strong>{value}</strong> and you allow <strong>{limit}</strong> in your quiet "
        "hours. Work that draws less can run."
    ),
    ReasonCode.MONTH_WEAR_SPENT: gettext_lazy(
        "It has used <strong>{value}</strong> of the wear that you allow a month. "
        "The count starts again on <strong>{opens}</strong>."
    ),
    ReasonCode.REWARD_TOO_LOW: gettext_lazy(
        "The work pays <strong>{value}</strong> an hour after electricity and wear, and you ask "
        "for <strong>{limit}</strong>. Work that pays more can run."
    ),
    ReasonCode.REWARD_UNKNOWN: gettext_lazy(
        "You ask for <strong>{limit}</strong> an hour after electricity and wear, and nobody "
        "said what the work pays. Work of a booking can run."
    ),
    ReasonCode.BUYER_REFUSED: gettext_lazy(
        "You do not want work of this buyer. Work of other buyers can run."
    ),
    ReasonCode.BUYER_UNKNOWN: gettext_lazy(
        "You choose whose work runs, and nobody said whose this is. Work of a booking can run."
    ),
    ReasonCode.MONTH_DATA_SPENT: gettext_lazy(
        "It has moved <strong>{value}</strong> of the <strong>{limit}</strong> of mobile data "
        "that you allow a month. The count starts again on <strong>{opens}</strong>."
    ),
    ReasonCode.READY_BY: gettext_lazy(
        "It is at <strong>{value}</strong>, needs <strong>{limit}</strong> by now to be ready in "
        "time, and charges first. It can work again at <strong>{opens}</strong>, or as soon as "
        "it has caught up."
    ),
    ReasonCode.CONSENT_EXPIRED: gettext_lazy(
        "You agreed until <strong>{limit}</strong>, and nothing runs any more. "
        "Look at your rules and agree again at any time."
    ),
    ReasonCode.COOLING_DOWN: gettext_lazy(
        "Its battery was too warm and is at <strong>{value}</strong> now. "
        "It waits until <strong>{opens}</strong> before it works again, as you asked."
    ),
    ReasonCode.WARMING_UP: gettext_lazy(
        "Its battery was too cold and is at <strong>{value}</strong> now. "
        "It waits until <strong>{opens}</strong> before it works again, as you asked."
    ),
    ReasonCode.CONNECTION_LOST: gettext_lazy(
        "We last heard from it <strong>{value}</strong>, and work needs a word every "
        "<strong>{limit}</strong>. It can work again once it is connected."
    ),
    ReasonCode.TELEMETRY_CONTRADICTORY: gettext_lazy(
        "It said that it moves while it is plugged in, which cannot be. Its last report that "
        "counts came <strong>{value}</strong>; it can work again once the next one does."
    ),
    ReasonCode.TELEMETRY_OUT_OF_RANGE: gettext_lazy(
        "It reported a figure that no car can have. Its last report that counts came "
        "<strong>{value}</strong>; it can work again once the next one does."
    ),
    ReasonCode.TELEMETRY_IN_FUTURE: gettext_lazy(
        "Its report is dated later than now. Its last report that counts came "
        "<strong>{value}</strong>; it can work again once the next one does."
    ),
}

# The same where no clock will lift it.
ENDLESS_SENTENCES: dict[ReasonCode, str | Promise] = {
    ReasonCode.PAUSED: gettext_lazy("You set no end. Nothing runs until you resume."),
    ReasonCode.OUTSIDE_HOURS: gettext_lazy(
        "Your week has no hours for work. It can work once you allow some."
    ),
    ReasonCode.CLOSED_DATE: gettext_lazy(
        "You closed this date, and no hours follow it. It can work once you allow some."
    ),
    ReasonCode.READY_BY: gettext_lazy(
        "It is at <strong>{value}</strong>, and at no hour of your week is that enough to be "
        "ready in time: <strong>{limit}</strong> is needed now. It can work once it has charged."
    ),
    ReasonCode.COOLING_DOWN: gettext_lazy(
        "Its battery was too warm, is at <strong>{value}</strong> now, and cools down to "
        "<strong>{limit}</strong> before it works again."
    ),
    ReasonCode.WARMING_UP: gettext_lazy(
        "Its battery was too cold, is at <strong>{value}</strong> now, and warms up to "
        "<strong>{limit}</strong> before it works again."
    ),
    ReasonCode.DAY_ENERGY_SPENT: gettext_lazy(
        "The work needs more than the <strong>{limit}</strong> that you allow a day leave it. "
        "Smaller work can run."
    ),
    ReasonCode.MONTH_ENERGY_SPENT: gettext_lazy(
        "The work needs more than the <strong>{limit}</strong> that you allow a month leave it. "
        "Smaller work can run."
    ),
    ReasonCode.DAY_COMPUTE_SPENT: gettext_lazy(
        "The work needs more than the <strong>{limit}</strong> that you allow a day leave it. "
        "Shorter work can run."
    ),
    ReasonCode.MONTH_COMPUTE_SPENT: gettext_lazy(
        "The work needs more than the <strong>{limit}</strong> that you allow a month leave it. "
        "Shorter work can run."
    ),
    ReasonCode.MONTH_WEAR_SPENT: gettext_lazy(
        "The work would wear the car more than you allow a month. Smaller work can run."
    ),
    ReasonCode.MONTH_DATA_SPENT: gettext_lazy(
        "You allow no mobile data. It can work once you allow some."
    ),
}

# A pause that lets running jobs finish, by whether it has an end.
FINISHING_SENTENCES: dict[bool, str | Promise] = {
    True: gettext_lazy(
        "Nothing new begins until <strong>{opens}</strong>, and what ran when you paused may "
        "finish. From then on your rules decide again."
    ),
    False: gettext_lazy(
        "You set no end. Nothing new begins until you resume, and what ran when you paused may "
        "finish."
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
    return format_html(
        str(_find_sentence(first, card)),
        value=_write_value(first, now),
        limit=_write_limit(first, card, now),
        opens=_write_moment(first.opens_at, card.time_zone, now) if first.opens_at else "",
        resume=pct(card.rules.battery_resume_pct) if card.rules else "",
        since=_write_moment(card.version_since, card.time_zone, now),
    )


def _find_sentence(first: Finding, card: VehicleCard) -> str | Promise:
    assert first.code is not None
    has_end = first.opens_at is not None
    if first.code is ReasonCode.PAUSED and card.pause and card.pause.lets_jobs_finish:
        return FINISHING_SENTENCES[has_end]
    sentence = SENTENCES[first.code]
    return sentence if has_end else ENDLESS_SENTENCES.get(first.code, sentence)


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


def _write_limit(finding: Finding, card: VehicleCard, now: datetime) -> str:
    if isinstance(finding.limit, datetime):
        return _write_moment(finding.limit, card.time_zone, now)
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


def _write_megabytes(size_bytes: int) -> str:
    return f"{number(size_bytes / 10**6)}\N{NO-BREAK SPACE}MB"


FIGURES: dict[Gate, Callable[[int], str]] = {
    Gate.TELEMETRY: duration,
    Gate.BATTERY: _write_charge,
    Gate.READY: _write_charge,
    Gate.HEAT: _write_degrees,
    Gate.COLD: _write_degrees,
    Gate.DAY_ENERGY: energy,
    Gate.MONTH_ENERGY: energy,
    Gate.DAY_COMPUTE: duration,
    Gate.MONTH_COMPUTE: duration,
    Gate.WEAR: _write_charge,
    Gate.DATA: _write_megabytes,
    Gate.POWER: _write_watts,
    Gate.REWARD: money_exact,
}
