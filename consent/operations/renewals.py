"""
Agreeing again before a consent ends, and telling owners in time that it will.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts.operations import Mail, enqueue_mails
from accounts.queries import Reader, get_readers
from consent.models import ConsentVersion, Notice
from consent.operations.agreements import (
    NoConsent,
    RulesRefused,
    append_given,
    find_source,
    is_repeat,
)
from consent.operations.vehicles import find_current, lock_vehicle
from consent.queries.evidence import get_draft
from consent.queries.notices import EXPIRES_AT
from consent.rules import find_faults
from web.limits import (
    EXPIRY_FIRST_REMINDER_DAYS,
    EXPIRY_LAST_REMINDER_DAYS,
    EXPIRY_REMINDERS_BATCH,
)
from web.public_ids import encode
from web.rows import fetch_rows
from web.templatetags.parado import local_date
from web.transactions import durable


@durable
def renew_consent(
    *,
    vehicle_id: int,
    owner_id: int,
    expected_number: int,
    notice_version: str,
    notice_language: str,
    now: datetime,
) -> ConsentVersion:
    """
    Agree to the same rules again, as a new version under the notice that the owner has read.

    A repeat returns the version that the first call made.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises NoConsent: none is in force that could be renewed.
    :raises StaleVersion: the rules were changed since the owner looked.
    :raises NoticeChanged: another notice came out since the owner read this one.
    :raises RulesRefused: the rules of then can not be agreed any more.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    current = find_current(vehicle)
    if current is None or current.state == ConsentVersion.State.WITHDRAWN:
        raise NoConsent(vehicle_id)
    seen = ConsentVersion.objects.filter(vehicle=vehicle, number=expected_number).first()
    rules = get_draft(seen or current)
    if is_repeat(current=current, rules=rules, expected_number=expected_number):
        return current
    if faults := find_faults(draft=rules, car=vehicle.facts, now=now):
        raise RulesRefused(faults)
    source = replace(
        find_source(current), notice_version=notice_version, notice_language=notice_language
    )
    return append_given(vehicle=vehicle, rules=rules, source=source, current=current, now=now)


class Due(NamedTuple):
    """
    A consent that ends within so many days.
    """

    owner_id: int
    vehicle_id: int
    plate: str
    days_before: int
    ends_at: datetime


# Who is told now, noted in the same statement: once for each of the two times, and not the
# first any more when the last is due. The second line of `due` finds what a new notice ends;
# %(asked_at)s is NULL, and the line free, unless one does so soon.
_TAKE_DUE = f"""
WITH due AS (
    SELECT c.id, c.owner_id, c.vehicle_id, v.plate, {EXPIRES_AT} AS ends_at
    FROM consent_consentversion c
    JOIN consent_vehicle v ON v.id = c.vehicle_id AND v.retired_at IS NULL
    WHERE upper_inf(c.in_force) AND c.state = 'given'
      AND (c.expires_at <= %(now)s + make_interval(days => %(first)s)
           OR lower(c.in_force) < %(asked_at)s)
), staged AS (
    SELECT *, CASE WHEN ends_at <= %(now)s + make_interval(days => %(last)s) THEN %(last)s
                   ELSE %(first)s END AS days_before
    FROM due
    WHERE ends_at > %(now)s AND ends_at <= %(now)s + make_interval(days => %(first)s)
), noted AS (
    INSERT INTO consent_expiryreminder (version_id, days_before, reminded_at)
    SELECT id, days_before, %(now)s FROM staged s
    WHERE NOT EXISTS (SELECT FROM consent_expiryreminder r
                      WHERE r.version_id = s.id AND r.days_before <= s.days_before)
    ORDER BY id
    LIMIT %(limit)s
    ON CONFLICT DO NOTHING
    RETURNING version_id
)
SELECT s.owner_id, s.vehicle_id, s.plate, s.days_before, s.ends_at
FROM noted n JOIN staged s ON s.id = n.version_id
ORDER BY s.owner_id, s.ends_at, s.plate
"""  # noqa: S608 - made of a constant


@durable
def remind_of_expiry(*, now: datetime) -> int:
    """
    Write to owners whose consent ends soon, one mail for all cars of an owner; return for how
    many cars. Done again it writes to those who were not written to yet.
    """
    due = _take_due(now)
    readers = get_readers(user_ids={each.owner_id for each in due})
    by_owner: defaultdict[int, list[Due]] = defaultdict(list)
    for each in due:
        by_owner[each.owner_id].append(each)
    enqueue_mails(
        (
            _write_mail(readers[owner_id], theirs)
            for owner_id, theirs in by_owner.items()
            if owner_id in readers
        ),
        now=now,
    )
    return len(due)


def _take_due(now: datetime) -> list[Due]:
    horizon = now + timedelta(days=EXPIRY_FIRST_REMINDER_DAYS)
    asking = Notice.objects.filter(agree_by__gt=now, agree_by__lte=horizon)
    values: dict[str, Any] = {
        "now": now,
        "first": EXPIRY_FIRST_REMINDER_DAYS,
        "last": EXPIRY_LAST_REMINDER_DAYS,
        "asked_at": asking.order_by("-published_at").values_list("published_at", flat=True).first(),
        "limit": EXPIRY_REMINDERS_BATCH,
    }
    return [Due(*row) for row in fetch_rows(_TAKE_DUE, values)]


def _write_mail(reader: Reader, due: list[Due]) -> Mail:
    first = due[0]
    with override(reader.language):
        return Mail(
            business_key=f"consent-expiry:{first.vehicle_id}:{first.ends_at:%Y%m%d}:{first.days_before}",
            to=reader.email,
            subject=_name_subject(due),
            text="\n\n".join(_list_paragraphs(reader, due)),
        )


def _list_paragraphs(reader: Reader, due: Iterable[Due]) -> Iterator[str]:
    yield _("Hello %(name)s,") % {"name": reader.name}
    yield _(
        "a consent holds for thirteen months at most, or until the day that a new notice names."
        " Then the car does nothing until you agree again. If the rules are still right for you,"
        " it takes one press:"
    )
    for each in due:
        url = settings.BASE_URL + reverse("consent:renew", args=[encode("veh", each.vehicle_id)])
        yield _("%(plate)s, ends on %(day)s: %(url)s") % {
            "plate": each.plate,
            "day": local_date(each.ends_at, reader.time_zone),
            "url": url,
        }
    yield _("If you do nothing, the consent simply ends. What you earned stays yours.")


def _name_subject(due: Sequence[Due]) -> str:
    if len(due) == 1:
        return _("Your consent for %(plate)s ends soon") % {"plate": due[0].plate}
    text = ngettext(
        "Your consent for %(count)s car ends soon",
        "Your consents for %(count)s cars end soon",
        len(due),
    )
    return text % {"count": len(due)}
