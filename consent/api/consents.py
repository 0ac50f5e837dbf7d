from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from consent.api import shapes
from consent.queries.feed import (
    FEED_COLUMNS,
    FEED_TABLE,
    ConsentRow,
    get_oldest_running_transaction,
    list_snapshot,
)
from web import tokens
from web.feeds import FeedCursor, read_feed
from web.limits import FEED_ROWS, FEED_ROWS_MAX, FEED_WAIT_S_MAX
from web.openapi import answer
from web.public_ids import encode
from web.strict_json import Strict, read_query


SNAPSHOT = f"snapshot:{FEED_TABLE}"


class FeedQuery(Strict):
    cursor: str = ""
    limit: int = FEED_ROWS
    wait_s: float = 0


class Consents(APIView):
    permission_classes = [HasScope("consents:read")]

    @extend_schema(
        operation_id="read_consents",
        summary="Consent of every vehicle: a snapshot, then each change",
        description=(
            "Without a cursor the answer begins a snapshot, one row per vehicle. Handing"
            " `next_cursor` back leads through it and on into the changes since it began, of"
            " which some may be in the snapshot already: a row says all that is true of its"
            " vehicle, so that the last one counts. No change is ever skipped."
        ),
        parameters=[
            OpenApiParameter("cursor", str, description="next_cursor of the answer before"),
            OpenApiParameter("limit", int, description=f"1 to {FEED_ROWS_MAX}"),
            OpenApiParameter("wait_s", float, description=f"0 to {FEED_WAIT_S_MAX}"),
        ],
        responses=answer(shapes.ConsentFeedPage),
    )
    def get(self, request: Request) -> Response:
        query = read_query(request.query_params, FeedQuery)
        limit = max(1, min(query.limit, FEED_ROWS_MAX))
        place = tokens.read(scope=SNAPSHOT, text=query.cursor) if query.cursor else None
        if not query.cursor:
            return _answer_snapshot(get_oldest_running_transaction(), 0, limit)
        if place is not None:
            return _answer_snapshot(int(place[0]), int(place[1]), limit)
        page = read_feed(
            table=FEED_TABLE,
            columns=FEED_COLUMNS,
            cursor=query.cursor,
            limit=limit,
            wait_s=max(query.wait_s, 0),
        )
        rows = (ConsentRow(**row) for row in page.rows)
        return _answer(rows, page.next_cursor, has_more=page.has_more)


def _answer_snapshot(began_in: int, after_vehicle_id: int, limit: int) -> Response:
    """
    Return a page of the snapshot; its last leads to the changes since it began.

    Whatever committed before is in the snapshot; whatever did not, or only while it was
    read, was written by the oldest transaction then running or a later one.
    """
    rows = list_snapshot(after_vehicle_id=after_vehicle_id, limit=limit, now=timezone.now())
    if len(rows) == limit:
        cursor = tokens.sign(scope=SNAPSHOT, values=[began_in, rows[-1].vehicle_id])
    else:
        cursor = FeedCursor(began_in, 0).to_text(table=FEED_TABLE)
    return _answer(rows, cursor, has_more=len(rows) == limit)


def _answer(rows: Iterable[ConsentRow], next_cursor: str, *, has_more: bool) -> Response:
    data = [_show(row) for row in rows]
    return Response({"data": data, "next_cursor": next_cursor, "has_more": has_more})


def _show(row: ConsentRow) -> dict[str, Any]:
    return {
        "event": row.kind,
        "vehicle_id": encode("veh", row.vehicle_id),
        "version": row.number or None,
        "state": row.state or "none",
        "effective_at": row.effective_at,
        "is_paused": row.is_paused,
        "pause_ends_at": row.pause_ends_at,
    }
