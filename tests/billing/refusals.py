"""
Books that refuse something sound, as they would by a fault of ours.
"""

from typing import Any

from django.db import connection


def refuse(table: str, *, unless: str, value: Any) -> None:
    """
    Have a table refuse every new row of which `unless`, with `value` for its %s, does not hold.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({unless})", [value])


def mend(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refused")
