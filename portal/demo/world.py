"""
Loads the demo world, step after step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from billing.queries import overview
from portal.demo import bookings, cars, files, keys, money, people, places, prices, stand_in
from portal.demo.cars import Car
from portal.demo.residents import Resident, read_residents


# How long ago the first owner agreed; usage older than 90 days is refused.
AGE = timedelta(weeks=12)
AHEAD = timedelta(days=3)
DATA = Path(settings.BASE_DIR) / "simulator" / "data" / "trondheim_ev_sessions.csv"
# By place in the list: who changed the rules, who withdrew, and who never set up payouts.
CHANGED_MIND = {0: 20, 4: 11, 9: 30, 17: 16, 23: 9}
WITHDREW = {6: 8}
WITHOUT_PAYOUT_ACCOUNT = frozenset({12, 31, 58})

Progress = Callable[[str], None]


class NotADemo(Exception):
    """
    The database holds people who are not of the demo: nothing is loaded into it.
    """


@dataclass(frozen=True, slots=True)
class Times:
    """
    When the world began, and the moment it was first loaded at.
    """

    opened_at: datetime
    anchor: datetime

    def replay_starts_at(self, weeks: int) -> datetime:
        """
        Return the Monday, midnight in Trondheim, from which that many whole weeks are replayed.
        """
        local = self.anchor.astimezone(bookings.ZONE)
        monday = local.date() - timedelta(days=local.weekday(), weeks=weeks)
        start = datetime.combine(monday, time(), tzinfo=bookings.ZONE)
        return start.astimezone(self.anchor.tzinfo)


def load(*, weeks: int, now: datetime, progress: Progress) -> None:
    """
    Load what is missing of the demo world.

    :raises NotADemo: see there.
    """
    times = read_times(now=now)
    staff = ensure_staff(times=times)
    pool_ids = places.ensure_pools(opened_at=times.opened_at, now=times.opened_at)
    fleet = ensure_fleet(times=times)
    progress(f"{len(fleet)} cars of {len({car.owner_id for car in fleet})} owners")
    prices.ensure_tariffs(fleet, opened_at=times.opened_at)
    starts_at = times.replay_starts_at(weeks)
    ends_at = max(times.anchor, now) + AHEAD
    places.forecast(starts_at=starts_at, ends_at=ends_at + bookings.WEEK, now=now)
    buyers = ensure_buyers(staff=staff, times=times)
    booking_ids = ensure_bookings(
        buyers=buyers,
        pool_ids=pool_ids,
        period={"starts_at": starts_at, "ends_at": ends_at},
        staff=staff,
        now=now,
    )
    progress(f"{len(booking_ids)} bookings")
    ensure_payout_accounts(fleet, now=now, progress=progress)
    made = keys.ensure_keys(
        kept=files.read_demo().get("keys", {}),
        organization_id=buyers[0],
        admin_id=staff["ben"],
        now=now,
    )
    files.write_fleet(fleet, pool_ids=pool_ids)
    files.write_demo(
        keys=made, vehicle_ids=[car.vehicle_id for car in fleet], booking_ids=booking_ids
    )


def read_times(*, now: datetime) -> Times:
    """
    Return the times of the world that is there, or those of one that begins now.
    """
    everybody = get_user_model().objects
    olivia = everybody.filter(email=people.OLIVIA.email).values_list("created_at", flat=True)
    if opened_at := olivia.first():
        return Times(opened_at=opened_at, anchor=opened_at + AGE)
    if everybody.exists():
        raise NotADemo
    anchor = now.replace(minute=0, second=0, microsecond=0)
    return Times(opened_at=anchor - AGE, anchor=anchor)


def ensure_staff(*, times: Times) -> dict[str, int]:
    named = {
        "olivia": people.OLIVIA,
        "ben": people.BEN,
        "bea": people.BEA,
        "fiona": people.FIONA,
        "felix": people.FELIX,
        "oscar": people.OSCAR,
    }
    return {
        name: people.ensure_person(person, now=times.opened_at) for name, person in named.items()
    }


def ensure_fleet(*, times: Times) -> list[Car]:
    """
    Return one car for each resident, and a second one of Olivia's that nobody has seen.
    """
    residents = read_residents(DATA)
    owners = people.list_owners(len(residents))
    fleet = [
        ensure_owner(person, resident=resident, index=index, times=times)
        for index, (person, resident) in enumerate(zip(owners, residents, strict=True))
    ]
    cabin = Resident(code="", region_code=fleet[0].region_code, session_count=0)
    second = cars.ensure_car(
        owner_id=fleet[0].owner_id,
        resident=cabin,
        index=len(fleet),
        agreed_at=times.opened_at,
        name="Cabin car",
        place=1,
    )
    return [*fleet, second]


def ensure_owner(person: people.Person, *, resident: Resident, index: int, times: Times) -> Car:
    agreed_at = cars.agreed_at(index=index, opened_at=times.opened_at)
    owner_id = people.ensure_person(person, now=times.opened_at)
    car = cars.ensure_car(owner_id=owner_id, resident=resident, index=index, agreed_at=agreed_at)
    number = cars.ensure_consent(car, index=index, agreed_at=agreed_at)
    if index in CHANGED_MIND and number == 1:
        changed_at = times.anchor - timedelta(days=CHANGED_MIND[index])
        cars.agree(car, index=index + 3, expected_number=1, now=changed_at)
    if index in WITHDREW and number == 1:
        cars.withdraw(car, withdrawn_at=times.anchor - timedelta(days=WITHDREW[index]))
    return car


def ensure_buyers(*, staff: dict[str, int], times: Times) -> tuple[int, int]:
    """
    Return Ben's organisation and Bea's.
    """
    return (
        people.ensure_organization(
            name="Nordlys Inference AS", admin_id=staff["ben"], now=times.opened_at
        ),
        people.ensure_organization(
            name="Fjord Research", admin_id=staff["bea"], now=times.opened_at
        ),
    )


def ensure_bookings(
    *,
    buyers: tuple[int, int],
    pool_ids: dict[str, int],
    period: dict[str, datetime],
    staff: dict[str, int],
    now: datetime,
) -> list[int]:
    """
    Return the bookings that cover the replay and the days ahead, placed where missing.
    """
    actor_ids = dict(zip(buyers, (staff["ben"], staff["bea"]), strict=True))
    orders = [
        *bookings.plan_base(organization_id=buyers[0], pool_ids=pool_ids, **period),
        *bookings.plan_nights(organization_id=buyers[1], pool_ids=pool_ids, **period),
    ]
    found = {order.key: bookings.find_booking(order, now=now) for order in orders}
    missing = [order for order in orders if found[order.key] is None]
    for organization_id, actor_id in actor_ids.items():
        own = [order for order in missing if order.organization_id == organization_id]
        money.ensure_balance(
            organization_id=organization_id,
            actor_id=actor_id,
            needed_micros=sum(order.held_micros for order in own),
            request_key=f"demo:{len(own)}",
            now=now,
        )
        for order in own:
            found[order.key] = bookings.place(order, actor_id=actor_id, now=now)
    return [booking_id for booking_id in found.values() if booking_id is not None]


def ensure_payout_accounts(fleet: list[Car], *, now: datetime, progress: Progress) -> None:
    """
    Let all owners but a few set up where they are paid; nobody, where only Stripe could.
    """
    if not stand_in.is_there():
        progress("payout accounts are set up by their owners at Stripe")
        return
    chosen = [car for index, car in enumerate(fleet) if index not in WITHOUT_PAYOUT_ACCOUNT]
    emails = people.list_emails([car.owner_id for car in chosen])
    ready = overview.list_ready_owners()
    for owner_id, email in emails.items():
        if owner_id not in ready:
            money.onboard(owner_id=owner_id, email=email, now=now)
    progress(f"{len(emails)} payout accounts")
