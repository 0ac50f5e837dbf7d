"""
What was metered of a car around one moment, and what of its day came only after it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from billing.models import QuarantineCode
from web.limits import SETTLEMENT_LANES
from web.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class LaterUse:
    """
    What settled work after a moment added to the use of its local day: Wh, seconds, bytes.
    """

    energy_wh: int
    compute_s: int
    wear_wh: int
    data_bytes: int


# With the signs and the calendar of what settlement adds to the day's use.
_LATER = """
SELECT coalesce(sum(l.energy_wh), 0)::bigint, coalesce(sum(l.duration_s), 0)::bigint,
    coalesce(sum(l.sign * consent_wear_wh(r.energy_wh, r.battery_temp_max_decic)), 0)::bigint,
    coalesce(sum(l.sign * coalesce(r.mobile_data_bytes, 0)), 0)::bigint
FROM (
    SELECT l.on_date, l.record_id, l.energy_wh, l.duration_s,
        CASE l.kind WHEN 0 THEN 1 ELSE -1 END AS sign
    FROM billing_ratedline l
    WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = %(vehicle_id)s AND l.outcome <> 4
      AND l.starts_at >= %(at)s - interval '15 minutes' AND l.starts_at < %(day_ends_at)s
      AND l.ends_at > %(at)s
      AND l.on_date BETWEEN ((%(at)s - interval '15 minutes') AT TIME ZONE 'UTC')::date
          AND (%(day_ends_at)s AT TIME ZONE 'UTC')::date
) l
JOIN billing_usagerecord r ON r.on_date = l.on_date AND r.id = l.record_id
"""


def count_later_use(
    *, owner_id: int, vehicle_id: int, at: datetime, day_ends_at: datetime
) -> LaterUse:
    """
    Return the use of intervals that had not ended at a moment, to the end of its day.
    """
    [row] = fetch_rows(
        _LATER,
        {
            "owner_id": owner_id,
            "vehicle_id": vehicle_id,
            "at": at,
            "day_ends_at": day_ends_at,
        },
    )
    return LaterUse(*row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """
    A metered interval of which no money was worked out. `code` says why it was set aside, None:
    its turn has not come; `is_dismissed`: a person decided that it does not count.
    """

    starts_at: datetime
    ends_at: datetime
    job_id: str
    code: QuarantineCode | None
    is_dismissed: bool

    @property
    def reason(self) -> str:
        """
        Return why it was set aside, for the middle of a sentence; "": it was not.
        """
        label = str(self.code.label) if self.code else ""
        return label[:1].lower() + label[1:]


# What waits lies in parts that nobody has claimed, a few at any time, and what was set aside is
# named with its record: a car's records themselves are found by no index.
_UNSETTLED = """
SELECT r.starts_at, r.ends_at, r.job_id, NULL, false
FROM billing_usagepart p
CROSS JOIN LATERAL (
    SELECT * FROM billing_usagerecord u
    WHERE u.on_date BETWEEN greatest(p.first_date, %(first_date)s)
              AND least(p.last_date, %(last_date)s)
      AND u.id BETWEEN p.first_record_id AND p.last_record_id
    OFFSET 0
) r
WHERE p.settlement_id IS NULL AND p.lane = %(lane)s
  AND p.first_date <= %(last_date)s AND p.last_date >= %(first_date)s
  AND r.owner_id = %(owner_id)s AND r.vehicle_id = %(vehicle_id)s
  AND r.starts_at >= %(starts_at)s AND r.starts_at < %(ends_at)s
UNION ALL
SELECT r.starts_at, r.ends_at, r.job_id, q.code, q.state = 'dismissed'
FROM billing_quarantinedrecord q
JOIN billing_usagerecord r ON r.on_date = q.on_date AND r.id = q.record_id
WHERE q.vehicle_id = %(vehicle_id)s AND q.record_id IS NOT NULL
  AND q.on_date BETWEEN %(first_date)s AND %(last_date)s
  AND q.state IN ('open', 'dismissed') AND r.owner_id = %(owner_id)s
  AND r.starts_at >= %(starts_at)s AND r.starts_at < %(ends_at)s
ORDER BY 1, 2
"""


def list_unsettled(
    *, owner_id: int, vehicle_id: int, starts_at: datetime, ends_at: datetime
) -> tuple[Unsettled, ...]:
    """
    Return what was metered of an owner's car in [starts_at, ends_at) and is not settled, oldest
    first: it waits, or was set aside. What was refused at the door was never a reading.
    """
    values = {
        "owner_id": owner_id,
        "vehicle_id": vehicle_id,
        "lane": owner_id % SETTLEMENT_LANES,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "first_date": starts_at.astimezone(UTC).date(),
        "last_date": ends_at.astimezone(UTC).date(),
    }
    return tuple(
        Unsettled(
            starts_at=begin,
            ends_at=end,
            job_id=job_id,
            code=QuarantineCode(code) if code else None,
            is_dismissed=is_dismissed,
        )
        for begin, end, job_id, code, is_dismissed in fetch_rows(_UNSETTLED, values)
    )
