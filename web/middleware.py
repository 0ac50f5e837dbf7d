"""
What every request gets: an id, and errors in the form its caller can read.
"""

import re
import uuid
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from web import errors
from web.problems import Problem, is_machine_path, replace_error_page


REQUEST_ID_HEADER = "X-Request-ID"
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """
    Name each request; an id that the caller sent is kept if it cannot spoil a log.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        # django-structlog takes its id from the header, which nobody has read so far.
        request.META["HTTP_X_REQUEST_ID"] = request_id
        response = self.get_response(request)
        response[REQUEST_ID_HEADER] = request_id
        return response


class ProblemMiddleware:
    """
    Answer every error under the machine interfaces as a problem document (R13).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if is_machine_path(request.path) and not settings.DEBUG:
            return replace_error_page(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """
        Answer what a page refused, such as a cursor of another list; a bug stays a bug.
        """
        if not isinstance(exception, Problem):
            return None
        if is_machine_path(request.path):
            return exception.response(request)
        return errors.answer(request, HTTPStatus(exception.status))


class NoStoreMiddleware:
    """
    Keep pages of a signed-in person and answers of the API out of shared caches.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if "Cache-Control" not in response and not request.path.startswith(settings.STATIC_URL):
            response["Cache-Control"] = "private, no-store"
        return response
