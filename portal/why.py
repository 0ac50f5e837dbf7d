"""
Why a car worked or did not, now or at any past moment: every check from what was written down.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest
from billing.queries.moments import LaterUse, count_later_use
from billing.queries.readings import Line
from billing.views.cars import link_why
from consent.queries import get_known_vehicle
from consent.queries.known import KnownCar, list_known_cars
from consent.queries.moments import Moment, load_moment
from consent.rules import ReasonCode
from consent.rules.week import start_of_next_day
from consent.views.addresses import about_a_car
from portal.moments.asked import (
    AskedMoment,
    NoSuchMoment,
    read_moment,
    require_past,
)
from portal.moments.checks import (
    CheckView,
    describe_readings,
    list_checks,
    phrase_refusal,
    write_clock,
)
from portal.moments.judged import Judged, Verdict, judge
from portal.moments.ran import Stretch, compare_unsettled, list_stretches, read_lines
from portal.moments.told import Comparison, compare, find_difference, list_answers, list_gaps
from web.components import Fact, Sign, TimelineEntry
from web.templatetags.parado import full_datetime, in_zone, local_date, local_datetime


STEP_MINUTES = 15
OFF_REASONS = frozenset(
    {ReasonCode.NO_CONSENT, ReasonCode.CONSENT_WITHDRAWN, ReasonCode.CONSENT_EXPIRED}
)


@dataclass(frozen=True, kw_only=True)
class WhyView:
    """
    A moment explained. `judged` is what it rests on.
    """

    judged: Judged
    when: str
    sign: Sign
    comparison: Comparison
    difference: str
    checks: tuple[CheckView, ...]
    facts: tuple[Fact, ...]
    answers: tuple[TimelineEntry, ...]
    stretches: tuple[Stretch, ...]
    gaps: tuple[str, ...]
    version_url: str
    first_heard: str
    readings: str

    @property
    def ruled(self) -> tuple[CheckView, ...]:
        """
        Return the checks that had something to check.
        """
        return tuple(check for check in self.checks if check.state != "unset")

    @property
    def unruled(self) -> tuple[CheckView, ...]:
        return tuple(check for check in self.checks if check.state == "unset")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    The form that chooses a moment, on the clock of the car, and the steps beside it.
    """

    on_date: str
    at_time: str
    last_date: str
    earlier_url: str
    later_url: str
    now_url: str


