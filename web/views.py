"""
Pages that belong to no app: the choice of colours and the style page.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from web.context import Area, list_areas
from web.samples import make_samples
from web.templatetags.navigation import THEME_COOKIE, THEMES


YEAR_S = 365 * 86_400


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """
    Keep the chosen colours in a cookie; anything but light or dark follows the device.
    """
    response = HttpResponseRedirect(_find_way_back(request))
    wanted = request.POST.get("theme", "")
    if wanted in THEMES:
        response.set_cookie(
            THEME_COOKIE, wanted, max_age=YEAR_S, samesite="Lax", secure=settings.IS_SECURE
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response


@require_safe
def show_components(request: HttpRequest) -> HttpResponse:
    """
    Show every component with made-up values, to operators and while developing.
    """
    is_open = settings.DEBUG or settings.DEMO
    if not is_open and Area.OPERATIONS not in list_areas(request=request):
        raise Http404
    return render(request, "design/components.html", make_samples())


def _find_way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"
