"""
What an owner earned: a period's sums, what is clearing, available and paid.

Every function takes the owner's id and vehicles that were found through it; amounts are
micros of one currency.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from billing.models import Account
from web.limits import USAGE_AGE_DAYS_MAX
from web.rows import fetch_rows


# A record older than this is refused, so money of an older day has left the hold window.
CLEARING_DAYS = USAGE_AGE_DAYS_MAX + 1


@dataclass(frozen=True, kw_only=True)
class Earnings:
    """
    Sums over rated lines, corrections taken off.

    Paid = electricity + wear + reward + jobs + compensation. Better off = paid minus
    electricity minus wear, which is never below zero.
    """

    energy_wh: int = 0
    job_count: int = 0
    electricity_micros: int = 0
    wear_micros: int = 0
    reward_micros: int = 0
    job_micros: int = 0
    compensation_micros: int = 0

    @property
    def paid_micros(self) -> int:
        return self.electricity_micros + self.wear_micros + self.better_off_micros

    @property
    def better_off_micros(self) -> int:
        return self.reward_micros + self.job_micros + self.compensation_micros


@dataclass(frozen=True, kw_only=True)
class VehicleEarnings:
    vehicle_id: int
    earnings: Earnings


@dataclass(frozen=True, kw_only=True)
class MonthEarnings:
    """
    One month of the owner's calendar; `first` is its first local date.
    """

    first: date
    earnings: Earnings


@dataclass(frozen=True, kw_only=True)
class Clearing:
    """
    Money that leaves the hold window together.
    """

    due_at: datetime
    amount_micros: int


@dataclass(frozen=True, kw_only=True)
class OwnerBalance:
    """
    Pending is inside the hold window, available is what the next payout may take.
    """

    currency: str
    pending_micros: int
    available_micros: int
    receivable_micros: int


_SUMS = """
    coalesce(sum(energy_wh), 0), count(*) FILTER (WHERE job_micros > 0)
        - count(*) FILTER (WHERE job_micros < 0),
    coalesce(sum(electricity_micros), 0), coalesce(sum(wear_micros), 0),
    coalesce(sum(reward_micros), 0), coalesce(sum(job_micros), 0),
    coalesce(sum(compensation_micros), 0)
"""
# on_date lets the planner leave out partitions; a local day may begin on the UTC day before.
_WHERE = """
FROM billing_ratedline
WHERE owner_id = %(owner_id)s AND vehicle_id = ANY(%(vehicle_ids)s) AND currency = %(currency)s
  AND starts_at >= %(starts_at)s AND starts_at < %(ends_at)s
  AND on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
      AND (%(ends_at)s AT TIME ZONE 'UTC')::date
"""


def get_earnings(
    *,
    owner_id: int,
    vehicle_ids: Collection[int],
    currency: str,
    starts_at: datetime,
    ends_at: datetime,
) -> tuple[VehicleEarnings, ...]:
    """
    Return what each vehicle earned in [starts_at, ends_at), in one SQL query.

    A vehicle that earned nothing is left out.
    """
    rows = fetch_rows(
        f"SELECT vehicle_id, {_SUMS} {_WHERE} GROUP BY vehicle_id ORDER BY vehicle_id",
        {
            "owner_id": owner_id,
            "vehicle_ids": list(vehicle_ids),
            "currency": currency,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return tuple(
        VehicleEarnings(vehicle_id=row[0], earnings=read_earnings(row[1:])) for row in rows
    )


def list_months(
    *,
    owner_id: int,
    vehicle_ids: Collection[int],
    currency: str,
    time_zone: str,
    starts_at: datetime,
    ends_at: datetime,
) -> tuple[MonthEarnings, ...]:
    """
    Return the sums of each month on the owner's wall, newest first, in one SQL query.
    """
    rows = fetch_rows(
        "SELECT date_trunc('month', starts_at AT TIME ZONE %(time_zone)s)::date AS first, "
        f"{_SUMS} {_WHERE} GROUP BY first ORDER BY first DESC",
        {
            "owner_id": owner_id,
            "vehicle_ids": list(vehicle_ids),
            "currency": currency,
            "time_zone": time_zone,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return tuple(MonthEarnings(first=row[0], earnings=read_earnings(row[1:])) for row in rows)


def add_up(parts: Collection[Earnings]) -> Earnings:
    """
    Return the sum of several earnings.
    """
    names = Earnings.__dataclass_fields__
    return Earnings(**{name: sum(getattr(part, name) for part in parts) for name in names})


_CLEARING = """
SELECT d.release_due_at, sum(l.electricity_micros + l.wear_micros + l.reward_micros + l.job_micros)
FROM billing_ratedline l
JOIN billing_settlementday d
  ON d.settlement_id = l.settlement_id AND d.on_date = l.on_date AND d.released_at IS NULL
WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = ANY(%(vehicle_ids)s)
  AND l.currency = %(currency)s AND l.on_date >= %(since)s AND l.starts_at >= %(since)s
GROUP BY d.release_due_at
HAVING sum(l.electricity_micros + l.wear_micros + l.reward_micros + l.job_micros) > 0
ORDER BY d.release_due_at
"""


def list_clearing(
    *, owner_id: int, vehicle_ids: Collection[int], currency: str, now: datetime
) -> tuple[Clearing, ...]:
    """
    Return what leaves the hold window when, soonest first.
    """
    since = (now - timedelta(days=CLEARING_DAYS)).date()
    rows = fetch_rows(
        _CLEARING,
        {
            "owner_id": owner_id,
            "vehicle_ids": list(vehicle_ids),
            "currency": currency,
            "since": since,
        },
    )
    return tuple(Clearing(due_at=due_at, amount_micros=int(amount)) for due_at, amount in rows)


def select_accounts(*, owner_id: int) -> QuerySet[Account]:
    """
    Return an owner's accounts, named as their unique index names them, which then finds them.
    """
    return Account.objects.alias(key=Coalesce("owner_id", 0)).filter(key=owner_id)


def get_owner_balance(*, owner_id: int, currency: str) -> OwnerBalance:
    """
    Return the kept balances of an owner, in one SQL query.
    """
    sums = dict.fromkeys(("owner_pending", "owner_available", "owner_receivable"), 0)
    kept = select_accounts(owner_id=owner_id).filter(currency=currency)
    for kind, balance_micros in kept.values_list("kind", "balance_micros"):
        sums[kind] += balance_micros
    return OwnerBalance(
        currency=currency,
        pending_micros=sums["owner_pending"],
        available_micros=sums["owner_available"],
        receivable_micros=-sums["owner_receivable"],
    )


def read_earnings(row: Iterable[Any]) -> Earnings:
    """
    Return seven sums, in the order of the fields, as earnings.
    """
    # The columns of _SUMS stand in the order of the fields.
    return Earnings(**dict(zip(Earnings.__dataclass_fields__, map(int, row), strict=True)))
