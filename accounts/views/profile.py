"""
`/settings/`: what a person says about themselves, and how they sign in.
"""

from http import HTTPStatus

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import operations, queries
from accounts.adapters import remember_preferences
from accounts.forms import OrganizationForm, ProfileForm
from accounts.permissions import PersonRequest, needs_second_factor, signed_in_required


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_required
def edit_profile(request: PersonRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if not (request.method == "POST" and form.is_valid()):
        return _show(request, form)
    profile = form.to_profile()
    operations.update_profile(user_id=request.user.pk, profile=profile, now=timezone.now())
    messages.success(request, _("Saved."))
    response = redirect("accounts:settings")
    remember_preferences(response, language=profile.language, theme=profile.theme)
    return response


@require_POST
@signed_in_required
def own_a_car(request: PersonRequest) -> HttpResponse:
    operations.become_owner(user_id=request.user.pk, now=timezone.now())
    return redirect("/")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_required
def found_organization(request: PersonRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None)
    if not (request.method == "POST" and form.is_valid()):
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return render(request, "accounts/organization_new.html", {"form": form}, status=status)
    operations.create_organization(
        name=form.cleaned_data["organization_name"],
        country=form.cleaned_data["country"],
        admin_id=request.user.pk,
        now=timezone.now(),
    )
    return redirect("/buy/")


def _show(request: PersonRequest, form: ProfileForm) -> HttpResponse:
    factors = set(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    context = {
        "form": form,
        "roles": queries.get_role_summary(user_id=request.user.pk),
        "has_passkey": Authenticator.Type.WEBAUTHN in factors,
        "has_app": Authenticator.Type.TOTP in factors,
        "has_codes": Authenticator.Type.RECOVERY_CODES in factors,
        "needs_factor": needs_second_factor(request.user),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/settings.html", context, status=status)
