"""
What people and scripts find in var/: who may sign in, keys, ids, the fleet.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.demo.cars import Car
from portal.demo.people import PASSWORD, SIGN_IN
from web.public_ids import encode


VEHICLES_SHOWN = 12
BOOKINGS_SHOWN = 12


def demo_file() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


def fleet_file() -> Path:
    return Path(settings.VAR_DIR) / "fleet.json"


def read_demo() -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(demo_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def write_demo(
    *, keys: dict[str, str], vehicle_ids: Iterable[int], booking_ids: Iterable[int]
) -> None:
    """
    Write who may sign in, the keys, and some ids to try them with.
    """
    people = [
        {"role": person.role, "email": person.email, "password": PASSWORD} for person in SIGN_IN
    ]
    content = {
        "url": settings.BASE_URL,
        "people": people,
        "keys": keys,
        "vehicle_ids": [encode("veh", number) for number in vehicle_ids][:VEHICLES_SHOWN],
        "booking_ids": [encode("bkg", number) for number in booking_ids][:BOOKINGS_SHOWN],
    }
    write(demo_file(), content)


def write_fleet(cars: Iterable[Car], *, pool_ids: dict[str, int]) -> None:
    """
    Write the cars that the scheduler stand-in drives.
    """
    content = [
        {
            "vehicle_id": encode("veh", car.vehicle_id),
            "resident": car.resident,
            "battery_wh": car.battery_wh,
            "rated_power_w": car.rated_power_w,
            "pool_id": encode("pool", pool_ids[car.region_code]),
        }
        for car in cars
        if car.resident is not None
    ]
    write(fleet_file(), content)


def write(path: Path, content: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    # Passwords and keys: of a demo, but readable by its owner alone all the same.
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
