"""
A car's details, corrected: what allows nothing new at once, what does after a fresh sign-in.
"""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import PersonRequest, fresh_sign_in_required, is_sign_in_fresh
from consent import operations
from consent.forms import DetailsForm
from consent.forms.details import merge_data
from consent.operations import DetailsChange, PlateTaken, RulesRefused, StaleDetails
from consent.queries.details import DetailsPage, get_details_page
from consent.queries.details_words import describe_moves, tell_details
from consent.queries.places import list_places
from consent.views.addresses import about_a_car, address_of
from consent.views.comparing import MOVE_LABELS
from consent.views.merging import is_match
from web.templatetags.parado import local_date


# What the page before a looser change adds to the fields.
NOT_OF_THE_FORM = frozenset({"csrfmiddlewaretoken", "confirm", "again"})


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def edit_details(request: PersonRequest, vehicle_id: int) -> HttpResponseBase:
    """
    Show a car's details, and save them.

    What began from an older state of the car comes back with both sides: 409, or 412 when
    If-Match says so.
    """
    page = _read_page(request, vehicle_id)
    if request.method != "POST":
        return _show(request, DetailsForm(page=page, places=list_places()))
    form = DetailsForm(request.POST, page=page, places=list_places())
    if not is_match(request, number=page.revision):
        return _show_both(request, page, status=HTTPStatus.PRECONDITION_FAILED)
    if _is_stale(form):
        return _show_both(request, page)
    if not form.is_valid() or "again" in request.POST:
        return _show(request, form)
    if not form.effect.is_looser:
        return _save(request, form)
    return _save_after_sign_in(request, form) if "confirm" in request.POST else _ask(request, form)


def _read_page(request: PersonRequest, vehicle_id: int) -> DetailsPage:
    return get_details_page(vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now())


def _is_stale(form: DetailsForm) -> bool:
    """
    Return whether a form began from another state of the car than it would change.
    """
    is_valid, sent, page = form.is_valid(), form.cleaned_data, form.page
    is_moved: bool = sent.get("expected_revision", page.revision) != page.revision
    if not is_valid or is_moved:
        # What was sent twice is what is saved: nothing is left to be decided.
        return is_moved and not (is_valid and not form.is_changed)
    is_agreed_anew: bool = sent["expected_number"] != page.number
    return form.is_changed and form.effect.makes_version and is_agreed_anew


def _save(request: PersonRequest, form: DetailsForm) -> HttpResponse:
    page = form.page
    try:
        change = operations.change_details(
            vehicle_id=page.vehicle_id,
            owner_id=request.user.pk,
            details=form.details,
            expected_revision=page.revision,
            expected_number=page.number,
            now=timezone.now(),
        )
    except StaleDetails:
        return _show_both(request, _read_page(request, page.vehicle_id))
    except RulesRefused as refused:
        form.refuse(refused.faults)
        return _show(request, form)
    except PlateTaken:
        form.add_error("plate", _("You have another car with this plate."))
        return _show(request, form)
    _tell(request, form, change)
    return redirect(address_of("details", page.vehicle_id))


_save_after_sign_in = fresh_sign_in_required(_save)


def _tell(request: PersonRequest, form: DetailsForm, change: DetailsChange) -> None:
    before, after, agreed = form.page.details, form.details, form.page.agreed
    sentences = [*tell_details(before, after, places=form.places)]
    if not sentences:
        messages.info(request, _("Nothing was changed: this is what is saved."))
        return
    if change.version is not None:
        text = _("Version %(number)s of your rules goes on with it, until %(day)s as before.")
        day = local_date(change.version.expires_at, change.version.time_zone)
        sentences.append(text % {"number": change.version.number, "day": day})
    if agreed and before.time_zone != after.time_zone:
        text = _("Your rules stay on the clock of %(zone)s until you change it there.")
        sentences.append(text % {"zone": agreed.draft.time_zone})
    messages.success(request, " ".join(sentences))


def _ask(request: PersonRequest, form: DetailsForm) -> HttpResponse:
    """
    Show what becomes looser before it does.
    """
    page = form.page
    assert page.agreed is not None, "it has moves"
    moved = describe_moves(page.agreed, form.details, form.effect.moves)
    context = {
        "page": page,
        "sentences": tell_details(page.details, form.details, places=form.places),
        "moved": [(rule, MOVE_LABELS[rule.move]) for rule in moved],
        "sent": _list_pairs(request),
        "is_fresh": is_sign_in_fresh(request),
        "next_number": page.number + 1,
        "zone": page.agreed.draft.time_zone,
    }
    return render(request, "consent/details_review.html", context)


def _list_pairs(request: PersonRequest) -> list[tuple[str, str]]:
    return [
        (name, str(value)) for name, value in request.POST.items() if name not in NOT_OF_THE_FORM
    ]


def _show(request: PersonRequest, form: DetailsForm) -> HttpResponse:
    is_wrong = form.is_bound and not form.is_valid()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK
    context = {"form": form, "page": form.page}
    return render(request, "consent/details.html", context, status=status)


def _show_both(
    request: PersonRequest, page: DetailsPage, *, status: HTTPStatus = HTTPStatus.CONFLICT
) -> HttpResponse:
    """
    Show what was typed on top of what was saved meanwhile, with the fields that differ named.
    """
    data, both = merge_data(request.POST, page)
    form = DetailsForm(data, page=page, places=list_places())
    differing = [(form[name], form.fields[name].label, form.write_saved(name)) for name in both]
    context = {"form": form, "page": page, "is_stale": True, "differing": differing}
    return render(request, "consent/details.html", context, status=status)
