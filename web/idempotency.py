"""
`Idempotency-Key`: a retried request has its effect once and gets the first answer again.

The decorator opens the transaction, so that the stored answer commits with the effect.
Operations called underneath are declared with `web.transactions.durable`, which joins it;
they must not call anybody else's server.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

from django.db import connection, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from web.callers import get_caller
from web.limits import BODY_BYTES_MAX, IDEMPOTENCY_KEY_CHARACTERS_MAX
from web.models import IdempotencyRecord
from web.problems import Problem, to_problem
from web.transactions import joined


P = ParamSpec("P")
Method = Callable[Concatenate[Any, Request, P], HttpResponseBase]
NOT_STORED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
STORED_HEADERS = ("Location", "ETag", "WWW-Authenticate")
REPLAYED_HEADER = "Idempotency-Replayed"


class _NotStored(Exception):
    """
    Carries an answer out of the transaction, which is rolled back.
    """

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self.response = response


def idempotent(method: Method[P]) -> Method[P]:
    """
    Guard a method of an API view that moves money or capacity.

    :raises Problem: 400 without a usable key, 409 while the first request runs, 422 when the
        key was used for another request.
    """

    @wraps(method)
    def guarded(
        view: APIView, request: Request, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        key = read_key(request)
        caller = get_caller(request)
        assert caller is not None, "a view that moves money must ask for a scope"
        principal = caller.principal
        fingerprint = make_fingerprint(request)
        try:
            with joined():
                _lock(principal, key)
                stored = IdempotencyRecord.objects.filter(principal=principal, key=key).first()
                if stored is not None:
                    return _replay(stored, fingerprint)
                response = _run(method, view, request, *args, **kwargs)
                _store(principal, key, fingerprint, response)
                return response
        except _NotStored as unfinished:
            return unfinished.response

    return guarded


def read_key(request: Request) -> str:
    """
    Return the request's key: 1 to 255 visible ASCII characters.

    :raises Problem: 400, it is missing or unusable.
    """
    key = request.headers.get("Idempotency-Key", "")
    is_text = key.isascii() and key.isprintable() and " " not in key
    if not key:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "idempotency_key_missing",
            detail="Send an Idempotency-Key header, a new one for every new request.",
        )
    if len(key) > IDEMPOTENCY_KEY_CHARACTERS_MAX or not is_text:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "idempotency_key_invalid",
            f"A key has 1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters.",
        )
    return key


def make_fingerprint(request: Request) -> bytes:
    """
    Return what makes two requests the same: method, address and every byte of the body.
    """
    plain = request._request  # noqa: SLF001 - the raw body, before DRF parses it
    if int(plain.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES_MAX:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"At most {BODY_BYTES_MAX} bytes.",
        )
    parts = (plain.method or "", plain.get_full_path())
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + plain.body).digest()


def _lock(principal: str, key: str) -> None:
    """
    Hold the key until the transaction ends, or say that somebody else does.
    """
    digest = hashlib.blake2b(f"{principal}\n{key}".encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        number = int.from_bytes(digest, "big", signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise Problem(
            HTTPStatus.CONFLICT,
            "idempotency_key_in_use",
            detail="The first request with this key is still running.",
            headers={"Retry-After": "1"},
        )


def _run(
    method: Method[P], view: APIView, request: Request, /, *args: P.args, **kwargs: P.kwargs
) -> HttpResponseBase:
    """
    Call the view and return its answer, refusals included; a bug goes through.
    """
    try:
        with transaction.atomic():
            response = method(view, request, *args, **kwargs)
    except Exception as error:
        problem = to_problem(error)
        if problem is None:
            raise
        response = problem.response(request)
    if response.status_code in NOT_STORED or response.status_code >= 500:
        raise _NotStored(response)
    if isinstance(response, Response):
        view.finalize_response(request, response)
        response.render()
    return response


def _store(principal: str, key: str, fingerprint: bytes, response: HttpResponseBase) -> None:
    assert isinstance(response, HttpResponse), "a streamed answer cannot be stored"
    IdempotencyRecord.objects.create(
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        content_type=response["Content-Type"],
        headers={name: response[name] for name in STORED_HEADERS if name in response},
        body=response.content,
    )


def _replay(stored: IdempotencyRecord, fingerprint: bytes) -> HttpResponse:
    if bytes(stored.fingerprint) != fingerprint:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            detail="This key belongs to another request.",
        )
    response = HttpResponse(
        bytes(stored.body), status=stored.status, content_type=stored.content_type
    )
    for name, value in {**stored.headers, REPLAYED_HEADER: "true"}.items():
        response[name] = value
    return response
