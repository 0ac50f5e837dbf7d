"""
What was agreed and when: history, and receipts to keep.
"""

import json

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest
from consent import queries
from consent.views.addresses import about_a_car


@require_safe
@about_a_car
def show_history(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    history = queries.get_history(vehicle_id=vehicle_id, owner_id=request.user.pk)
    return render(request, "consent/history.html", {"history": history, "page": history.page})


@require_safe
@about_a_car
def download_receipt(request: PersonRequest, vehicle_id: int, number: int) -> HttpResponse:
    receipt = queries.get_receipt(vehicle_id=vehicle_id, owner_id=request.user.pk, number=number)
    if receipt is None:
        raise Http404
    body = json.dumps(receipt, indent=2, ensure_ascii=False)
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    name = f"parado-consent-{receipt['record_id']}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
