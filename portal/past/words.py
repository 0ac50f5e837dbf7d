"""
A usual month, its rules' costs and its changes in an owner's words.
"""

from collections.abc import Callable
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consent.queries.words import CATEGORIES, Text
from consent.rules import BuyersMode, RulesDraft, WorkloadCategory
from consent.rules.week import FULL_WEEK
from consent.rules.written import write_minute
from portal.past.changes import Change
from web.templatetags.parado import (
    CENTS_BELOW_MICROS,
    energy,
    money,
    money_about,
    money_exact,
    number,
    pct,
)


# Smaller than this a month is nothing that anybody would notice.
LEAST_MICROS = 5_000
SHORT_NIGHTS = 14
# What stood in the way of hours, by the rule that is named first.
PART_LABELS: dict[str, Text] = {
    "pause": gettext_lazy("Paused by you"),
    "telemetry": gettext_lazy("No word from the car"),
    "driving": gettext_lazy("Driving"),
    "plug": gettext_lazy("Not plugged in"),
    "home": gettext_lazy("Not at home"),
    "hours": gettext_lazy("Outside your hours"),
    "dates": gettext_lazy("A date that you closed"),
    "battery": gettext_lazy("Battery floor"),
    "ready_by": gettext_lazy("Charging to be ready"),
    "temperature": gettext_lazy("Battery too warm or cold"),
    "energy": gettext_lazy("Energy limit reached"),
    "compute": gettext_lazy("Hours limit reached"),
    "wear": gettext_lazy("Wear limit reached"),
    "data": gettext_lazy("Mobile data used up"),
    "power": gettext_lazy("Power limit"),
    "quiet": gettext_lazy("Quiet hours"),
    "categories": gettext_lazy("Kind of work"),
    "buyers": gettext_lazy("Buyer"),
    "reward": gettext_lazy("Reward too low"),
}
LIFTS: dict[str, Text] = {
    "home": gettext_lazy("Allow work away from home"),
    "plug": gettext_lazy("Allow work without a plug"),
    "power": gettext_lazy("Lift the power limit"),
    "quiet": gettext_lazy("Lift the limit of the quiet hours"),
    "buyers": gettext_lazy("Allow all buyers"),
}


_KINDS = {category.value: text for category, text in CATEGORIES.items()}


def describe_change(change: Change) -> str:
    """
    Return one change as an owner would ask for it.
    """
    if change.kind == "lift":
        return str(LIFTS[change.part])
    if change.part == "categories":
        return _("Allow: %(kind)s") % {"kind": _KINDS[change.kind]}
    text, write = STEPS[change.kind]
    return str(text) % {"before": write(change.before), "after": write(change.after)}


def _write_hours(duration_s: int) -> str:
    return f"{number(Decimal(duration_s) / 3600, 2)}\N{NO-BREAK SPACE}h"


def _write_degrees(temp_c: int) -> str:
    return f"{number(temp_c)}\N{NO-BREAK SPACE}°C"


def _write_thousandths(count_milli: int) -> str:
    return number(Decimal(count_milli) / 1000, 3)


def _write_gigabytes(size_mb: int) -> str:
    return f"{number(Decimal(size_mb) / 1000, 3)}\N{NO-BREAK SPACE}GB"


