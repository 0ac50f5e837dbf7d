"""
What a draft would have made of a car's past: what is known of it, and the judge put to it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Min

from consent.models import ConsentVersion, DayUse, StateSample, Vehicle
from consent.queries.access import get_owned_vehicle
from consent.queries.past_facts import write_facts_statement
from consent.rules import Rules, RulesDraft
from consent.rules.frozen import freeze
from consent.rules.history import (
    Circumstances,
    History,
    Levels,
    Likely,
    PastQuarter,
    UsedDay,
    UsualWork,
    from_quarter,
    to_quarter,
)
from consent.rules.past import HOURS_PER_WEEK, judge_past
from consent.rules.week import NO_HOURS
from web.rows import fetch_rows


__all__ = [
    "HOURS_PER_WEEK",
    "History",
    "Likely",
    "PastQuarter",
    "Ran",
    "Reward",
    "UsualWork",
    "find_first_word",
    "from_quarter",
    "list_past_quarters",
    "load_history",
    "to_quarter",
]

BYTES_PER_MB = 1_000_000
S_PER_MIN = 60


class Ran(NamedTuple):
    """
    What was metered in one quarter-hour `n`, counted from 1970 (UTC): mWh, seconds, bytes.

    `is_clean`: settlement found it within the rules of then. The readings are the meter's;
    None: it did not say.
    """

    n: int
    energy_mwh: int
    compute_s: int
    data_bytes: int
    category_bit: int
    buyer_id: int
    is_clean: bool
    charge_permille: int | None
    plugged_in: bool | None
    is_home: bool | None
    coldest_decic: int | None
    hottest_decic: int | None


class Reward(NamedTuple):
    """
    What work left the owner per hour at rated power in quarters [n, until_n).
    """

    n: int
    until_n: int
    micros_per_h: int


# What a version keeps of its budgets.
_CAPS = (
    "energy_wh_per_day_max",
    "energy_wh_per_month_max",
    "compute_s_per_day_max",
    "compute_s_per_month_max",
    "wear_wh_per_month_max",
    "wear_micros_per_month_max",
    "mobile_data_mb_per_month_max",
)
_LEVELS = (
    "battery_stop_pct",
    "battery_resume_pct",
    "temp_high_c",
    "temp_high_resume_c",
    "temp_low_c",
    "temp_low_resume_c",
    "temp_hold_min",
)


def load_history(
    *,
    vehicle_id: int,
    owner_id: int,
    first_n: int,
    last_n: int,
    ran: Iterable[Ran],
    rewards: Iterable[Reward],
) -> History:
    """
    Return what is known of an owner's car in the quarters [first_n, last_n).

    Left out are those in which nothing was heard of it.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    versions = list(
        ConsentVersion.objects.filter(
            vehicle=vehicle, in_force__overlap=(from_quarter(first_n), from_quarter(last_n))
        ).only(*_CAPS, *_LEVELS)
    )
    had_budgets = any(getattr(version, name) is not None for version in versions for name in _CAPS)
    values: dict[str, Any] = {
        "vehicle_id": vehicle.pk,
        "owner_id": owner_id,
        "first_n": first_n,
        "last_n": last_n,
        **_write_columns("ran", Ran, ran),
        **_write_columns("reward", Reward, rewards),
    }
    rows = fetch_rows(write_facts_statement(had_budgets=had_budgets), values)
    n, charge, coldest, hottest, energy_mwh, compute_s, data_bytes, *shared = (
        zip(*rows, strict=True) if rows else [()] * (7 + len(Circumstances._fields))
    )
    places: dict[tuple[Any, ...], int] = {}
    return History(
        first_n=first_n,
        last_n=last_n,
        n=n,
        charge=charge,
        coldest=coldest,
        hottest=hottest,
        energy_mwh=energy_mwh,
        compute_s=compute_s,
        data_bytes=data_bytes,
        shared=[places.setdefault(each, len(places)) for each in zip(*shared, strict=True)],
        circumstances=[Circumstances._make(each) for each in places],
        levels={version.pk: _read_levels(version) for version in versions},
        used_days=_list_used_days(vehicle, first_n),
    )


