"""
What allauth does differently here: mail leaves by the outbox, and everybody gets home.
"""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context as request_context
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts import operations, queries
from accounts.models import User
from accounts.permissions import find_home


THEME_COOKIE = "theme"
YEAR_S = 365 * 24 * 3600


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """
        Put a mail into the outbox, so that no page waits for a mail server (R10).
        """
        request = request_context.request
        site = {"name": "Parado", "domain": request.get_host()}
        full = {"request": request, "email": email, "current_site": site, **context}
        message = self.render_mail(template_prefix, email, full)
        operations.enqueue_mail(
            business_key=f"account:{uuid.uuid4()}",
            to=email,
            subject=message.subject,
            text=str(message.body),
            now=timezone.now(),
        )

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        assert request.user.pk is not None
        return find_home(queries.get_role_summary(user_id=request.user.pk))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's signature
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if kwargs.get("signup"):
            # Who has just chosen a password and proved an address is not asked for them again.
            record_authentication(request, user, method="password")
        remember_preferences(response, language=user.language, theme=user.theme)
        return response


def remember_preferences(response: HttpResponseBase, *, language: str, theme: str) -> None:
    """
    Set the cookies from which pages take language and colours, before anybody is looked up.
    """
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, language), (THEME_COOKIE, theme)):
        response.set_cookie(
            name,
            "" if value == "system" else value,
            max_age=YEAR_S,
            secure=settings.IS_SECURE,
            httponly=True,
            samesite="Lax",
        )
