"""
An owner's sessions: unbroken stretches of work of one car.

A session is what an owner would call a night: lines of one vehicle with no gap of more than
`SESSION_GAP`. Sessions are not stored; they are read from rated lines by vehicle and time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from billing.queries.earnings import Earnings, read_earnings
from web.rows import fetch_rows


# A car that waits this long for the next job has, to its owner, stopped.
SESSION_GAP = timedelta(hours=2)
SESSION_LENGTH_MAX = timedelta(days=7)


class MoneyState(StrEnum):
    """
    Where a session's money is: in the hold window, in the balance, or paid out.
    """

    PENDING = "pending"
    AVAILABLE = "available"
    PAID = "paid"


class SessionNotFound(Exception):
    """
    No session of this owner's vehicle begins at that moment.
    """


@dataclass(frozen=True, kw_only=True)
class Session:
    """
    `due_at`: when the last of its money clears; `paid_at`: when the payout left that took it.

    `last_charge_permille` and `last_temp_decic` are what the last reading said.
    """

    vehicle_id: int
    starts_at: datetime
    ends_at: datetime
    duration_s: int
    line_count: int
    breach_count: int
    earnings: Earnings
    money_state: MoneyState
    due_at: datetime | None
    paid_at: datetime | None
    category_bit: int
    last_charge_permille: int | None
    last_temp_decic: int | None
    plugged_in: bool | None
    is_home: bool | None


_SESSIONS = """
WITH line AS (
    SELECT l.*, coalesce(sum(l.is_first) OVER (
        PARTITION BY l.vehicle_id ORDER BY l.starts_at, l.record_id, l.kind), 0) AS island
    FROM (
        SELECT l.*, (coalesce(
            l.starts_at - max(l.ends_at) OVER (
                PARTITION BY l.vehicle_id ORDER BY l.starts_at, l.record_id, l.kind
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) > %(gap)s, true))::integer AS is_first
        FROM billing_ratedline l
        WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = ANY(%(vehicle_ids)s)
          AND l.currency = %(currency)s
          AND l.starts_at >= %(starts_at)s AND l.starts_at < %(ends_at)s
          AND l.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
              AND (%(ends_at)s AT TIME ZONE 'UTC')::date
    ) l
), session AS (
    SELECT vehicle_id, island, min(starts_at) AS starts_at, max(ends_at) AS ends_at,
        sum(duration_s * CASE kind WHEN 0 THEN 1 ELSE -1 END) AS duration_s,
        count(*) FILTER (WHERE kind = 0) AS line_count,
        count(*) FILTER (WHERE kind = 0 AND refusals <> 0) AS breach_count,
        sum(energy_wh) AS energy_wh,
        count(*) FILTER (WHERE job_micros > 0) - count(*) FILTER (WHERE job_micros < 0) AS jobs,
        sum(electricity_micros) AS electricity, sum(wear_micros) AS wear,
        sum(reward_micros) AS reward, sum(job_micros) AS job,
        sum(compensation_micros) AS compensation,
        (array_agg(record_id ORDER BY starts_at DESC, record_id DESC) FILTER (WHERE kind = 0))[1]
            AS last_record_id,
        max(on_date) AS last_date
    FROM line
    GROUP BY vehicle_id, island
    ORDER BY starts_at DESC
    LIMIT %(limit)s
)
SELECT s.*, held.due_at, held.released_at, paid.sent_at,
    r.category_bit, r.state_of_charge_min_permille, r.battery_temp_max_decic,
    r.plugged_in, r.is_home
