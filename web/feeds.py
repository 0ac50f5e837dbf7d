"""
Feeds that cannot skip a row.

Ids are given when a row is inserted, not when it commits, so a reader of `id > last` misses
whatever commits late (261 of 480 rows under eight writers). A feed is read in the order of
(writing transaction, id), and only below the oldest transaction that still runs.

A transaction that stays open, in any database of the server, holds feeds back; it never
makes them wrong.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func
from psycopg2 import sql

from web import tokens
from web.limits import FEED_ROWS_MAX, FEED_WAIT_S_MAX
from web.problems import Problem
from web.rows import fetch_rows


# A withdrawal is promised to be told within a second, also to a reader who waited for long.
POLL_EVERY_S = 0.1
POLL_EVERY_S_MAX = 0.5


class TransactionIdField(models.Field[int, str]):
    """
    The 64-bit id of the transaction that wrote the row, filled in by PostgreSQL.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        kwargs.setdefault("editable", False)
        kwargs.setdefault("db_default", Func(function="pg_current_xact_id"))
        super().__init__(*args, **kwargs)

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 - Django's signature
        return "xid8"


class FeedRow(models.Model):
    """
    Base of a feed's table; a subclass adds its columns and is only ever inserted into.
    """

    id = models.BigAutoField(primary_key=True)
    transaction_id = TransactionIdField()

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["transaction_id", "id"], name="%(app_label)s_%(class)s_feed")
        ]


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """
    The last row that a reader has seen.
    """

    transaction_id: int
    row_id: int

    def to_text(self, *, table: str) -> str:
        return tokens.sign(scope=f"feed:{table}", values=[self.transaction_id, self.row_id])

    @classmethod
    def from_text(cls, text: str, *, table: str) -> "FeedCursor":
        """
        Read a cursor that this feed gave; an empty text is its beginning.

        :raises Problem: 400, it is no cursor of this feed.
        """
        values = tokens.read(scope=f"feed:{table}", text=text) if text else [0, 0]
        if values is None:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "invalid_cursor",
                detail="Start without a cursor, or use next_cursor of an answer of this feed.",
            )
        transaction_id, row_id = values
        return cls(int(transaction_id), int(row_id))


@dataclass(frozen=True, slots=True)
class FeedPage:
    """
    Rows as dictionaries of the asked columns; hand `next_cursor` back to go on, for ever.
    """

    rows: tuple[dict[str, Any], ...]
    next_cursor: str
    has_more: bool


def read_feed(
    *,
    table: str,
    columns: Sequence[str],
    cursor: str = "",
    limit: int,
    wait_s: float = 0,
    where: str = "",
    parameters: Sequence[Any] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> FeedPage:
    """
    Return the next rows of a feed, waiting up to `wait_s` (≤ 30) for the first of them.

    `where` is a fixed SQL condition on the table's columns with its `parameters`, for a
    feed that shows each client its part. Must not run inside a transaction.

    :raises Problem: 400, the cursor is not one of this feed.
    """
    start = FeedCursor.from_text(cursor, table=table)
    limit = max(1, min(limit, FEED_ROWS_MAX))
    statement = _make_statement(table, columns, where)
    values = [start.transaction_id, start.row_id, *parameters, limit + 1]
    # Not a number compares with nothing: waiting for it to pass would never end.
    deadline = time.monotonic() + (min(wait_s, FEED_WAIT_S_MAX) if wait_s > 0 else 0)
    pause_s = POLL_EVERY_S
    while True:
        found = fetch_rows(statement, values)
        left_s = deadline - time.monotonic()
        if found or left_s <= 0:
            return _make_page(table, columns, found, limit, start)
        sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, POLL_EVERY_S_MAX)


def _make_statement(table: str, columns: Sequence[str], where: str) -> sql.Composed:
    return sql.SQL(
        "SELECT transaction_id::text::bigint, id, {columns} FROM {table}"
        " WHERE (transaction_id, id) > (%s::text::xid8, %s)"
        " AND transaction_id < pg_snapshot_xmin(pg_current_snapshot()) {where}"
        " ORDER BY transaction_id, id LIMIT %s"
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier(name) for name in columns),
        table=sql.Identifier(table),
        where=sql.SQL(f"AND ({where})" if where else ""),
    )


def _make_page(
    table: str,
    columns: Sequence[str],
    found: Sequence[tuple[Any, ...]],
    limit: int,
    start: FeedCursor,
) -> FeedPage:
    shown = found[:limit]
    last = FeedCursor(*shown[-1][:2]) if shown else start
    return FeedPage(
        rows=tuple(dict(zip(columns, row[2:], strict=True)) for row in shown),
        next_cursor=last.to_text(table=table),
        has_more=len(found) > limit,
    )
