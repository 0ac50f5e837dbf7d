"""
The first command of the README, from nothing, as somebody runs it who has just cloned.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from config import postgres
from config.devstack.ports import is_free
from config.devstack.supervisor import ROOT, find_marked


pytestmark = [pytest.mark.flow]
WEEKS = 1
TIMEOUT_S = 300


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    # As root the server's user has to reach it, so not below pytest's private folder.
    folder = Path(tempfile.mkdtemp(prefix="parado-up-"))
    folder.chmod(0o755)
    yield folder
    for pid in find_marked(folder / "devstack"):
        os.kill(pid, signal.SIGKILL)
    postgres.stop(postgres.open_cluster(home=folder / "pg", settings=postgres.SETTINGS))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def port() -> int:
    return postgres.find_free_port()


def start(var: Path, port: int, *options: str, **more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *options]
    return subprocess.Popen(
        [*command, "--weeks", str(WEEKS)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "VAR_DIR": str(var), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_once(var: Path, port: int, **more: str) -> str:
    process = start(var, port, "--once", **more)
    shown, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, shown[-4000:]
    return shown


def read_number(shown: str, name: str) -> int:
    found = re.search(rf"summary  \|   {name} +([\d,]+)$", shown, flags=re.MULTILINE)
    assert found, f"{name} is not in the summary"
    return int(found[1].replace(",", ""))


def wait_for_line(process: "subprocess.Popen[str]", text: str) -> str:
    """
    Return what was shown until then.
    """
    assert process.stdout is not None
    shown = ""
    deadline = time.monotonic() + TIMEOUT_S
    for line in process.stdout:
        shown += line
        if text in line:
            return shown
        assert time.monotonic() < deadline, f"no line says {text!r}"
    pytest.fail(f"it ended before a line said {text!r}")


def check_demo_file(var: Path, port: int) -> None:
    """
    People and scripts find who may sign in, with which keys, and ids to try.
    """
    demo = json.loads((var / "demo.json").read_text(encoding="utf-8"))

    assert demo["url"] == f"http://127.0.0.1:{port}"
    assert {person["role"] for person in demo["people"]} == {
        "owner",
        "buyer",
        "finance_preparer",
        "finance_approver",
        "operator",
    }
    assert all(person.keys() == {"role", "email", "password"} for person in demo["people"])
    assert demo["keys"]["scheduler"].startswith("sk_sched_")
    assert demo["keys"]["buyer"].startswith("pk_live_")
    assert demo["vehicle_ids"]
    assert demo["booking_ids"]


class TestUp:
    def test_after_kill_it_starts_again_ties_out_does_not_double_and_serves(
        self, var: Path, port: int
    ) -> None:
        killed = start(var, port, "--once", "--fresh")
        wait_for_line(killed, "day 2 of")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert killed.stdout is not None
        killed.stdout.close()
        assert find_marked(var / "devstack") != []

        first = run_once(var, port)

        assert "stopped" in first
        assert "difference" in first
        assert "The books tie out." in first
        assert find_marked(var / "devstack") == []
        assert is_free(port)

        # The same once more on what is there, but this time it stays.
        process = start(var, port)
        again = wait_for_line(process, "Ctrl-C stops it")

        for name in ("sent", "accepted", "duplicate"):
            assert read_number(again, name) == read_number(first, name)
        check_demo_file(var, port)
        started = time.monotonic()

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)

        assert time.monotonic() - started < 6
        assert process.returncode == 0
        assert find_marked(var / "devstack") == []


# The real parts that .ci/run finds on its machine.
BROKERS = [url for url in os.environ.get("TEST_BROKER_URLS", "").split(",") if url]


@pytest.fixture
def real_database() -> Iterator[str]:
    """
    Make a database on the server that the tests run on, and drop it afterwards.
    """
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    name = f"parado_up_{os.getpid()}"
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


@pytest.mark.parametrize("broker", BROKERS)
def test_ties_out_on_real_parts(var: Path, port: int, real_database: str, broker: str) -> None:
    shown = run_once(var, port, DATABASE_URL=real_database, CELERY_BROKER_URL=broker)

    assert "starting PostgreSQL" not in shown
    assert "The books tie out." in shown
