"""
What a draft would have made of a car's past, quarter-hour by quarter-hour.

The facts are what the car said and what its meter reported; the judge is the published SQL
that settlement judges by, held equal to `decide` by a property test.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Min

from consent.models import ConsentVersion, StateSample
from consent.models.fields import SpansField
from consent.queries.access import get_owned_vehicle
from consent.queries.past_facts import COLUMNS, write_facts_statement
from consent.queries.past_sql import write_statement
from consent.rules import BuyersMode, RulesDraft, bits_from_mask
from consent.rules.frozen import FrozenRules, freeze
from consent.rules.week import NO_HOURS, QUARTER_S
from web.rows import fetch_rows


HOURS_PER_WEEK = 168
BYTES_PER_MB = 1_000_000
S_PER_MIN = 60
_SPANS = SpansField()
_NO_SPANS = _SPANS.get_prep_value(())


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


class UsualWork(NamedTuple):
    """
    What one kind of work takes of an idle quarter-hour on average, by hour of the week (Monday
    00:00 is 0): mWh and seconds.
    """

    category_bit: int
    energy_mwh: Sequence[int]
    compute_s: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """
    What would have come where nothing ran: work by the hours of `time_zone`.
    """

    time_zone: str
    work: Sequence[UsualWork]
    bytes_per_kwh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    What is known of the quarters [first_n, last_n) of a car, whatever a draft says of them.

    `columns` are those of `consent.queries.past_facts`, as PostgreSQL writes arrays, so that
    they go back as they came; `categories` are the kinds of work that the rules of then allowed.
    """

    first_n: int
    last_n: int
    columns: tuple[str, ...]
    categories: frozenset[int]


class PastQuarter(NamedTuple):
    """
    One quarter-hour under the draft; `mask` are bits of ReasonCode, 0: work may run.

    `energy_mwh` and `compute_s` are what it takes where it may: what was metered (`has_run`),
    else what usual work takes, of the kinds in `kinds` that the draft allows: all, or those
    that the rules of then kept away. `whole_mwh` is before the draft's power limits. `reading`
    is the charge in permille or the temperature in tenths of a degree that a refusal is about.
    """

    n: int
    mask: int
    energy_mwh: int
    whole_mwh: int
    compute_s: int
    kinds: int
    has_run: int
    reading: int | None


def to_quarter(at: datetime) -> int:
    """
    Return the number of the quarter-hour that an instant lies in, from 1970 (UTC).
    """
    return int(at.timestamp()) // QUARTER_S


def from_quarter(n: int) -> datetime:
    return datetime.fromtimestamp(n * QUARTER_S, tz=UTC)


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
        ).only("categories_mask", *_CAPS)
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
    [columns] = fetch_rows(write_facts_statement(had_budgets=had_budgets), values)
    categories = frozenset(version.categories_mask for version in versions)
    return History(first_n=first_n, last_n=last_n, columns=columns, categories=categories)