# A step of each kind, and what its figures are written with.
STEPS: dict[str, tuple[Text, Callable[[int], str]]] = {
    "hour": (gettext_lazy("Work from %(before)s to %(after)s too"), write_minute),
    "stop": (gettext_lazy("Lower the floor from %(before)s to %(after)s"), pct),
    "resume": (gettext_lazy("Start again at %(after)s instead of %(before)s"), pct),
    "later": (gettext_lazy("Be ready at %(after)s instead of %(before)s"), write_minute),
    "all_later": (gettext_lazy("Be ready half an hour later"), str),
    "high": (gettext_lazy("Allow up to %(after)s instead of %(before)s"), _write_degrees),
    "low": (gettext_lazy("Allow down to %(after)s instead of %(before)s"), _write_degrees),
    "energy_wh_per_day_max": (
        gettext_lazy("Allow %(after)s a day instead of %(before)s"),
        energy,
    ),
    "energy_wh_per_month_max": (
        gettext_lazy("Allow %(after)s a month instead of %(before)s"),
        energy,
    ),
    "compute_s_per_day_max": (
        gettext_lazy("Allow %(after)s a day instead of %(before)s"),
        _write_hours,
    ),
    "compute_s_per_month_max": (
        gettext_lazy("Allow %(after)s a month instead of %(before)s"),
        _write_hours,
    ),
    "wear_cycles_milli_per_month_max": (
        gettext_lazy("Allow %(after)s full charge cycles a month instead of %(before)s"),
        _write_thousandths,
    ),
    "wear_distance_km_per_month_max": (
        gettext_lazy("Allow the wear of %(after)s km a month instead of %(before)s"),
        number,
    ),
    "wear_micros_per_month_max": (
        gettext_lazy("Allow wear of %(after)s a month instead of %(before)s"),
        money,
    ),
    "all_wear": (gettext_lazy("Allow a quarter more wear a month"), str),
    "mobile_data_mb_per_month_max": (
        gettext_lazy("Allow %(after)s a month instead of %(before)s"),
        _write_gigabytes,
    ),
    "reward": (gettext_lazy("Accept %(after)s an hour instead of %(before)s"), money_exact),
}


def describe_cost(cost_micros: int, currency: str) -> SafeString:
    """
    Return what a rule costs in a month; an owner's rule may cost nothing.
    """
    if cost_micros < LEAST_MICROS:
        return format_html(
            _("Costs you {} at present"), format_html('<b class="zero">{}</b>', _("nothing"))
        )
    return format_html(
        _("Costs you about {} a month"), format_html("<b>{}</b>", money(cost_micros, currency))
    )


def list_set_parts(draft: RulesDraft) -> frozenset[str]:
    """
    Return the rules that a draft has, by the keys of the editor's rows: those that may cost.
    """
    is_set = {
        "hours": draft.week_mask != FULL_WEEK,
        "dates": bool(draft.exceptions or draft.holiday_country),
        "battery": True,
        "ready_by": bool(draft.ready_by),
        "plug": draft.plugged_in_only,
        "wear": _has(
            draft.wear_cycles_milli_per_month_max,
            draft.wear_distance_km_per_month_max,
            draft.wear_micros_per_month_max,
        ),
        "temperature": _has(draft.temp_high_c, draft.temp_low_c),
        "energy": _has(draft.energy_wh_per_day_max, draft.energy_wh_per_month_max),
        "compute": _has(draft.compute_s_per_day_max, draft.compute_s_per_month_max),
        "data": _has(draft.mobile_data_mb_per_month_max),
        "power": _has(draft.power_limit_w),
        "quiet": _has(draft.quiet_power_limit_w) and bool(draft.quiet_windows),
        "reward": _has(draft.reward_micros_per_h_min),
        "buyers": draft.buyers_mode is not BuyersMode.ALL,
        "categories": len(draft.categories) < len(WorkloadCategory),
        "home": draft.home_only,
    }
    return frozenset(part for part, is_on in is_set.items() if is_on)


def _has(*limits: int | None) -> bool:
    return any(limit is not None for limit in limits)


def describe_basis(*, nights: int, low_micros: int | None, high_micros: int | None) -> str:
    """
    Return where a month's figure comes from, and between what most months are.
    """
    basis = ngettext("your last night", "your last %(count)s nights", nights) % {"count": nights}
    if low_micros is None or high_micros is None:
        return _("From %(basis)s, too few to say how months differ.") % {"basis": basis}
    # Both ends as exact as the smaller one.
    write = money if abs(low_micros) < CENTS_BELOW_MICROS else money_about
    text = _("Most months between %(low)s and %(high)s, from %(basis)s.") % {
        "low": write(low_micros),
        "high": write(high_micros),
        "basis": basis,
    }
    if nights < SHORT_NIGHTS:
        return text + " " + _("That is little to go by yet.")
    return text
