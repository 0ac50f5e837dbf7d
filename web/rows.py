"""
What one SQL statement returns, for queries that the ORM cannot put as one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg2.sql import Composed


def fetch_rows(
    statement: str | Composed, values: Mapping[str, Any] | Sequence[Any] | None = None
) -> list[tuple[Any, ...]]:
    """
    Return every row of one statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
