"""
What an owner's car said over a stretch of time, as fine as a chart can show.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from web.rows import fetch_rows


# What the car said last holds so long at most: then nobody knows where it stands.
HOLDS_FOR = timedelta(hours=12)


class Said(NamedTuple):
    """
    One sample that can be true; None: the car did not say. `is_recovering`: it fills up first.
    """

    at: datetime
    charge_permille: int | None
    plugged_in: bool | None
    is_home: bool | None
    is_moving: bool | None
    is_recovering: bool


# The last of every ten minutes: a car that says something each second draws no finer line.
_SAID = """
SELECT DISTINCT ON (date_bin('10 minutes', s.observed_at, 'epoch')) s.observed_at,
    s.state_of_charge_permille, s.plugged_in, s.is_home, s.is_moving, s.is_recovering
FROM consent_statesample s
JOIN consent_vehicle v ON v.id = s.vehicle_id AND v.owner_id = %(owner_id)s
WHERE s.vehicle_id = %(vehicle_id)s AND s.fault = ''
  AND s.observed_at > %(since)s AND s.observed_at <= %(ends_at)s
ORDER BY date_bin('10 minutes', s.observed_at, 'epoch'), s.observed_at DESC
"""


def list_said(
    *, vehicle_id: int, owner_id: int, starts_at: datetime, ends_at: datetime
) -> tuple[Said, ...]:
    """
    Return what an owner's car said up to `ends_at`, from what still held at `starts_at` on.

    Only the owner's own car counts, so a stranger gets nothing. One SQL query.
    """
    rows = fetch_rows(
        _SAID,
        {
            "vehicle_id": vehicle_id,
            "owner_id": owner_id,
            "since": starts_at - HOLDS_FOR,
            "ends_at": ends_at,
        },
    )
    said = [Said(*row) for row in rows]
    before = [each for each in said if each.at <= starts_at]
    return (*before[-1:], *said[len(before) :])
