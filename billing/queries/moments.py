"""
What was metered of a car around one moment, and what of its day came only after it.
"""

from dataclasses import dataclass
from datetime import datetime

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
