"""
What the scheduler knows: its cars, and the bookings and consents it reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.scheduler import moments
from simulator.scheduler.client import Client, Json


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """``pool_id`` is '' where the fleet file does not say; then every pool is served."""

    vehicle_id: str
    resident: str
    battery_wh: int
    rated_power_w: int
    pool_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Booking:
    """``jobs_max`` is None where the feed does not say."""

    booking_id: str
    starts_at_s: int
    ends_at_s: int
    power_w: int
    category: str
    pool_id: str = ""
    jobs_max: int | None = None


@dataclass(kw_only=True)
class Feed:
    """What one feed has told so far."""

    rows: int = 0
    cursor: str | None = None


@dataclass(kw_only=True)
class Consents:
    """The latest state and version by vehicle."""

    state: dict[str, str] = field(default_factory=dict)
    version: dict[str, int] = field(default_factory=dict)

    def count(self, state: str) -> int:
        return sum(1 for known in self.state.values() if known == state)


class UnreadableFleet(Exception):
    """The fleet file is not what it should be."""


def load_fleet(path: Path) -> dict[str, Vehicle]:
    """
    Return the vehicles by resident.

    :raises UnreadableFleet: not a list of vehicles, or a resident with two.
    """
    known = Vehicle.__dataclass_fields__.keys()
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        vehicles = [
            Vehicle(**{name: row[name] for name in known if name in row or name != "pool_id"})
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFleet(f"{path}: {type(error).__name__}: {error}") from error
    by_resident = {vehicle.resident: vehicle for vehicle in vehicles}
    if len(by_resident) != len(vehicles):
        raise UnreadableFleet(f"{path}: a resident has two vehicles")
    return by_resident


def read_feed(client: Client, path: str, feed: Feed) -> list[Json]:
    """Return every row since the feed's cursor, and move the cursor."""
    found: list[Json] = []
    while True:
        page = client.get(path, cursor=feed.cursor)
        rows, cursor = page["data"], page.get("next_cursor")
        found += rows
        is_over = cursor is None or cursor == feed.cursor or not (rows or page.get("has_more"))
        feed.cursor = cursor or feed.cursor
        if is_over:
            break
    feed.rows += len(found)
    return found


def apply_consents(consents: Consents, rows: list[Json]) -> None:
    for row in rows:
        vehicle_id = row["vehicle_id"]
        consents.state[vehicle_id] = row["state"]
        if row["version"] is not None:
            consents.version[vehicle_id] = row["version"]


def apply_bookings(bookings: dict[str, Booking], rows: list[Json]) -> None:
    """Keep the latest of each booking. A released one is still owed its reports."""
    for row in (row["booking"] for row in rows):
        bookings[row["id"]] = Booking(
            booking_id=row["id"],
            starts_at_s=moments.from_text(row["starts_at"]),
            ends_at_s=moments.from_text(row["ends_at"]),
            power_w=row["power_w"],
            category=row["workload_category"],
            pool_id=row["pool_id"],
            jobs_max=row["jobs_max"],
        )
