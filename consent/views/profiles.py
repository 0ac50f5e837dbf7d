"""
Defaults for all cars of an owner: the same editor and review, for every car that follows.
"""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import (
    PersonRequest,
    fresh_sign_in_required,
    is_sign_in_fresh,
    owner_required,
)
from consent import operations, queries
from consent.forms import RulesForm
from consent.forms.texts import describe_fault
from consent.operations import NoticeChanged, ProfileRefused, StaleVersion
from consent.queries import CarEffect
from consent.queries.notices import get_present_notice
from consent.rules import RulesDraft
from consent.rules.strictness import is_looser
from consent.views.comparing import ComparedRule, compare
from consent.views.merging import find_conflict, list_pairs, review_merged, show_merge
from consent.views.rules import read_form, show_editor


@dataclass(frozen=True, slots=True, kw_only=True)
class CarChange:
    """
    What new defaults do to one car: the rules that change, and why it could not agree to them.
    """

    car: CarEffect
    changed: tuple[ComparedRule, ...]
    faults: tuple[str, ...]


@require_http_methods(["GET", "HEAD", "POST"])
@owner_required
def edit_profile(request: PersonRequest) -> HttpResponse:
    """
    Show the editor of the defaults, or again with what was sent.
    """
    editing = queries.get_profile_editing(owner_id=request.user.pk, now=timezone.now())
    return show_editor(request, read_form(request, editing))


@require_http_methods(["GET", "HEAD", "POST"])
@owner_required
def review_profile(request: PersonRequest) -> HttpResponseBase:
    """
    Show what changes for which car; confirmed, put it in force for all that follow.

    A draft that began from older defaults meets the merge of both, as that of a car does.
    """
    if request.method != "POST":
        return redirect("consent:profile")
    editing = queries.get_profile_editing(owner_id=request.user.pk, now=timezone.now())
    form = RulesForm(request.POST, editing=editing)
    if not form.is_valid():
        return show_editor(request, form)
    if conflict := find_conflict(request, form):
        return show_merge(request, form, status=conflict)
    if "merge" in request.POST:
        return review_merged(request, form, _show_review)
    return _confirm(request, form) if "confirm" in request.POST else _show_review(request, form)


def _confirm(request: PersonRequest, form: RulesForm) -> HttpResponseBase:
    changes = _list_changes(request, form)
    if any(change.faults for change in changes):
        return _show_review(request, form)
    if any(is_looser_for(change) for change in changes):
        return _save_after_sign_in(request, form)
    return _save(request, form)


def is_looser_for(change: CarChange) -> bool:
    """
    Return whether a car would be allowed anything that it was refused.
    """
    car = change.car
    return car.after is not None and is_looser(before=car.before, after=car.after)


def _save(request: PersonRequest, form: RulesForm) -> HttpResponse:
    try:
        profile = operations.save_profile(
            owner_id=request.user.pk,
            rules=form.draft,
            expected_number=form.cleaned_data["expected_number"],
            notice_language=get_language() or "en",
            notice_version=request.POST.get("notice_version", ""),
            now=timezone.now(),
        )
    except StaleVersion:
        newer = queries.get_profile_editing(owner_id=request.user.pk, now=timezone.now())
        return show_merge(request, RulesForm(request.POST, editing=newer))
    except (ProfileRefused, NoticeChanged):
        # A car or the notice was changed between the review and now: look again.
        return _show_review(request, form, is_stale=True)
    count = sum(change.car.follows for change in _list_changes(request, form))
    text = (
        ngettext(
            "Your defaults are saved, version %(number)s; %(count)s car follows them.",
            "Your defaults are saved, version %(number)s; %(count)s cars follow them.",
            count,
        )
        if count
        else _(
            "Your defaults are saved, version %(number)s. No car follows them yet: each has a "
            "switch for it on the page of its rules."
        )
    )
    messages.success(request, text % {"number": profile.number, "count": count})
    return redirect("consent:cars")


_save_after_sign_in = fresh_sign_in_required(_save)


def _list_changes(request: PersonRequest, form: RulesForm) -> tuple[CarChange, ...]:
    effects = queries.list_profile_effects(
        owner_id=request.user.pk, rules=form.draft, now=timezone.now()
    )
    buyers = form.editing.buyers
    return tuple(
        CarChange(
            car=car,
            changed=_compare(car.before, car.after, buyers),
            faults=tuple(str(describe_fault(fault.code, fault.place)) for fault in car.faults),
        )
        for car in effects
    )


def _compare(
    before: RulesDraft | None, after: RulesDraft | None, buyers: dict[int, str]
) -> tuple[ComparedRule, ...]:
    if after is None:
        return ()
    return tuple(rule for rule in compare(before, after, buyers=buyers) if rule.is_changed)


def _show_review(
    request: PersonRequest, form: RulesForm, *, is_stale: bool = False
) -> HttpResponse:
    changes = _list_changes(request, form)
    editing = form.editing
    context = {
        "form": form,
        "compared": compare(editing.effective, form.draft, buyers=editing.buyers),
        "changes": changes,
        "sent": list_pairs(form),
        "number": editing.number,
        "next_number": editing.number + 1,
        "is_first": editing.effective is None,
        "is_stale": is_stale,
        "notice": get_present_notice(language=get_language() or "en", now=editing.now),
        "is_refused": any(change.faults for change in changes),
        "needs_sign_in": any(is_looser_for(change) for change in changes),
        "is_fresh": is_sign_in_fresh(request),
    }
    template = "consent/profile_review.html"
    return render(request, template, context, status=409 if is_stale else 200)
