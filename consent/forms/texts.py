"""
What is wrong with a draft, and what is worth a second look, in an owner's words.
"""

from dataclasses import dataclass

from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.queries.words import DAY_SETS, Text, write_date
from consent.rules import FaultCode, RulesDraft
from consent.rules.cautions import Caution, CautionCode
from consent.rules.parts import find_part_of
from consent.rules.written import write_minute
from web.templatetags.parado import duration, number


FAULT_TEXTS: dict[FaultCode, Text] = {
    FaultCode.NO_HOURS: gettext_lazy(
        "No hour of the week is allowed, so the car could never work."
    ),
    FaultCode.ALL_DATES_CLOSED: gettext_lazy(
        "Every date on which your hours are open is closed, so the car could never work."
    ),
    FaultCode.TOO_MANY_WINDOWS: gettext_lazy("These are more windows than a week can hold."),
    FaultCode.WINDOW_EMPTY: gettext_lazy("A window starts and ends at the same time."),
    FaultCode.WINDOW_NOT_QUARTER: gettext_lazy("Times go by quarter-hours."),
    FaultCode.ZONE_UNKNOWN: gettext_lazy("Choose a time zone from the list."),
    FaultCode.TOO_MANY_DATES: gettext_lazy("These are more than 100 dates."),
    FaultCode.DATE_TWICE: gettext_lazy("This date stands in two lines."),
    FaultCode.DATE_PAST: gettext_lazy("This date is over."),
    FaultCode.DATE_AFTER_CONSENT: gettext_lazy(
        "This date is more than 13 months ahead, when your consent has to be asked for again."
    ),
    FaultCode.COUNTRY_UNKNOWN: gettext_lazy("Choose a country or a part of one from the list."),
    FaultCode.STOP_OUT_OF_RANGE: gettext_lazy("The floor must be between 20 and 95 %."),
    FaultCode.RESUME_OUT_OF_RANGE: gettext_lazy("The battery holds no more than 100 %."),
    FaultCode.RESUME_BELOW_STOP: gettext_lazy(
        "It cannot start again below the level at which it stops."
    ),
    FaultCode.STOP_ABOVE_CHARGE: gettext_lazy(
        "Your car is set to charge less far than this floor: it would never work."
    ),
    FaultCode.RESUME_ABOVE_CHARGE: gettext_lazy(
        "Your car is set to charge less far than this: once under the floor it would never start"
        " again."
    ),
    FaultCode.READY_NO_DAYS: gettext_lazy("Choose the days on which the car must be ready."),
    FaultCode.READY_NOT_QUARTER: gettext_lazy("Times go by quarter-hours."),
    FaultCode.READY_TWICE: gettext_lazy("Two lines ask for a level on the same day and time."),
    FaultCode.READY_OUT_OF_RANGE: gettext_lazy("The battery holds no more than 100 %."),
    FaultCode.READY_ABOVE_CHARGE: gettext_lazy(
        "Your car is set to charge less far than this level: it would never be ready."
    ),
    FaultCode.READY_NEVER_BINDS: gettext_lazy(
        "The battery never falls below your floor for work, so a level up to it changes nothing."
    ),
    FaultCode.READY_UNREACHABLE: gettext_lazy(
        "Your charger would need more than a week from your floor to this level."
    ),
    FaultCode.HIGH_OUT_OF_RANGE: gettext_lazy("The upper limit must be between 20 and 50 °C."),
    FaultCode.LOW_OUT_OF_RANGE: gettext_lazy(
        "The lower limit must be between −20 and 15 °C."  # noqa: RUF001 - a minus
    ),
    FaultCode.HIGH_RESUME_OUT_OF_RANGE: gettext_lazy(
        "It starts again at a temperature between 15 °C and the limit."
    ),
    FaultCode.LOW_RESUME_OUT_OF_RANGE: gettext_lazy(
        "It starts again at a temperature between the limit and 25 °C."
    ),
    FaultCode.RESUMES_CROSS: gettext_lazy(
        "After a cold spell it would have to be warmer than it may be after a hot one."
    ),
    FaultCode.HOLD_OUT_OF_RANGE: gettext_lazy("It may wait from 0 to 240 minutes."),
    FaultCode.HOLD_NEVER_BINDS: gettext_lazy(
        "Without a limit of temperature there is nothing to wait after."
    ),
    FaultCode.LIMIT_NOT_POSITIVE: gettext_lazy("With a limit of nothing the car could never work."),
    FaultCode.DAY_OVER_MONTH: gettext_lazy(
        "The limit of a day is above that of the month: it would never bind."
    ),
    FaultCode.POWER_NEVER_BINDS: gettext_lazy(
        "The computer never draws that much: the limit would never bind."
    ),
    FaultCode.QUIET_NO_HOURS: gettext_lazy("Say when it must be quiet, or switch it off."),
    FaultCode.QUIET_NEVER_BINDS: gettext_lazy(
        "The car draws no more than that anyway: the limit would never bind."
    ),
    FaultCode.REWARD_ABOVE_ALL: gettext_lazy(
        "No work pays your car that much at present, so it could never work."
    ),
    FaultCode.NO_BUYERS: gettext_lazy("Choose at least one buyer, or allow all of them."),
    FaultCode.NO_CATEGORIES: gettext_lazy("Allow at least one kind of work, or withdraw instead."),
    FaultCode.GRACE_NOT_ALLOWED: gettext_lazy("This rule stops a job at once: it is about safety."),
    FaultCode.GRACE_OUT_OF_RANGE: gettext_lazy("A job may go on for 1 to 240 minutes."),
    FaultCode.GRACE_TWICE: gettext_lazy("A rule has two answers for a running job."),
}


