"""
The stand-in scheduler against the application itself: what one says, the other understands.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from consent.models import Vehicle
from simulator.scheduler.__main__ import get_window, main
from simulator.scheduler.client import Client
from tests import factories
from web.public_ids import encode


Json = dict[str, Any]
RESIDENTS = ("AdO3-2", "AdO3-4", "AdO1-2", "Bl2-2")
WEEKS = 1
FEED_TIMEOUT_S = 20.0


@pytest.fixture
def key(transactional_db: None) -> str:
    return factories.create_api_key()


@pytest.fixture
def cars(key: str) -> list[Vehicle]:
    """Four owners who allow everything at night, as the factory's rules say."""
    found = []
    for number, _ in enumerate(RESIDENTS):
        owner = factories.create_owner(f"Olivia{number}")
        car = factories.create_vehicle(owner, plate=f"BX {number} LR")
        factories.create_consent(car, now=datetime(2026, 1, 1, tzinfo=UTC))
        found.append(car)
    return found


@pytest.fixture
def fleet_file(cars: list[Vehicle], tmp_path: Path) -> Path:
    """Write the fleet and book all of the replay for it."""
    pool = factories.create_pool()
    ben = factories.create_organization()
    starts_at_s, _ = get_window(now_s=int(time.time()), weeks=WEEKS)
    for week in range(WEEKS + 1):
        factories.create_booking(
            organization_id=ben.pk,
            pool=pool,
            starts_at=datetime.fromtimestamp(starts_at_s, tz=UTC) + timedelta(weeks=week),
            hours=7 * 24,
            power_w=3_000,
            jobs_max=500,
        )
    rows = [
        {
            "vehicle_id": encode("veh", car.pk),
            "resident": resident,
            "battery_wh": car.battery_wh,
            "rated_power_w": car.rated_power_w,
            "pool_id": encode("pool", pool.pk),
        }
        for car, resident in zip(cars, RESIDENTS, strict=True)
    ]
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def wait_for_feed(base_url: str, key: str) -> None:
    """Wait until the feed tells; it waits for open transactions, other test runs' too."""
    client = Client(base_url=base_url, api_key=key)
    deadline = time.monotonic() + FEED_TIMEOUT_S
    try:
        while len(client.get("/api/v1/bookings/feed")["data"]) <= WEEKS:
            assert time.monotonic() < deadline, "the feed is held back"
            time.sleep(0.2)
    finally:
        client.close()


def run(server: LiveServer, key: str, fleet: Path, *options: str) -> Json:
    wait_for_feed(server.url, key)
    summary_file = fleet.with_name("summary.json")
    code = main(
        [
            *(f"--base-url={server.url}", f"--api-key={key}", f"--fleet={fleet}"),
            *(f"--weeks={WEEKS}", f"--summary-file={summary_file}"),
            *options,
        ]
    )
    assert code == 0
    summary: Json = json.loads(summary_file.read_text(encoding="utf-8"))
    return summary


def test_a_replay_is_understood(live_server: LiveServer, key: str, fleet_file: Path) -> None:
    summary = run(live_server, key, fleet_file)

    assert summary["feeds"]["consents_given"] == len(RESIDENTS)
    assert summary["feeds"]["bookings"] == WEEKS + 1
    assert summary["decisions"]["permitted"] > 50
    assert set(summary["decisions"]["reasons"]) <= {"outside_hours", "battery_low"}
    assert summary["usage"]["accepted"] > 50
    assert set(summary["usage"]["by_code"]) <= {
        "duplicate",
        "unknown_vehicle",
        "unlabelled_workload",
    }
    sent = summary["usage"]
    assert sent["sent"] == sent["accepted"] + sent["duplicates"] + sent["quarantined"]
    assert summary["telemetry"]["refused"] == 0


def test_a_second_replay_changes_nothing(
    live_server: LiveServer, key: str, fleet_file: Path
) -> None:
    # The same now for both: a quarter-hour may end between them.
    now = f"--now={datetime.now(tz=UTC).isoformat()}"
    first = run(live_server, key, fleet_file, now)["usage"]
    second = run(live_server, key, fleet_file, now)["usage"]

    assert second["accepted"] == 0
    assert "conflict" not in second["by_code"]
    # What was refused is refused again; everything else is known.
    assert second["duplicates"] == first["accepted"] + first["duplicates"]
    assert second["quarantined"] == first["quarantined"]
