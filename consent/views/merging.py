"""
Two tabs: drafts that began from one version, of a car's rules or of the defaults, put together
rule by rule.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from accounts.permissions import PersonRequest
from consent import queries
from consent.forms import RulesForm, write_form
from consent.queries import VehicleNotFound
from consent.rules import RulesDraft
from consent.rules.parts import list_changed_parts, take_parts
from consent.views.comparing import merge
from consent.views.rules import show_editor


# What the review adds to the fields of a draft.
NOT_OF_THE_DRAFT = frozenset(
    {"csrfmiddlewaretoken", "expected_number", "confirm", "merge", "lines", "notice_version"}
)
MINE, THEIRS = "mine", "theirs"


def find_conflict(request: PersonRequest, form: RulesForm) -> HTTPStatus | None:
    """
    Return how to answer a draft that began from an older version: 412 when If-Match says so,
    409 when its own number does, None when it is current.
    """
    if not is_match(request, number=form.editing.number):
        return HTTPStatus.PRECONDITION_FAILED
    if form.cleaned_data["expected_number"] != form.editing.number:
        return HTTPStatus.CONFLICT
    return None


def is_match(request: PersonRequest, *, number: int) -> bool:
    """
    Return whether If-Match, where a request has one, names the present number.
    """
    expected = request.headers.get("If-Match", "*")
    numbers = {each.strip().removeprefix("W/").strip('"') for each in expected.split(",")}
    return "*" in numbers or str(number) in numbers


def show_merge(
    request: PersonRequest, form: RulesForm, *, status: HTTPStatus = HTTPStatus.CONFLICT
) -> HttpResponse:
    """
    Show what differs between a draft and the newer version: who changed what, to choose.
    """
    if not form.is_valid():
        return show_editor(request, form)
    chosen = {
        name.removeprefix("take_"): value
        for name, value in request.POST.items()
        if name.startswith("take_") and value in {MINE, THEIRS}
    }
    editing = form.editing
    rules = merge(
        base=_find_base(request, form),
        theirs=editing.shown,
        mine=form.draft,
        chosen=chosen,
        buyers=editing.buyers,
    )
    context = {
        "page": editing.page,
        "number": editing.number,
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
    page, owner_id = form.editing.page, request.user.pk
    try:
        number = int(request.POST.get("merge") or form.cleaned_data["expected_number"])
        if page is None:
            return queries.get_profile_draft(owner_id=owner_id, number=number)
        return queries.get_agreed_draft(
            vehicle_id=page.vehicle_id, owner_id=owner_id, number=number
        )
    except (VehicleNotFound, ValueError):
        return None


def review_merged(
    request: PersonRequest,
    form: RulesForm,
    review: Callable[[PersonRequest, RulesForm], HttpResponse],
) -> HttpResponse:
    """
    Review what was chosen from both drafts; ask again for what was not.
    """
    theirs = form.editing.shown
    differing = list_changed_parts(theirs, form.draft)
    chosen = {part: request.POST.get(f"take_{part}", "") for part in differing}
    if not set(chosen.values()) <= {MINE, THEIRS}:
        return show_merge(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    mine = frozenset(part for part, choice in chosen.items() if choice == MINE)
    merged = make_form(take_parts(base=theirs, other=form.draft, parts=mine), form)
    if not merged.is_valid():
        return show_editor(request, merged)
    return review(request, merged)


def make_form(draft: RulesDraft, form: RulesForm) -> RulesForm:
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
