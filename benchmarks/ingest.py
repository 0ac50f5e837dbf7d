"""
Ingest of metered usage over HTTP in batches of 5,000, beside a bare binary COPY of its rows.

Two web processes, two clients, events of about 600 bytes of 100,000 cars. The raw limit copies the
rows that were stored, and their unique keys, into the same tables (indexed, partitioned) over one
connection. The second pass posts the same events once more. BENCH_EVENTS sets how many.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import django
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from benchmarks.evaluations import connect


HERE = Path(__file__).resolve().parent
VEHICLES = 100_000
BATCH = 5_000
EVENTS = int(os.environ.get("BENCH_EVENTS", "300000"))
ROUNDS = 3
WORKERS = 2
SOURCE = "urn:scheduler:eu-1"
RATIO_MIN = 0.25


def load_fleet() -> str:
    """
    Fill the database and return a scheduler's key.
    """
    from django.utils import timezone  # noqa: PLC0415 - after django.setup

    from accounts.operations import issue_api_key  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute((HERE / "fleet.sql").read_text(encoding="utf-8"), {"vehicles": VEHICLES})
        cursor.execute("ANALYZE")
    now = timezone.now()
    return issue_api_key(
        name="benchmark",
        kind="scheduler",
        scopes=frozenset({"usage:write"}),
        source=SOURCE,
        expires_at=now + timedelta(days=1),
        actor_id=None,
        now=now,
    ).secret


def make_bodies(*, first: int, starts_at: datetime) -> list[bytes]:
    """
    Return the batches of one round: each quarter-hour all cars, one after the other.
    """
    from web.public_ids import encode  # noqa: PLC0415 - after django.setup

    vehicles = [encode("veh", number) for number in range(1, VEHICLES + 1)]
    bookings = [encode("bkg", number) for number in range(1, 201)]
    bodies, events = [], []
    for number in range(EVENTS):
        quarter, car = divmod(number, VEHICLES)
        begins = starts_at + quarter * timedelta(minutes=15)
        events.append(
            {
                "specversion": "1.0",
                "id": f"bench-{first + number:012}",
                "source": SOURCE,
                "type": "org.parado.usage.recorded.v1",
                "subject": vehicles[car],
                "time": begins.isoformat(),
                "datacontenttype": "application/json",
                "data": {
                    "booking_id": bookings[car % 200],
                    "job_id": f"j-{first + number}",
                    "sequence": first + quarter,
                    "starts_at": begins.isoformat(),
                    "ends_at": (begins + timedelta(minutes=15)).isoformat(),
                    "energy_wh": 200 + car % 50,
                    "workload_category": "inference",
                    "consent_version": 1,
                    "state_of_charge_min_pct": 61.5,
                    "plugged_in": True,
                    "battery_temp_min_c": 11.0,
                    "battery_temp_max_c": 29.5,
                    "job_completed": number % 10 == 0,
                    "supersedes": None,
                },
            }
        )
        if len(events) == BATCH:
            bodies.append(json.dumps(events).encode())
            events = []
    return bodies


@contextmanager
def serve() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    options = ["--threads", "1", "--log-level", "warning", "config.wsgi:application"]
    server = subprocess.Popen([sys.executable, *command, *options])
    try:
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


def post(port: int, key: str, bodies: list[bytes], outcome: str) -> None:
    client: http.client.HTTPConnection | None = None
    for body in bodies:
        # The server closes after each request: one thread serves one connection.
        client = connect(port)
        client.request(
            "POST",
            "/api/v1/usage",
            body,
            {
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/cloudevents-batch+json",
                "Connection": "close",
            },
        )
        answer = client.getresponse()
        document = json.loads(answer.read())
        assert answer.status == 202, document
        assert document[outcome] == BATCH, document
        client.close()


def time_posts(port: int, key: str, bodies: list[bytes], outcome: str) -> float:
    """
    Return events a second.
    """
    shares = [bodies[number::WORKERS] for number in range(WORKERS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(lambda share: post(port, key, share, outcome), shares))
    return len(bodies) * BATCH / (time.perf_counter() - started)


def time_raw() -> float:
    """
    Return rows a second of a binary COPY of the stored rows and of their unique keys.

    The key that makes an event unique stands in a table of its own (docs/adr/0008), so what
    must be written for a row is both: records into a copy of their partitioned table, keys
    into a copy of theirs, one connection, one transaction.
    """
    rows, keys = BytesIO(), BytesIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(
            "COPY (SELECT * FROM billing_usagerecord) TO STDOUT (FORMAT binary)", rows
        )
        count = cursor.rowcount
        cursor.copy_expert(
            "COPY (SELECT * FROM billing_usagekey ORDER BY record_id) TO STDOUT (FORMAT binary)",
            keys,
        )
        make_raw_tables(cursor)
        rows.seek(0)
        keys.seek(0)
        started = time.perf_counter()
        with transaction.atomic():
            cursor.copy_expert("COPY raw_key FROM STDIN (FORMAT binary)", keys, size=1 << 18)
            cursor.copy_expert("COPY raw_record FROM STDIN (FORMAT binary)", rows, size=1 << 18)
        took_s = time.perf_counter() - started
        cursor.execute("DROP TABLE raw_record, raw_key")
    return float(count / took_s)


def make_raw_tables(cursor: CursorWrapper) -> None:
    """
    Make empty copies of both tables, with their indexes and partitions.
    """
    cursor.execute("CREATE TABLE raw_key (LIKE billing_usagekey INCLUDING ALL)")
    cursor.execute(
        "CREATE TABLE raw_record (LIKE billing_usagerecord INCLUDING ALL)"
        " PARTITION BY RANGE (on_date)"
    )
    cursor.execute("SELECT DISTINCT on_date FROM billing_usagerecord")
    for (on_date,) in cursor.fetchall():
        cursor.execute(
            f"CREATE TABLE raw_record_{on_date:%Y%m%d} PARTITION OF raw_record"
            f" FOR VALUES FROM ('{on_date}') TO ('{on_date + timedelta(days=1)}')"
        )


def main() -> bool:
    django.setup()
    from django.utils import timezone  # noqa: PLC0415 - after django.setup

    key = load_fleet()
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    rates, repeats, raws = [], [], []
    with serve() as port:
        for number in range(ROUNDS):
            bodies = make_bodies(
                first=number * EVENTS, starts_at=midnight - timedelta(days=ROUNDS - number)
            )
            rates.append(time_posts(port, key, bodies, "accepted"))
            repeats.append(time_posts(port, key, bodies, "duplicates"))
            raws.append(time_raw())
            print(
                f"round {number + 1}: {rates[-1]:,.0f} events/s,"
                f" again {repeats[-1]:,.0f}/s, bare COPY {raws[-1]:,.0f}/s"
            )
    ratio = statistics.median(rate / raw for rate, raw in zip(rates, raws, strict=True))
    again = statistics.median(re / rate for re, rate in zip(repeats, rates, strict=True))
    print(f"ingest     {statistics.median(rates):>10,.0f} events/s")
    print(f"bare COPY  {statistics.median(raws):>10,.0f} rows/s")
    print(f"ratio      {ratio:>10.3f}   goal ≥ {RATIO_MIN}")
    print(f"again      {again:>10.2f}   goal ≥ 1.0 (the same events once more)")
    return ratio >= RATIO_MIN and again >= 1.0


if __name__ == "__main__":
    sys.exit(not main())
