"""
What finance's own programs read: payout runs, their lines, the trial balance.

The same filter gives the same rows here, on the page, in CSV and in XLSX.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, cast

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from billing.api import shapes
from billing.api.paging import PAGING, PageQuery, clamp
from billing.queries import payouts as queries
from billing.queries.payouts import PayoutRow, RunCard, RunView
from billing.queries.reports import TrialBalanceRow, get_trial_balance
from billing.reports.files import XLSX_TYPE, send_report
from billing.reports.payout_register import PAYOUT_REGISTER
from billing.reports.sheets import TooManyRows
from billing.reports.trial_balance import TRIAL_BALANCE
from marketplace.api import NoQuery, show_money
from web.limits import PAGE_ROWS
from web.openapi import answer
from web.problems import Problem, not_found
from web.public_ids import decode, encode
from web.strict_json import Instant, Strict, read_query


FileFormat = Literal["json", "csv", "xlsx"]
FORMAT = OpenApiParameter("format", str, enum=["json", "csv", "xlsx"])
FILES = ("text/csv", XLSX_TYPE)
VIEW = OpenApiParameter("view", str, enum=[view.value for view in RunView])


class CsvRenderer(BaseRenderer):
    """
    Names the format for content negotiation; the view itself streams the file.
    """

    media_type = "text/csv"
    format = "csv"


class XlsxRenderer(CsvRenderer):
    media_type = XLSX_TYPE
    format = "xlsx"


class PayoutsQuery(Strict):
    format: FileFormat = "json"
    view: RunView = RunView.ALL
    search: str = ""
    cursor: str = ""
    limit: int = PAGE_ROWS


class TrialBalanceQuery(Strict):
    format: FileFormat = "json"
    as_of: Instant | None = None
    booked_until: Instant | None = None


class PayoutRuns(APIView):
    permission_classes = [HasScope("finance:read")]

    @extend_schema(
        operation_id="list_payout_runs",
        summary="Payout runs, newest first",
        parameters=PAGING,
        responses=answer(shapes.PayoutRunList),
    )
    def get(self, request: Request) -> Response:
        query = read_query(request.query_params, PageQuery)
        page = queries.list_runs(cursor=query.cursor or None, limit=clamp(query.limit))
        return Response(
            {"data": [show_run(run) for run in page.runs], "next_cursor": page.next_cursor}
        )


class PayoutRunDetail(APIView):
    permission_classes = [HasScope("finance:read")]

    @extend_schema(
        operation_id="get_payout_run", summary="One payout run", responses=answer(shapes.PayoutRun)
    )
    def get(self, request: Request, run_id: str) -> Response:
        read_query(request.query_params, NoQuery)
        return Response(show_run(find_run(run_id)))


class RunPayouts(APIView):
    permission_classes = [HasScope("finance:read")]
    renderer_classes = [JSONRenderer, CsvRenderer, XlsxRenderer]

    @extend_schema(
        operation_id="list_payouts",
        summary="The lines of one payout run; format=csv or xlsx for all of them in a file",
        parameters=[*PAGING, FORMAT, VIEW, OpenApiParameter("search", str)],
        responses=answer(shapes.PayoutList, files=FILES),
    )
    def get(self, request: Request, run_id: str) -> HttpResponseBase:
        query = read_query(request.query_params, PayoutsQuery)
        run = find_run(run_id)
        file_format = read_format(request)
        if file_format == "json":
            return Response(read_payouts(run, query))
        rows = queries.stream_payouts(run_id=run.run_id, view=query.view, search=query.search)
        try:
            return send_report(
                PAYOUT_REGISTER, rows, file_format=file_format, name=f"payout-run-{run.number}"
            )
        except TooManyRows as error:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "too_many_rows", detail="Use format=csv."
            ) from error


class TrialBalanceReport(APIView):
    permission_classes = [HasScope("finance:read")]
    renderer_classes = [JSONRenderer, CsvRenderer, XlsxRenderer]

    @extend_schema(
        operation_id="get_trial_balance",
        summary="Balances of every kind of account, as of an event time and a booking time",
        parameters=[
            OpenApiParameter("as_of", datetime),
            OpenApiParameter("booked_until", datetime),
            FORMAT,
        ],
        responses=answer(shapes.TrialBalance, files=FILES),
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = read_query(request.query_params, TrialBalanceQuery)
        now = timezone.now()
        balance = get_trial_balance(
            as_of=query.as_of or now,
            booked_until=query.booked_until or now,
        )
        file_format = read_format(request)
        if file_format != "json":
            return send_report(
                TRIAL_BALANCE, balance.rows, file_format=file_format, name="trial-balance"
            )
        return Response(
            {
                "as_of": balance.as_of,
                "booked_until": balance.booked_until,
                "data": [show_account(row) for row in balance.rows],
                "next_cursor": None,
            }
        )


def read_format(request: Request) -> FileFormat:
    """
    Return what the query or, without one, the Accept header asks for.
    """
    return cast(FileFormat, request.accepted_renderer.format)


def find_run(run_id: str) -> RunCard:
    """
    Return the run behind a public id.

    :raises Problem: 404.
    """
    number = decode("run", run_id)
    run = None if number is None else queries.get_run(run_id=number)
    if run is None:
        raise not_found("unknown_payout_run", "There is no such payout run.")
    return run


def read_payouts(run: RunCard, query: PayoutsQuery) -> dict[str, Any]:
    page = queries.get_payout_page(
        run_id=run.run_id,
        view=query.view,
        search=query.search,
        cursor=query.cursor or None,
        limit=clamp(query.limit),
    )
    return {"data": [show_payout(row) for row in page.rows], "next_cursor": page.next_cursor}


def show_run(run: RunCard) -> dict[str, Any]:
    return {
        "id": run.public_id,
        "number": run.number,
        "state": run.state,
        "cutoff_at": run.cutoff_at,
        "checksum": run.checksum,
        "payout_count": run.payout_count,
        "amount": show_money(run.amount_micros, run.currency),
        "blocked_count": run.blocked_count,
        "carried": show_money(run.carried_micros, run.currency),
        "calculated_at": run.calculated_at,
        "submitted_at": run.submitted_at,
        "approved_at": run.approved_at,
        "settled_at": run.settled_at,
    }


def show_payout(row: PayoutRow) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "owner_id": encode("prs", row.owner_id),
        "state": row.state,
        "reason": row.block_reason or row.failure_code or None,
        "available": show_money(row.available_micros, row.currency),
        "offset": show_money(row.offset_micros, row.currency),
        "amount": show_money(row.amount_micros, row.currency),
        "carried": show_money(row.carried_micros, row.currency),
        "provider_id": row.provider_id or None,
        "sent_at": row.sent_at,
        "finished_at": row.finished_at,
    }


def show_account(row: TrialBalanceRow) -> dict[str, Any]:
    return {
        "account": row.kind,
        "component": row.component or None,
        "account_count": row.account_count,
        "debit": show_money(row.debit_micros, row.currency),
        "credit": show_money(row.credit_micros, row.currency),
        "balance": show_money(row.balance_micros, row.currency),
    }
