"""
Who may call what: scopes for machines, roles for people.

A person without a session is sent to sign in; a person with the wrong role gets a 403
page. Staff need a second factor everywhere but in the demo.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, overload
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import queries
from accounts.models import User
from accounts.queries import MembershipSummary, RoleSummary
from web.limits import FRESH_SIGN_IN_S


P = ParamSpec("P")
View = Callable[Concatenate[Any, P], HttpResponseBase]
ORGANIZATION_SESSION_KEY = "organization_id"
FINANCE_ROLES = frozenset({"finance_preparer", "finance_approver"})


class PersonRequest(HttpRequest):
    """
    A request of somebody who has signed in.
    """

    user: User


class BuyerRequest(PersonRequest):
    """
    A request of a member, with the organisation for which they act.
    """

    membership: MembershipSummary


class ScopePermission(BasePermission):
    scope: ClassVar[str] = ""
    code = "scope_missing"

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        return self.scope in getattr(request.auth, "scopes", ())


def HasScope(scope: str) -> type[ScopePermission]:  # noqa: N802 - stands where classes stand
    """
    Return a permission class: `permission_classes = [HasScope("usage:write")]`.
    """
    text = f"This key does not carry the scope {scope}."
    return type("HasScope", (ScopePermission,), {"scope": scope, "message": text})


def signed_in_required(view: View[P]) -> View[P]:
    """
    Let any person in who has signed in.
    """
    return _guard(view, lambda _user: True)


def owner_required(view: View[P]) -> View[P]:
    return _guard(view, lambda user: user.is_owner)


def finance_required(view: View[P]) -> View[P]:
    return _guard(view, lambda user: user.staff_role in FINANCE_ROLES)


def preparer_required(view: View[P]) -> View[P]:
    return _guard(view, lambda user: user.staff_role == User.StaffRole.FINANCE_PREPARER)


def approver_required(view: View[P]) -> View[P]:
    return _guard(view, lambda user: user.staff_role == User.StaffRole.FINANCE_APPROVER)


def operator_required(view: View[P]) -> View[P]:
    return _guard(view, lambda user: user.staff_role == User.StaffRole.OPERATOR)


@overload
def buyer_required(view: View[P]) -> View[P]: ...


@overload
def buyer_required(*, role: str) -> Callable[[View[P]], View[P]]: ...


def buyer_required(view: View[P] | None = None, *, role: str = "viewer") -> Any:
    """
    Let members in who have at least this role; sets `request.membership`.

    Usable bare or as `@buyer_required(role="admin")`.
    """

    def decorate(inner: View[P]) -> View[P]:
        @wraps(inner)
        def checked(
            request: BuyerRequest, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            membership = choose_membership(request)
            if membership is None or not membership.is_at_least(role):
                raise PermissionDenied
            request.membership = membership
            return inner(request, *args, **kwargs)

        return _guard(checked, lambda _user: True)

    return decorate if view is None else decorate(view)


def find_home(roles: RoleSummary) -> str:
    """
    Return where a person begins after signing in.
    """
    if roles.is_staff:
        return "/finance/" if roles.is_finance else "/operations/"
    if roles.is_owner:
        return "/"
    return "/buy/" if roles.is_buyer else resolve_url("accounts:settings")


def choose_membership(request: PersonRequest) -> MembershipSummary | None:
    """
    Return the organisation chosen in this session, else the person's first.
    """
    memberships = queries.get_memberships(user_id=request.user.pk)
    chosen = request.session.get(ORGANIZATION_SESSION_KEY)
    preferred = (each for each in memberships if each.organization_id == chosen)
    return next(preferred, None) or next(iter(memberships), None)


def fresh_sign_in_required(view: View[P]) -> View[P]:
    """
    Ask for the password or second factor again before money is approved (step-up).

    Stands under a role decorator. The request is kept and, once the person has shown who
    they are, carried out; a sign-in of the last five minutes is fresh enough.
    """

    @wraps(view)
    def checked(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_sign_in_fresh(request):
            return view(request, *args, **kwargs)
        if not get_reauthentication_flows(request.user):
            messages.warning(request, _("Set a password or a second factor first."))
            return go(request, "mfa_index")
        if getattr(request, "htmx", False):
            # A fragment cannot hold a sign-in page: come back to the page itself.
            return redirect_to_reauthentication(request)
        raise ReauthenticationRequired

    return checked


def is_sign_in_fresh(request: PersonRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < FRESH_SIGN_IN_S


def redirect_to_reauthentication(request: HttpRequest) -> HttpResponse:
    back = urlencode({REDIRECT_FIELD_NAME: _page_of(request)})
    return HttpResponseClientRedirect(f"{resolve_url('account_reauthenticate')}?{back}")


def go(request: HttpRequest, to: str) -> HttpResponse:
    """
    Redirect the whole page, also when only a fragment of it was asked for.
    """
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(resolve_url(to))
    return redirect(to)


def _guard(view: View[P], is_allowed: Callable[[User], bool]) -> View[P]:
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _send_to_sign_in(request)
        if not is_allowed(request.user):
            raise PermissionDenied
        if needs_second_factor(request.user):
            messages.warning(request, _("Staff need a second factor. Set one up to go on."))
            return go(request, "mfa_index")
        return view(request, *args, **kwargs)

    return guarded


def needs_second_factor(user: User) -> bool:
    is_exempt = settings.DEMO or user.staff_role == User.StaffRole.NONE
    return not is_exempt and not is_mfa_enabled(user)


def _send_to_sign_in(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(redirect_to_login(_page_of(request)).url)
    return redirect_to_login(request.get_full_path())


def _page_of(request: HttpRequest) -> str:
    """
    Return the address of the page that asked for a fragment.
    """
    return request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
