"""
What was agreed and when: history, and receipts to keep.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest
from consent import queries
from consent.queries import receipts
from consent.reports import receipt_files
from consent.views.addresses import about_a_car, read_number


@require_safe
@about_a_car
def show_history(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    history = queries.get_history(vehicle_id=vehicle_id, owner_id=request.user.pk)
    return render(request, "consent/history.html", {"history": history, "page": history.page})


@require_safe
@about_a_car
def compare_versions(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    difference = queries.compare_versions(
        vehicle_id=vehicle_id,
        owner_id=request.user.pk,
        first=read_number(request.GET.get("first")),
        second=read_number(request.GET.get("second")),
    )
    context = {"difference": difference, "page": difference.page}
    return render(request, "consent/compare.html", context)


@require_safe
@about_a_car
def download_receipt(request: PersonRequest, vehicle_id: int, number: int) -> HttpResponse:
    receipt = receipts.get_signed_receipt(
        vehicle_id=vehicle_id, owner_id=request.user.pk, number=number, now=timezone.now()
    )
    content = receipt_files.write_json(receipt)
    name = receipt["receipt"]["record_id"]
    return _make_file(content, f"{name}.json", "application/json; charset=utf-8")


@require_safe
@about_a_car
def download_receipt_pdf(request: PersonRequest, vehicle_id: int, number: int) -> HttpResponse:
    receipt = receipts.get_receipt(
        vehicle_id=vehicle_id, owner_id=request.user.pk, number=number, now=timezone.now()
    )
    content = receipt_files.write_pdf(receipt, key=receipts.get_signing_key())
    return _make_file(content, f"{receipt['record_id']}.pdf", "application/pdf")


@require_safe
@cache_control(public=True, max_age=3600)
def show_receipt_keys(_request: HttpRequest) -> HttpResponse:
    """
    Answer anybody with the public keys of receipts, as a JSON Web Key Set.
    """
    return JsonResponse(receipts.list_public_keys())


def _make_file(content: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="parado-consent-{name}"'
    return response
