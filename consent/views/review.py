"""
Before rules take effect: old and new side by side, and a fresh sign-in for what is looser.
"""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import PersonRequest, fresh_sign_in_required, is_sign_in_fresh
from consent import operations, queries
from consent.forms import RulesForm
from consent.models import ConsentVersion
from consent.operations import NoticeChanged, RulesRefused, StaleVersion
from consent.queries.notices import get_present_notice
from consent.rules.parts import take_parts
from consent.rules.strictness import Move, is_looser, judge_moves, take_stricter
from consent.views.addresses import about_a_car, address_of
from consent.views.comparing import compare
from consent.views.merging import (
    find_conflict,
    list_pairs,
    make_form,
    review_merged,
    show_merge,
)
from consent.views.rules import show_editor


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def review_rules(request: PersonRequest, vehicle_id: int) -> HttpResponseBase:
    """
    Show old and new side by side; confirmed, put the new in force.

    A draft that began from an older version, by its own number or by If-Match, meets the
    merge of both instead: 409, or 412 for the header.
    """
    editing = queries.get_editing(
        vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now()
    )
    if request.method != "POST":
        return redirect(address_of("rules", vehicle_id))
    form = RulesForm(request.POST, editing=editing)
    if not form.is_valid():
        return show_editor(request, form)
    if conflict := find_conflict(request, form):
        return show_merge(request, form, status=conflict)
    if "merge" in request.POST:
        return review_merged(request, form, show_review)
    return _ACTS.get(request.POST.get("confirm", ""), show_review)(request, form)


def _confirm(request: PersonRequest, form: RulesForm) -> HttpResponseBase:
    if is_looser(before=form.editing.effective, after=form.effective):
        return _save_after_sign_in(request, form)
    return _save(request, form)


def _save(request: PersonRequest, form: RulesForm) -> HttpResponse:
    editing = form.editing
    assert editing.page is not None, "a car"
    try:
        version = _put_in_force(request, form)
    except StaleVersion:
        newer = queries.get_editing(
            vehicle_id=editing.page.vehicle_id, owner_id=request.user.pk, now=timezone.now()
        )
        return show_merge(request, RulesForm(request.POST, editing=newer))
    except NoticeChanged:
        messages.warning(request, _("The notice changed since you read it. Please look again."))
        return show_review(request, form)
    except RulesRefused:
        # Judged again at the last moment, by the car and the calendar as they are then.
        form.add_error(None, _("The car or the date changed meanwhile: look at the draft again."))
        return show_editor(request, form)
    text = _("Version %(number)s of your rules for %(plate)s is in force.")
    messages.success(request, text % {"number": version.number, "plate": editing.page.plate})
    return redirect(address_of("rules", editing.page.vehicle_id))


_save_after_sign_in = fresh_sign_in_required(_save)


def _put_in_force(request: PersonRequest, form: RulesForm) -> ConsentVersion:
    editing = form.editing
    assert editing.page is not None, "a car"
    terms = {
        "vehicle_id": editing.page.vehicle_id,
        "owner_id": request.user.pk,
        "expected_number": form.cleaned_data["expected_number"],
        "notice_language": get_language() or "en",
        "notice_version": request.POST.get("notice_version", ""),
        "now": timezone.now(),
    }
    if not form.is_following:
        return operations.give_consent(rules=form.draft, **terms)
    return operations.follow_profile(
        own=form.draft,
        own_fields=form.own_fields,
        expected_profile_number=editing.profile.number,
        **terms,
    )


def _confirm_stricter(request: PersonRequest, form: RulesForm) -> HttpResponse:
    """
    Put in force only what is stricter, which needs nobody to show who they are.
    """
    editing = form.editing
    if editing.effective is None:
        return show_review(request, form)
    moves = judge_moves(before=editing.effective, after=form.effective)
    taken = frozenset(part for part, move in moves.items() if move is Move.STRICTER)
    stricter = take_stricter(before=editing.effective, after=form.effective)
    # A car that follows defaults keeps what it asked for itself in all other rules.
    draft = take_parts(base=editing.shown, other=form.draft, parts=taken)
    again = make_form(draft if form.is_following else stricter, form)
    if not again.is_valid() or is_looser(before=editing.effective, after=again.effective):
        messages.error(request, _("The stricter rules alone would contradict the others."))
        return show_review(request, form)
    return _save(request, again)


def show_review(request: PersonRequest, form: RulesForm) -> HttpResponse:
    editing = form.editing
    compared = compare(editing.effective, form.effective, buyers=editing.buyers)
    needs_sign_in = any(rule.move.is_looser for rule in compared)
    context = {
        "page": editing.page,
        "form": form,
        "compared": compared,
        "changed": [rule for rule in compared if rule.is_changed],
        "stricter": [rule for rule in compared if rule.move is Move.STRICTER],
        "looser": [rule for rule in compared if rule.move.is_looser],
        "cautions": form.cautions,
        "week": form.week,
        "sent": list_pairs(form),
        "needs_sign_in": needs_sign_in,
        "notice": get_present_notice(language=get_language() or "en", now=editing.now),
        "is_fresh": is_sign_in_fresh(request),
        "next_number": editing.number + 1,
    }
    return render(request, "consent/review.html", context)


# What a press of a button of the review does; without one the review is shown.
_ACTS: dict[str, Callable[[PersonRequest, RulesForm], HttpResponseBase]] = {
    "1": _confirm,
    "stricter": _confirm_stricter,
}
