"""
The first address: what Parado is for those who come by, their own home for everybody else.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.permissions import find_home
from accounts.queries import get_role_summary
from portal.owner import show_home


@require_safe
def show_start(request: HttpRequest) -> HttpResponseBase:
    """
    Show the start page, the owner's home, or lead to the home of the person's role.
    """
    if not request.user.is_authenticated:
        return render(request, "portal/start.html")
    home = find_home(get_role_summary(user_id=request.user.pk))
    if home == "/":
        return show_home(request)
    return redirect(home)
