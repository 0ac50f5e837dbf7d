"""
The editor of a car's rules, and the draft in words beside it while it changes.
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.permissions import PersonRequest
from consent import queries
from consent.forms import RulesForm
from consent.forms.countries import list_country_choices, list_first_countries
from consent.forms.week import list_hours
from consent.forms.windows import list_day_choices
from consent.queries import Editing
from consent.rules.drafts import list_zones
from consent.views.addresses import about_a_car, read_number
from consent.views.comparing import compare, make_feet
from web.week import make_preset


# The lists of the form, by the names of their parts: lines are added and dropped by a button.
LISTS = {
    "hours": ("days", "from", "to"),
    "exceptions": ("kind", "first", "last", "from", "to"),
    "ready_by": ("days", "level", "time"),
    "quiet_windows": ("days", "from", "to"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def edit_rules(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Show the editor: from what is in force, or again with what was sent.
    """
    editing = queries.get_editing(
        vehicle_id=vehicle_id,
        owner_id=request.user.pk,
        now=timezone.now(),
        from_number=read_number(request.GET.get("from")),
    )
    return show_editor(request, read_form(request, editing))


@require_POST
@about_a_car
def summarize_rules(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    """
    Answer the editor with the draft in words, as it stands while it is being changed.
    """
    editing = queries.get_editing(
        vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now()
    )
    form = RulesForm(request.POST, editing=editing)
    return render(request, "consent/_summary.html", make_summary(form))


def read_form(request: PersonRequest, editing: Editing) -> RulesForm:
    """
    Return the form as it was sent, less a line that a button dropped.
    """
    if request.method != "POST":
        return RulesForm(editing=editing)
    return RulesForm(drop_line(request.POST), editing=editing)


def drop_line(data: QueryDict) -> QueryDict:
    """
    Return a form's data without the line that `lines=drop:<list>:<place>` names.
    """
    act, _colon, rest = data.get("lines", "").partition(":")
    name, _colon, place = rest.partition(":")
    if act != "drop" or name not in LISTS or not place.isdigit():
        return data
    changed = data.copy()
    for part in LISTS[name]:
        column = changed.getlist(f"{name}_{part}")
        del column[int(place) : int(place) + 1]
        changed.setlist(f"{name}_{part}", column)
    return changed


def show_editor(request: PersonRequest, form: RulesForm) -> HttpResponse:
    # A draft that comes back from the review, or to get another line, has nothing wrong with it.
    is_reviewed = "lines" not in request.POST
    is_wrong = form.is_bound and not form.is_valid() and is_reviewed
    context = make_summary(form) | {
        "feet": make_feet(form),
        "days": list_day_choices(),
        "zones": write_zones(),
        "countries": list_first_countries(
            near=form.editing.country, chosen=form["holiday_country"].value()
        ),
        "places": write_places(get_language() or "en"),
        "is_calm": not is_reviewed,
        "presets": (
            make_preset(label=_("Every night 22 to 7"), windows=[(range(7), 22, 7)]),
            make_preset(label=_("Weeknights 20 to 7"), windows=[(range(5), 20, 7)]),
            make_preset(label=_("Whole weekend"), windows=[((5, 6), 0, 24)]),
            make_preset(label=_("Clear all"), windows=[]),
        ),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK
    response = render(request, "consent/rules.html", context, status=status)
    # Part of this page takes the place of what was there: the preview has to follow.
    return (
        response if is_reviewed else trigger_client_event(response, "rulesPainted", after="settle")
    )


# Fifteen hundred options are most of what drawing the editor takes, and never change: what is
# chosen stands before them instead of among them.
@lru_cache(maxsize=1)
def write_zones() -> SafeString:
    """
    Return the options of every time zone.
    """
    return render_to_string("consent/rules/_zones.html", {"zones": sorted(list_zones())})


@lru_cache(maxsize=8)
def write_places(language: str) -> SafeString:
    """
    Return the options of every place that has public holidays, by name in a language.
    """
    countries = list_country_choices(language=language)
    return render_to_string("consent/rules/_places.html", {"countries": countries})


def make_summary(form: RulesForm) -> dict[str, Any]:
    """
    Return the context of the draft in words; the words before it when it cannot be read.
    """
    editing = form.editing
    is_readable = not form.is_bound or form.is_valid()
    return {
        "page": editing.page,
        "editing": editing,
        "form": form,
        "is_readable": is_readable,
        "kept_hours": " ".join(f"{day}-{hour}" for day, hour in list_hours(form.kept_mask)),
        "hours": form.current.week_mask.bit_count() / 4,
        "compared": compare(editing.effective, form.current, buyers=editing.buyers),
        "next_number": editing.number + 1,
    }
