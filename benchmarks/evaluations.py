"""
A thousand decisions in one request over HTTP, beside the one statement that they rest on.
"""

import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.db import connection


HERE = Path(__file__).resolve().parent
VEHICLES = int(os.environ.get("BENCH_VEHICLES", "1000000"))
BATCH = 1_000
REQUESTS = 100
WARM_UP = 10
P95_MS_MAX = 150.0
STARTS_WITHIN_S = 30


def load_fleet() -> str:
    """
    Fill the database and return a scheduler's key.
    """
    from django.utils import timezone  # noqa: PLC0415 - after django.setup

    from accounts.operations import issue_api_key  # noqa: PLC0415

    statements = (HERE / "decision_fleet.sql").read_text(encoding="utf-8")
    with connection.cursor() as cursor:
        cursor.execute(statements, {"vehicles": VEHICLES})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        # What was loaded is not written out while requests are measured.
        cursor.execute("CHECKPOINT")
    now = timezone.now()
    return issue_api_key(
        name="benchmark",
        kind="scheduler",
        scopes=frozenset({"decisions:read"}),
        source="urn:scheduler:bench",
        expires_at=now + timedelta(days=1),
        actor_id=None,
        now=now,
    ).secret


def make_batch(chance: random.Random) -> tuple[list[int], bytes]:
    from web.public_ids import encode  # noqa: PLC0415 - after django.setup

    ids = [chance.randrange(1, VEHICLES + 1) for _ in range(BATCH)]
    items = [
        {
            "subject": {
                "type": "workload",
                "id": f"j-{vehicle_id}",
                "properties": {
                    "category": "inference",
                    "booking_id": encode("bkg", 1 + vehicle_id % 200),
                },
            },
            "resource": {"type": "vehicle", "id": encode("veh", vehicle_id)},
        }
        for vehicle_id in ids
    ]
    return ids, json.dumps({"action": {"name": "run"}, "evaluations": items}).encode()


@contextmanager
def serve() -> Iterator[tuple[int, int]]:
    """
    Run one web process; yield its port and the id of gunicorn's master.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--keep-alive", "60"]
    options = ["--threads", "2", "--log-level", "warning", "config.wsgi:application"]
    server = subprocess.Popen([sys.executable, *command, *options])
    try:
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(timeout=20)


def connect(port: int) -> http.client.HTTPConnection:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            client.connect()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return client


def ask(client: http.client.HTTPConnection, key: str, body: bytes) -> bytes:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client.request("POST", "/access/v1/evaluations", body, headers)
    response = client.getresponse()
    answer = response.read()
    assert response.status == 200, answer
    return answer


def count_permits(answer: bytes) -> int:
    items: list[dict[str, Any]] = json.loads(answer)["evaluations"]
    assert len(items) == BATCH
    return sum(item["decision"] for item in items)


def time_ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def count_evidence() -> tuple[int, int]:
    """
    Return the leases and the records that there are.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM consent_lease),"
            " (SELECT count(*) FROM consent_decisionrecord)"
        )
        [(leases, records)] = cursor.fetchall()
    return leases, records


def read_processor_ms(master: int) -> tuple[float, float]:
    """
    Return the processor time that the children of gunicorn and PostgreSQL have used so far.

    It says what a request costs also where others use the machine. The server has to be on it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [[backend]] = cursor.fetchall()
    return _sum_ms(master), _sum_ms(int(_read_stat(backend)[1]))


def _sum_ms(parent: int) -> float:
    """
    Add up what the children of a process have used, those that are gone included.
    """
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    own = [_read_stat(int(pid))[11:13] for pid in children.split()]
    ticks = sum(int(each) for pair in (*own, _read_stat(parent)[13:15]) for each in pair)
    return ticks * 1e3 / os.sysconf("SC_CLK_TCK")


def _read_stat(pid: int) -> list[str]:
    """
    Return the fields of a process from its state on: parent 1, processor time 11 to 14.
    """
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def describe_processor(before: tuple[float, float], after: tuple[float, float], count: int) -> str:
    web_ms, server_ms = ((now - then) / count for then, now in zip(before, after, strict=True))
    return (
        f"processor time a request: {web_ms + server_ms:.1f} ms, {web_ms:.1f} of the web process"
        f" and {server_ms:.1f} of PostgreSQL"
    )


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def main() -> int:
    django.setup()
    from django.utils import timezone  # noqa: PLC0415

    from consent.queries.standing import load_standings  # noqa: PLC0415

    key = load_fleet()
    chance = random.Random(20261122)
    batches = [make_batch(chance) for _ in range(REQUESTS + WARM_UP)]
    raw = [
        time_ms(partial(load_standings, vehicle_ids=ids, now=timezone.now())) for ids, _ in batches
    ][WARM_UP:]
    leases, records = count_evidence()
    with serve() as (port, master):
        client = connect(port)
        answers = [ask(client, key, body) for _, body in batches[:WARM_UP]]
        before = read_processor_ms(master)
        times = [time_ms(partial(ask, client, key, body)) for _, body in batches[WARM_UP:]]
        used = describe_processor(before, read_processor_ms(master), REQUESTS)
    permits = sum(map(count_permits, answers))
    new_leases, new_records = (
        now - then for now, then in zip(count_evidence(), (leases, records), strict=True)
    )
    print(f"{VEHICLES:,} vehicles, {permits / WARM_UP / BATCH:.0%} permitted")
    print(f"{new_leases:,} leases and {new_records:,} records written")
    print(
        f"the one statement (raw)   p95 {p95(raw):7.1f} ms, median {statistics.median(raw):.1f} ms"
    )
    print(
        f"{BATCH:,} decisions by HTTP   p95 {p95(times):7.1f} ms, median"
        f" {statistics.median(times):.1f} ms, least {min(times):.1f} ms,"
        f" {p95(times) / p95(raw):.1f} x raw, goal <= {P95_MS_MAX:.0f} ms"
    )
    print(used)
    is_written = new_records == (REQUESTS + WARM_UP) * BATCH
    return 0 if p95(times) <= P95_MS_MAX and is_written else 1


if __name__ == "__main__":
    sys.exit(main())
