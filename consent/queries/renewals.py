"""
Until when consents hold, for owners who have to agree again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.models import ConsentVersion
from consent.queries.access import VehicleNotFound, get_owned_vehicle
from consent.queries.cards import VehicleCard
from consent.queries.history import RulesPage, get_rules
from consent.queries.notices import NoticeChange, get_change, with_end
from web.limits import EXPIRY_FIRST_REMINDER_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """
    One car whose consent ends soon, or has ended by the clock.
    """

    public_id: str
    plate: str
    time_zone: str
    ends_at: datetime
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalPage:
    """
    What an owner agrees to again: the same rules, under the notice of today.
    """

    page: RulesPage
    ends_at: datetime
    is_over: bool
    notice: NoticeChange

    @property
    def is_notice_new(self) -> bool:
        return self.notice.before.version != self.notice.after.version


def find_renewal(card: VehicleCard, *, now: datetime) -> Renewal | None:
    """
    Return the end of a car's consent when it is near or past, from what the card knows.
    """
    rules = card.rules
    if rules is None or rules.is_withdrawn or rules.expires_at is None:
        return None
    if rules.expires_at > now + timedelta(days=EXPIRY_FIRST_REMINDER_DAYS):
        return None
    return Renewal(
        public_id=card.public_id,
        plate=card.plate,
        time_zone=card.time_zone,
        ends_at=rules.expires_at,
        is_over=rules.expires_at <= now,
    )


def get_renewal_page(
    *, vehicle_id: int, owner_id: int, language: str, now: datetime
) -> RenewalPage:
    """
    Return what can be agreed to again.

    :raises VehicleNotFound: there is no such vehicle of this owner, or no consent to renew.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    given = ConsentVersion.objects.filter(
        vehicle=vehicle, in_force__upper_inf=True, state=ConsentVersion.State.GIVEN
    )
    current, ends_at = next(with_end(given), (None, now))
    if current is None:
        raise VehicleNotFound(vehicle_id)
    return RenewalPage(
        page=get_rules(vehicle_id=vehicle_id, owner_id=owner_id),
        ends_at=ends_at,
        is_over=ends_at <= now,
        notice=get_change(version=current.notice_version, language=language, now=now),
    )
