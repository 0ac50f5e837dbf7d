"""
Runs every benchmark in a process of its own on a freshly migrated database.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
from psycopg2 import sql

from config import postgres


ROOT = Path(__file__).resolve().parent.parent
NOT_BENCHMARKS = {"__init__", "runner"}
DATABASE = "parado_bench"
# What a server of some 8 GB would be given; durable, as in production. Memory for a fleet's
# accounts, meters and newest lines, and checkpoints that come by time and not within a run.
SETTINGS = {
    **postgres.SETTINGS,
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "work_mem": "64MB",
}


def list_benchmarks(words: list[str]) -> list[str]:
    """
    Return the modules that are benchmarks: those that say so in their last lines.
    """
    names = sorted(
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if path.stem not in NOT_BENCHMARKS and "__main__" in path.read_text(encoding="utf-8")
    )
    return [name for name in names if not words or any(word in name for word in words)]


def make_database(url: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    name = sql.Identifier(DATABASE)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
    connection.close()


def build_environment(url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DATABASE_ADMIN_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "benchmarks-only",
        "PUBLIC_ID_KEY": "20261122",
        "RECEIPT_KEY": "benchmarks-only-0123456789-0123456789-01234",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


def run_benchmark(name: str, env: dict[str, str]) -> bool:
    print(f"=== {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}"], env=env, cwd=ROOT, check=False
    )
    took_s = time.monotonic() - started
    print(f"=== {name}: {'ok' if done.returncode == 0 else 'MISSED'} ({took_s:.0f} s)", flush=True)
    return done.returncode == 0


def run_each(names: list[str], server_url: str) -> list[bool]:
    base, _, _ = server_url.rpartition("/")
    env = build_environment(f"{base}/{DATABASE}")
    results = []
    for name in names:
        make_database(server_url)
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, env=env, cwd=ROOT, check=True)
        results.append(run_benchmark(name, env))
    return results


def main(arguments: list[str]) -> int:
    """
    Return 0 when every benchmark that ran reached its goals.
    """
    names = list_benchmarks(arguments)
    if url := os.environ.get("BENCH_DATABASE_URL"):
        return 0 if all(run_each(names, url)) else 1
    cluster = postgres.open_cluster(
        home=ROOT / "var" / "bench-pg", settings=SETTINGS, is_trusting=True
    )
    with postgres.share_cluster(cluster) as port:
        url = cluster.url(database="postgres", port=port)
        return 0 if all(run_each(names, url)) else 1
