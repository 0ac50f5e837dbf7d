"""
Paying in by API: the answer names the provider's page on which a person pays.
"""

from http import HTTPStatus

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from billing.api import shapes
from billing.api.paging import get_organization_id
from billing.gateways.provider import ProviderRefused, ProviderUnknown
from billing.operations import top_ups
from web.idempotency import read_key
from web.limits import BODY_BYTES_MAX
from web.openapi import answer, body
from web.problems import Problem
from web.public_ids import encode
from web.strict_json import Strict, read


class Amount(Strict):
    amount_micros: int
    currency: str


class TopUpBody(Strict):
    amount: Amount


class TopUps(APIView):
    """
    Start a top-up. Its Idempotency-Key is kept with it, since the provider is called
    between two transactions and not inside the one that would store the answer.
    """

    permission_classes = [HasScope("balance:write")]

    @extend_schema(
        operation_id="start_top_up",
        summary="Start paying into the prepaid balance",
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)
        ],
        request=body(TopUpBody),
        responses=answer(shapes.StartedTopUp, status=HTTPStatus.CREATED),
    )
    def post(self, request: Request) -> Response:
        organization_id = get_organization_id(request)
        request_key = read_key(request)
        asked = read(request, TopUpBody, max_bytes=BODY_BYTES_MAX)
        wish = top_ups.Wish(
            organization_id=organization_id,
            amount_micros=asked.amount.amount_micros,
            currency=asked.amount.currency,
            title="Parado",
            return_url=f"{settings.BASE_URL}{reverse('billing:buyer_billing_return')}",
            request_key=request_key,
        )
        started = start(wish)
        return Response(
            {
                "id": encode("top", started.top_up_id),
                "amount": {"amount_micros": wish.amount_micros, "currency": wish.currency},
                "checkout_url": started.checkout_url or None,
            },
            status=HTTPStatus.CREATED,
        )


def start(wish: top_ups.Wish) -> top_ups.StartedTopUp:
    """
    Start the top-up, its refusals as problem documents.

    :raises Problem: 422 for the amount or a reused key, 503 while the provider is away.
    """
    try:
        return top_ups.start_top_up(wish=wish, actor_id=None, now=timezone.now())
    except top_ups.AmountOutOfRange as error:
        detail = (
            f"A top-up is of whole cents, from {top_ups.TOP_UP_MIN_MICROS} to"
            f" {top_ups.TOP_UP_MAX_MICROS} micros."
        )
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "amount_out_of_range", detail) from error
    except top_ups.CurrencyNotAccepted as error:
        detail = "No pool is priced in this currency."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "currency_not_accepted", detail) from error
    except top_ups.RequestKeyReused as error:
        detail = "This Idempotency-Key came with another top-up before. Send a new one."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail) from error
    except (ProviderRefused, ProviderUnknown) as error:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "provider_unavailable",
            "The payment provider does not answer. Send the same request again later.",
            headers={"Retry-After": "30"},
        ) from error
