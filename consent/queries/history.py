"""
The versions of a vehicle's consent, as its owner reads them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from consent.models import ConsentEvent, ConsentVersion, Vehicle
from consent.queries.access import VehicleNotFound, get_known_vehicle, get_owned_vehicle
from consent.queries.evidence import get_draft, verify_chain
from consent.queries.figures import describe_figures, tell_figures
from consent.queries.words import RuleWords, describe_rules
from consent.rules import RulesDraft
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """
    One version; `ends_at` None is in force now. `changes` are its rules that the version
    before had otherwise, all of them for the first.

    `figures` are those of the car by which it is judged, `told` what became of them since the
    version before. `carries_on_number` is the version that this one goes on with, None: it was
    agreed to itself; `expires_at` is when it ends at the latest.
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
    figures: tuple[RuleWords, ...]
    told: tuple[str, ...]
    carries_on_number: int | None
    expires_at: datetime


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
    All versions and events, newest first. `broken_at` names a version that was tampered with,
    `retired_at` is when the car left its owner.
    """

    page: RulesPage
    versions: tuple[VersionView, ...]
    events: tuple[EventView, ...]
    broken_at: int | None
    retired_at: datetime | None

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(version.number for version in self.versions)


@dataclass(frozen=True, slots=True)
class RulePair:
    """
    One rule in the words of two versions; "" where a version says nothing about it.
    """

    label: str | Promise
    first: str
    second: str

    @property
    def differs(self) -> bool:
        return self.first != self.second


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    Two versions of a car's consent side by side, and the numbers to choose from.
    """

    page: RulesPage
    first: VersionView
    second: VersionView
    numbers: tuple[int, ...]
    rules: tuple[RulePair, ...]
    figures: tuple[RulePair, ...]

    @property
    def count(self) -> int:
        return sum(rule.differs for rule in self.rules)

    @property
    def has_other_figures(self) -> bool:
        """
        Return whether they are judged by another battery or charger.
        """
        return any(figure.differs for figure in self.figures)

    @property
    def rows(self) -> tuple[RulePair, ...]:
        return (*self.figures, *self.rules)

    @property
    def sides(self) -> tuple[VersionView, VersionView]:
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class FormerCar:
    """
    A car that an owner no longer has, whose versions of theirs are kept.
    """

    vehicle_id: int
    plate: str
    name: str
    time_zone: str
    retired_at: datetime

    @property
    def public_id(self) -> str:
        return encode("veh", self.vehicle_id)


EVENTS_SHOWN = 200


def get_rules(*, vehicle_id: int, owner_id: int) -> RulesPage:
    """
    Return a car with the version in force.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    return _make_page(get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id))


def _make_page(vehicle: Vehicle) -> RulesPage:
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
    Return all that an owner ever agreed for a car, and whether its chain is whole.

    :raises VehicleNotFound: there never was such a vehicle of this owner.
    """
    vehicle = get_known_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    versions: list[VersionView] = []
    before: ConsentVersion | None = None
    for version in _list_agreed(vehicle_id, owner_id):
        known = versions[-1] if versions else None
        told = tell_figures(before, version) if before else ()
        versions.append(_view(version, before=known, told=told))
        before = version
    carried = {each.number for each in versions if each.carries_on_number}
    events = ConsentEvent.objects.filter(vehicle_id=vehicle_id).order_by("-effective_at", "-id")
    broken = verify_chain(vehicle_id=vehicle_id)
    return History(
        page=_make_page(vehicle),
        versions=tuple(reversed(versions)),
        events=tuple(_view_event(event, carried) for event in events[:EVENTS_SHOWN]),
        broken_at=broken.number if broken else None,
        retired_at=vehicle.retired_at,
    )


def list_former_cars(*, owner_id: int) -> tuple[FormerCar, ...]:
    """
    Return the cars of which an owner keeps records only, the last to leave first.
    """
    rows: Iterable[tuple[Any, ...]] = (
        ConsentVersion.objects.filter(owner_id=owner_id, vehicle__retired_at__isnull=False)
        .values_list(
            "vehicle_id",
            "vehicle__plate",
            "vehicle__name",
            "vehicle__time_zone",
            "vehicle__retired_at",
        )
        .order_by("-vehicle__retired_at")
        .distinct()
    )
    return tuple(FormerCar(*row) for row in rows)


def compare_versions(
    *, vehicle_id: int, owner_id: int, first: int | None, second: int | None
) -> Difference:
    """
    Return two versions side by side in words; None: the last, and the one before it.

    :raises VehicleNotFound: there never was such a vehicle of this owner, or such a version.
    """
    vehicle = get_known_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    versions = {version.number: version for version in _list_agreed(vehicle_id, owner_id)}
    last = max(versions, default=0)
    chosen = (
        versions.get(max(last - 1, 1) if first is None else first),
        versions.get(last if second is None else second),
    )
    if chosen[0] is None or chosen[1] is None:
        raise VehicleNotFound(vehicle_id)
    left, right = _view(chosen[0], before=None), _view(chosen[1], before=None)
    return Difference(
        page=_make_page(vehicle),
        first=left,
        second=right,
        numbers=tuple(reversed(versions)),
        rules=_pair_rules(left.words, right.words),
        figures=_pair_rules(left.figures, right.figures),
    )


def get_agreed_draft(*, vehicle_id: int, owner_id: int, number: int) -> RulesDraft:
    """
    Return the rules of any version that an owner agreed to, to begin a draft with.

    :raises VehicleNotFound: there is no such vehicle of this owner, or no such version.
    """
    get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    version = _list_agreed(vehicle_id, owner_id).filter(number=number).first()
    if version is None:
        raise VehicleNotFound(vehicle_id)
    return get_draft(version)


def _list_agreed(vehicle_id: int, owner_id: int) -> QuerySet[ConsentVersion]:
    """
    Return a car's versions by whoever agreed to them, not by who has the car now.
    """
    versions = ConsentVersion.objects.filter(vehicle_id=vehicle_id, owner_id=owner_id)
    return versions.order_by("number")


def _pair_rules(left: tuple[RuleWords, ...], right: tuple[RuleWords, ...]) -> tuple[RulePair, ...]:
    first, second = ({rule.field: rule for rule in each} for each in (left, right))
    return tuple(
        RulePair(
            label=(first.get(field) or second[field]).label,
            first=first[field].text if field in first else "",
            second=second[field].text if field in second else "",
        )
        for field in dict.fromkeys((*first, *second))
    )


def _view(
    version: ConsentVersion, *, before: VersionView | None, told: tuple[str, ...] = ()
) -> VersionView:
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
        figures=describe_figures(version),
        told=told,
        carries_on_number=version.carries_on_number,
        expires_at=version.expires_at,
    )


def _view_event(event: ConsentEvent, carried: Collection[int]) -> EventView:
    is_carried = event.kind == ConsentEvent.Kind.CHANGED and event.number in carried
    return EventView(
        kind=event.kind,
        label=_("Car details changed") if is_carried else event.get_kind_display(),
        number=event.number,
        at=event.effective_at,
        pause_ends_at=event.pause_ends_at,
    )