@require_safe
@about_a_car
def show_why(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Explain the moment that the address names, else the present.
    """
    now, owner_id = timezone.now(), request.user.pk
    vehicle = get_known_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    car = next(each for each in list_known_cars(owner_id=owner_id) if each.vehicle_id == vehicle_id)
    context: dict[str, Any] = {"car": car, "nav_current": "home", "problem": ""}
    try:
        asked = read_moment(request.GET, zone=ZoneInfo(car.time_zone))
        at = now if asked is None else asked.at
        require_past(
            at, since=vehicle.created_at, until=car.retired_at, now=now, zone=car.time_zone
        )
    except NoSuchMoment as error:
        context |= {"problem": str(error), "choice": make_choice(car, None, now)}
        return render(request, "portal/why.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    moment = load_moment(vehicle=vehicle, at=at, is_now=asked is None)
    context |= {
        "choice": make_choice(car, asked, now),
        "asked": asked,
        "other_url": link_why(vehicle_id, asked.other_at) if asked and asked.other_at else "",
        "view": make_why(moment, car=car, owner_id=owner_id),
    }
    return render(request, "portal/why.html", context)


def make_why(moment: Moment, *, car: KnownCar, owner_id: int) -> WhyView:
    lines, unsettled = read_lines(moment.at, car=car, owner_id=owner_id)
    judged = judge(
        moment=moment, line=find_line(lines, moment.at), later=_count_later(moment, car, owner_id)
    )
    zone = car.time_zone
    history = reverse("consent:history", args=[car.public_id])
    number = judged.decision.consent_version
    rules_url = "" if car.retired_at else reverse("consent:rules", args=[car.public_id])
    return WhyView(
        judged=judged,
        when=full_datetime(moment.at, zone),
        sign=make_sign(judged, zone=zone),
        comparison=compare_unsettled(judged, unsettled) or compare(judged, zone=zone),
        difference=find_difference(judged),
        checks=list_checks(judged, zone=zone, rules_url=rules_url),
        facts=tuple(list_facts(judged, zone=zone)),
        answers=list_answers(judged, zone=zone),
        stretches=list_stretches(lines, unsettled, moment.at, car=car, owner_id=owner_id),
        gaps=tuple(list_gaps(judged, zone=zone)),
        version_url="" if number is None else f"{history}#v{number}",
        readings=describe_readings(judged, zone=zone),
        first_heard=local_date(moment.first_heard_at, zone) if moment.first_heard_at else "",
    )


def find_line(lines: tuple[Line, ...], at: datetime) -> Line | None:
    """
    Return what was metered at a moment, a breach before anything else.
    """
    found = [line for line in lines if line.is_valid and line.starts_at <= at < line.ends_at]
    return max(found, key=lambda line: bool(line.refusals), default=None)


def _count_later(moment: Moment, car: KnownCar, owner_id: int) -> LaterUse:
    rules = moment.standing.rules
    zone = ZoneInfo(car.time_zone) if rules is None else rules.zone
    return count_later_use(
        owner_id=owner_id,
        vehicle_id=car.vehicle_id,
        at=moment.at,
        day_ends_at=start_of_next_day(moment.at.astimezone(zone), zone),
    )


# ------------------------------------------------------------------ what the page shows
def make_sign(judged: Judged, *, zone: str) -> Sign:
    """
    Return the verdict in words: when, what, and what stood in the way with its figures.
    """
    moment = judged.moment
    clock = {"time": write_clock(moment.at, zone), "day": local_date(moment.at, zone)}
    texts = [phrase_refusal(finding) for finding in judged.reasons]
    if judged.verdict is Verdict.REFUSED:
        title = _("Refused at %(time)s on %(day)s: %(reason)s") % {**clock, "reason": texts[0]}
    elif judged.verdict is Verdict.PERMITTED:
        title = _("Permitted at %(time)s on %(day)s") % clock
    else:
        title = _("Not known at %(time)s on %(day)s") % clock
    return Sign(
        key="then",
        title=title,
        text=_write_text(judged, texts, zone),
        state=_find_sign_state(judged),
    )


def _write_text(judged: Judged, texts: list[str], zone: str) -> str:
    if judged.verdict is Verdict.PERMITTED:
        if judged.decision.graced:
            reasons = ", ".join(phrase_refusal(finding) for finding in judged.decision.graced)
            return _("A running job was let go on in spite of: %(reasons)s.") % {"reasons": reasons}
        return _("Every rule in force then was met.")
    if judged.verdict is Verdict.UNKNOWN:
        return _("No rule is known to have said no, but not every check can be made any more.")
    parts = [_("It also said no: %(reasons)s.") % {"reasons": "; ".join(texts[1:])}]
    return " ".join([*(parts if texts[1:] else ()), _write_opening(judged, zone)])


def _write_opening(judged: Judged, zone: str) -> str:
    opens_at = judged.decision.next_open_at
    if opens_at is None:
        return _("No clock ends that: it lies with the car, the work or you.")
    return _("The next opening, as of that moment: %(time)s.") % {
        "time": local_datetime(opens_at, zone)
    }


def _find_sign_state(judged: Judged) -> Literal["waiting", "earning", "off"]:
    if judged.line is not None and judged.verdict is Verdict.PERMITTED:
        return "earning"
    is_off = OFF_REASONS & {finding.code for finding in judged.reasons}
    return "off" if is_off or judged.verdict is Verdict.UNKNOWN else "waiting"


def list_facts(judged: Judged, *, zone: str) -> "list[Fact]":
    """
    Return what was in force then: the version, the pause, and the next opening.
    """
    moment, decision = judged.moment, judged.decision
    number = decision.consent_version
    facts = [
        Fact(
            label=_("Your rules"),
            value=_("none") if number is None else _("Version %(number)s") % {"number": number},
            note=_("in force since %(time)s") % {"time": full_datetime(moment.version_since, zone)}
            if moment.version_since
            else "",
        )
    ]
    for label, taken in (
        (_("Pause"), moment.standing.state.pause),
        (_("Skipped night"), moment.standing.state.skip),
    ):
        if taken is None or taken.starts_at > moment.at:
            continue
        end = (
            _("until you resumed") if taken.ends_at is None else local_datetime(taken.ends_at, zone)
        )
        facts.append(
            Fact(label=label, value=f"{local_datetime(taken.starts_at, zone)} \N{EN DASH} {end}")
        )
    if judged.verdict is Verdict.REFUSED:
        opens = local_datetime(decision.next_open_at, zone) if decision.next_open_at else ""
        facts.append(
            Fact(label=_("Next opening, as of then"), value=opens or _("none by the clock"))
        )
    return facts


def make_choice(car: KnownCar, asked: AskedMoment | None, now: datetime) -> Choice:
    at = now if asked is None else asked.at
    local, path = in_zone(at, car.time_zone), reverse("portal:why", args=[car.public_id])
    later = at + timedelta(minutes=STEP_MINUTES)
    return Choice(
        on_date=f"{local:%Y-%m-%d}",
        at_time=f"{local:%H:%M}",
        last_date=f"{in_zone(now, car.time_zone):%Y-%m-%d}",
        earlier_url=link_why(car.vehicle_id, at - timedelta(minutes=STEP_MINUTES)),
        later_url=link_why(car.vehicle_id, later) if later <= now else "",
        now_url="" if asked is None else path,
    )
