"""
A small API on the shared edge, mounted where the real one is; see `sample_urls`.
"""

import threading
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, Serializer
from rest_framework.views import APIView

from accounts.models import AuditEvent
from accounts.operations import record_audit
from accounts.permissions import HasScope
from config.urls import urlpatterns as real_urlpatterns
from web import strict_json
from web.idempotency import idempotent
from web.limits import BODY_BYTES_MAX
from web.pagination import paginate
from web.problems import Problem
from web.strict_json import Count, Instant, Strict
from web.transactions import durable


MOVED = "test.moved"
# Lets a test hold a request inside its effect.
gate = threading.Event()
gate.set()
entered = threading.Event()


class Move(Strict):
    amount_micros: Count
    at: Instant | None = None
    note: str = ""
    parts: list[int] = []


class Filter(Strict):
    limit: int = 2
    cursor: str = ""


class BalanceTooLow(Exception):
    pass


@durable
def move(*, amount_micros: int, note: str) -> int:
    """
    Write one row, then refuse, break or go on as the note says.
    """
    record_audit(
        actor_id=None,
        action=MOVED,
        subject=note[:100],
        detail={"amount_micros": amount_micros},
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    entered.set()
    gate.wait(timeout=20)
    if note == "too much":
        raise BalanceTooLow
    if note == "break":
        raise ZeroDivisionError
    return AuditEvent.objects.filter(action=MOVED).count()


class MovesView(APIView):
    permission_classes = [HasScope("bookings:write")]

    @idempotent
    def post(self, request: Request) -> Response:
        body = strict_json.read(request, Move)
        try:
            count = move(amount_micros=body.amount_micros, note=body.note)
        except BalanceTooLow as error:
            raise Problem(402, "insufficient_balance", "Top up.") from error
        if body.note == "conflict":
            raise Problem(409, "state_conflict", "Look again.")
        return Response({"count": count}, status=201, headers={"Location": "/api/v1/moves"})

    def get(self, request: Request) -> Response:
        asked = strict_json.read_query(request.GET, Filter)
        page = paginate(
            AuditEvent.objects.filter(action=MOVED),
            scope="moves",
            order=("-at", "-id"),
            cursor=asked.cursor,
            limit=asked.limit,
        )
        return Response(
            {"data": [event.subject for event in page.items], "next_cursor": page.next_cursor}
        )


class EchoView(APIView):
    permission_classes = []

    def post(self, request: Request) -> Response:
        body = strict_json.read(request, Move, max_bytes=BODY_BYTES_MAX, items_max=100)
        return Response({"amount_micros": body.amount_micros, "note": body.note})


class SerializerView(APIView):
    permission_classes = []

    class Input(Serializer[None]):
        name = CharField(max_length=3)

    def post(self, request: Request) -> Response:
        form = self.Input(data=request.data)
        form.is_valid(raise_exception=True)
        raise ValidationError({"name": ["never"]})


class BugView(APIView):
    permission_classes = []

    def get(self, request: Request) -> Response:
        raise ZeroDivisionError


def plain_bug(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("api/v1/moves", MovesView.as_view()),
    path("api/v1/echo", EchoView.as_view()),
    path("api/v1/serializer", SerializerView.as_view()),
    path("api/v1/bug", BugView.as_view()),
    path("page/bug", plain_bug),
    *real_urlpatterns,
]
handler400 = "web.errors.bad_request"
handler403 = "web.errors.forbidden"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"
