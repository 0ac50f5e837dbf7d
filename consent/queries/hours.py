"""
When a car's owner allowed work in the past: by the versions in force then, and their pauses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from consent.models import ConsentVersion, Pause
from consent.queries.notices import with_end
from consent.rules import Hours


Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastHours:
    """
    Stretches [from, to), oldest first: in which a consent held, in which its hours were open, and
    in which the owner had paused the car or left out a night.
    """

    agreed: tuple[Span, ...]
    open: tuple[Span, ...]
    paused: tuple[Span, ...]


def list_past_hours(
    *, vehicle_id: int, owner_id: int, starts_at: datetime, ends_at: datetime
) -> PastHours:
    """
    Return what an owner had agreed to and paused inside [starts_at, ends_at).

    Only the owner's own versions and car count, so a stranger gets none. Two SQL queries.
    """
    versions = ConsentVersion.objects.filter(
        vehicle_id=vehicle_id,
        owner_id=owner_id,
        state=ConsentVersion.State.GIVEN,
        in_force__overlap=(starts_at, ends_at),
    ).order_by("number")
    held = [
        (version, max(starts_at, version.starts_at), last)
        for version, holds_until in with_end(versions)
        for last in [min(ends_at, holds_until, version.ends_at or ends_at)]
        if last > max(starts_at, version.starts_at)
    ]
    pauses = Pause.objects.filter(
        vehicle_id=vehicle_id,
        vehicle__owner_id=owner_id,
        during__overlap=(starts_at, ends_at),
    ).order_by("during")
    return PastHours(
        agreed=tuple((first, last) for _version, first, last in held),
        open=tuple(span for each in held for span in _open_spans(*each)),
        paused=_merge(
            (
                max(starts_at, each.during.lower or starts_at),
                min(ends_at, each.during.upper or ends_at),
            )
            for each in pauses
        ),
    )


def _open_spans(version: ConsentVersion, starts_at: datetime, ends_at: datetime) -> Iterator[Span]:
    hours = Hours(version.week_mask, ZoneInfo(version.time_zone), version.closed, version.opened)
    return hours.open_spans(starts_at=starts_at, ends_at=ends_at)


def _merge(spans: Iterator[Span]) -> tuple[Span, ...]:
    """
    Return stretches in order without overlaps: a night left out may lie inside a pause.
    """
    merged: list[Span] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
