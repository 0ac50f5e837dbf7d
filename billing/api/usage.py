"""
The scheduler's API for metered usage: batches in, and what became of them.
"""

import zlib
from http import HTTPStatus
from typing import NoReturn

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import ApiKeyPrincipal
from accounts.permissions import HasScope
from billing.api import shapes
from billing.operations.ingest import BatchResult, ingest
from billing.operations.usage_events import (
    Reading,
    UsageEvent,
    read_batch,
    read_lines,
    read_single,
)
from billing.queries.usage import BatchStatus, get_batch
from web.limits import USAGE_BODY_BYTES_MAX, USAGE_EVENTS_MAX
from web.openapi import answer, shape
from web.problems import Problem, not_found
from web.public_ids import decode, encode


BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
LINES = "application/x-ndjson"
READERS = {BATCH: read_batch, SINGLE: read_single, LINES: read_lines}
EVENT = shape(UsageEvent)
GZIP = 16 + zlib.MAX_WBITS


class UsageBatches(APIView):
    """
    Report metered usage.
    """

    permission_classes = [HasScope("usage:write")]

    @extend_schema(
        operation_id="report_usage",
        summary="Report metered usage, at most 10,000 events",
        description=(
            "CloudEvents 1.0: an array, a single event, or one event per line; gzip is"
            " accepted. An event of the same id and content again is a duplicate. What cannot"
            " be taken is set aside with its reason and never fails the rest; a correction"
            " names the event that it `supersedes`."
        ),
        request={
            BATCH: {"type": "array", "items": EVENT, "maxItems": USAGE_EVENTS_MAX},
            SINGLE: EVENT,
            LINES: {"type": "string", "description": "One event per line."},
        },
        responses=answer(shapes.BatchAnswer, status=HTTPStatus.ACCEPTED),
    )
    def post(self, request: Request) -> HttpResponse:
        principal = request.auth
        assert isinstance(principal, ApiKeyPrincipal), "the scope is a machine's"
        reading = _read(request)
        result = ingest(source=principal.source, reading=reading, now=timezone.now())
        return _answer(_show_result(result), HTTPStatus.ACCEPTED)


class UsageBatch(APIView):
    """
    What became of one batch.
    """

    permission_classes = [HasScope("usage:write")]

    @extend_schema(
        operation_id="get_usage_batch",
        summary="What became of one batch",
        responses=answer(shapes.BatchProgress),
    )
    def get(self, request: Request, batch_id: str) -> HttpResponse:
        principal = request.auth
        assert isinstance(principal, ApiKeyPrincipal), "the scope is a machine's"
        number = decode("bat", batch_id)
        batch = None if number is None else get_batch(source=principal.source, batch_id=number)
        if batch is None:
            raise not_found("unknown_batch", "You have reported no such batch.")
        return _answer(_show_status(batch), HTTPStatus.OK)


def _read(request: Request) -> Reading:
    content_type = (request.content_type or "").partition(";")[0].strip().lower()
    reader = READERS.get(content_type)
    if reader is None:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail=f"Send {' or '.join(READERS)}.",
        )
    return reader(_read_body(request))


def _read_body(request: Request) -> bytes:
    """
    Return the unpacked body, never reading or unpacking more than the limit.
    """
    plain = request._request  # noqa: SLF001 - DRF's own .data would parse it
    packed = plain.read(USAGE_BODY_BYTES_MAX + 1)
    if len(packed) > USAGE_BODY_BYTES_MAX:
        _refuse_size()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return packed
    if encoding != "gzip":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", "Send it plain or gzipped."
        )
    return _unpack(packed)


def _unpack(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(GZIP)
    try:
        body = unpacker.decompress(packed, USAGE_BODY_BYTES_MAX + 1)
    except zlib.error as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed", detail="This is not gzip.") from error
    if len(body) > USAGE_BODY_BYTES_MAX:
        _refuse_size()
    if not unpacker.eof or unpacker.unused_data:
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed", detail="This is not one gzip file.")
    return body


def _refuse_size() -> NoReturn:
    raise Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        detail=f"At most {USAGE_BODY_BYTES_MAX} bytes, unpacked.",
    )


def _show_result(result: BatchResult) -> dict[str, object]:
    return {
        "batch_id": encode("bat", result.batch_id),
        "accepted": result.accepted_count,
        "duplicates": result.duplicate_count,
        "quarantined": result.quarantined_count,
        "results": result.results,
    }


def _show_status(batch: BatchStatus) -> dict[str, object]:
    return {
        "batch_id": encode("bat", batch.batch_id),
        "received_at": batch.received_at,
        "events": batch.event_count,
        "accepted": batch.accepted_count,
        "duplicates": batch.duplicate_count,
        "quarantined": batch.quarantined_count,
        "is_settled": batch.is_settled,
        "outcomes": batch.outcomes,
        "quarantine": batch.quarantine,
    }


def _answer(document: dict[str, object], status: HTTPStatus) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(document), status=status, content_type="application/json"
    )
