"""
Fixtures that every folder of tests shares.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import client
from django.utils import translation
from pytest_django import DjangoDbBlocker
from stripe import HTTPClient

from tests.template import keep_template, use_template


# What migrations bring stays; of notices, what a test adds to them goes.
SEEDED = ("auth_permission", "django_content_type", "django_site")
ADDED = {"consent_notice": "published_at > '2026-11-01Z'"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Begin with the longest, so that no worker is left with it when the other has nothing to do.
    """
    items.sort(key=lambda item: item.get_closest_marker("flow") is None)


def pytest_collection_finish() -> None:
    """
    Spare the collector of cycles what stays until the end: half a million objects of modules
    and tests, which it would look at again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        use_template()


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    # A database that an earlier run left may be of older code.
    if not request.config.getoption("reuse_db"):
        with django_db_blocker.unblock():
            keep_template()
    yield
    # A session that a thread or a killed process left would keep the database from being dropped.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def _english() -> None:
    """
    Begin each test in the language that pages have by default: the one of the last request of
    the test before, if that was another, would stay with the thread.
    """
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_row_by_row() -> Iterator[None]:
    """
    Empty the tables after a test that commits by deleting its few rows, in one round trip.

    TRUNCATE makes a new file of each of the hundred tables and their indexes, and triggers of
    the ledger refuse it. What `migrate` brings is left, so that nothing has to bring it again.
    """

    def sql_flush(_self: DatabaseOperations, _style: Any, tables: list[str], **_: Any) -> list[str]:
        emptied = [f"DELETE FROM {table}" for table in tables if table not in (*SEEDED, *ADDED)]  # noqa: S608
        added = [f"DELETE FROM {table} WHERE {rows}" for table, rows in ADDED.items()]  # noqa: S608
        return ["; ".join(["SET LOCAL session_replication_role = replica", *emptied, *added])]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _only_the_context_of_the_page_is_kept() -> Iterator[None]:
    """
    Keep a copy of the context of the page alone. The client of Django's tests copies that of
    every template which the page includes besides, and takes longer over it than the page.
    """
    keep = client.store_rendered_templates  # type: ignore[attr-defined]

    def keep_first(store: dict[str, Any], *sent: Any, **more: Any) -> None:
        if not store:
            keep(store, *sent, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "store_rendered_templates", keep_first)
        yield


@pytest.fixture(scope="session", autouse=True)
def _stripe_is_asked_again_at_once() -> Iterator[None]:
    """
    Let the client of Stripe repeat what failed without the pause that a real provider is owed.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPClient, "INITIAL_DELAY", 0.01)
        patch.setattr(HTTPClient, "MAX_DELAY", 0.02)
        yield
