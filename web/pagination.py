"""
Lists that are read page by page, by the last row seen and not by a number of rows.

Rows that are inserted or deleted meanwhile neither repeat nor skip what is left to read,
and page 1,000 costs what page 1 costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from web import tokens
from web.limits import PAGE_ROWS_MAX
from web.problems import Problem


M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[M]):
    items: tuple[M, ...]
    next_cursor: str | None


def paginate(
    rows: QuerySet[M], *, scope: str, order: Sequence[str], cursor: str | None, limit: int
) -> KeysetPage[M]:
    """
    Return one page of `rows` in `order`, whose last field must be unique ("-created_at", "-id").

    Fields of the order must not be null. `scope` names the list, filters included, so that
    a cursor of one list is refused by another.

    :raises Problem: 400, the cursor is not one of this list.
    """
    limit = max(1, min(limit, PAGE_ROWS_MAX))
    if cursor:
        rows = rows.filter(_after(order, decode_cursor(scope=scope, text=cursor, size=len(order))))
    found = tuple(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return KeysetPage(items=found, next_cursor=None)
    last = found[limit - 1]
    values = [getattr(last, name.lstrip("-")) for name in order]
    return KeysetPage(items=found[:limit], next_cursor=encode_cursor(scope=scope, values=values))


def encode_cursor(*, scope: str, values: Sequence[Any]) -> str:
    """
    Return the signed cursor after a row whose ordering fields hold these values.
    """
    plain = [each.isoformat() if isinstance(each, (datetime, date)) else each for each in values]
    return tokens.sign(scope=f"page:{scope}", values=plain)


def decode_cursor(*, scope: str, text: str, size: int) -> list[int | str]:
    """
    Return the values of a cursor; times come back as ISO texts, which filters accept.

    :raises Problem: 400, the cursor is not one of this list.
    """
    values = tokens.read(scope=f"page:{scope}", text=text)
    if values is None or len(values) != size:
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid_cursor", "This list gave no such cursor.")
    return values


def _after(order: Sequence[str], values: Sequence[int | str]) -> Q:
    """
    Build (a, b) > (x, y) field by field, since each may run in its own direction.
    """
    condition = Q()
    equal = Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        comparison = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return condition
