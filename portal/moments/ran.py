"""
What ran around a moment, by the meter: settled, waiting for it, or set aside.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from billing.queries.moments import Unsettled, list_unsettled
from billing.queries.readings import Line, list_lines
from billing.queries.sessions import SESSION_LENGTH_MAX, list_sessions
from billing.views.earnings import CURRENCY
from billing.views.session_words import make_line_tag
from billing.views.sessions import link_session
from consent.queries.known import KnownCar
from portal.moments.judged import Judged
from portal.moments.told import Comparison
from web.components import Tag
from web.templatetags.parado import local_time


LINES_AROUND = timedelta(minutes=45)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """
    A metered interval near the moment; `is_moment`: it covers it.
    """

    span: str
    job_id: str
    tag: Tag
    url: str
    is_moment: bool


def read_lines(
    at: datetime, *, car: KnownCar, owner_id: int
) -> tuple[tuple[Line, ...], tuple[Unsettled, ...]]:
    """
    Return what was metered around a moment: what is settled, and what is not.
    """
    around = {"starts_at": at - LINES_AROUND, "ends_at": at + LINES_AROUND}
    lines = list_lines(owner_id=owner_id, vehicle_id=car.vehicle_id, **around)
    return lines, list_unsettled(owner_id=owner_id, vehicle_id=car.vehicle_id, **around)


def compare_unsettled(judged: Judged, unsettled: tuple[Unsettled, ...]) -> Comparison | None:
    """
    Return what is known of work that was reported of the moment and not settled; None: there
    is none, or there is other work that is.
    """
    at = judged.moment.at
    found = next((each for each in unsettled if each.starts_at <= at < each.ends_at), None)
    if judged.line is not None or found is None:
        return None
    if found.code is None:
        text = _("A job ran at this moment by its meter. It waits to be checked and settled.")
        return Comparison(text=text, tone="cost")
    text = (
        _("Work was reported of this moment and does not count: %(reason)s.")
        if found.is_dismissed
        else _("Work was reported of this moment and set aside: %(reason)s. A person decides.")
    )
    return Comparison(text=text % {"reason": found.reason}, tone="cost")


def list_stretches(
    lines: tuple[Line, ...],
    unsettled: tuple[Unsettled, ...],
    at: datetime,
    *,
    car: KnownCar,
    owner_id: int,
) -> tuple[Stretch, ...]:
    """
    Return what was metered around the moment, oldest first, what is settled with its reading.
    """
    near = [line for line in lines if line.is_valid]
    links = _link_readings(near, at, car=car, owner_id=owner_id)
    stretches: list[tuple[Line | Unsettled, Tag, str]] = [
        (line, make_line_tag(line), links.get(line.record_id, "")) for line in near
    ]
    stretches += [(each, make_unsettled_tag(each), "") for each in unsettled]
    return tuple(
        Stretch(
            span=f"{local_time(each.starts_at, car.time_zone)}\N{EN DASH}"
            f"{local_time(each.ends_at, car.time_zone)}",
            job_id=each.job_id,
            tag=tag,
            url=url,
            is_moment=each.starts_at <= at < each.ends_at,
        )
        for each, tag, url in sorted(stretches, key=lambda stretch: stretch[0].starts_at)
    )


def make_unsettled_tag(unsettled: Unsettled) -> Tag:
    """
    Return what became of a reading that is not settled.
    """
    if unsettled.code is None:
        return Tag(label=_("Waits to be settled"), tone="idle")
    reason = {"reason": unsettled.reason}
    if unsettled.is_dismissed:
        return Tag(label=_("Does not count: %(reason)s") % reason, tone="idle")
    return Tag(label=_("Set aside: %(reason)s") % reason, tone="cost")


def _link_readings(
    lines: list[Line], at: datetime, *, car: KnownCar, owner_id: int
) -> dict[int, str]:
    """
    Return the page of each reading, by its record.
    """
    if not lines:
        return {}
    sessions = list_sessions(
        owner_id=owner_id,
        vehicle_ids=[car.vehicle_id],
        currency=CURRENCY,
        starts_at=at - SESSION_LENGTH_MAX,
        ends_at=at + LINES_AROUND,
        limit=1000,
    )
    return {
        line.record_id: f"{link_session(session)}{line.record_id}/"
        for line in lines
        for session in sessions
        if session.starts_at <= line.starts_at < session.ends_at
    }
