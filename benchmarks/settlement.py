"""
Settlement of 1,000,000 records of 100,000 vehicles, beside a bare INSERT … SELECT of its lines.

Ten quarter-hours of every car, one owner per car, 20 buyers, 200 bookings; half of the owners
have tariffs of their own, a fifth of the cars have caps, and one job in ten quarters ends. The
raw limit writes the same rated lines into a table like theirs, checks and indexes included, on
the same server in the same run. Whoever reads the lines first, as it does, also notes on each page
that they are committed; the same again spares that.
BENCH_VEHICLES makes the fleet smaller.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import django
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


HERE = Path(__file__).resolve().parent
VEHICLES = int(os.environ.get("BENCH_VEHICLES", "100000"))
QUARTERS = 10
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
FIRST_DAY = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RATIO_MIN = 0.35
WORKER_MB_MAX = 300
SCALE_MIN = 0.8
TWO_WORKERS_MIN = 1.5

RAW_TABLE = """
DROP TABLE IF EXISTS raw_line CASCADE;
CREATE TABLE raw_line (LIKE billing_ratedline INCLUDING ALL) PARTITION BY RANGE (on_date);
CREATE TABLE raw_line_all PARTITION OF raw_line FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
"""


@cache
def open_loader() -> BaseDatabaseWrapper:
    """
    Return a session beside the worker's: a worker keeps its own, and what it has seen of the
    server's memory, from one settlement to the next.
    """
    return connection.copy()


def run_file(name: str, **values: int | datetime) -> None:
    with open_loader().cursor() as cursor:
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute((HERE / name).read_text(encoding="utf-8"), values)
        cursor.execute("RESET work_mem")


def load(*, day: int, quarters: int = QUARTERS) -> int:
    """
    Store usage as ingest does; return the number of records. Each day has usage of its own.
    """
    run_file(
        "usage.sql",
        vehicles=VEHICLES,
        quarters=quarters,
        first_at=FIRST_DAY + timedelta(days=day),
        first_batch=day * 100_000,
    )
    with open_loader().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    return VEHICLES * quarters


def settle() -> int:
    from billing.operations.settle import settle_next  # noqa: PLC0415 - after django.setup()

    count = 0
    while result := settle_next(now=NOW):
        count += result.record_count
    return count


def time_settlement(count: int) -> float:
    """
    Return records a second of one worker.
    """
    started = time.perf_counter()
    assert settle() == count
    return count / (time.perf_counter() - started)


def time_workers(count: int, workers: int) -> float:
    """
    Return records a second of several worker processes, from the first line to the last.
    """
    command = [sys.executable, "-m", "benchmarks.settlement", "worker"]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    started = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate()[0] for process in processes]
    took_s = time.perf_counter() - started
    assert sum(int(answer) for answer in answers) == count
    return count / took_s


def time_raw(count: int, day: int) -> float:
    on_date = (FIRST_DAY + timedelta(days=day)).date()
    with connection.cursor() as cursor:
        cursor.execute(RAW_TABLE)
        cursor.execute("CHECKPOINT")
        started = time.perf_counter()
        cursor.execute(
            "INSERT INTO raw_line SELECT * FROM billing_ratedline WHERE on_date = %s", [on_date]
        )
        took_s = time.perf_counter() - started
        assert cursor.rowcount == count
        cursor.execute("DROP TABLE raw_line")
    return count / took_s


def main() -> bool:
    django.setup()
    run_file("fleet.sql", vehicles=VEHICLES)
    rates, raws, agains = [], [], []
    for day in range(ROUNDS):
        count = load(day=day)
        rates.append(time_settlement(count))
        raws.append(time_raw(count, day))
        agains.append(time_raw(count, day))
        print(f"round {day + 1}: {rates[-1]:,.0f} records/s, bare insert {raws[-1]:,.0f}/s")
    worker_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = statistics.median(rates)
    ratio = statistics.median(rate / raw for rate, raw in zip(rates, raws, strict=True))

    alone = time_workers(load(day=ROUNDS), 1)
    together = time_workers(load(day=ROUNDS + 1), 2)
    large = time_settlement(load(day=ROUNDS + 2, quarters=4 * QUARTERS))

    print(f"settlement       {rate:>10,.0f} records/s, {1e6 / rate:.1f} µs each")
    print(f"bare insert      {statistics.median(raws):>10,.0f} records/s")
    print(f"the same again   {statistics.median(agains):>10,.0f} records/s")
    print(f"ratio            {ratio:>10.3f}   goal ≥ {RATIO_MIN}")
    print(f"memory           {worker_mb:>7.0f} MB   goal ≤ {WORKER_MB_MAX}")
    print(f"four times more  {large / rate:>10.2f}   goal ≥ {SCALE_MIN} ({large:,.0f} records/s)")
    print(f"two workers      {together / alone:>10.2f}   goal ≥ {TWO_WORKERS_MIN}"
          f" ({together:,.0f} records/s)")  # fmt: skip
    return (
        ratio >= RATIO_MIN
        and worker_mb <= WORKER_MB_MAX
        and large / rate >= SCALE_MIN
        and together / alone >= TWO_WORKERS_MIN
    )


def work() -> None:
    """
    Settle when told to; print how many.
    """
    django.setup()
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    print(settle())


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        work()
    else:
        sys.exit(not main())
