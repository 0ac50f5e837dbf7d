"""
Rules as plain JSON values and back: what is digested, stored, handed out and read again.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from consent.rules.codes import BuyersMode, Gate, WorkloadCategory
from consent.rules.drafts import DateException, Grace, ReadyBy, RulesDraft
from consent.rules.week import Window


# The rules that are one value each, by the names they have everywhere.
RULE_FIELDS = (
    "time_zone",
    "battery_stop_pct",
    "battery_resume_pct",
    "plugged_in_only",
    "home_only",
    "temp_high_c",
    "temp_low_c",
    "energy_wh_per_day_max",
    "energy_wh_per_month_max",
    "compute_s_per_day_max",
    "compute_s_per_month_max",
    "power_limit_w",
    "holiday_country",
    "temp_high_resume_c",
    "temp_low_resume_c",
    "temp_hold_min",
    "wear_cycles_milli_per_month_max",
    "wear_distance_km_per_month_max",
    "wear_micros_per_month_max",
    "reward_micros_per_h_min",
    "mobile_data_mb_per_month_max",
    "quiet_power_limit_w",
)
# The rules that are lists, by the names of the columns that keep them.
LIST_FIELDS = (
    "windows",
    "exceptions",
    "ready_by",
    "buyers_mode",
    "buyer_ids",
    "quiet_windows",
    "grace",
    "kept",
)

_CATEGORIES = {each.value: each for each in WorkloadCategory}


def write_lists(draft: RulesDraft) -> dict[str, Any]:
    """
    Return the rules that are lists as JSON values, by LIST_FIELDS.
    """
    return {
        "windows": write_windows(draft.windows),
        "exceptions": [_write_exception(each) for each in draft.exceptions],
        "ready_by": [
            {
                "days": list(each.days),
                "time": write_minute(each.minute),
                "level_pct": each.level_pct,
            }
            for each in draft.ready_by
        ],
        "buyers_mode": draft.buyers_mode.value,
        "buyer_ids": list(draft.buyer_ids),
        "quiet_windows": write_windows(draft.quiet_windows),
        "grace": [{"gate": each.gate.value, "minutes": each.minutes} for each in draft.grace],
        "kept": dict(draft.kept),
    }


def write_rules(draft: RulesDraft) -> dict[str, Any]:
    """
    Return a whole draft as JSON values, units in the names.
    """
    return {
        **{name: getattr(draft, name) for name in RULE_FIELDS},
        **write_lists(draft),
        "workload_categories": list(draft.categories),
    }


def read_rules(values: Mapping[str, Any]) -> RulesDraft:
    """
    Return the draft that `write_rules` wrote.
    """
    return RulesDraft(
        **{name: values[name] for name in RULE_FIELDS},
        windows=read_windows(values["windows"]),
        categories=tuple(_CATEGORIES[each] for each in values["workload_categories"]),
        exceptions=tuple(_read_exception(each) for each in values["exceptions"]),
        ready_by=tuple(
            ReadyBy(tuple(each["days"]), read_minute(each["time"]), each["level_pct"])
            for each in values["ready_by"]
        ),
        buyers_mode=BuyersMode(values["buyers_mode"]),
        buyer_ids=tuple(values["buyer_ids"]),
        quiet_windows=read_windows(values["quiet_windows"]),
        grace=tuple(Grace(Gate(each["gate"]), each["minutes"]) for each in values["grace"]),
        kept=tuple(sorted(values["kept"].items())),
    )


def write_windows(windows: tuple[Window, ...]) -> list[dict[str, Any]]:
    """
    Return windows as typed: days from Monday 0, wall-clock times, 24:00 the day's end.
    """
    return [
        {
            "days": list(window.days),
            "starts": write_minute(window.starts_minute),
            "ends": write_minute(window.ends_minute),
        }
        for window in windows
    ]


def read_windows(windows: list[dict[str, Any]]) -> tuple[Window, ...]:
    return tuple(
        Window(
            days=tuple(window["days"]),
            starts_minute=read_minute(window["starts"]),
            ends_minute=read_minute(window["ends"]),
        )
        for window in windows
    )


def write_minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def read_minute(text: str) -> int:
    """
    Return minutes after midnight.

    :raises ValueError: this is not a wall-clock time between 00:00 and 24:00.
    """
    hours, _, minutes = text.partition(":")
    minute = int(hours) * 60 + int(minutes)
    if not (0 <= int(minutes) < 60 and 0 <= minute <= 24 * 60):
        raise ValueError(text)
    return minute


def _write_exception(each: DateException) -> dict[str, Any]:
    if not each.is_open:
        return {"date": each.on_date.isoformat(), "open": False}
    return {
        "date": each.on_date.isoformat(),
        "open": True,
        "starts": write_minute(each.starts_minute),
        "ends": write_minute(each.ends_minute),
    }


def _read_exception(values: Mapping[str, Any]) -> DateException:
    on_date = date.fromisoformat(values["date"])
    if not values["open"]:
        return DateException(on_date, is_open=False)
    return DateException(
        on_date,
        is_open=True,
        starts_minute=read_minute(values["starts"]),
        ends_minute=read_minute(values["ends"]),
    )
