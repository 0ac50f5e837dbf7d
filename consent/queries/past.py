"""
What a draft would have made of a car's past: what is known of it, and the judge put to it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Min

from consent.models import ConsentVersion, DayUse, Pause, StateSample, Vehicle
from consent.queries.access import get_owned_vehicle
from consent.queries.evidence import get_frozen
from consent.queries.notices import with_end
from consent.queries.said import Said, load_said
from consent.rules import BuyersMode, Rules, RulesDraft
from consent.rules.frozen import FrozenRules, freeze
from consent.rules.history import (
    COLUMNS,
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
from consent.rules.past_refusals import list_within
from consent.rules.past_then import Version, judge_then
from consent.rules.spans import FOREVER
from consent.rules.week import NO_HOURS


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

    Left out are those in which nothing was heard of it. A meter's own reading of the car comes
    first: settlement judged the work by it.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    versions = _list_versions(vehicle, owner_id, first_n, last_n)
    said = load_said(vehicle_id=vehicle.pk, first_n=first_n, last_n=last_n)
    ran_by_n = {each.n: each for each in ran}
    quarters = sorted(said.keys() | ran_by_n.keys())
    places: dict[Circumstances, int] = {}
    rows = []
    for n, is_paused, micros_per_h in zip(
        quarters,
        _list_paused(vehicle, quarters, first_n, last_n),
        _list_rewards(rewards, quarters),
        strict=True,
    ):
        row = _join(said.get(n), ran_by_n.get(n), is_paused=is_paused, micros_per_h=micros_per_h)
        rows.append((n, *row[:-1], places.setdefault(row[-1], len(places))))
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    history = History(
        first_n=first_n,
        last_n=last_n,
        **dict(zip(COLUMNS, columns, strict=True)),
        circumstances=list(places),
        levels={each.version_id: Levels.of(each.rules) for each in versions},
        used_days=_list_used_days(vehicle, first_n),
    )
    return judge_then(history=history, versions=versions)


def _join(
    said: Said | None, ran: Ran | None, *, is_paused: bool, micros_per_h: int | None
) -> tuple[int | None, int | None, int | None, int, int, int, Circumstances]:
    """
    Return the columns of a quarter from its charge on, and what it has in common with others.
    """
    if ran is not None:
        shared = Circumstances(
            True,  # noqa: FBT003 - by place, as in all of these thousands
            ran.is_clean,
            False,  # noqa: FBT003
            is_paused,
            False,  # noqa: FBT003
            ran.plugged_in,
            ran.is_home,
            ran.buyer_id,
            ran.category_bit,
            micros_per_h,
        )
        readings = ran.charge_permille, ran.coldest_decic, ran.hottest_decic
        return *readings, ran.energy_mwh, ran.compute_s, ran.data_bytes, shared
    assert said is not None, "something is known of each quarter"
    shared = Circumstances(
        False,  # noqa: FBT003
        False,  # noqa: FBT003
        said.is_latched,
        is_paused,
        said.is_moving,
        said.plugged_in,
        said.is_home,
        None,
        0,
        micros_per_h,
    )
    return said.charge, said.coldest, said.hottest, 0, 0, 0, shared


def _list_paused(
    vehicle: Vehicle, quarters: Sequence[int], first_n: int, last_n: int
) -> list[bool]:
    paused = [False] * len(quarters)
    pauses = Pause.objects.filter(
        vehicle=vehicle, during__overlap=(from_quarter(first_n), from_quarter(last_n))
    )
    for during in pauses.values_list("during", flat=True):
        assert during.lower is not None, "a pause has a start"
        span = (during.lower, during.upper or FOREVER)
        for first, last in list_within((span,), quarters):
            paused[first:last] = [True] * (last - first)
    return paused


def _list_rewards(rewards: Iterable[Reward], quarters: Sequence[int]) -> list[int | None]:
    found: list[int | None] = [None] * len(quarters)
    for n, until_n, micros_per_h in rewards:
        first, last = bisect_left(quarters, n), bisect_left(quarters, until_n)
        found[first:last] = [micros_per_h] * (last - first)
    return found


def _list_versions(vehicle: Vehicle, owner_id: int, first_n: int, last_n: int) -> list[Version]:
    """
    Return the versions of an owner's that were in force in [first_n, last_n), oldest first.
    """
    versions = ConsentVersion.objects.filter(
        vehicle=vehicle,
        owner_id=owner_id,
        in_force__overlap=(from_quarter(first_n), from_quarter(last_n)),
    ).order_by("in_force")
    return [
        Version(
            version.pk,
            _make_rules(
                version,
                get_frozen(version),
                number=version.number,
                is_withdrawn=version.state == ConsentVersion.State.WITHDRAWN,
                expires_at=ends_at,
            ),
            version.starts_at,
            version.in_force.upper,
        )
        for version, ends_at in with_end(versions)
    ]


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
    # As if it had been agreed when the period began: its holidays count.
    frozen = freeze(
        draft=draft,
        battery_wh=vehicle.battery_wh,
        charge_power_w=vehicle.charge_power_w,
        agreed_at=from_quarter(history.first_n),
    )
    return judge_past(rules=_make_rules(draft, frozen), history=history, likely=likely)


def _make_rules(
    agreed: RulesDraft | ConsentVersion,
    frozen: FrozenRules,
    *,
    number: int = 0,
    is_withdrawn: bool = False,
    expires_at: datetime | None = None,
) -> Rules:
    """
    Return the rules of a version, or those that a draft would become, which never end.
    """
    megabytes = agreed.mobile_data_mb_per_month_max
    return Rules(
        number=number,
        is_withdrawn=is_withdrawn,
        zone=ZoneInfo(agreed.time_zone),
        **{name: getattr(agreed, name) for name in _SAME},
        **{name: getattr(frozen, name) for name in _FROZEN},
        expires_at=expires_at,
        temp_hold_s=agreed.temp_hold_min * S_PER_MIN,
        buyers_mode=BuyersMode(agreed.buyers_mode),
        buyer_ids=frozenset(agreed.buyer_ids),
        mobile_data_bytes_per_month_max=None if megabytes is None else megabytes * BYTES_PER_MB,
        quiet_mask=frozen.quiet_mask or NO_HOURS,
    )


# What a draft or a version and the rules it becomes call alike.
_SAME = (
    *("week_mask", "battery_stop_pct", "battery_resume_pct", "plugged_in_only", "home_only"),
    *("temp_high_c", "temp_high_resume_c", "temp_low_c", "temp_low_resume_c"),
    *("energy_wh_per_day_max", "energy_wh_per_month_max", "compute_s_per_day_max"),
    *("compute_s_per_month_max", "wear_micros_per_month_max", "power_limit_w"),
    *("quiet_power_limit_w", "categories_mask", "reward_micros_per_h_min"),
)
_FROZEN = (
    *("closed", "opened", "ready_floors_permille"),
    *("wear_wh_per_month_max", "wear_micros_per_kwh", "compute_micros_per_h"),
)


def find_first_word(*, vehicle_id: int, owner_id: int, since: datetime) -> datetime | None:
    """
    Return when an owner's car was first heard after a moment, by its own clock; None: not yet.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    first = StateSample.objects.filter(vehicle=vehicle, observed_at__gte=since, fault="")
    found: datetime | None = first.aggregate(at=Min("observed_at"))["at"]
    return found
