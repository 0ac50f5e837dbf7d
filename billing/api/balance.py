"""
The buyer's API: the balance that pays, and what changed it.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from billing.api import shapes
from billing.api.paging import (
    PAGING,
    PageQuery,
    clamp,
    get_organization_id,
    make_page,
    read_position,
)
from billing.queries import bookings as queries
from marketplace.api import NoQuery, show_money
from web.openapi import answer
from web.public_ids import encode
from web.strict_json import read_query


class Balance(APIView):
    permission_classes = [HasScope("balance:read")]

    @extend_schema(
        operation_id="get_balance",
        summary="Prepaid money, free and held",
        responses=answer(shapes.BalanceList),
    )
    def get(self, request: Request) -> Response:
        read_query(request.query_params, NoQuery)
        balances = queries.list_balances(organization_id=get_organization_id(request))
        return Response(
            {
                "data": [
                    {
                        "currency": balance.currency,
                        "available": show_money(balance.available_micros, balance.currency),
                        "held": show_money(balance.held_micros, balance.currency),
                    }
                    for balance in balances
                ],
                "next_cursor": None,
            }
        )


class Transfers(APIView):
    permission_classes = [HasScope("balance:read")]

    @extend_schema(
        operation_id="list_transfers",
        summary="What changed the available balance, newest first",
        parameters=PAGING,
        responses=answer(shapes.BalanceMoveList),
    )
    def get(self, request: Request) -> Response:
        organization_id = get_organization_id(request)
        query = read_query(request.query_params, PageQuery)
        scope = f"transfers:{organization_id}"
        limit = clamp(query.limit)
        moves = queries.list_balance_moves(
            organization_id=organization_id,
            before_id=read_position(scope, query.cursor),
            limit=limit + 1,
        )
        return Response(
            make_page(
                moves,
                limit=limit,
                scope=scope,
                show=show_move,
                position=lambda move: move.entry_id,
            )
        )


def show_move(move: queries.BalanceMove) -> dict[str, Any]:
    return {
        "id": encode("ent", move.entry_id),
        "code": move.code,
        "amount": show_money(move.amount_micros, move.currency),
        "booking_id": None if move.booking_id is None else encode("bkg", move.booking_id),
        "effective_at": move.effective_at,
    }
