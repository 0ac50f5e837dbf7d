"""
Django's error handlers: the same page for people, the same document for machines.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string

from web.problems import from_status, is_machine_path


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return answer(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return answer(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return answer(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    return answer(request, HTTPStatus.FORBIDDEN)


def answer(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    """
    Return the page, or under a machine interface the document, that says only the status.
    """
    if is_machine_path(request.path):
        return from_status(status).response(request)
    return HttpResponse(_render(request, status), status=status)


def _render(request: HttpRequest, status: HTTPStatus) -> str:
    """
    Render the page without context processors after a failure: they may be what failed.
    """
    is_broken = status == HTTPStatus.INTERNAL_SERVER_ERROR
    context = {"request_id": getattr(request, "request_id", "")}
    try:
        return render_to_string(f"{status.value}.html", context, None if is_broken else request)
    except TemplateDoesNotExist:
        return status.phrase
