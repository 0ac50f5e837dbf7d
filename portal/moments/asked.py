"""
Which moment a page was asked about, on the clock of the car: read, and refused with its reason.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from web.templatetags.parado import local_datetime, local_time


# A plus sign in an address that nobody has quoted arrives as a space.
LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


class NoSuchMoment(Exception):
    """
    What was asked about cannot be explained; the text says why.
    """


@dataclass(frozen=True, kw_only=True)
class AskedMoment:
    """
    A moment as an instant. `note` says what the clocks did then; `other_at` is the same time
    of that night's other hour, when there were two.
    """

    at: datetime
    note: str = ""
    other_at: datetime | None = None


def read_moment(query: QueryDict, *, zone: ZoneInfo) -> AskedMoment | None:
    """
    Return the moment that an address names, as `at` or as the form's `date` and `time`; None:
    it names none.

    :raises NoSuchMoment: nobody can read it, or no calendar holds it.
    """
    text = query.get("at", "").strip()
    if not text and (query.get("date") or query.get("time")):
        text = f"{query.get('date', '').strip()}T{query.get('time', '').strip() or '00:00'}"
    if not text:
        return None
    try:
        written = datetime.fromisoformat(LOST_PLUS.sub("+", text))
        if written.tzinfo is not None:
            return AskedMoment(at=written.astimezone(UTC))
        return _place_on_clock(written, zone)
    except (ValueError, OverflowError) as error:
        raise NoSuchMoment(
            _("That is no date and time that we can read. Choose both, as 20 Nov 2026 and 23:05.")
        ) from error


def _place_on_clock(written: datetime, zone: ZoneInfo) -> AskedMoment:
    """
    Return the instant of a time on the wall: the first of two, and after a gap if there is none.
    """
    first = written.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = written.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return AskedMoment(at=first)
    if first.astimezone(zone).replace(tzinfo=None) == written.replace(fold=0):
        note = _("The clocks went back that night, and %(time)s came twice. This is the first.")
        return AskedMoment(at=first, note=note % {"time": f"{written:%H:%M}"}, other_at=second)
    note = _("The clocks went forward that night, and %(time)s never came. This is %(shown)s.")
    shown = local_time(first, zone.key)
    return AskedMoment(at=first, note=note % {"time": f"{written:%H:%M}", "shown": shown})


def require_past(
    at: datetime, *, since: datetime, until: datetime | None, now: datetime, zone: str
) -> None:
    """
    Let a moment pass that lies in the time that an owner had the car, and not ahead.

    :raises NoSuchMoment: it does not.
    """
    if at > now:
        raise NoSuchMoment(
            _("That is still to come: it is %(now)s. What will be then, nobody can explain yet.")
            % {"now": local_datetime(now, zone)}
        )
    if at < since:
        raise NoSuchMoment(
            _("You added this car on %(day)s. Nothing is known of it before.")
            % {"day": local_datetime(since, zone)}
        )
    if until is not None and at >= until:
        raise NoSuchMoment(
            _("This car left your account on %(day)s. What it did since is not yours to see.")
            % {"day": local_datetime(until, zone)}
        )
