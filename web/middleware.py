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
# AuthZEN takes any text and asks to have it back. What is printed on one line spoils neither a
# header nor a log of JSON, nor a page, which escapes it.
_USABLE_ID = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?", re.ASCII)

# 8 bytes each; with the 8 KB that CPython wants to be left over, just above 64 KiB.
STACK_ROOM_WORDS = 7_200

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class StackRoomMiddleware:
    """
    Give each request one piece of memory that holds all its calls.

    CPython keeps frames in chunks of 16 KiB, and gives the last one back to the system as soon as
    it is empty. A loop of a template whose calls just reach over the edge of a chunk asks for one
    and returns it at every call: a table of 50 rows then takes 33 ms and not 7, and whether it
    does hangs on how many calls lie above it. A first frame of more than 64 KiB gets a chunk of
    128 KiB, in which the rest of the request has room.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    __call__.__code__ = __call__.__code__.replace(co_stacksize=STACK_ROOM_WORDS)


class RequestIdMiddleware:
    """
    Name each request; an id that the caller sent is kept if it can be sent back.
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

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """
        Refuse what no text of the database can hold; machines are told of it by field.
        """
        if "%00" in request.META.get("QUERY_STRING", "") and not is_machine_path(request.path):
            return errors.answer(request, HTTPStatus.BAD_REQUEST)
        return None

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
