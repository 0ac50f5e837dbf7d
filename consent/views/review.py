"""
Before rules take effect: old and new side by side, two tabs merged, and a fresh sign-in for
what is looser.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import PersonRequest, fresh_sign_in_required, is_sign_in_fresh
from consent import operations, queries
from consent.forms import RulesForm, write_form
from consent.models import ConsentVersion
from consent.operations import NoticeChanged, RulesRefused, StaleVersion
from consent.queries import Editing, VehicleNotFound
from consent.queries.notices import get_present_notice
from consent.rules import RulesDraft
from consent.rules.parts import list_changed_parts, take_parts
from consent.rules.strictness import Move, is_looser, judge_moves, take_stricter
from consent.views.addresses import about_a_car, address_of
from consent.views.comparing import compare, merge
from consent.views.rules import show_editor


# What the review adds to the fields of a draft.
NOT_OF_THE_DRAFT = frozenset(
    {"csrfmiddlewaretoken", "expected_number", "confirm", "merge", "lines", "notice_version"}
)
MINE, THEIRS = "mine", "theirs"


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
    if not is_match(request, editing):
        return show_merge(request, form, status=HTTPStatus.PRECONDITION_FAILED)
    if form.cleaned_data["expected_number"] != editing.number:
        return show_merge(request, form)
    act = _ACTS.get(request.POST.get("confirm", ""), show_review)
    return act(request, form) if "merge" not in request.POST else _review_merged(request, form)


def is_match(request: PersonRequest, editing: Editing) -> bool:
    """
    Return whether the version that a request expects, by If-Match, is the one in force.
    """
    expected = request.headers.get("If-Match", "*")
    numbers = {each.strip().removeprefix("W/").strip('"') for each in expected.split(",")}
    return "*" in numbers or str(editing.number) in numbers


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
    again = _make_form(draft if form.is_following else stricter, form)
    if not again.is_valid() or is_looser(before=editing.effective, after=again.effective):
        messages.error(request, _("The stricter rules alone would contradict the others."))
        return show_review(request, form)
    return _save(request, again)


def _make_form(draft: RulesDraft, form: RulesForm) -> RulesForm:
    """
    Return the form that a browser would send for another draft, begun from the same version.
    """
    data = QueryDict(mutable=True)
    for name, value in write_form(draft):
        data.appendlist(name, value)
    data["expected_number"] = str(form.editing.number)
    if form.is_following:
        data["follows"] = "on"
        data.setlist("given_up", form.cleaned_data["given_up"])
    return RulesForm(data, editing=form.editing)


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


def list_pairs(form: RulesForm) -> list[tuple[str, str]]:
    """
    Return what a form sent, to be sent again.
    """
    assert isinstance(form.data, QueryDict), "it was sent"
    return [
        (name, value)
        for name, values in form.data.lists()
        if name not in NOT_OF_THE_DRAFT and not name.startswith("take_")
        for value in values
    ]


# ------------------------------------------------------------------ two tabs
def show_merge(
    request: PersonRequest, form: RulesForm, *, status: HTTPStatus = HTTPStatus.CONFLICT
) -> HttpResponse:
    """
    Show two drafts that began from one version: who changed what, to choose rule by rule.
    """
    editing = form.editing
    assert editing.page is not None, "a car"
    if not form.is_valid():
        return show_editor(request, form)
    base = _find_base(request, form)
    chosen = {
        name.removeprefix("take_"): value
        for name, value in request.POST.items()
        if name.startswith("take_") and value in {MINE, THEIRS}
    }
    rules = merge(
        base=base,
        theirs=editing.shown,
        mine=form.draft,
        chosen=chosen,
        buyers=editing.buyers,
    )
    context = {
        "page": editing.page,
        "form": form,
        "rules": rules,
        "base_number": request.POST.get("merge") or form.cleaned_data["expected_number"],
        "is_asked_again": status == HTTPStatus.UNPROCESSABLE_ENTITY,
        "sent": list_pairs(form),
    }
    return render(request, "consent/merge.html", context, status=status)


def _find_base(request: PersonRequest, form: RulesForm) -> RulesDraft | None:
    """
    Return the rules of the version that a draft began from, None when there was none.
    """
    page = form.editing.page
    assert page is not None, "a car"
    try:
        return queries.get_agreed_draft(
            vehicle_id=page.vehicle_id,
            owner_id=request.user.pk,
            number=int(request.POST.get("merge") or form.cleaned_data["expected_number"]),
        )
    except (VehicleNotFound, ValueError):
        return None


def _review_merged(request: PersonRequest, form: RulesForm) -> HttpResponse:
    """
    Review what was chosen from both drafts; ask again for what was not.
    """
    theirs = form.editing.shown
    differing = list_changed_parts(theirs, form.draft)
    chosen = {part: request.POST.get(f"take_{part}", "") for part in differing}
    if not set(chosen.values()) <= {MINE, THEIRS}:
        return show_merge(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    mine = frozenset(part for part, choice in chosen.items() if choice == MINE)
    merged = _make_form(take_parts(base=theirs, other=form.draft, parts=mine), form)
    if not merged.is_valid():
        return show_editor(request, merged)
    return show_review(request, merged)
