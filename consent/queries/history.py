"""
The versions of a vehicle's consent, as its owner reads them.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from consent.models import ConsentEvent, ConsentVersion
from consent.queries.access import get_owned_vehicle
from consent.queries.evidence import get_draft, verify_chain
from consent.queries.words import RuleWords, describe_rules
from consent.rules import RulesDraft
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """
    One version; `ends_at` None is in force now. `changes` are its rules that the version
    before had otherwise, all of them for the first.
    """

    number: int
    is_withdrawn: bool
    starts_at: datetime
    ends_at: datetime | None
    notice_version: str
    notice_language: str
    digest: str
    draft: RulesDraft
    words: tuple[RuleWords, ...]
    changes: tuple[RuleWords, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPage:
    """
    A car and the version that its rules are edited from; None: consent was never given.
    """

    vehicle_id: int
    plate: str
    name: str
    time_zone: str
    rated_power_w: int
    current: VersionView | None

    @property
    def public_id(self) -> str:
        return encode("veh", self.vehicle_id)

    @property
    def number(self) -> int:
        """
        Return the version that a draft begins from, 0 before the first.
        """
        return self.current.number if self.current else 0


@dataclass(frozen=True, slots=True)
class EventView:
    """
    What happened when; `pause_ends_at` None on a pause: until it was resumed.
    """

    kind: str
    label: str | Promise
    number: int
    at: datetime
    pause_ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    All versions and events, newest first. `broken_at` names a version that was tampered with.
    """

    page: RulesPage
    versions: tuple[VersionView, ...]
    events: tuple[EventView, ...]
    broken_at: int | None


EVENTS_SHOWN = 200


def get_rules(*, vehicle_id: int, owner_id: int) -> RulesPage:
    """
    Return a car with the version in force.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    current = ConsentVersion.objects.filter(vehicle=vehicle, in_force__upper_inf=True).first()
    return RulesPage(
        vehicle_id=vehicle.pk,
        plate=vehicle.plate,
        name=vehicle.name,
        time_zone=vehicle.time_zone,
        rated_power_w=vehicle.rated_power_w,
        current=None if current is None else _view(current, before=None),
    )


def get_history(*, vehicle_id: int, owner_id: int) -> History:
    """
    Return all that was ever agreed for a car, and whether its chain is whole.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    page = get_rules(vehicle_id=vehicle_id, owner_id=owner_id)
    versions: list[VersionView] = []
    for version in ConsentVersion.objects.filter(vehicle_id=vehicle_id).order_by("number"):
        versions.append(_view(version, before=versions[-1] if versions else None))
    events = ConsentEvent.objects.filter(vehicle_id=vehicle_id).order_by("-effective_at", "-id")
    broken = verify_chain(vehicle_id=vehicle_id)
    return History(
        page=page,
        versions=tuple(reversed(versions)),
        events=tuple(_view_event(event) for event in events[:EVENTS_SHOWN]),
        broken_at=broken.number if broken else None,
    )


def _view(version: ConsentVersion, *, before: VersionView | None) -> VersionView:
    draft = get_draft(version)
    words = describe_rules(draft)
    known = set(before.words) if before else set()
    return VersionView(
        number=version.number,
        is_withdrawn=version.state == ConsentVersion.State.WITHDRAWN,
        starts_at=version.starts_at,
        ends_at=version.ends_at,
        notice_version=version.notice_version,
        notice_language=version.notice_language,
        digest=bytes(version.digest).hex(),
        draft=draft,
        words=words,
        changes=tuple(each for each in words if each not in known),
    )


def _view_event(event: ConsentEvent) -> EventView:
    return EventView(
        kind=event.kind,
        label=event.get_kind_display(),
        number=event.number,
        at=event.effective_at,
        pause_ends_at=event.pause_ends_at,
    )