def list_past_quarters(
    *, vehicle_id: int, owner_id: int, draft: RulesDraft, history: History, likely: Likely
) -> tuple[PastQuarter, ...]:
    """
    Return the quarters of an owner's car under a draft, oldest first.

    Left out are those in which nothing was heard of the car, and those outside the hours that
    another rule refuses too. What ran within the rules of then runs here unless the draft is
    stricter, and an idle quarter that they permitted had no work. Budgets count what runs
    here, on the draft's calendar; of the month that the period begins in, what had really been
    used.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    frozen = freeze(
        draft=draft,
        battery_wh=vehicle.battery_wh,
        charge_power_w=vehicle.charge_power_w,
        # As if it had been agreed when the period began: its holidays count.
        agreed_at=from_quarter(history.first_n),
    )
    work = _add_up_work(draft, history.categories, likely.work)
    terms: dict[str, Any] = {
        "vehicle_id": vehicle.pk,
        "owner_id": owner_id,
        "first_n": history.first_n,
        "last_n": history.last_n,
        **{f"known_{name}": text for name, text in zip(COLUMNS, history.columns, strict=True)},
        **_write_draft(draft, frozen),
        **_write_columns("likely", _Usual, work),
        "work_zone": likely.time_zone,
        "bytes_per_kwh": likely.bytes_per_kwh,
    }
    statement = write_statement(
        has_further=_has_further(terms),
        has_budgets=any(terms[name] is not None for name in _BUDGETS),
    )
    return tuple(map(PastQuarter._make, fetch_rows(statement, terms)))


_FURTHER = ("ready_floors_permille", "reward_micros_per_h_min")
_BUDGETS = (
    "energy_wh_per_day_max",
    "energy_wh_per_month_max",
    "compute_s_per_day_max",
    "compute_s_per_month_max",
    "wear_wh_per_month_max",
    "wear_micros_per_month_max",
    "mobile_data_bytes_per_month_max",
)
# As a version keeps them.
_CAPS = (*_BUDGETS[:-1], "mobile_data_mb_per_month_max")


class _Usual(NamedTuple):
    kinds: int
    hour: int
    energy_mwh: int
    compute_s: int


def _add_up_work(
    draft: RulesDraft, categories: Iterable[int], work: Sequence[UsualWork]
) -> Iterator[_Usual]:
    """
    Yield what is usual for the kinds that the draft allows, and for those of them that each
    of the rules of then did not.
    """
    allowed = draft.categories_mask
    for kinds in {allowed, *(allowed & ~each for each in categories)}:
        parts = [each for each in work if each.category_bit & kinds]
        for hour in range(HOURS_PER_WEEK):
            yield _Usual(
                kinds,
                hour,
                sum(each.energy_mwh[hour] for each in parts),
                sum(each.compute_s[hour] for each in parts),
            )


def _has_further(terms: dict[str, Any]) -> bool:
    """
    Return whether a draft has any of the rules that `consent_further_refusals` judges.
    """
    return (
        any(terms[name] is not None for name in _FURTHER)
        or terms["buyers_mode"] != BuyersMode.ALL
        or terms["closed"] != _NO_SPANS
        or terms["opened"] != _NO_SPANS
    )


def _write_draft(draft: RulesDraft, frozen: FrozenRules) -> dict[str, Any]:
    """
    Return a draft as the arguments of consent's published functions.
    """
    plain = (
        "time_zone battery_stop_pct battery_resume_pct plugged_in_only home_only temp_high_c "
        "temp_low_c energy_wh_per_day_max energy_wh_per_month_max compute_s_per_day_max "
        "compute_s_per_month_max power_limit_w categories_mask wear_micros_per_month_max "
        "reward_micros_per_h_min quiet_power_limit_w"
    )
    megabytes = draft.mobile_data_mb_per_month_max
    floors = frozen.ready_floors_permille
    return {
        **{name: getattr(draft, name) for name in plain.split()},
        "temp_high_resume_c": _first(draft.temp_high_resume_c, draft.temp_high_c),
        "temp_low_resume_c": _first(draft.temp_low_resume_c, draft.temp_low_c),
        "temp_hold_s": draft.temp_hold_min * S_PER_MIN,
        "buyers_mode": draft.buyers_mode.value,
        "buyer_ids": list(draft.buyer_ids),
        "mobile_data_bytes_per_month_max": None if megabytes is None else megabytes * BYTES_PER_MB,
        "week_mask": bits_from_mask(draft.week_mask),
        "quiet_mask": bits_from_mask(frozen.quiet_mask or NO_HOURS),
        "closed": _SPANS.get_prep_value(frozen.closed),
        "opened": _SPANS.get_prep_value(frozen.opened),
        "ready_floors_permille": None if floors is None else list(floors),
        "wear_wh_per_month_max": frozen.wear_wh_per_month_max,
        "wear_micros_per_kwh": frozen.wear_micros_per_kwh,
        "compute_micros_per_h": frozen.compute_micros_per_h,
    }


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


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
