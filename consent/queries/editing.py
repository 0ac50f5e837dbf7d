"""
What the editor of rules begins with: for one car, or for the defaults of all of them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from accounts.queries import list_organizations
from consent.models import ConsentVersion, OwnRules, ProfileVersion, Vehicle
from consent.models.vehicles import CHARGE_POWER_W
from consent.queries.history import RulesPage, get_agreed_draft, get_rules
from consent.queries.notices import with_end
from consent.rules import CarFacts, RulesDraft, Window, WorkloadCategory
from consent.rules.faults import drop_past
from consent.rules.parts import PARTS, take_parts
from consent.rules.profiles import Origin, combine_for_car, fit_to_car
from consent.rules.written import read_rules
from web.rows import fetch_rows


# Where an owner begins who never agreed to anything: little, and easy to see.
FIRST_WINDOWS: Final = (Window((0, 1, 2, 3, 4, 5, 6), 22 * 60, 7 * 60),)
FIRST_CATEGORIES: Final = (
    WorkloadCategory.INFERENCE,
    WorkloadCategory.RESEARCH,
    WorkloadCategory.SPEECH,
)
# What defaults are judged against while there is no car.
ANY_CAR: Final = CarFacts(rated_power_w=20_000, battery_wh=5_000, charge_power_w=CHARGE_POWER_W)


@dataclass(frozen=True, slots=True)
class Profile:
    """
    An owner's defaults; number 0 and no rules before there are any.
    """

    number: int
    rules: RulesDraft | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """
    The draft that a form shows, and all that it is judged against.

    `page` None: these are the defaults of all cars. `shown` is what was typed the last time;
    `effective` what holds now, without dates that are over, None: nothing holds. They differ
    where a car follows defaults: `own_fields` (PARTS) are the rules of its own, `origins` says
    where each comes from. `buyers` are names by id. `country` is where the car is parked, ""
    when nobody knows.
    """

    page: RulesPage | None
    number: int
    shown: RulesDraft
    effective: RulesDraft | None
    car: CarFacts
    now: datetime
    buyers: dict[int, str]
    country: str
    reward_micros_per_h_highest: int | None
    profile: Profile
    follows: bool = False
    own_fields: frozenset[str] = frozenset()
    origins: dict[str, Origin] | None = None


# The country of a car, and the most that work of its pool pays at a moment.
_CAR = """
SELECT v.battery_wh, v.charge_power_w, v.charge_limit_pct, v.rated_power_w,
       coalesce(max(p.country), ''),
       max(r.reward_micros_per_kwh) * v.rated_power_w / 1000
FROM consent_vehicle v
LEFT JOIN marketplace_pool_v p
  ON p.region_code = v.region_code AND p.hardware_class_code = v.hardware_class_code
LEFT JOIN marketplace_rate_terms_v r
  ON r.pool_id = p.pool_id AND r.starts_at <= %(now)s AND r.ends_at > %(now)s
