"""
Times are shown where the person is, and a refused form has its own status.
"""

import zoneinfo
from collections.abc import Callable
from http import HTTPStatus

from django.forms import BaseForm
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone


class TimeZoneMiddleware:
    """
    Activate the person's time zone; machines and strangers get UTC.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(user.time_zone)):
            return self.get_response(request)


class RefusedFormMiddleware:
    """
    Answer 422 where a page of allauth shows a form again because of errors in it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_template_response(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        response: TemplateResponse,
    ) -> TemplateResponse:
        forms = (response.context_data or {}).values()
        refused = [form for form in forms if isinstance(form, BaseForm) and form.is_bound]
        if response.status_code == HTTPStatus.OK and any(form.errors for form in refused):
            response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response
