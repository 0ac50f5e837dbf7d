"""
What the addresses of buyers share: for whom a key acts, and lists read page by page.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from web.limits import PAGE_ROWS, PAGE_ROWS_MAX
from web.pagination import decode_cursor, encode_cursor
from web.problems import Problem
from web.strict_json import Strict


Row = TypeVar("Row")
PAGING = [
    OpenApiParameter("cursor", str, description="next_cursor of the page before"),
    OpenApiParameter("limit", int, description=f"1 to {PAGE_ROWS_MAX}"),
]


class PageQuery(Strict):
    cursor: str = ""
    limit: int = PAGE_ROWS


def get_organization_id(request: Request) -> int:
    """
    Return the organisation that the key acts for.

    :raises Problem: 403, it is a machine's of the house.
    """
    organization_id: int | None = getattr(request.auth, "organization_id", None)
    if organization_id is None:
        raise Problem(HTTPStatus.FORBIDDEN, "buyer_only", detail="This is a buyer's address.")
    return organization_id


def clamp(limit: int) -> int:
    return max(1, min(limit, PAGE_ROWS_MAX))


def read_position(scope: str, cursor: str) -> int | None:
    """
    Return the id after which the page begins, None for the first page.

    :raises Problem: 400, the cursor is not one of this list.
    """
    if not cursor:
        return None
    return int(decode_cursor(scope=scope, text=cursor, size=1)[0])


def make_page(
    rows: tuple[Row, ...],
    *,
    limit: int,
    scope: str,
    show: Callable[[Row], dict[str, Any]],
    position: Callable[[Row], int | str],
) -> dict[str, Any]:
    """
    Show at most `limit` of the rows; one more than that says that there is a next page.
    """
    shown = rows[:limit]
    is_last = len(rows) <= limit
    cursor = None if is_last else encode_cursor(scope=scope, values=[position(shown[-1])])
    return {"data": [show(row) for row in shown], "next_cursor": cursor}
