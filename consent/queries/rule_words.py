"""
Rules in an owner's words, every figure with its unit, in the language of the request.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.utils.dateformat import format as format_date
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consent.queries.countries import name_country
from consent.rules import (
    BuyersMode,
    DateException,
    Gate,
    Grace,
    ReadyBy,
    RulesDraft,
    Window,
    WorkloadCategory,
)
from consent.rules.written import write_minute
from web.templatetags.parado import money, money_exact, number, pct


Text = str | Promise

CATEGORIES: dict[WorkloadCategory, Text] = {
    WorkloadCategory.INFERENCE: gettext_lazy("AI inference"),
    WorkloadCategory.RESEARCH: gettext_lazy("Scientific research"),
    WorkloadCategory.RENDERING: gettext_lazy("Video and 3D rendering"),
    WorkloadCategory.TRAINING: gettext_lazy("Model training"),
    WorkloadCategory.SPEECH: gettext_lazy("Speech and translation"),
    WorkloadCategory.OTHER: gettext_lazy("Anything else"),
}

# Days inside a sentence, where they have a name together.
DAY_PHRASES: dict[tuple[int, ...], Text] = {
    (0, 1, 2, 3, 4, 5, 6): gettext_lazy("every day"),
    (0, 1, 2, 3, 4): gettext_lazy("on weekdays"),
    (5, 6): gettext_lazy("on weekends"),
}

# What happened when grace begins; gates that an owner thinks of as one say the same.
GRACE_PHRASES: dict[Gate, Text] = {
    Gate.PAUSE: gettext_lazy("when you pause"),
    Gate.PLUG: gettext_lazy("when the plug is pulled"),
    Gate.HOME: gettext_lazy("when it is no longer at home"),
    Gate.HOURS: gettext_lazy("when your hours end"),
    Gate.DAY_ENERGY: gettext_lazy("when a limit of energy is reached"),
    Gate.MONTH_ENERGY: gettext_lazy("when a limit of energy is reached"),
    Gate.DAY_COMPUTE: gettext_lazy("when a limit of working time is reached"),
    Gate.MONTH_COMPUTE: gettext_lazy("when a limit of working time is reached"),
    Gate.WEAR: gettext_lazy("when the wear of the month is reached"),
    Gate.DATA: gettext_lazy("when the mobile data are used up"),
    Gate.POWER: gettext_lazy("when it draws too much power"),
    Gate.WORKLOAD: gettext_lazy("when you no longer want its kind of work"),
    Gate.BUYER: gettext_lazy("when you no longer want its buyer"),
    Gate.REWARD: gettext_lazy("when it pays less than you ask"),
}
# A figure stays on one line with its unit, wherever the text is broken.
FIGURE = re.compile(r"(?<=\d) (?=(?:%|°C|kWh|Wh|W|h|min|km|MB|GB)(?!\w))")
NOBODY: Mapping[int, str] = {}
DAY = timedelta(days=1)
MB_PER_GB = 1000

DAY_SETS: dict[tuple[int, ...], Text] = {
    (0, 1, 2, 3, 4, 5, 6): gettext_lazy("Every day"),
    (0, 1, 2, 3, 4): gettext_lazy("Weekdays"),
    (5, 6): gettext_lazy("Weekends"),
}


@dataclass(frozen=True, slots=True)
class RuleWords:
    """
    One rule in words; `field` is its key in `consent.rules.parts`.
    """

    field: str
    label: Text
    text: str


def describe_rules(
    draft: RulesDraft, *, buyer_names: Mapping[int, str] = NOBODY
) -> tuple[RuleWords, ...]:
    """
    Return every rule in words, in the order of the editor.

    `buyer_names` are those of organisations by id; buyers without a name are counted.
    """
    words = (
        ("hours", _("Hours"), describe_week(draft)),
        ("time_zone", _("Clock"), draft.time_zone),
        ("dates", _("Dates"), _describe_dates(draft)),
        ("battery", _("Battery"), _describe_battery(draft)),
        ("ready_by", _("Ready to drive"), _describe_ready_by(draft)),
        ("plug", _("Plug"), _describe_plug(draft)),
        ("wear", _("Wear"), _describe_wear(draft)),
        ("temperature", _("Battery temperature"), _describe_temperature(draft)),
        ("energy", _("Energy"), _describe_energy(draft)),
        ("compute", _("Working time"), _describe_compute(draft)),
        ("data", _("Mobile data"), _describe_data(draft)),
        ("power", _("Power"), _describe_power(draft)),
        ("quiet", _("Quiet hours"), _describe_quiet(draft)),
        ("reward", _("Reward"), _describe_reward(draft)),
        ("buyers", _("Buyers"), _describe_buyers(draft, buyer_names)),
        ("categories", _("Kinds of work"), _describe_work(draft)),
        ("home", _("Place"), _describe_home(draft)),
        ("grace", _("When a rule stops work"), _describe_grace(draft)),
    )
    return tuple(
        RuleWords(field, label, FIGURE.sub("\N{NO-BREAK SPACE}", text))
        for field, label, text in words
    )


def describe_week(draft: RulesDraft) -> str:
    hours = draft.week_mask.bit_count() / 4
    spans = "; ".join(describe_window(window) for window in draft.windows)
    return _("%(spans)s (%(hours)s of 168 hours)") % {"spans": spans, "hours": number(hours, 2)}


def describe_window(window: Window) -> str:
    days = DAY_SETS.get(window.days) or _list_days(window.days)
    return f"{days} {_write_times(window.starts_minute, window.ends_minute)}"


def _list_days(days: tuple[int, ...]) -> str:
    return ", ".join(str(WEEKDAYS_ABBR[day]) for day in days)


def _write_times(starts_minute: int, ends_minute: int) -> str:
    return f"{write_minute(starts_minute)}\N{EN DASH}{write_minute(ends_minute)}"


def _describe_dates(draft: RulesDraft) -> str:
    closed = ", ".join(_write_runs([each for each in draft.exceptions if not each.is_open]))
    parts = [_("Closed on %(dates)s") % {"dates": closed}] if closed else []
    parts += [
        _("Open on %(date)s %(times)s")
        % {
            "date": write_date(each.on_date),
            "times": _write_times(each.starts_minute, each.ends_minute),
        }
        for each in draft.exceptions
        if each.is_open
    ]
    if draft.holiday_country:
        country = name_country(draft.holiday_country)
        parts.append(_("Closed on public holidays of %(country)s") % {"country": country})
    return "; ".join(parts) or _("No date differs from the week")


def _write_runs(exceptions: list[DateException]) -> list[str]:
    """
    Return the dates as text, those that follow each other as first and last.
    """
    numbered = enumerate(sorted(exceptions, key=lambda each: each.on_date))
    texts = []
    for _first, run in groupby(numbered, key=lambda pair: pair[1].on_date - pair[0] * DAY):
        dates = [each for _place, each in run]
        first, last = write_date(dates[0].on_date), write_date(dates[-1].on_date)
        texts.append(first if first == last else f"{first} \N{EN DASH} {last}")
    return texts


def write_date(day: date) -> str:
    return format_date(day, "j M Y").replace(" ", "\N{NO-BREAK SPACE}")


def _describe_ready_by(draft: RulesDraft) -> str:
    return "; ".join(map(_write_ready_by, draft.ready_by)) or _("At no certain time")


def _write_ready_by(each: ReadyBy) -> str:
    days = DAY_PHRASES.get(each.days) or _("on %(days)s") % {"days": _list_days(each.days)}
    return _("Ready by %(time)s %(days)s with %(level)s") % {
        "time": write_minute(each.minute),
        "days": days,
        "level": pct(each.level_pct),
    }


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
    parts = [_describe_temperature_limits(draft)]
    if draft.temp_high_c is not None and draft.temp_high_resume_c is not None:
        resume = {"degrees": number(draft.temp_high_resume_c)}
        parts.append(_("after heat again from %(degrees)s °C down") % resume)
    if draft.temp_low_c is not None and draft.temp_low_resume_c is not None:
        resume = {"degrees": number(draft.temp_low_resume_c)}
        parts.append(_("after cold again from %(degrees)s °C up") % resume)
    if draft.temp_hold_min:
        minutes = {"minutes": draft.temp_hold_min}
        parts.append(_("not before %(minutes)s min have passed") % minutes)
    return "; ".join(parts)


def _describe_temperature_limits(draft: RulesDraft) -> str:
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


def _describe_wear(draft: RulesDraft) -> str:
    return _join_limits(
        _per_month(draft.wear_cycles_milli_per_month_max, _write_cycles),
        _per_month(draft.wear_distance_km_per_month_max, _write_wear_km),
        _per_month(draft.wear_micros_per_month_max, money),
    )


def _describe_data(draft: RulesDraft) -> str:
    return _join_limits(_per_month(draft.mobile_data_mb_per_month_max, _write_megabytes))


def _write_cycles(cycles_milli: int) -> str:
    return _("%(count)s full charge cycles") % {"count": number(cycles_milli / 1000, 3)}


def _write_wear_km(distance_km: int) -> str:
    return _("the wear of %(distance)s km") % {"distance": number(distance_km)}


def _write_megabytes(size_mb: int) -> str:
    """
    Return an amount of data as the editor shows it, in GB; less than one in MB.
    """
    if size_mb < MB_PER_GB:
        return f"{number(size_mb)}\N{NO-BREAK SPACE}MB"
    return f"{number(size_mb / MB_PER_GB, 3)}\N{NO-BREAK SPACE}GB"


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


def _describe_quiet(draft: RulesDraft) -> str:
    if draft.quiet_power_limit_w is None or not draft.quiet_windows:
        return _("None")
    return _("At most %(power)s W: %(spans)s") % {
        "power": number(draft.quiet_power_limit_w),
        "spans": "; ".join(map(describe_window, draft.quiet_windows)),
    }


def _describe_reward(draft: RulesDraft) -> str:
    if draft.reward_micros_per_h_min is None:
        return _("Any, after electricity and wear")
    least = {"amount": money_exact(draft.reward_micros_per_h_min)}
    return _("At least %(amount)s an hour, after electricity and wear") % least


def _describe_buyers(draft: RulesDraft, buyer_names: Mapping[int, str]) -> str:
    if draft.buyers_mode is BuyersMode.ALL:
        return _("All")
    buyers = {"buyers": _list_buyers(draft.buyer_ids, buyer_names)}
    if draft.buyers_mode is BuyersMode.ONLY:
        return _("Only %(buyers)s") % buyers
    return _("All but %(buyers)s") % buyers


def _list_buyers(buyer_ids: tuple[int, ...], buyer_names: Mapping[int, str]) -> str:
    names = sorted(buyer_names[each] for each in buyer_ids if each in buyer_names)
    count = len(buyer_ids) - len(names)
    if count:
        names.append(ngettext("%(count)s buyer", "%(count)s buyers", count) % {"count": count})
    return ", ".join(names) or _("nobody")


def _describe_grace(draft: RulesDraft) -> str:
    # Gates that say the same are one rule to their owner.
    texts = dict.fromkeys(_write_grace(each) for each in draft.grace)
    return "; ".join(text for text in texts if text) or _("It stops at once")


def _write_grace(grace: Grace) -> str:
    if grace.minutes == 0 or grace.gate not in GRACE_PHRASES:
        return ""
    when = {"when": GRACE_PHRASES[grace.gate]}
    if grace.minutes is None:
        return _("It may finish the job %(when)s") % when
    return _("It has %(minutes)s min %(when)s") % (when | {"minutes": number(grace.minutes)})
