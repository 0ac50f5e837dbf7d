"""
`/buy/team/`: who may act for an organisation.
"""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import operations, queries
from accounts.forms import MemberForm, RoleForm
from accounts.permissions import ORGANIZATION_SESSION_KEY, BuyerRequest, buyer_required
from web import public_ids


@require_safe
@buyer_required
def show_team(request: BuyerRequest) -> HttpResponse:
    return _show(request, MemberForm())


@require_POST
@buyer_required(role="admin")
def invite_member(request: BuyerRequest) -> HttpResponse:
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _show(request, form)
    try:
        operations.invite_member(
            organization_id=request.membership.organization_id,
            email=form.cleaned_data["email"],
            role=form.cleaned_data["role"],
            actor_id=request.user.pk,
            sign_in_url=request.build_absolute_uri(reverse("account_request_login_code")),
            now=timezone.now(),
        )
    except operations.AlreadyMember:
        form.add_error("email", _("This person is in the team already."))
        return _show(request, form)
    messages.success(request, _("Added, and we wrote to them."))
    return redirect("accounts:team")


@require_POST
@buyer_required(role="admin")
def change_role(request: BuyerRequest, person: str) -> HttpResponse:
    form = RoleForm(request.POST)
    if form.is_valid():
        _apply(request, person, role=form.cleaned_data["role"])
    return redirect("accounts:team")


@require_POST
@buyer_required(role="admin")
def remove_member(request: BuyerRequest, person: str) -> HttpResponse:
    _apply(request, person, role=None)
    return redirect("accounts:team")


@require_POST
@buyer_required
def switch_organization(request: BuyerRequest) -> HttpResponse:
    chosen = request.POST.get("organization", "")
    memberships = queries.get_memberships(user_id=request.user.pk)
    for membership in memberships:
        if public_ids.encode("org", membership.organization_id) == chosen:
            request.session[ORGANIZATION_SESSION_KEY] = membership.organization_id
            return redirect("/buy/")
    raise Http404


def _apply(request: BuyerRequest, person: str, *, role: str | None) -> None:
    """
    Give a member another role, or with None take them out, and say what came of it.
    """
    user_id = public_ids.decode("prs", person)
    whom = {
        "organization_id": request.membership.organization_id,
        "user_id": user_id or 0,
        "actor_id": request.user.pk,
    }
    try:
        if role is None:
            operations.remove_member(**whom, now=timezone.now())
        else:
            operations.change_member_role(**whom, role=role, now=timezone.now())
    except operations.MemberNotFound as error:
        raise Http404 from error
    except operations.LastAdmin:
        messages.error(request, _("Somebody has to administer the team: appoint another first."))
    else:
        messages.success(request, _("Saved."))


def _show(request: BuyerRequest, form: MemberForm) -> HttpResponse:
    membership = request.membership
    context = {
        "membership": membership,
        "memberships": queries.get_memberships(user_id=request.user.pk),
        "team": queries.list_team(organization_id=membership.organization_id),
        "form": form,
        "roles": RoleForm.base_fields["role"].choices,  # type: ignore[attr-defined]
        "is_admin": membership.is_at_least("admin"),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "accounts/team.html", context, status=status)
