"""
A PostgreSQL for the tests of this checkout, and the environment that tests see.

Each worker of a run, and each of two runs at the same time, has a server of its own: databases
of one server share its transaction ids, so that an open transaction of one would hold up the
feeds of the other.

A plugin, named in pyproject.toml, because pytest-django reads the settings before it
reads any conftest.py.
"""

import fcntl
import os
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
# Which of the runs at the same time it is; workers are told by the process that starts them.
RUN = "PARADO_TEST_RUN"
_stack = ExitStack()


def count_run() -> str:
    """
    Return the least number that no other run of this checkout has now, and keep it until the end.
    """
    VAR.mkdir(exist_ok=True)
    for number in count(1):
        handle = _stack.enter_context((VAR / f"test-run-{number}.lock").open("w"))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return str(number)
    raise AssertionError("there are always more numbers")


def name_server() -> str:
    if RUN not in os.environ:
        os.environ[RUN] = count_run()
    run = os.environ[RUN]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    parts = ["test-pg", "" if run == "1" else run, "" if worker == "gw0" else worker]
    return "-".join(filter(None, parts))


def start_database() -> str:
    """
    Return the address of the server to test on: the embedded one unless told otherwise.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        return url
    from config import postgres  # noqa: PLC0415 - not needed with a server of one's own

    cluster = postgres.open_cluster(
        home=VAR / name_server(), settings=postgres.TEST_SETTINGS, is_trusting=True
    )
    port = _stack.enter_context(postgres.share_cluster(cluster))
    return cluster.url(database="postgres", port=port)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _stack.close()


os.environ["DATABASE_URL"] = start_database()
os.environ.pop("DATABASE_ADMIN_URL", None)
os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "SECRET_KEY": "tests-only",
        "PUBLIC_ID_KEY": "20261122",
        "CELERY_BROKER_URL": "memory://",
        "STRIPE_SECRET_KEY": "",
        "STRIPE_WEBHOOK_SECRET": "whsec_snapshot",
        "STRIPE_THIN_WEBHOOK_SECRET": "whsec_thin",
        "DEMO": "",
        "DEBUG": "",
        "BASE_URL": "http://testserver",
    }
)
