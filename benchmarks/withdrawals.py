"""
How soon a withdrawal is in the consent feed while owners change 200 consents a second.

Owners act in processes of their own, at a steady pace; a scheduler follows the feed over HTTP as
docs/scheduler.md says. A latency runs from the owner's answer to the arrival of the row. The raw
limit is a reader that asks the table itself for the newest row, without a break.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.db import connection

from benchmarks.evaluations import connect, serve


HERE = Path(__file__).resolve().parent
CHANGES_PER_S = 200
SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))
OWNERS_AT_ONCE = 2
VEHICLES = CHANGES_PER_S * SECONDS
P99_MS_MAX = 1_000.0
PACE_SHARE_MIN = 0.9
# The scheduler's pause between two answers, so that it stays within its rate.
PAUSE_S = 0.05
PATIENCE_S = 60


def load_fleet() -> str:
    """
    Fill the database and return a scheduler's key.
    """
    from datetime import timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415 - after django.setup

    from accounts.operations import issue_api_key  # noqa: PLC0415

    statements = (HERE / "decision_fleet.sql").read_text(encoding="utf-8")
    with connection.cursor() as cursor:
        # One in a hundred never gave consent.
        cursor.execute(statements, {"vehicles": VEHICLES * 102 // 100})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    now = timezone.now()
    return issue_api_key(
        name="benchmark",
        kind="scheduler",
        scopes=frozenset({"consents:read"}),
        source="urn:scheduler:bench",
        expires_at=now + timedelta(days=1),
        actor_id=None,
        now=now,
    ).secret


# ------------------------------------------------------------------ the owners
def list_cars() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT vehicle_id FROM consent_consentversion WHERE number = 1 ORDER BY 1")
        return [row[0] for row in cursor.fetchall()][:VEHICLES]


def withdraw_at_pace(part: int) -> None:
    """
    Withdraw every n-th car, each at its moment; print "public id, when the owner knew".
    """
    from django.utils import timezone  # noqa: PLC0415

    from consent.operations import withdraw  # noqa: PLC0415
    from web.public_ids import encode  # noqa: PLC0415

    cars = list_cars()[part::OWNERS_AT_ONCE]
    began = time.monotonic()
    for number, car in enumerate(cars):
        due = began + number * OWNERS_AT_ONCE / CHANGES_PER_S
        time.sleep(max(0.0, due - time.monotonic()))
        withdraw(vehicle_id=car, owner_id=car, now=timezone.now())
        print(encode("veh", car), time.monotonic(), flush=True)


def start_owners() -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.withdrawals", str(part)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in range(OWNERS_AT_ONCE)
    ]


def read_owners(owners: list[subprocess.Popen[str]], told: dict[str, float]) -> None:
    def read(owner: subprocess.Popen[str]) -> None:
        assert owner.stdout is not None
        for line in owner.stdout:
            public_id, at = line.split()
            told[public_id] = float(at)

    readers = [threading.Thread(target=read, args=(owner,)) for owner in owners]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


# ------------------------------------------------------------------ the scheduler
def read_page(
    client: http.client.HTTPConnection, key: str, **query: str | float
) -> tuple[list[dict[str, Any]], str]:
    client.request(
        "GET",
        f"/api/v1/consents?{urlencode({'limit': 5_000, **query})}",
        headers={"Authorization": f"Bearer {key}"},
    )
    response = client.getresponse()
    body = response.read()
    assert response.status == 200, body
    page = json.loads(body)
    return page["data"], page["next_cursor"]


def read_snapshot(client: http.client.HTTPConnection, key: str) -> str:
    rows, cursor = read_page(client, key)
    while rows:
        rows, cursor = read_page(client, key, cursor=cursor)
    return cursor


def follow(
    client: http.client.HTTPConnection, key: str, cursor: str, owners: threading.Thread
) -> Iterator[str]:
    """
    Yield the cars whose withdrawal arrives, until all did.
    """
    seen = 0
    deadline = time.monotonic() + PATIENCE_S
    while seen < VEHICLES and time.monotonic() < deadline:
        if owners.is_alive():
            deadline = time.monotonic() + PATIENCE_S
        rows, cursor = read_page(client, key, cursor=cursor, wait_s=5)
        for row in rows:
            if row["event"] == "withdrawn":
                seen += 1
                yield row["vehicle_id"]
        time.sleep(PAUSE_S)


def watch_table(arrived: dict[str, float], done: threading.Event) -> None:
    """
    Note when each row can be seen at all, by asking the table without a break.
    """
    from web.public_ids import encode  # noqa: PLC0415

    try:
        with connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute(
                    "SELECT vehicle_id FROM consent_consentevent ORDER BY id DESC LIMIT 50"
                )
                at = time.monotonic()
                for (vehicle_id,) in cursor.fetchall():
                    arrived.setdefault(encode("veh", vehicle_id), at)
                time.sleep(0.002)
    finally:
        connection.close()


# ------------------------------------------------------------------ the run
def quantile(latencies: list[float], percent: int) -> float:
    return statistics.quantiles(latencies, n=100)[percent - 1]


def measure(key: str) -> tuple[list[float], list[float], float]:
    """
    Return the latencies over HTTP and of the table in ms, and the pace in changes a second.
    """
    told: dict[str, float] = {}
    visible: dict[str, float] = {}
    arrived: dict[str, float] = {}
    done = threading.Event()
    with serve() as (port, _master):
        client = connect(port)
        cursor = read_snapshot(client, key)
        owners = start_owners()
        threads = [
            threading.Thread(target=read_owners, args=(owners, told)),
            threading.Thread(target=watch_table, args=(visible, done)),
        ]
        for thread in threads:
            thread.start()
        for car in follow(client, key, cursor, threads[0]):
            arrived[car] = time.monotonic()
        threads[0].join()
        done.set()
        threads[1].join()
    assert len(arrived) == len(told) == VEHICLES, (len(arrived), len(told))
    times = sorted(told.values())
    pace = (len(times) - 1) / (times[-1] - times[0])
    # A row may arrive before its owner has read the answer.
    feed = [max(0.0, arrived[car] - at) * 1e3 for car, at in told.items()]
    raw = [max(0.0, visible[car] - at) * 1e3 for car, at in told.items() if car in visible]
    return feed, raw, pace


def main() -> int:
    django.setup()
    if sys.argv[1:]:
        withdraw_at_pace(int(sys.argv[1]))
        return 0
    feed, raw, pace = measure(load_fleet())
    print(f"{VEHICLES:,} withdrawals, {pace:.0f} a second")
    print(
        f"in the table (raw)  p99 {quantile(raw, 99):7.1f} ms, median"
        f" {statistics.median(raw):.1f} ms"
    )
    print(
        f"in the feed         p99 {quantile(feed, 99):7.1f} ms, median"
        f" {statistics.median(feed):.1f} ms, longest {max(feed):.1f} ms,"
        f" goal p99 <= {P99_MS_MAX:.0f} ms"
    )
    is_at_pace = pace >= CHANGES_PER_S * PACE_SHARE_MIN
    if not is_at_pace:
        print(f"the owners did not keep their pace of {CHANGES_PER_S} a second")
    return 0 if quantile(feed, 99) <= P99_MS_MAX and is_at_pace else 1


if __name__ == "__main__":
    sys.exit(main())
