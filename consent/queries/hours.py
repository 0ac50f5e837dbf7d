"""
When a car's owner allowed work in the past, by the versions that were in force then.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from consent.models import ConsentVersion
from consent.queries.notices import with_end
from consent.rules import Hours


def list_open_spans(
    *, vehicle_id: int, owner_id: int, starts_at: datetime, ends_at: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """
    Return the allowed stretches [from, to) inside [starts_at, ends_at), oldest first.

    Only the owner's own versions count, so a stranger gets none. One SQL query.
    """
    versions = ConsentVersion.objects.filter(
        vehicle_id=vehicle_id,
        owner_id=owner_id,
        state=ConsentVersion.State.GIVEN,
        in_force__overlap=(starts_at, ends_at),
    ).order_by("number")
    return tuple(
        span
        for version, holds_until in with_end(versions)
        for span in _open_spans(version, starts_at, min(ends_at, holds_until))
    )


def _open_spans(
    version: ConsentVersion, starts_at: datetime, ends_at: datetime
) -> Iterator[tuple[datetime, datetime]]:
    hours = Hours(version.week_mask, ZoneInfo(version.time_zone), version.closed, version.opened)
    last = min(ends_at, version.ends_at or ends_at)
    return hours.open_spans(starts_at=max(starts_at, version.starts_at), ends_at=last)
