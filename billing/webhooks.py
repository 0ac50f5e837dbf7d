"""
The two addresses that the payment provider calls: one for each style of its events.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.gateways import stripe_connect
from billing.gateways.provider import BadSignature, EventHint, NotAnEvent
from billing.models import ProviderEvent
from billing.operations.provider_events import store_event
from web.limits import WEBHOOK_BODY_BYTES_MAX


@csrf_exempt
@require_POST
def receive_snapshot(request: HttpRequest) -> HttpResponse:
    return _receive(
        request, read=stripe_connect.read_snapshot_event, kind=ProviderEvent.Kind.SNAPSHOT
    )


@csrf_exempt
@require_POST
def receive_thin(request: HttpRequest) -> HttpResponse:
    return _receive(request, read=stripe_connect.read_thin_event, kind=ProviderEvent.Kind.THIN)


def _receive(request: HttpRequest, *, read: Callable[..., EventHint], kind: str) -> HttpResponse:
    """
    Verify over the raw bytes, store, answer. Applying is the sweep's.
    """
    if int(request.headers.get("Content-Length") or 0) > WEBHOOK_BODY_BYTES_MAX:
        return JsonResponse({"error": "too_large"}, status=413)
    try:
        hint = read(body=request.body, signature=request.headers.get("Stripe-Signature", ""))
    except BadSignature:
        return JsonResponse({"error": "bad_signature"}, status=400)
    except NotAnEvent:
        return JsonResponse({"error": "not_an_event"}, status=400)
    store_event(hint=hint, kind=kind, body=request.body, now=timezone.now())
    return JsonResponse({"received": True})
