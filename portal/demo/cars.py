"""
Vehicles of the demo and what their owners allow: as different as people are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection

from consent.operations import agreements, vehicles
from consent.rules import RulesDraft, Window, WorkloadCategory
from portal.demo.places import HARDWARE_CLASS, POWER_W, TIME_ZONE
from portal.demo.residents import Resident


EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WEEKDAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)
Choice = TypeVar("Choice")


def hours(days: tuple[int, ...], starts: float, ends: float) -> Window:
    return Window(days=days, starts_minute=int(starts * 60), ends_minute=int(ends * 60))


WEEKS: tuple[tuple[Window, ...], ...] = (
    (hours(EVERY_DAY, 20, 7),),
    (hours(EVERY_DAY, 0, 24),),
    (hours(WEEKDAYS, 21, 6), hours(WEEKEND, 0, 24)),
    (hours(WEEKDAYS, 9, 15.5), hours(EVERY_DAY, 22, 6)),
    (hours(EVERY_DAY, 17.5, 23), hours(EVERY_DAY, 1, 6.5)),
    (hours(EVERY_DAY, 16, 8),),
    (hours(WEEKDAYS, 18, 8), hours(WEEKEND, 10, 22)),
)
BATTERY_STOPS_PCT = (20, 30, 40, 50, 30, 60, 20, 35, 45)
HIGH_C = (40, 35, None, 38, 42)
LOW_C = (None, -5, 0, None, -10, 2)
DAY_WH = (None, 8_000, 12_000, None, 5_000, 10_000, None)
MONTH_WH = (None, None, 250_000, None, 180_000)
DAY_COMPUTE_S = (None, None, None, 8 * 3600, None, None, 12 * 3600)
POWERS_W = (None, None, None, 800, None, 600)
BATTERIES_WH = (40_000, 52_000, 58_000, 64_000, 75_000, 77_000, 82_000)
WORK = (
    tuple(WorkloadCategory),
    (WorkloadCategory.INFERENCE, WorkloadCategory.RESEARCH, WorkloadCategory.SPEECH),
    (WorkloadCategory.INFERENCE, WorkloadCategory.RENDERING, WorkloadCategory.RESEARCH),
    (WorkloadCategory.INFERENCE,),
)
CAR_NAMES = ("Blue one", "Family car", "The Kombi", "Little red", "Grey ghost", "Winter car")


@dataclass(frozen=True, slots=True)
class Car:
    """
    A vehicle of the demo and whose sessions it drives; None: it was never seen plugged in.
    """

    vehicle_id: int
    owner_id: int
    resident: str | None
    region_code: str
    battery_wh: int
    rated_power_w: int = POWER_W


def pick(choices: Sequence[Choice], index: int, step: int) -> Choice:
    """
    Return a choice that depends on the owner, each kind of rule turning at its own pace.
    """
    return choices[(index * step + index // len(choices)) % len(choices)]


def draft_rules(index: int) -> RulesDraft:
    """
    Return the rules of the owner at this place in the list.
    """
    day_wh = pick(DAY_WH, index, 3)
    month_wh = pick(MONTH_WH, index, 2)
    stop_pct = pick(BATTERY_STOPS_PCT, index, 4)
    return RulesDraft(
        time_zone=TIME_ZONE,
        windows=pick(WEEKS, index, 2),
        battery_stop_pct=stop_pct,
        battery_resume_pct=stop_pct + 5 + index % 3 * 5,
        plugged_in_only=index % 8 != 5,
        home_only=index % 3 == 0,
        temp_high_c=pick(HIGH_C, index, 1),
        temp_low_c=pick(LOW_C, index, 1),
        energy_wh_per_day_max=day_wh,
        energy_wh_per_month_max=month_wh,
        compute_s_per_day_max=pick(DAY_COMPUTE_S, index, 2),
        compute_s_per_month_max=None,
        power_limit_w=pick(POWERS_W, index, 5),
        categories=pick(WORK, index, 3),
    )


def find_vehicle(*, owner_id: int, place: int) -> int | None:
    """
    Return an owner's vehicle by its place in the order of registration.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT vehicle_id FROM consent_vehicle_v WHERE owner_id = %s ORDER BY vehicle_id",
            [owner_id],
        )
        found = [vehicle_id for (vehicle_id,) in cursor.fetchall()]
    return found[place] if place < len(found) else None


def ensure_car(
    *,
    owner_id: int,
    resident: Resident,
    index: int,
    agreed_at: datetime,
    name: str = "",
    place: int = 0,
) -> Car:
    """
    Return the owner's car at this place, registered where there was none.
    """
    battery_wh = BATTERIES_WH[index % len(BATTERIES_WH)]
    vehicle_id = find_vehicle(owner_id=owner_id, place=place)
    if vehicle_id is None:
        vehicle_id = vehicles.register_vehicle(
            owner_id=owner_id,
            name=name or CAR_NAMES[index % len(CAR_NAMES)],
            plate=f"EK {10_000 + 137 * index}",
            region_code=resident.region_code,
            hardware_class_code=HARDWARE_CLASS,
            rated_power_w=POWER_W,
            battery_wh=battery_wh,
            time_zone=TIME_ZONE,
            now=agreed_at,
        ).pk
    return Car(
        vehicle_id=vehicle_id,
        owner_id=owner_id,
        resident=resident.code or None,
        region_code=resident.region_code,
        battery_wh=battery_wh,
    )


def ensure_consent(car: Car, *, index: int, agreed_at: datetime) -> int:
    """
    Return the number of the version in force, the first one where there was none.
    """
    try:
        return agree(car, index=index, expected_number=0, now=agreed_at)
    except agreements.StaleVersion as error:
        return error.current_number


def agree(car: Car, *, index: int, expected_number: int, now: datetime) -> int:
    version = agreements.give_consent(
        vehicle_id=car.vehicle_id,
        owner_id=car.owner_id,
        rules=draft_rules(index),
        expected_number=expected_number,
        notice_language="en",
        now=now,
    )
    return version.number


def withdraw(car: Car, *, withdrawn_at: datetime) -> None:
    agreements.withdraw(vehicle_id=car.vehicle_id, owner_id=car.owner_id, now=withdrawn_at)


def agreed_at(*, index: int, opened_at: datetime) -> datetime:
    """
    Return when the owner at this place joined: within the first two days.
    """
    return opened_at + timedelta(minutes=29 * index)
