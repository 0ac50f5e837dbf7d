"""
Pages for operators, and the demo's page of mail.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import queries
from accounts.permissions import PersonRequest, operator_required
from web.limits import LIMITS


MAILS_SHOWN = 50


@require_safe
@operator_required
def show_limits(request: PersonRequest) -> HttpResponse:
    return render(request, "accounts/limits.html", {"limits": LIMITS})


@require_safe
def show_mail(request: HttpRequest) -> HttpResponse:
    """
    Show what the demo would have mailed: nobody has a mail server on a laptop.
    """
    if not settings.DEMO:
        raise Http404
    return render(request, "accounts/mail.html", {"mails": queries.list_mail(limit=MAILS_SHOWN)})
