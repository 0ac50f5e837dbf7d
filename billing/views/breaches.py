"""
What ran outside the owner's rules: both clocks, the rules, and how it was made good.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, owner_required
from billing.queries import breaches as queries
from billing.queries import sessions as session_queries
from billing.queries.breaches import Breach
from billing.queries.sessions import SESSION_LENGTH_MAX, Session
from billing.views.cars import choose_car, have_worked_before, link_why, make_car_views
from billing.views.earnings import CURRENCY
from billing.views.sessions import STAMP, link_session, read_stamp
from consent.queries.closings import Closings, Judged, list_closings
from consent.queries.known import KnownCar, list_known_cars
from consent.queries.phrases import phrase_reason
from consent.rules import ReasonCode, reasons_from_mask
from web.components import Fact, Pages, Tag
from web.public_ids import encode
from web.templatetags.parado import full_datetime, local_date, local_datetime, money, number


DAYS_SHOWN = 90
BREACHES_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachView:
    """
    One breach as the page shows it; `url` "" where its session is no longer found.
    """

    key: str
    when: str
    plate: str
    tags: tuple[Tag, ...]
    facts: tuple[Fact, ...]
    url: str
    why_url: str


@require_safe
@owner_required
def show_breaches(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    cars = {car.vehicle_id: car for car in list_known_cars(owner_id=request.user.pk)}
    chosen = choose_car(request, cars)
    shown = [cars[chosen]] if chosen else list(cars.values())
    ids = [car.vehicle_id for car in shown]
    until = read_stamp(request.GET.get("until", "")) or now
    found, since = _list_page(request.user.pk, ids, until)
    address = reverse("billing:breaches")
    context = {
        "breaches": _describe(found, cars, request.user.pk),
        "checked": queries.count_checked(
            owner_id=request.user.pk, vehicle_ids=ids, starts_at=since, ends_at=until
        ),
        "views": make_car_views(cars, chosen, address=address),
        "since": local_date(since, request.user.time_zone),
        "until": local_date(until, request.user.time_zone),
        "currency": CURRENCY,
        "nav_current": "rules",
        "pages": Pages(
            next_url=_link(address, request.GET.get("car", ""), since)
            if have_worked_before(shown, since)
            else "",
            previous_url=address if until < now else "",
            text=_("%(days)s days or %(count)s intervals a page")
            % {"days": DAYS_SHOWN, "count": BREACHES_SHOWN},
        ),
    }
    return render(request, "billing/breaches.html", context)


def _list_page(
    owner_id: int, vehicle_ids: list[int], until: datetime
) -> tuple[tuple[Breach, ...], datetime]:
    """
    Return the newest breaches before a moment, and since when they are all there are.
    """
    since = until - timedelta(days=DAYS_SHOWN)
    found = queries.list_breaches(
        owner_id=owner_id,
        vehicle_ids=vehicle_ids,
        starts_at=since,
        ends_at=until,
        limit=BREACHES_SHOWN + 1,
    )
    if len(found) <= BREACHES_SHOWN:
        return found, since
    # Others may begin with the last one, so it goes to the next page with them. An address
    # names whole seconds.
    since = found[-1].starts_at.replace(microsecond=0) + timedelta(seconds=1)
    return tuple(each for each in found if each.starts_at >= since), since


def _link(address: str, car: str, until: datetime) -> str:
    car_part = f"car={car}&" if car else ""
    return f"{address}?{car_part}until={until.astimezone(UTC).strftime(STAMP)}"


def _describe(
    breaches: tuple[Breach, ...], cars: Mapping[int, KnownCar], owner_id: int
) -> list[BreachView]:
    judged = [
        Judged(
            vehicle_id=each.vehicle_id,
            version_id=each.version_id,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            reasons=reasons_from_mask(each.refusals),
        )
        for each in breaches
    ]
    closings = list_closings(owner_id=owner_id, judged=judged)
    sessions = _list_sessions(breaches, owner_id)
    return [
        _make_view(breach, cars[breach.vehicle_id], closing, sessions)
        for breach, closing in zip(breaches, closings, strict=True)
    ]


def _list_sessions(breaches: tuple[Breach, ...], owner_id: int) -> tuple[Session, ...]:
    if not breaches:
        return ()
    return session_queries.list_sessions(
        owner_id=owner_id,
        vehicle_ids={each.vehicle_id for each in breaches},
        currency=CURRENCY,
        starts_at=breaches[-1].starts_at - SESSION_LENGTH_MAX,
        ends_at=breaches[0].ends_at,
        limit=1000,
    )


def _make_view(
    breach: Breach, car: KnownCar, closings: Closings, sessions: tuple[Session, ...]
) -> BreachView:
    tags = [
        Tag(label=capfirst(phrase_reason(code)), tone="stop")
        for code in reasons_from_mask(breach.refusals)
    ]
    if breach.is_superseded:
        tags.append(Tag(label=_("Corrected by a later reading"), tone="idle"))
    return BreachView(
        key=f"breach-{breach.record_id}",
        when=local_datetime(breach.starts_at, car.time_zone),
        plate=car.plate,
        tags=tuple(tags),
        facts=tuple(_list_facts(breach, car, closings)),
        url=_find_reading(breach, sessions),
        why_url=link_why(breach.vehicle_id, _find_moment(breach, closings)),
    )


def _find_moment(breach: Breach, closings: Closings) -> datetime:
    """
    Return the first moment of a breach at which its rules said no.
    """
    closed = [each.at for each in closings.values() if each.at < breach.ends_at]
    return max(breach.starts_at, *closed) if closed else breach.starts_at


def _list_facts(breach: Breach, car: KnownCar, closings: Closings) -> Iterator[Fact]:
    yield _both_clocks(_("Metered from"), breach.starts_at, car)
    yield _both_clocks(_("Metered until"), breach.ends_at, car)
    for code, closing in closings.items():
        yield _both_clocks(_name_closing(code), closing.at, car)
        if closing.committed_at is not None:
            yield _both_clocks(_("Written down by us"), closing.committed_at, car)
    if breach.version_number is not None:
        text = _("Version %(number)s") % {"number": breach.version_number}
        yield Fact(label=_("Checked with"), value=text)
    yield Fact(label=_("Energy"), value=_("%(wh)s Wh") % {"wh": number(breach.energy_wh)})
    yield Fact(
        label=_("Compensation"),
        value=money(breach.compensation_micros, breach.currency),
        value_note=_write_transfer(breach),
    )
    yield _both_clocks(_("Found and paid"), breach.settled_at, car)


def _both_clocks(label: str, at: datetime, car: KnownCar) -> Fact:
    local, utc = full_datetime(at, car.time_zone), full_datetime(at, "UTC")
    return Fact(label=label, value=local, value_note=utc)


def _name_closing(code: ReasonCode) -> str:
    names = {
        ReasonCode.PAUSED: _("You paused at"),
        ReasonCode.CONSENT_WITHDRAWN: _("You withdrew at"),
        ReasonCode.CONSENT_EXPIRED: _("Your consent ended at"),
        ReasonCode.CLOSED_DATE: _("Your date closed at"),
    }
    return names.get(code, _("Your hours closed at"))


def _write_transfer(breach: Breach) -> str:
    if breach.entry_id is None or breach.transfer_number is None:
        return ""
    transfer_id = f"{encode('ent', breach.entry_id)}-{breach.transfer_number}"
    return _("in transfer %(id)s of %(total)s, from Parado's own money") % {
        "id": transfer_id,
        "total": money(breach.transfer_micros or 0, breach.currency),
    }


def _find_reading(breach: Breach, sessions: tuple[Session, ...]) -> str:
    for session in sessions:
        is_inside = session.starts_at <= breach.starts_at < session.ends_at
        if is_inside and session.vehicle_id == breach.vehicle_id:
            return f"{link_session(session)}{breach.record_id}/"
    return ""
