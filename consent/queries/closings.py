"""
When the owner's rules had closed before work that ran against them: the other clock of a breach.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.db.models import Q

from consent.models import ConsentVersion, Pause
from consent.queries.notices import with_end
from consent.rules import Hours, ReasonCode


# Hours recur every week; what closed earlier than that was not what the work ran into.
LOOK_BACK = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Judged:
    """
    A metered interval that rules refused, with the version that it was judged by.
    """

    vehicle_id: int
    version_id: int | None
    starts_at: datetime
    ends_at: datetime
    reasons: tuple[ReasonCode, ...]


@dataclass(frozen=True, slots=True)
class Closing:
    """
    When a rule began to say no; `committed_at` is when the database took a withdrawal in.
    """

    at: datetime
    committed_at: datetime | None = None


Closings = Mapping[ReasonCode, Closing]


def list_closings(*, owner_id: int, judged: Sequence[Judged]) -> list[Closings]:
    """
    Return, for each interval, since when those rules said no that close by the clock.

    Rules without a clock, as the battery's floor, are left out. Only the owner's own versions
    count. Two SQL queries.
    """
    ids = {each.version_id for each in judged if each.version_id is not None}
    mine = ConsentVersion.objects.filter(pk__in=ids, owner_id=owner_id)
    versions = {version.pk: (version, end) for version, end in with_end(mine)}
    pauses = _list_pauses(judged)
    return [_find_closings(each, versions, pauses) for each in judged]


def _list_pauses(judged: Sequence[Judged]) -> list[Pause]:
    spans = [(each.starts_at, each.ends_at) for each in judged if ReasonCode.PAUSED in each.reasons]
    if not spans:
        return []
    first, last = min(chain(*spans)), max(chain(*spans))
    return list(
        Pause.objects.filter(
            Q(during__overlap=(first, last)),
            vehicle_id__in={each.vehicle_id for each in judged},
        )
    )


def _find_closings(
    judged: Judged,
    versions: Mapping[int, tuple[ConsentVersion, datetime]],
    pauses: Sequence[Pause],
) -> Closings:
    found = {
        ReasonCode.PAUSED: max(
            (
                pause.starts_at
                for pause in pauses
                if pause.vehicle_id == judged.vehicle_id and pause.starts_at < judged.ends_at
            ),
            default=None,
        )
    }
    committed_at = None
    if judged.version_id is not None and judged.version_id in versions:
        version, end = versions[judged.version_id]
        committed_at = version.created_at
        closed_at = _find_closed_at(version, judged)
        found |= {
            ReasonCode.CONSENT_WITHDRAWN: version.starts_at,
            ReasonCode.CONSENT_EXPIRED: end,
            ReasonCode.OUTSIDE_HOURS: closed_at,
            ReasonCode.CLOSED_DATE: closed_at,
        }
    return {
        code: Closing(at, committed_at if code is ReasonCode.CONSENT_WITHDRAWN else None)
        for code, at in found.items()
        if at is not None and code in judged.reasons
    }


def _find_closed_at(version: ConsentVersion, judged: Judged) -> datetime | None:
    """
    Return the end of the last hours that were open before the interval's end.
    """
    hours = Hours(version.week_mask, ZoneInfo(version.time_zone), version.closed, version.opened)
    since = judged.starts_at - LOOK_BACK
    ends = [end for _, end in hours.open_spans(starts_at=since, ends_at=judged.ends_at)]
    return ends[-1] if ends and ends[-1] < judged.ends_at else None