@dataclass(frozen=True, slots=True)
class CautionWords:
    """
    One caution as a page shows it; `part` is the anchor of the rule it is about.
    """

    part: str
    title: str
    text: str


def describe_fault(code: FaultCode, place: int | None) -> str | Promise:
    """
    Return a fault in words, with the line that it is about.
    """
    if place is None:
        return FAULT_TEXTS[code]
    return format_lazy("{} {}", _("Line %(line)s:") % {"line": place + 1}, FAULT_TEXTS[code])


def describe_caution(caution: Caution, draft: RulesDraft) -> CautionWords:
    """
    Return a caution in words.
    """
    part = find_part_of(caution.field)
    assert part is not None, "a caution is about a rule"
    title, text = _WRITERS[caution.code](caution, draft)
    return CautionWords(part, title, text)


def _write_ready(caution: Caution, draft: RulesDraft) -> tuple[str, str]:
    assert caution.place is not None, "it is about a line"
    rule = draft.ready_by[caution.place]
    values = {
        "hours": duration(caution.minutes * 60),
        "of_hours": duration(caution.of_minutes * 60),
        "days": _write_days(caution.days),
        "from": caution.level_pct,
        "level": rule.level_pct,
        "time": write_minute(rule.minute),
    }
    text = _(
        "%(days)s: with %(from)s %% in the battery, charging to %(level)s %% by %(time)s needs"
        " %(hours)s of the %(of_hours)s that are open before it."
    )
    if caution.code is CautionCode.READY_TAKES_ALL:
        return _("Charging takes all of these hours."), text % values
    return _("Charging takes most of these hours."), text % values


def _write_cap(caution: Caution, draft: RulesDraft) -> tuple[str, str]:  # noqa: ARG001 - a writer
    is_energy = caution.field.startswith("energy")
    most = f"{number(caution.limit / 1000, 1)} kWh" if is_energy else duration(caution.limit)
    text = _("Your hours hold no more than %(most)s, so it changes nothing.")
    if "_per_day_" in caution.field:
        return _("A limit of the day that is never reached."), text % {"most": most}
    return _("A limit of the month that is never reached."), text % {"most": most}


def _write_heat(caution: Caution, draft: RulesDraft) -> tuple[str, str]:
    text = _("A battery at work is often around %(usual)s °C. Above %(limit)s °C it waits.")
    values = {"usual": caution.limit, "limit": draft.temp_high_c}
    return _("Your upper temperature is low."), text % values


def _write_cold(caution: Caution, draft: RulesDraft) -> tuple[str, str]:
    text = _(
        "A parked battery is often around %(usual)s °C in winter. Below %(limit)s °C it waits."
    )
    values = {"usual": caution.limit, "limit": draft.temp_low_c}
    return _("Your lower temperature is high."), text % values


def _write_plug(caution: Caution, draft: RulesDraft) -> tuple[str, str]:  # noqa: ARG001 - a writer
    text = _("Work at night empties the battery down to %(floor)s %%: nothing fills it up.")
    return _("At night without a plug."), text % {"floor": draft.battery_stop_pct}


def _write_quiet(caution: Caution, draft: RulesDraft) -> tuple[str, str]:  # noqa: ARG001 - a writer
    text = _("Nothing works then anyway, so the quiet hours change nothing.")
    return _("Quiet outside your hours."), text


def _write_date(caution: Caution, draft: RulesDraft) -> tuple[str, str]:
    assert caution.place is not None, "it is about a line"
    each = draft.exceptions[caution.place]
    text = (
        _("Your hours are open then anyway.")
        if each.is_open
        else _("Your hours are closed on that weekday anyway.")
    )
    title = _("%(date)s changes nothing.") % {"date": write_date(each.on_date)}
    return title, text


def _write_wear(caution: Caution, draft: RulesDraft) -> tuple[str, str]:  # noqa: ARG001 - a writer
    title = _("One limit of wear hides another.")
    if caution.field.startswith("wear_distance"):
        text = _("Your limit in cycles is reached first: at what would be %(limit)s km.")
        return title, text % {"limit": number(caution.limit)}
    text = _("Your limit in kilometres is reached first: at %(limit)s cycles.")
    return title, text % {"limit": number(caution.limit / 1000, 2)}


def _write_days(days: tuple[int, ...]) -> str:
    known = DAY_SETS.get(days)
    return str(known) if known else ", ".join(str(WEEKDAYS[day]) for day in days)


_WRITERS = {
    CautionCode.READY_TAKES_HOURS: _write_ready,
    CautionCode.READY_TAKES_ALL: _write_ready,
    CautionCode.CAP_ABOVE_HOURS: _write_cap,
    CautionCode.HEAT_BELOW_USUAL: _write_heat,
    CautionCode.COLD_ABOVE_USUAL: _write_cold,
    CautionCode.NIGHT_WITHOUT_PLUG: _write_plug,
    CautionCode.QUIET_OUTSIDE_HOURS: _write_quiet,
    CautionCode.DATE_CHANGES_NOTHING: _write_date,
    CautionCode.WEAR_LIMIT_SHADOWED: _write_wear,
}
