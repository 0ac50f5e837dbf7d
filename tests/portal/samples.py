"""
What a car said over days, as telemetry keeps it.
"""

from datetime import datetime, timedelta
from typing import Any

from consent.models import StateSample, Vehicle


HOUR = timedelta(hours=1)
PLUGGED: dict[str, Any] = {
    "state_of_charge_permille": 700,
    "plugged_in": True,
    "is_home": True,
    "is_moving": False,
    "battery_temp_decic": 180,
}
AWAY: dict[str, Any] = {
    "state_of_charge_permille": 650,
    "plugged_in": False,
    "is_home": False,
    "is_moving": None,
    "battery_temp_decic": None,
}


def say(vehicle: Vehicle, at: datetime, **facts: Any) -> StateSample:
    """
    Let a car say that it is plugged in at home, charged and cool, or what `facts` change.
    """
    return StateSample.objects.create(
        vehicle=vehicle, observed_at=at, received_at=at, **(PLUGGED | facts)
    )


def say_hourly(vehicle: Vehicle, starts_at: datetime, ends_at: datetime, **facts: Any) -> None:
    """
    Let a car say the same every hour of [starts_at, ends_at).
    """
    hours = int((ends_at - starts_at) / HOUR)
    StateSample.objects.bulk_create(
        StateSample(
            vehicle=vehicle,
            observed_at=starts_at + hour * HOUR,
            received_at=starts_at + hour * HOUR,
            **(PLUGGED | facts),
        )
        for hour in range(hours)
    )


def say_nights(vehicle: Vehicle, first: datetime, *, nights: int, hours: int = 12) -> None:
    """
    Let a car be plugged in for some hours from `first` on, night after night, and away between.
    """
    for night in range(nights):
        starts_at = first + timedelta(days=night)
        say_hourly(vehicle, starts_at, starts_at + hours * HOUR)
        say(vehicle, starts_at + hours * HOUR, **AWAY)
