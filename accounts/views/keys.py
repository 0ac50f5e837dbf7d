"""
Keys of machine clients: a buyer's at `/buy/developers/`, the house's at `/operations/keys/`.
"""

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import operations, queries
from accounts.forms import KeyForm
from accounts.permissions import BuyerRequest, PersonRequest, buyer_required, operator_required
from web import public_ids


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Whose keys a page shows, and the names of its addresses.
    """

    organization_id: int | None
    kinds: tuple[str, ...]
    page: str

    @property
    def template(self) -> str:
        return "accounts/keys.html"


OPERATIONS = Holder(organization_id=None, kinds=("scheduler", "finance"), page="operations_keys")


@require_safe
@buyer_required
def show_buyer_keys(request: BuyerRequest) -> HttpResponse:
    return _show(request, _holder_of(request))


@require_POST
@buyer_required(role="admin")
def issue_buyer_key(request: BuyerRequest) -> HttpResponse:
    return _issue(request, _holder_of(request))


@require_POST
@buyer_required(role="admin")
def rotate_buyer_key(request: BuyerRequest, key: str) -> HttpResponse:
    return _rotate(request, _holder_of(request), key)


@require_POST
@buyer_required(role="admin")
def revoke_buyer_key(request: BuyerRequest, key: str) -> HttpResponse:
    return _revoke(request, _holder_of(request), key)


@require_safe
@operator_required
def show_operations_keys(request: PersonRequest) -> HttpResponse:
    return _show(request, OPERATIONS)


@require_POST
@operator_required
def issue_operations_key(request: PersonRequest) -> HttpResponse:
    return _issue(request, OPERATIONS)


@require_POST
@operator_required
def rotate_operations_key(request: PersonRequest, key: str) -> HttpResponse:
    return _rotate(request, OPERATIONS, key)


@require_POST
@operator_required
def revoke_operations_key(request: PersonRequest, key: str) -> HttpResponse:
    return _revoke(request, OPERATIONS, key)


def _holder_of(request: BuyerRequest) -> Holder:
    return Holder(
        organization_id=request.membership.organization_id, kinds=("buyer",), page="buyer_keys"
    )


def _issue(request: PersonRequest, holder: Holder) -> HttpResponse:
    kind = request.POST.get("kind", holder.kinds[0])
    if kind not in holder.kinds:
        raise Http404
    form = KeyForm(request.POST, kind=kind, prefix=kind)
    if not form.is_valid():
        return _show(request, holder, refused=form)
    try:
        issued = form.issue(
            organization_id=holder.organization_id,
            actor_id=request.user.pk,
            now=timezone.now(),
        )
    except operations.TooManyKeys:
        form.add_error(None, _("There are too many keys. Revoke one that is not used."))
        return _show(request, holder, refused=form)
    return _show(request, holder, issued=issued)


def _rotate(request: PersonRequest, holder: Holder, key: str) -> HttpResponse:
    try:
        issued = operations.rotate_api_key(
            key_id=public_ids.decode("key", key) or 0,
            organization_id=holder.organization_id,
            actor_id=request.user.pk,
            now=timezone.now(),
        )
    except operations.KeyNotFound as error:
        raise Http404 from error
    return _show(request, holder, issued=issued)


def _revoke(request: PersonRequest, holder: Holder, key: str) -> HttpResponse:
    try:
        operations.revoke_api_key(
            key_id=public_ids.decode("key", key) or 0,
            organization_id=holder.organization_id,
            actor_id=request.user.pk,
            now=timezone.now(),
        )
    except operations.KeyNotFound as error:
        raise Http404 from error
    messages.success(request, _("The key no longer works."))
    return redirect(f"accounts:{holder.page}")


def _show(
    request: PersonRequest,
    holder: Holder,
    *,
    refused: KeyForm | None = None,
    issued: operations.IssuedKey | None = None,
) -> HttpResponse:
    """
    Show the keys; a new secret is in this one answer and nowhere else.
    """
    forms = [
        refused if refused is not None and refused.kind == kind else KeyForm(kind=kind, prefix=kind)
        for kind in holder.kinds
    ]
    is_admin = holder.organization_id is None or request.membership.is_at_least("admin")  # type: ignore[attr-defined]
    context = {
        "page": holder.page,
        "keys": queries.list_keys(organization_id=holder.organization_id, now=timezone.now()),
        "forms": forms if is_admin else [],
        "issued": issued,
        "is_admin": is_admin,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused is not None else HTTPStatus.OK
    return render(request, "accounts/keys.html", context, status=status)