def _read_levels(version: ConsentVersion) -> Levels:
    return Levels(
        version.battery_stop_pct,
        version.battery_resume_pct,
        version.temp_high_c,
        version.temp_high_resume_c,
        version.temp_low_c,
        version.temp_low_resume_c,
        version.temp_hold_min * S_PER_MIN,
    )


def _list_used_days(vehicle: Vehicle, first_n: int) -> list[UsedDay]:
    """
    Return the days of the month in which a period begins, in any zone.
    """
    first = from_quarter(first_n).date()
    rows = DayUse.objects.filter(
        vehicle=vehicle,
        on_date__gte=(first - timedelta(days=1)).replace(day=1),
        on_date__lte=first + timedelta(days=1),
    )
    names = ("on_date", "energy_wh", "compute_s", "wear_wh", "mobile_data_bytes")
    return [UsedDay._make(row) for row in rows.values_list(*names)]


def list_past_quarters(
    *, vehicle_id: int, owner_id: int, draft: RulesDraft, history: History, likely: Likely
) -> tuple[PastQuarter, ...]:
    """
    Return what `judge_past` makes of an owner's car under a draft.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    rules = _make_rules(draft, vehicle, agreed_at=from_quarter(history.first_n))
    return judge_past(rules=rules, history=history, likely=likely)


def _make_rules(draft: RulesDraft, vehicle: Vehicle, *, agreed_at: datetime) -> Rules:
    """
    Return a draft as if it had been agreed when the period began: its holidays count.
    """
    frozen = freeze(
        draft=draft,
        battery_wh=vehicle.battery_wh,
        charge_power_w=vehicle.charge_power_w,
        agreed_at=agreed_at,
    )
    megabytes = draft.mobile_data_mb_per_month_max
    return Rules(
        number=0,
        is_withdrawn=False,
        zone=ZoneInfo(draft.time_zone),
        **{name: getattr(draft, name) for name in _SAME},
        closed=frozen.closed,
        opened=frozen.opened,
        ready_floors_permille=frozen.ready_floors_permille,
        temp_hold_s=draft.temp_hold_min * S_PER_MIN,
        wear_wh_per_month_max=frozen.wear_wh_per_month_max,
        wear_micros_per_kwh=frozen.wear_micros_per_kwh,
        compute_micros_per_h=frozen.compute_micros_per_h,
        buyer_ids=frozenset(draft.buyer_ids),
        mobile_data_bytes_per_month_max=None if megabytes is None else megabytes * BYTES_PER_MB,
        quiet_mask=frozen.quiet_mask or NO_HOURS,
    )


# What a draft and the rules it becomes call alike.
_SAME = (
    *("week_mask", "battery_stop_pct", "battery_resume_pct", "plugged_in_only", "home_only"),
    *("temp_high_c", "temp_high_resume_c", "temp_low_c", "temp_low_resume_c"),
    *("energy_wh_per_day_max", "energy_wh_per_month_max", "compute_s_per_day_max"),
    *("compute_s_per_month_max", "wear_micros_per_month_max", "power_limit_w"),
    *("quiet_power_limit_w", "categories_mask", "buyers_mode", "reward_micros_per_h_min"),
)


def _write_columns(
    prefix: str, kind: type[NamedTuple], rows: Iterable[tuple[Any, ...]]
) -> dict[str, str]:
    """
    Return rows of numbers as one PostgreSQL array per column, for `unnest`.

    Written here: the driver takes ten times as long for thousands of them.
    """
    columns = list(zip(*rows, strict=True)) or [()] * len(kind._fields)
    return {
        f"{prefix}_{name}": "{" + ",".join(map(str, column)).replace("None", "NULL") + "}"
        for name, column in zip(kind._fields, columns, strict=True)
    }


def find_first_word(*, vehicle_id: int, owner_id: int, since: datetime) -> datetime | None:
    """
    Return when an owner's car was first heard after a moment, by its own clock; None: not yet.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    first = StateSample.objects.filter(vehicle=vehicle, observed_at__gte=since, fault="")
    found: datetime | None = first.aggregate(at=Min("observed_at"))["at"]
    return found
