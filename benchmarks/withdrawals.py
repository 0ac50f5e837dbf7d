"""
How soon a withdrawal is in the consent feed while owners change 200 consents a second.

Owners act in processes of their own, at a steady pace; a scheduler follows the feed over HTTP as
docs/scheduler.md says. One change in ten is a withdrawal by the public operation, as many as two
cores can work off beside everything else; the others write the same rows by bare statements, a
transaction each. A latency runs from the owner's answer to the arrival of the row. The raw limit
is a reader that polls the table itself for the newest rows.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.db import connection, transaction

from benchmarks.evaluations import connect, serve


HERE = Path(__file__).resolve().parent
CHANGES_PER_S = 200
SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))
WITHDRAWALS_PER_S = 20
VEHICLES = CHANGES_PER_S * SECONDS
WITHDRAWALS = WITHDRAWALS_PER_S * SECONDS
P99_MS_MAX = 1_000.0
PACE_SHARE_MIN = 0.9
# The scheduler's pause between two answers, so that it stays within its rate.
PAUSE_S = 0.05
PATIENCE_S = 60
READY_S = 10


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
COPIED_COLUMNS = """
SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_name = 'consent_consentversion' AND column_name NOT IN ('id', 'number', 'in_force')
"""
CHANGE = """
UPDATE consent_consentversion SET in_force = tstzrange(lower(in_force), now())
WHERE vehicle_id = %(car)s AND number = 1;
INSERT INTO consent_consentversion (number, in_force, COLUMNS)
SELECT 2, tstzrange(now(), NULL), COLUMNS
FROM consent_consentversion WHERE vehicle_id = %(car)s AND number = 1;
INSERT INTO consent_consentevent (transaction_id, vehicle_id, kind, effective_at, number, state,
    is_paused)
VALUES (pg_current_xact_id(), %(car)s, 'changed', now(), 2, 'given', false)
"""


def list_cars() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT vehicle_id FROM consent_consentversion WHERE number = 1 ORDER BY 1")
        return [row[0] for row in cursor.fetchall()][:VEHICLES]


def keep_pace(cars: list[int], per_s: float, began: float, change: Callable[[int], object]) -> None:
    """
    Change every car at its moment; print "public id, when the owner knew".
    """
    from web.public_ids import encode  # noqa: PLC0415

    for number, car in enumerate(cars):
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
        change(car)
        print(encode("veh", car), time.monotonic(), flush=True)


def withdraw_at_pace(began: float) -> None:
    from django.utils import timezone  # noqa: PLC0415

    from consent.operations import withdraw  # noqa: PLC0415

    keep_pace(
        list_cars()[:WITHDRAWALS],
        WITHDRAWALS_PER_S,
        began,
        lambda car: withdraw(vehicle_id=car, owner_id=car, now=timezone.now()),
    )


def change_at_pace(began: float) -> None:
    """
    Write the rows of a change for each other car: a version that ends, one that begins, news.
    """
    with connection.cursor() as cursor:
        cursor.execute(COPIED_COLUMNS)
        [(columns,)] = cursor.fetchall()
    statements = CHANGE.replace("COLUMNS", columns)

    def change(car: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statements, {"car": car})

    keep_pace(list_cars()[WITHDRAWALS:], CHANGES_PER_S - WITHDRAWALS_PER_S, began, change)


ACTS = {"withdraw": withdraw_at_pace, "change": change_at_pace}


def start_owners() -> list[subprocess.Popen[str]]:
    # One clock for all processes of a machine; by then they are ready.
    began = str(time.monotonic() + READY_S)
    return [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.withdrawals", act, began],
            stdout=subprocess.PIPE,
            text=True,
        )
        for act in ACTS
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
    assert {owner.wait() for owner in owners} == {0}, "an owner failed"


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
    Yield the cars whose news arrives, until all did.
    """
    seen = 0
    deadline = time.monotonic() + PATIENCE_S
    while seen < VEHICLES and time.monotonic() < deadline:
        if owners.is_alive():
            deadline = time.monotonic() + PATIENCE_S
        rows, cursor = read_page(client, key, cursor=cursor, wait_s=5)
        for row in rows:
            seen += 1
            yield row["vehicle_id"]
        time.sleep(PAUSE_S)


def watch_table(arrived: dict[str, float], done: threading.Event) -> None:
    """
    Note when each row can be seen at all, by asking the table as often as the scheduler asks.
    """
    from web.public_ids import encode  # noqa: PLC0415

    try:
        with connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute(
                    "SELECT vehicle_id FROM consent_consentevent ORDER BY id DESC LIMIT 500"
                )
                at = time.monotonic()
                for (vehicle_id,) in cursor.fetchall():
                    arrived.setdefault(encode("veh", vehicle_id), at)
                time.sleep(PAUSE_S)
    finally:
        connection.close()


# ------------------------------------------------------------------ the run
def quantile(latencies: list[float], percent: int) -> float:
    return statistics.quantiles(latencies, n=100)[percent - 1]


def measure(key: str) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """
    Return by car when its owner knew, when its row was seen in the table, and in the feed.
    """
    told: dict[str, float] = {}
    visible: dict[str, float] = {}
    arrived: dict[str, float] = {}
    done = threading.Event()
    with serve() as (port, _master):
        client = connect(port)
        cursor = read_snapshot(client, key)
        threads = [
            threading.Thread(target=read_owners, args=(start_owners(), told)),
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
    return told, visible, arrived


def list_latencies(told: dict[str, float], seen: dict[str, float]) -> list[float]:
    # A row may arrive before its owner has read the answer.
    return [max(0.0, seen[car] - at) * 1e3 for car, at in told.items() if car in seen]


def describe(name: str, latencies: list[float]) -> str:
    return (
        f"{name:<26} p99 {quantile(latencies, 99):7.1f} ms, median"
        f" {statistics.median(latencies):.1f} ms, longest {max(latencies):.1f} ms"
    )


def main() -> int:
    django.setup()
    if sys.argv[1:]:
        ACTS[sys.argv[1]](float(sys.argv[2]))
        return 0
    from web.public_ids import encode  # noqa: PLC0415 - after django.setup

    told, visible, arrived = measure(load_fleet())
    times = sorted(told.values())
    pace = (len(times) - 1) / (times[-1] - times[0])
    withdrawn = {encode("veh", car) for car in list_cars()[:WITHDRAWALS]}
    raw, feed = list_latencies(told, visible), list_latencies(told, arrived)
    p99_ms = quantile(list_latencies({car: told[car] for car in withdrawn}, arrived), 99)
    print(f"{VEHICLES:,} changes, {len(withdrawn):,} of them withdrawals, {pace:.0f} a second")
    print(describe("polling the table (raw)", raw))
    print(describe("in the feed", feed), f", {quantile(feed, 99) / quantile(raw, 99):.1f} x raw")
    print(f"withdrawals in the feed    p99 {p99_ms:7.1f} ms, goal <= {P99_MS_MAX:.0f} ms")
    is_at_pace = pace >= CHANGES_PER_S * PACE_SHARE_MIN
    if not is_at_pace:
        print(f"the owners did not keep their pace of {CHANGES_PER_S} a second")
    return 0 if p99_ms <= P99_MS_MAX and is_at_pace else 1


if __name__ == "__main__":
    sys.exit(main())
