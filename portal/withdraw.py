"""
The page before a withdrawal: what happens to running work and to money, and one button.
"""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest
from billing.queries.earnings import get_owner_balance
from billing.views.earnings import CURRENCY
from consent.queries import get_vehicle_card
from consent.views.addresses import about_a_car
from web.limits import HOLD_DAYS, LEASE_S


@require_safe
@about_a_car
def show_withdrawal(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    card = get_vehicle_card(vehicle_id=vehicle_id, owner_id=request.user.pk, now=timezone.now())
    context = {
        "card": card,
        "balance": get_owner_balance(owner_id=request.user.pk, currency=CURRENCY),
        "lease_s": LEASE_S,
        "hold_days": HOLD_DAYS,
        "nav_current": "rules",
    }
    return render(request, "portal/withdraw.html", context)
