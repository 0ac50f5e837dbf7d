"""
Fixtures that every folder of tests shares.
"""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation


# Rows that migrations bring stay; what a test adds to them goes.
SEEDED = {"consent_notice": "published_at > '2026-11-01Z'"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Begin with the longest, so that no worker is left with it when the other has nothing to do.
    """
    items.sort(key=lambda item: item.get_closest_marker("flow") is None)


@pytest.fixture(autouse=True)
def _english() -> None:
    """
    Begin each test in the language that pages have by default: the one of the last request of
    the test before, if that was another, would stay with the thread.
    """
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(scope="session", autouse=True)
def _ledger_may_be_emptied_between_tests() -> Iterator[None]:
    """
    Let tests that commit empty the tables afterwards: triggers of the ledger refuse TRUNCATE.
    """
    flush = DatabaseOperations.execute_sql_flush

    def execute_sql_flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        [truncate, *rest] = sql_list
        for table in SEEDED:
            # The names come in no order, so it may stand last.
            truncate = truncate.replace(f'"{table}", ', "").replace(f', "{table}"', "")
        added = [f"DELETE FROM {table} WHERE {rows}" for table, rows in SEEDED.items()]  # noqa: S608
        first = ["SET LOCAL session_replication_role = replica", truncate]
        flush(self, [*first, *added, *rest])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