WHERE v.id = ANY(%(ids)s)
GROUP BY v.id
"""


def get_editing(
    *, vehicle_id: int, owner_id: int, now: datetime, from_number: int | None = None
) -> Editing:
    """
    Return what the editor of a car begins with; `from_number` begins with an older version.

    :raises VehicleNotFound: there is no such vehicle of this owner, or no such version.
    """
    page = get_rules(vehicle_id=vehicle_id, owner_id=owner_id)
    [(car, country, highest)] = _read_cars([vehicle_id], now)
    profile = get_profile(owner_id=owner_id)
    first = make_first_draft(time_zone=page.time_zone)
    current = drop_past(draft=page.current.draft if page.current else first, now=now)
    is_given = page.current is not None and not page.current.is_withdrawn
    editing = Editing(
        page=page,
        number=page.number,
        shown=current,
        effective=current if is_given else None,
        car=car,
        now=now,
        buyers=list_organizations(),
        country=country,
        reward_micros_per_h_highest=highest,
        profile=profile,
    )
    editing = _complete(editing, vehicle_id)
    if from_number is None:
        return editing
    older = get_agreed_draft(vehicle_id=vehicle_id, owner_id=owner_id, number=from_number)
    return replace(editing, shown=drop_past(draft=older, now=now))


def get_profile_editing(*, owner_id: int, now: datetime) -> Editing:
    """
    Return what the editor of an owner's defaults begins with: those, else the rules of a car.
    """
    profile = get_profile(owner_id=owner_id)
    vehicles = Vehicle.objects.filter(owner_id=owner_id, retired_at__isnull=True).order_by("id")
    facts = _read_cars([vehicle.pk for vehicle in vehicles], now)
    rewards = [highest for _car, _country, highest in facts if highest is not None]
    shown = profile.rules or _find_example(list(vehicles))
    return Editing(
        page=None,
        number=profile.number,
        shown=drop_past(draft=shown, now=now),
        effective=profile.rules,
        car=_join_facts([car for car, _country, _highest in facts]),
        now=now,
        buyers=list_organizations(),
        country=next((country for _car, country, _highest in facts if country), ""),
        reward_micros_per_h_highest=max(rewards, default=None),
        profile=profile,
    )


def get_profile(*, owner_id: int) -> Profile:
    """
    Return the defaults that hold for an owner's cars now.
    """
    latest = ProfileVersion.objects.filter(owner_id=owner_id).order_by("-number").first()
    return Profile(latest.number, read_rules(latest.rules)) if latest else Profile(0, None)


def get_profile_draft(*, owner_id: int, number: int) -> RulesDraft | None:
    """
    Return an owner's defaults of any version; None when there is no such version.
    """
    version = ProfileVersion.objects.filter(owner_id=owner_id, number=number).first()
    return read_rules(version.rules) if version else None


def make_first_draft(*, time_zone: str) -> RulesDraft:
    """
    Return where an owner begins who never agreed to anything.
    """
    return RulesDraft(
        time_zone=time_zone,
        windows=FIRST_WINDOWS,
        battery_stop_pct=50,
        battery_resume_pct=60,
        plugged_in_only=True,
        home_only=True,
        temp_high_c=35,
        temp_low_c=0,
        energy_wh_per_day_max=None,
        energy_wh_per_month_max=None,
        compute_s_per_day_max=None,
        compute_s_per_month_max=None,
        power_limit_w=None,
        categories=FIRST_CATEGORIES,
    )


def _complete(editing: Editing, vehicle_id: int) -> Editing:
    """
    Return the same with each rule as it was asked for, of a car that follows defaults, and
    with nothing in force once the consent has ended by the clock.
    """
    found = ConsentVersion.objects.filter(vehicle=vehicle_id, in_force__upper_inf=True)
    version, ends_at = next(with_end(found), (None, editing.now))
    if version is None:
        return _begin_with_defaults(editing)
    if ends_at <= editing.now:
        editing = replace(editing, effective=None)
    if version.profile_number is None or editing.profile.rules is None:
        return editing
    rules = OwnRules.objects.filter(version=version).values_list("rules", flat=True).first()
    own = editing.shown if rules is None else read_rules(rules)
    own_fields = frozenset(version.own_fields) & PARTS.keys()
    asked = take_parts(base=editing.profile.rules, other=own, parts=own_fields)
    combined = combine_for_car(
        profile=editing.profile.rules,
        own=own,
        own_fields=own_fields,
        car=editing.car,
        now=editing.now,
    )
    return replace(
        editing,
        shown=drop_past(draft=fit_to_car(draft=asked, car=editing.car), now=editing.now),
        follows=True,
        own_fields=own_fields,
        origins=combined.origins,
    )


def _begin_with_defaults(editing: Editing) -> Editing:
    """
    Return what a car begins with that never had rules, of an owner who has defaults.
    """
    if editing.profile.rules is None:
        return editing
    fitted = fit_to_car(draft=editing.profile.rules, car=editing.car)
    return replace(
        editing,
        shown=drop_past(draft=fitted, now=editing.now),
        follows=True,
        origins=dict.fromkeys(PARTS, Origin.DEFAULTS),
    )


def _find_example(vehicles: list[Vehicle]) -> RulesDraft:
    """
    Return the rules of the first car that has any, to make defaults of.
    """
    for vehicle in vehicles:
        page = get_rules(vehicle_id=vehicle.pk, owner_id=vehicle.owner_id)
        if page.current is not None:
            return page.current.draft
    return make_first_draft(time_zone=vehicles[0].time_zone if vehicles else "Europe/Oslo")


def _read_cars(vehicle_ids: list[int], now: datetime) -> list[tuple[CarFacts, str, int | None]]:
    return [
        (
            CarFacts(
                rated_power_w=rated,
                battery_wh=battery,
                charge_power_w=charge,
                charge_limit_pct=limit,
            ),
            country,
            highest,
        )
        for battery, charge, limit, rated, country, highest in fetch_rows(
            _CAR, {"ids": vehicle_ids, "now": now}
        )
    ]


def _join_facts(cars: list[CarFacts]) -> CarFacts:
    """
    Return facts by which a rule is wrong only if it is wrong for every car.
    """
    if not cars:
        return ANY_CAR
    return CarFacts(
        rated_power_w=max(car.rated_power_w for car in cars),
        battery_wh=min(car.battery_wh for car in cars),
        charge_power_w=max(car.charge_power_w for car in cars),
        charge_limit_pct=max(car.charge_limit_pct for car in cars),
    )
