"""
`/settings/erasure/`: being forgotten, with what goes, what stays, and what is still owed.
"""

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.operations import CannotBeErased
from accounts.permissions import PersonRequest, fresh_sign_in_required, signed_in_required
from accounts.queries import Erasure, find_erasure
from billing.operations import erasure as operations
from billing.queries.erasure import list_open_money
from web.components import Fact
from web.limits import HOLD_DAYS
from web.templatetags.parado import money


@dataclass(frozen=True, slots=True)
class OwedView:
    """
    What is still owed in one currency; `has_rest`: some of it can be paid out.
    """

    facts: tuple[Fact, ...]
    has_rest: bool


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_required
def show_erasure(request: PersonRequest) -> HttpResponse:
    if request.method != "POST":
        return _show(request)
    if "understood" not in request.POST:
        messages.error(request, _("Tick that you understand: nobody can undo an erasure."))
        return _show(request, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    response = fresh_sign_in_required(_ask)(request)
    assert isinstance(response, HttpResponse), "no page here is streamed"
    return response


def _ask(request: PersonRequest) -> HttpResponse:
    try:
        operations.ask_for_erasure(
            owner_id=request.user.pk,
            gives_up_money="gives_up_money" in request.POST,
            now=timezone.now(),
        )
    except CannotBeErased as refused:
        texts = {
            "staff": _("You work here: an operator has to end that first."),
            "team": _("You belong to a team that buys compute: leave it first."),
        }
        messages.error(request, texts[refused.code])
        return _show(request, status=HTTPStatus.CONFLICT)
    messages.success(request, _("We have noted it. Your cars do nothing any more."))
    return redirect("billing:erasure")


@require_POST
@signed_in_required
def take_back(request: PersonRequest) -> HttpResponse:
    if operations.take_erasure_back(owner_id=request.user.pk, now=timezone.now()):
        text = _("Your account stays. Cars that were stopped have to be added again.")
        messages.success(request, text)
    else:
        messages.warning(request, _("There is nothing that could be taken back."))
    return redirect("billing:erasure")


def _show(request: PersonRequest, *, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    request_made: Erasure | None = find_erasure(user_id=request.user.pk)
    owed = [
        OwedView(
            facts=(
                Fact(label=_("Clearing"), value=money(each.pending_micros, each.currency)),
                Fact(label=_("Available"), value=money(each.available_micros, each.currency)),
            ),
            has_rest=bool(each.pending_micros) or each.has_rest or each.is_moving,
        )
        for each in list_open_money(owner_id=request.user.pk)
    ]
    context = {
        "erasure": request_made,
        "owed": owed,
        "has_rest": any(each.has_rest for each in owed),
        "hold_days": HOLD_DAYS,
    }
    return render(request, "billing/erasure.html", context, status=status)
