"""
The rules of a car: edit, review beside what holds now, confirm.
"""

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import PersonRequest
from consent import operations, queries
from consent.forms import RulesForm
from consent.forms.rules import make_first_draft
from consent.forms.week import list_day_choices
from consent.operations import StaleVersion
from consent.queries import RulesPage
from consent.queries.words import RuleWords, Text, describe_rules
from consent.rules import RulesDraft
from consent.views.addresses import about_a_car, address_of
from web.week import make_preset


@dataclass(frozen=True, slots=True)
class ComparedRule:
    """
    One rule as it is and as it would be.
    """

    label: Text
    now: str
    then: str

    @property
    def is_changed(self) -> bool:
        return self.now != self.then


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def edit_rules(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Show the editor: from what is in force, or again with what was sent.
    """
    page = queries.get_rules(vehicle_id=vehicle_id, owner_id=request.user.pk)
    return _show_editor(request, page, _make_form(request, page))


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def review_rules(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Show old and new side by side; confirmed, put the new in force.
    """
    page = queries.get_rules(vehicle_id=vehicle_id, owner_id=request.user.pk)
    if request.method != "POST":
        return redirect(address_of("rules", vehicle_id))
    form = _make_form(request, page)
    if not form.is_valid():
        return _show_editor(request, page, form)
    if form.cleaned_data["expected_number"] != page.number:
        return _show_review(request, page, form, is_stale=True)
    if "confirm" not in request.POST:
        return _show_review(request, page, form)
    return _save(request, page, form)


@require_POST
@about_a_car
def summarize_rules(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Answer the editor with the draft in words, as it stands while it is being changed.
    """
    page = queries.get_rules(vehicle_id=vehicle_id, owner_id=request.user.pk)
    form = _make_form(request, page)
    return render(request, "consent/_summary.html", _make_summary(page, form))


def _make_form(request: PersonRequest, page: RulesPage) -> RulesForm:
    shown = page.current.draft if page.current else make_first_draft(time_zone=page.time_zone)
    return RulesForm(
        request.POST if request.method == "POST" else None,
        shown=shown,
        number=page.number,
        rated_power_w=page.rated_power_w,
    )


def _save(request: PersonRequest, page: RulesPage, form: RulesForm) -> HttpResponse:
    try:
        version = operations.give_consent(
            vehicle_id=page.vehicle_id,
            owner_id=request.user.pk,
            rules=form.draft,
            expected_number=form.cleaned_data["expected_number"],
            notice_language=get_language() or "en",
            now=timezone.now(),
        )
    except StaleVersion:
        newer = queries.get_rules(vehicle_id=page.vehicle_id, owner_id=request.user.pk)
        return _show_review(request, newer, form, is_stale=True)
    text = _("Version %(number)s of your rules for %(plate)s is in force.")
    messages.success(request, text % {"number": version.number, "plate": page.plate})
    return redirect(address_of("rules", page.vehicle_id))


def _show_editor(request: PersonRequest, page: RulesPage, form: RulesForm) -> HttpResponse:
    # A draft that comes back from the review to be changed has nothing wrong with it.
    is_wrong = form.is_bound and not form.is_valid()
    context = _make_summary(page, form) | {
        "days": list_day_choices(),
        "presets": (
            make_preset(label=_("Every night 22 to 7"), windows=[(range(7), 22, 7)]),
            make_preset(label=_("Weeknights 20 to 7"), windows=[(range(5), 20, 7)]),
            make_preset(label=_("Whole weekend"), windows=[((5, 6), 0, 24)]),
            make_preset(label=_("Clear all"), windows=[]),
        ),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK
    return render(request, "consent/rules.html", context, status=status)


def _make_summary(page: RulesPage, form: RulesForm) -> dict[str, object]:
    """
    Return the context of the draft in words; the words before it when it cannot be read.
    """
    is_readable = not form.is_bound or form.is_valid()
    draft = form.draft if form.is_bound and is_readable else form.shown
    return {
        "page": page,
        "form": form,
        "is_readable": is_readable,
        "hours": draft.week_mask.bit_count() / 4,
        "compared": compare(page, draft),
        "next_number": page.number + 1,
    }


def _show_review(
    request: PersonRequest, page: RulesPage, form: RulesForm, *, is_stale: bool = False
) -> HttpResponse:
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {"csrfmiddlewaretoken", "expected_number", "confirm"}
        for value in values
    ]
    context = {
        "page": page,
        "compared": compare(page, form.draft),
        "week": form.week,
        "sent": sent,
        "is_stale": is_stale,
        "next_number": page.number + 1,
    }
    status = HTTPStatus.CONFLICT if is_stale else HTTPStatus.OK
    return render(request, "consent/review.html", context, status=status)


def compare(page: RulesPage, draft: RulesDraft) -> tuple[ComparedRule, ...]:
    """
    Return every rule of a draft beside the one in force; without one there is no "now".
    """
    before: dict[str, RuleWords] = {}
    if page.current and not page.current.is_withdrawn:
        before = {each.field: each for each in page.current.words}
    return tuple(
        ComparedRule(each.label, before[each.field].text if before else "", each.text)
        for each in describe_rules(draft)
    )
