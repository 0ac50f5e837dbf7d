"""
What an owner may agree to and perhaps did not mean: rules that contradict or never matter.

Shown before a draft is saved; nothing here stands in its way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from consent.rules.drafts import CarFacts, RulesDraft
from consent.rules.readiness import find_charge_floors
from consent.rules.wear import WH_PER_KM
from consent.rules.week import (
    MINUTES_PER_DAY,
    QUARTER_MINUTES,
    QUARTER_S,
    QUARTERS_PER_DAY,
    QUARTERS_PER_WEEK,
    Window,
    mask_from_windows,
)


# Most of a night: from this share on an owner is told that charging takes it.
MOST = 0.5
# A battery in use is about as warm as this, a parked one in a northern winter as cold.
USUAL_HIGH_C = 28
USUAL_LOW_C = 5
NIGHT = mask_from_windows((Window((0, 1, 2, 3, 4, 5, 6), 0, 5 * 60),))
DAYS_PER_MONTH_MAX = 31
DAYS_PER_WEEK = 7


class CautionCode(StrEnum):
    """
    What contradicts, or what never matters as things stand.
    """

    READY_TAKES_HOURS = "ready_takes_hours"
    READY_TAKES_ALL = "ready_takes_all"
    CAP_ABOVE_HOURS = "cap_above_hours"
    HEAT_BELOW_USUAL = "heat_below_usual"
    COLD_ABOVE_USUAL = "cold_above_usual"
    NIGHT_WITHOUT_PLUG = "night_without_plug"
    QUIET_OUTSIDE_HOURS = "quiet_outside_hours"
    DATE_CHANGES_NOTHING = "date_changes_nothing"
    WEAR_LIMIT_SHADOWED = "wear_limit_shadowed"


@dataclass(frozen=True, slots=True)
class Caution:
    """
    One of them, with what its sentence needs.

    `days` (Monday 0) are those of a ready-by whose charging takes `minutes` of the
    `of_minutes` that are open in the 24 hours before it; `level_pct` is the charge at which
    that is so. `limit` is the most that the field could ever count, in its own unit.
    """

    field: str
    code: CautionCode
    days: tuple[int, ...] = ()
    minutes: int = 0
    of_minutes: int = 0
    level_pct: int = 0
    limit: int = 0
    place: int | None = None


def find_cautions(*, draft: RulesDraft, car: CarFacts, now: datetime) -> tuple[Caution, ...]:
    """
    Return what is worth a second look in a draft without faults.
    """
    return (
        *_find_ready_cautions(draft, car),
        *_find_cap_cautions(draft, car),
        *_find_temperature_cautions(draft),
        *_find_plug_cautions(draft),
        *_find_quiet_cautions(draft),
        *_find_date_cautions(draft, now),
        *_find_wear_cautions(draft, car),
    )


def find_kept_mask(*, draft: RulesDraft, car: CarFacts, charge_pct: int) -> int:
    """
    Return the open quarters of the week that charging needs, with that much in the battery.
    """
    floors = find_charge_floors(
        ready_by=draft.ready_by, battery_wh=car.battery_wh, charge_power_w=car.charge_power_w
    )
    kept = sum(
        1 << quarter for quarter, floor in enumerate(floors or ()) if floor > charge_pct * 10
    )
    return kept & draft.week_mask


def _find_ready_cautions(draft: RulesDraft, car: CarFacts) -> Iterator[Caution]:
    # A battery that ran low works again from the resume level on: the least that is usual.
    charge_pct = draft.battery_resume_pct
    kept = find_kept_mask(draft=draft, car=car, charge_pct=charge_pct)
    for place, rule in enumerate(draft.ready_by):
        days_by_minutes: dict[tuple[int, int], list[int]] = {}
        for day in rule.days:
            before = _mask_before(day * QUARTERS_PER_DAY + rule.minute // QUARTER_MINUTES)
            taken = (kept & before).bit_count() * QUARTER_MINUTES
            open_minutes = (draft.week_mask & before).bit_count() * QUARTER_MINUTES
            if taken and taken >= open_minutes * MOST:
                days_by_minutes.setdefault((taken, open_minutes), []).append(day)
        for (taken, open_minutes), days in days_by_minutes.items():
            takes_all = taken == open_minutes
            yield Caution(
                "ready_by",
                CautionCode.READY_TAKES_ALL if takes_all else CautionCode.READY_TAKES_HOURS,
                days=tuple(sorted(days)),
                minutes=taken,
                of_minutes=open_minutes,
                level_pct=charge_pct,
                place=place,
            )


def _mask_before(quarter: int) -> int:
    """
    Return the day's worth of quarters that ends where this one begins.
    """
    return sum(1 << (quarter - back) % QUARTERS_PER_WEEK for back in range(1, QUARTERS_PER_DAY + 1))


def _find_cap_cautions(draft: RulesDraft, car: CarFacts) -> Iterator[Caution]:
    power_w = min(car.rated_power_w, draft.power_limit_w or car.rated_power_w)
    day_quarters = max(
        (draft.week_mask >> day * QUARTERS_PER_DAY & (1 << QUARTERS_PER_DAY) - 1).bit_count()
        for day in range(DAYS_PER_WEEK)
    )
    day_s = day_quarters * QUARTER_S
    week_s = draft.week_mask.bit_count() * QUARTER_S
    # No month has more than four weeks and the three fullest days.
    month_s = min(4 * week_s + 3 * day_s, DAYS_PER_MONTH_MAX * day_s)
    if any(each.is_open for each in draft.exceptions):
        return
    for field, most in (
        ("energy_wh_per_day_max", day_s * power_w // 3600),
        ("energy_wh_per_month_max", month_s * power_w // 3600),
        ("compute_s_per_day_max", day_s),
        ("compute_s_per_month_max", month_s),
    ):
        limit = getattr(draft, field)
        if limit is not None and limit > most:
            yield Caution(field, CautionCode.CAP_ABOVE_HOURS, limit=most)


def _find_temperature_cautions(draft: RulesDraft) -> Iterator[Caution]:
    if draft.temp_high_c is not None and draft.temp_high_c < USUAL_HIGH_C:
        yield Caution("temp_high_c", CautionCode.HEAT_BELOW_USUAL, limit=USUAL_HIGH_C)
    if draft.temp_low_c is not None and draft.temp_low_c > USUAL_LOW_C:
        yield Caution("temp_low_c", CautionCode.COLD_ABOVE_USUAL, limit=USUAL_LOW_C)


def _find_plug_cautions(draft: RulesDraft) -> Iterator[Caution]:
    if not draft.plugged_in_only and draft.week_mask & NIGHT:
        yield Caution("plugged_in_only", CautionCode.NIGHT_WITHOUT_PLUG)


def _find_quiet_cautions(draft: RulesDraft) -> Iterator[Caution]:
    is_asked = draft.quiet_power_limit_w is not None and draft.quiet_windows
    if is_asked and not draft.quiet_mask & draft.week_mask:
        yield Caution("quiet_windows", CautionCode.QUIET_OUTSIDE_HOURS)


def _find_date_cautions(draft: RulesDraft, now: datetime) -> Iterator[Caution]:
    today = now.astimezone(ZoneInfo(draft.time_zone)).date()
    for place, each in enumerate(draft.exceptions):
        day = each.on_date.weekday()
        if each.is_open:
            wanted = mask_from_windows((Window((day,), each.starts_minute, each.ends_minute),))
            changes = bool(wanted & ~draft.week_mask)
        else:
            whole = mask_from_windows((Window((day,), 0, MINUTES_PER_DAY),))
            changes = bool(whole & draft.week_mask)
        if not changes and each.on_date >= today:
            yield Caution("exceptions", CautionCode.DATE_CHANGES_NOTHING, place=place)


def _find_wear_cautions(draft: RulesDraft, car: CarFacts) -> Iterator[Caution]:
    cycles, distance_km = (
        draft.wear_cycles_milli_per_month_max,
        draft.wear_distance_km_per_month_max,
    )
    if cycles is None or distance_km is None:
        return
    by_cycles_wh, by_distance_wh = cycles * car.battery_wh // 1000, distance_km * WH_PER_KM
    if by_cycles_wh < by_distance_wh:
        limit = by_cycles_wh // WH_PER_KM
        yield Caution(
            "wear_distance_km_per_month_max", CautionCode.WEAR_LIMIT_SHADOWED, limit=limit
        )
    elif by_distance_wh < by_cycles_wh:
        limit = by_distance_wh * 1000 // car.battery_wh
        yield Caution(
            "wear_cycles_milli_per_month_max", CautionCode.WEAR_LIMIT_SHADOWED, limit=limit
        )
