"""
Errors of the machine interfaces: RFC 9457 problem documents, everywhere the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import set_rollback

from web import throttling


CONTENT_TYPE = "application/problem+json"
# Addresses that machines call; everything else answers with a page.
MACHINE_PREFIXES = ("/api/", "/access/", "/webhooks/")


_DJANGO_ERRORS = (
    (Http404, HTTPStatus.NOT_FOUND, "not_found"),
    (PermissionDenied, HTTPStatus.FORBIDDEN, "permission_denied"),
    (SuspiciousOperation, HTTPStatus.BAD_REQUEST, "bad_request"),
)
_TURNED_AWAY = (
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
)
_DETAILS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
    HTTPStatus.FORBIDDEN: "You may not do this.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke here, and was noted under the request_id.",
}


class FieldError(TypedDict):
    pointer: str
    code: str
    detail: NotRequired[str]


@dataclass(eq=False)
class Problem(Exception):
    """
    One refusal with its HTTP status, a stable code and, per field, where it is wrong.

    `pointer` is a JSON pointer into the body ("/samples/3/vehicle_id") or "?name" for a
    query parameter. `headers` carries what the status asks for, such as Retry-After.
    """

    status: int
    code: str
    detail: str
    title: str = ""
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        super().__init__(self.code, self.detail)

    def document(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "type": f"urn:parado:problem:{self.code}",
            "title": self.title or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": request.path,
            "code": self.code,
            "errors": list(self.errors),
            "request_id": getattr(request, "request_id", ""),
        }

    def response(self, request: HttpRequest | Request) -> HttpResponse:
        plain = request._request if isinstance(request, Request) else request  # noqa: SLF001 - DRF has no public name for it
        body = json.dumps(self.document(plain))
        response = HttpResponse(body, status=self.status, content_type=CONTENT_TYPE)
        for name, value in (self.headers or {}).items():
            response[name] = value
        return response


def not_found(code: str, detail: str) -> Problem:
    """
    Return the one answer for what is absent and for what belongs to somebody else.
    """
    return Problem(HTTPStatus.NOT_FOUND, code, detail)


def from_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """
    Return the problem of which nothing is known but its status.
    """
    code, words = HTTPStatus(status).name.lower(), HTTPStatus(status).description
    return Problem(status, code, _DETAILS.get(status, words), headers=headers)


def is_machine_path(path: str) -> bool:
    return path.startswith(MACHINE_PREFIXES)


def handle(exc: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """
    Turn what a DRF view raised into a problem document; None lets a bug surface as a bug.
    """
    problem = to_problem(exc)
    if problem is None:
        return None
    set_rollback()
    request = context["request"]
    # DRF counts only those whom its permissions let in; guessing keys must cost places, too.
    if isinstance(exc, _TURNED_AWAY) and (wait_s := throttling.count(request)) is not None:
        problem = _from_api_exception(exceptions.Throttled(wait_s))
    return problem.response(request)


def to_problem(exc: Exception) -> Problem | None:
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, exceptions.ValidationError):
        return _from_validation(exc)
    if isinstance(exc, exceptions.APIException):
        return _from_api_exception(exc)
    for kind, status, code in _DJANGO_ERRORS:
        if isinstance(exc, kind):
            return Problem(status, code, _DETAILS[status])
    return None


def _from_api_exception(exc: exceptions.APIException) -> Problem:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait_s := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait_s))
    code = exc.get_codes() if isinstance(exc.detail, str) else exc.default_code
    return Problem(exc.status_code, str(code), detail=str(exc.detail), headers=headers)


def _from_validation(exc: exceptions.ValidationError) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid",
        detail="Some fields cannot be accepted.",
        errors=list(_flatten(exc.detail, "")),
    )


def _flatten(detail: object, pointer: str) -> Iterator[FieldError]:
    """
    Yield one error per leaf of DRF's nested error structure.
    """
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else f"/{name}"
            yield from _flatten(inner, pointer + step)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            is_leaf = isinstance(inner, str)
            yield from _flatten(inner, pointer if is_leaf else f"{pointer}/{index}")
    else:
        code = str(getattr(detail, "code", "invalid"))
        yield FieldError(pointer=pointer or "/", code=code, detail=str(detail))


def replace_error_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """
    Return a problem document for an error that did not come from an API view.
    """
    content_type = response.get("Content-Type", "")
    if response.status_code < HTTPStatus.BAD_REQUEST or content_type.startswith(CONTENT_TYPE):
        return response
    kept = {name: response[name] for name in ("Allow", "Retry-After") if name in response}
    return from_status(response.status_code, headers=kept).response(request)