FROM session s
LEFT JOIN LATERAL (
    SELECT max(d.release_due_at) FILTER (WHERE d.released_at IS NULL) AS due_at,
        max(d.released_at) AS released_at
    FROM (
        SELECT DISTINCT settlement_id, on_date FROM line l
        WHERE l.vehicle_id = s.vehicle_id AND l.island = s.island
    ) l
    JOIN billing_settlementday d ON d.settlement_id = l.settlement_id AND d.on_date = l.on_date
) held ON true
LEFT JOIN LATERAL (
    -- A payout takes all that was available when its run was worked out.
    SELECT min(coalesce(p.sent_at, u.approved_at)) AS sent_at
    FROM billing_payout p
    JOIN billing_payoutrun u ON u.id = p.run_id
    WHERE held.due_at IS NULL AND p.owner_id = %(owner_id)s AND p.currency = %(currency)s
      AND p.state IN ('submitting', 'unknown', 'in_transit', 'paid')
      AND u.cutoff_at >= held.released_at
) paid ON true
LEFT JOIN LATERAL (
    SELECT * FROM billing_usagerecord r
    WHERE r.id = s.last_record_id AND r.on_date BETWEEN s.last_date - 1 AND s.last_date
    LIMIT 1
) r ON true
ORDER BY s.starts_at DESC
"""


def list_sessions(
    *,
    owner_id: int,
    vehicle_ids: Collection[int],
    currency: str,
    starts_at: datetime,
    ends_at: datetime,
    limit: int,
) -> tuple[Session, ...]:
    """
    Return sessions with work in [starts_at, ends_at), newest first, in one SQL query.

    A session cut by `starts_at` is returned from there on.
    """
    rows = fetch_rows(
        _SESSIONS,
        {
            "owner_id": owner_id,
            "vehicle_ids": list(vehicle_ids),
            "currency": currency,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "gap": SESSION_GAP,
            "limit": limit,
        },
    )
    return tuple(_read_session(row) for row in rows)


def get_session(*, owner_id: int, vehicle_id: int, currency: str, starts_at: datetime) -> Session:
    """
    Return the session of an owner's vehicle that begins at this moment.

    :raises SessionNotFound: none does.
    """
    sessions = list_sessions(
        owner_id=owner_id,
        vehicle_ids=[vehicle_id],
        currency=currency,
        starts_at=starts_at,
        ends_at=starts_at + SESSION_LENGTH_MAX,
        limit=1000,
    )
    if not sessions or sessions[-1].starts_at != starts_at:
        raise SessionNotFound(starts_at)
    return sessions[-1]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """
    Unbroken work; charge in permille at its beginning and end, None when not said.
    """

    starts_at: datetime
    ends_at: datetime
    job_count: int
    breach_count: int
    first_charge_permille: int | None
    last_charge_permille: int | None


_STRETCHES = """
WITH line AS (
    SELECT l.starts_at, l.ends_at, l.refusals, l.job_micros, r.state_of_charge_min_permille,
        sum(l.is_first) OVER (ORDER BY l.starts_at) AS island
    FROM (
        SELECT l.*, (coalesce(l.starts_at - lag(l.ends_at) OVER (ORDER BY l.starts_at)
            > interval '15 minutes', true))::integer AS is_first
        FROM billing_ratedline l
        WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = %(vehicle_id)s
          AND l.kind = 0 AND l.outcome <> 4
          AND l.starts_at >= %(starts_at)s AND l.starts_at < %(ends_at)s
          AND l.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
              AND (%(ends_at)s AT TIME ZONE 'UTC')::date
    ) l
    JOIN billing_usagerecord r ON r.on_date = l.on_date AND r.id = l.record_id
)
SELECT min(starts_at), max(ends_at), count(*) FILTER (WHERE job_micros > 0),
    count(*) FILTER (WHERE refusals <> 0),
    (array_agg(state_of_charge_min_permille ORDER BY starts_at))[1],
    (array_agg(state_of_charge_min_permille ORDER BY starts_at DESC))[1]
FROM line GROUP BY island ORDER BY 1
"""


def list_stretches(
    *, owner_id: int, vehicle_id: int, starts_at: datetime, ends_at: datetime
) -> tuple[Stretch, ...]:
    """
    Return when a vehicle worked in [starts_at, ends_at), oldest first, in one SQL query.
    """
    rows = fetch_rows(
        _STRETCHES,
        {
            "owner_id": owner_id,
            "vehicle_id": vehicle_id,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    names = Stretch.__dataclass_fields__
    return tuple(Stretch(**dict(zip(names, row, strict=True))) for row in rows)


def _read_session(row: tuple[Any, ...]) -> Session:
    values = iter(row)
    vehicle_id, _island, starts_at, ends_at = islice(values, 4)
    duration_s, line_count, breach_count = islice(values, 3)
    earnings = read_earnings(islice(values, 7))
    _last_record_id, _last_date = islice(values, 2)
    due_at, released_at, paid_at = islice(values, 3)
    category_bit, charge, temp, plugged_in, is_home = values
    return Session(
        vehicle_id=vehicle_id,
        starts_at=starts_at,
        ends_at=ends_at,
        duration_s=int(duration_s),
        line_count=line_count,
        breach_count=breach_count,
        earnings=earnings,
        money_state=_find_money_state(due_at, released_at, paid_at),
        due_at=due_at,
        paid_at=paid_at,
        category_bit=category_bit or 0,
        last_charge_permille=charge,
        last_temp_decic=temp,
        plugged_in=plugged_in,
        is_home=is_home,
    )


def _find_money_state(
    due_at: datetime | None, released_at: datetime | None, paid_at: datetime | None
) -> MoneyState:
    if due_at is not None or released_at is None:
        return MoneyState.PENDING
    return MoneyState.AVAILABLE if paid_at is None else MoneyState.PAID
