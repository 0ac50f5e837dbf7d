"""
The trial balance with the last check of the books, and every report that can be taken away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, finance_required
from billing.forms.finance import TrialBalanceForm
from billing.models import AccountKind, Component
from billing.queries.payouts import list_runs
from billing.queries.reports import LastCheck, TrialBalance, get_last_check, get_trial_balance
from billing.reports.files import send_report
from billing.reports.trial_balance import TRIAL_BALANCE
from web.components import Cell, Column, DataTable, Row, Tag, TieOut, TiePart
from web.templatetags.parado import amount, number


REPORTED_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyBalance:
    """
    The trial balance of one currency, with the proof that debits are credits.
    """

    currency: str
    table: DataTable
    tie: TieOut


@require_safe
@finance_required
def show_ledger(request: PersonRequest) -> HttpResponse:
    form = TrialBalanceForm(request.GET)
    is_valid = form.is_valid()
    balance = read_balance(form, zone=request.user.time_zone) if is_valid else None
    check = get_last_check()
    query = urlencode({name: request.GET[name] for name in form.fields if request.GET.get(name)})
    context = {
        "form": form,
        "balances": make_balances(balance) if balance else (),
        "check": check,
        "check_table": make_check_table(check),
        "zone": request.user.time_zone,
        "query": query,
    }
    return render(request, "billing/finance_ledger.html", context, status=200 if is_valid else 422)


def read_balance(form: TrialBalanceForm, *, zone: str) -> TrialBalance:
    now = timezone.now()
    return get_trial_balance(
        as_of=form.read_moment("as_of", zone=zone, now=now),
        booked_until=form.read_moment("booked_until", zone=zone, now=now),
    )


@require_safe
@finance_required
def export_ledger(request: PersonRequest, file_format: str) -> HttpResponseBase:
    form = TrialBalanceForm(request.GET)
    if not form.is_valid():
        return show_ledger(request)
    balance = read_balance(form, zone=request.user.time_zone)
    # The last day that the file holds, as its reader chose it: as_of is that day's end.
    last = (balance.as_of - timedelta(microseconds=1)).astimezone(ZoneInfo(request.user.time_zone))
    name = f"trial-balance-{last:%Y-%m-%d}"
    return send_report(TRIAL_BALANCE, balance.rows, file_format=file_format, name=name)


def make_balances(balance: TrialBalance) -> tuple[CurrencyBalance, ...]:
    return tuple(_make_balance(balance, currency) for currency in balance.currencies)


def _make_balance(balance: TrialBalance, currency: str) -> CurrencyBalance:
    debit, credit = balance.total(currency)
    rows = tuple(
        Row(
            cells=(
                Cell(
                    text=AccountKind(row.kind).label,
                    note=Component(row.component).label if row.component else "",
                ),
                Cell(text=number(row.account_count)),
                Cell(text=amount(row.debit_micros)),
                Cell(text=amount(row.credit_micros)),
                Cell(text=amount(row.balance_micros), is_strong=True),
            )
        )
        for row in balance.rows
        if row.currency == currency
    )
    sums = (Cell(text=_("Sum")), Cell(), Cell(text=amount(debit)), Cell(text=amount(credit)))
    return CurrencyBalance(
        currency=currency,
        table=DataTable(
            caption=_("Trial balance in %(currency)s") % {"currency": currency},
            columns=(
                Column(label=_("Account")),
                Column(label=_("Accounts"), is_number=True, is_optional=True),
                Column(label=_("Debit"), is_number=True, is_optional=True),
                Column(label=_("Credit"), is_number=True, is_optional=True),
                Column(label=_("Balance"), is_number=True),
            ),
            rows=rows,
            foot=Row(cells=(*sums, Cell(text=amount(credit - debit), is_strong=True))),
            is_dense=True,
        ),
        tie=TieOut(
            parts=(
                TiePart(label=_("Debits"), amount_micros=debit),
                TiePart(label=_("Credits"), amount_micros=credit, sign="="),
            ),
            difference_micros=credit - debit,
            currency=currency,
        ),
    )


def make_check_table(check: LastCheck | None) -> DataTable:
    lines: tuple[dict[str, Any], ...] = check.lines if check else ()
    return DataTable(
        caption=_("What the last check found"),
        columns=(
            Column(label=_("Rule")),
            Column(label=_("Expected"), is_number=True, is_optional=True),
            Column(label=_("Found"), is_number=True, is_optional=True),
            Column(label=_("Difference"), is_number=True),
            Column(label=_("Result")),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=_(line["title"]), note=line["currency"]),
                    Cell(text=amount(line["expected_micros"])),
                    Cell(text=amount(line["found_micros"])),
                    Cell(text=amount(line["difference_micros"])),
                    Cell(tag=_make_result(line), note=line["note"]),
                )
            )
            for line in lines
        ),
        is_dense=True,
    )


def _make_result(line: dict[str, Any]) -> Tag:
    if line["is_ok"]:
        return Tag(label=_("Holds"), tone="earn")
    return Tag(label=_("Broken"), tone="stop")


# ------------------------------------------------------------------ reports
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCard:
    """
    One report with where each of its forms is.
    """

    title: str
    note: str
    page_url: str
    csv_url: str
    xlsx_url: str


@require_safe
@finance_required
def show_reports(request: PersonRequest) -> HttpResponse:
    runs = list_runs(limit=REPORTED_RUNS).runs
    cards = [
        ReportCard(
            title=_("Trial balance"),
            note=_("Every kind of account, until now"),
            page_url=reverse("billing:ledger"),
            csv_url=reverse("billing:ledger_export", args=["csv"]),
            xlsx_url=reverse("billing:ledger_export", args=["xlsx"]),
        )
    ]
    cards += [
        ReportCard(
            title=_("Payout register, run %(number)s") % {"number": run.number},
            note=_describe_run(run.cutoff_at, run.payout_count + run.blocked_count),
            page_url=reverse("billing:payout_run", args=[run.public_id]),
            csv_url=reverse("billing:payout_run_export", args=[run.public_id, "csv"]),
            xlsx_url=reverse("billing:payout_run_export", args=[run.public_id, "xlsx"]),
        )
        for run in runs
    ]
    return render(request, "billing/finance_reports.html", {"cards": cards})


def _describe_run(cutoff_at: datetime, lines: int) -> str:
    return _("%(lines)s lines, until %(date)s") % {
        "lines": number(lines),
        "date": f"{cutoff_at:%Y-%m-%d}",
    }
