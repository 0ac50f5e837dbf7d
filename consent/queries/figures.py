"""
The figures of the car by which a version is judged, in words.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import ConsentVersion
from consent.queries.words import RuleWords, Text
from web.templatetags.parado import SPACE, number


FIGURES: dict[str, Text] = {
    "battery_wh": gettext_lazy("The battery is now %(new)s, was %(old)s."),
    "charge_power_w": gettext_lazy("The charger is now %(new)s, was %(old)s."),
}


def write_battery(battery_wh: int) -> str:
    return f"{number(battery_wh / 1000, 1)}{SPACE}kWh"


def write_charger(charge_power_w: int) -> str:
    return f"{number(charge_power_w / 1000, 2)}{SPACE}kW"


def describe_figures(version: ConsentVersion) -> tuple[RuleWords, ...]:
    """
    Return by which figures of the car a version is judged.
    """
    return (
        RuleWords("battery_wh", _("Size of the battery"), write_battery(version.battery_wh)),
        RuleWords("charge_power_w", _("Charger"), write_charger(version.charge_power_w)),
    )


def tell_figures(before: ConsentVersion, after: ConsentVersion) -> tuple[str, ...]:
    """
    Return by which other figures of the car a version is judged than the one before.
    """
    pairs = (
        ("battery_wh", write_battery, before.battery_wh, after.battery_wh),
        ("charge_power_w", write_charger, before.charge_power_w, after.charge_power_w),
    )
    return tuple(
        str(FIGURES[name]) % {"old": write(old), "new": write(new)}
        for name, write, old, new in pairs
        if old != new
    )
