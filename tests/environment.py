"""
A PostgreSQL for all test runs of this checkout, and the environment that tests see.

Each worker of a run but the first has a server of its own: databases of one server share its
transaction ids, so that an open transaction of one would hold up the feeds of the other.

A plugin, named in pyproject.toml, because pytest-django reads the settings before it
reads any conftest.py.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
_stack = ExitStack()


def start_database() -> str:
    """
    Return the address of the server to test on: the embedded one unless told otherwise.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        return url
    from config import postgres  # noqa: PLC0415 - not needed with a server of one's own

    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    name = "test-pg" if worker == "gw0" else f"test-pg-{worker}"
    cluster = postgres.open_cluster(
        home=ROOT / "var" / name, settings=postgres.TEST_SETTINGS, is_trusting=True
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
