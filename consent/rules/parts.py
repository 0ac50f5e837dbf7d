"""
The rules by name: which fields of a draft make up one rule.

A rule is what an owner sees as one thing: compared, overridden for one car and chosen between
two tabs as a whole. Its key is the anchor of its row in the editor.
"""

from dataclasses import replace
from typing import Any, Final

from consent.rules.drafts import RulesDraft


# In the order of the editor.
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "hours": ("windows",),
    "time_zone": ("time_zone",),
    "dates": ("exceptions", "holiday_country"),
    "battery": ("battery_stop_pct", "battery_resume_pct"),
    "ready_by": ("ready_by",),
    "plug": ("plugged_in_only",),
    "wear": (
        "wear_cycles_milli_per_month_max",
        "wear_distance_km_per_month_max",
        "wear_micros_per_month_max",
    ),
    "temperature": (
        "temp_high_c",
        "temp_high_resume_c",
        "temp_low_c",
        "temp_low_resume_c",
        "temp_hold_min",
    ),
    "energy": ("energy_wh_per_day_max", "energy_wh_per_month_max"),
    "compute": ("compute_s_per_day_max", "compute_s_per_month_max"),
    "data": ("mobile_data_mb_per_month_max",),
    "power": ("power_limit_w",),
    "quiet": ("quiet_windows", "quiet_power_limit_w"),
    "reward": ("reward_micros_per_h_min",),
    "buyers": ("buyers_mode", "buyer_ids"),
    "categories": ("categories",),
    "home": ("home_only",),
    "grace": ("grace",),
}

# Rules that protect the car and its owner: between two of them the stricter always counts.
SAFETY_PARTS: Final = frozenset({"battery", "plug", "temperature", "home"})

# What nobody sets has a row too, under the name of its gate, so that every reason leads to one.
FIXED_PARTS: Final = ("consent", "pause", "telemetry", "driving")


def get_part(draft: RulesDraft, part: str) -> dict[str, Any]:
    """
    Return one rule of a draft by the names of its fields.
    """
    return {name: getattr(draft, name) for name in PARTS[part]}


def list_changed_parts(before: RulesDraft, after: RulesDraft) -> tuple[str, ...]:
    """
    Return the rules in which two drafts differ.
    """
    return tuple(part for part in PARTS if get_part(before, part) != get_part(after, part))


def take_parts(*, base: RulesDraft, other: RulesDraft, parts: frozenset[str]) -> RulesDraft:
    """
    Return a draft with these rules of the other, switched-off values included, and the rest.
    """
    taken = {name: getattr(other, name) for part in parts for name in PARTS[part]}
    kept = [(name, value) for name, value in base.kept if find_part_of(name) not in parts]
    kept += [(name, value) for name, value in other.kept if find_part_of(name) in parts]
    return replace(base, **taken, kept=tuple(sorted(kept)))


def find_part_of(name: str) -> str | None:
    """
    Return the rule of a draft's field, or of a value kept for it ("ready_by.0.minute").
    """
    return _PARTS_OF_FIELDS.get(name.partition(".")[0])


_PARTS_OF_FIELDS: Final = {name: part for part, names in PARTS.items() for name in names}
