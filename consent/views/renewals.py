"""
Agreeing again: the same rules, before or after a consent has ended.
"""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import PersonRequest, fresh_sign_in_required
from consent import operations
from consent.operations import NoConsent, NoticeChanged, RulesRefused, StaleVersion
from consent.queries import VehicleNotFound, renewals
from consent.queries.renewals import RenewalPage
from consent.views.addresses import about_a_car, address_of, read_number


@require_http_methods(["GET", "HEAD", "POST"])
@about_a_car
def renew_consent(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    renewal = renewals.get_renewal_page(
        vehicle_id=vehicle_id,
        owner_id=request.user.pk,
        language=get_language() or "en",
        now=timezone.now(),
    )
    if request.method != "POST":
        return _show(request, renewal)
    # What has ended allows nothing any more: letting it begin again asks who is there.
    agree = fresh_sign_in_required(_agree) if renewal.is_over else _agree
    response = agree(request, vehicle_id, renewal)
    assert isinstance(response, HttpResponse), "no page here is streamed"
    return response


def _agree(request: PersonRequest, vehicle_id: int, renewal: RenewalPage) -> HttpResponse:
    try:
        version = operations.renew_consent(
            vehicle_id=vehicle_id,
            owner_id=request.user.pk,
            expected_number=read_number(request.POST.get("expected_number")) or 0,
            notice_version=request.POST.get("notice_version", "") or "-",
            notice_language=get_language() or "en",
            now=timezone.now(),
        )
    except (StaleVersion, NoticeChanged):
        messages.warning(request, _("Something changed since you read this. Please look again."))
        return _show(request, renewal, status=HTTPStatus.CONFLICT)
    except NoConsent as error:
        raise VehicleNotFound(vehicle_id) from error
    except RulesRefused:
        text = _("These rules can no longer be agreed to as they are: please look through them.")
        messages.warning(request, text)
        return redirect(address_of("rules", vehicle_id))
    text = _("You agreed again: version %(number)s for %(plate)s is in force.")
    messages.success(request, text % {"number": version.number, "plate": renewal.page.plate})
    return redirect(address_of("history", vehicle_id))


def _show(
    request: PersonRequest, renewal: RenewalPage, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {"renewal": renewal, "page": renewal.page}
    return render(request, "consent/renew.html", context, status=status)
