"""
Finance's first pages: what waits for somebody, and all payout runs.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import PersonRequest, finance_required, preparer_required
from billing.forms.finance import NewRunForm
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_runs import DraftExists, calculate_run
from billing.queries.health import get_billing_health
from billing.queries.metering import get_metering
from billing.queries.payouts import RunPage, get_queue, list_runs
from billing.queries.reports import get_last_check
from billing.views.finance_tasks import Waiting, make_tasks, url_of
from billing.views.finance_words import make_books_ties, make_run_tag
from billing.views.metering import TITLES
from web.components import Cell, Column, DataTable, Fact, Pages, Row
from web.limits import PAGE_ROWS
from web.public_ids import encode
from web.templatetags.parado import local_datetime, money, number, since


@require_safe
@finance_required
def show_queue(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    queue, check, metering = get_queue(), get_last_check(), get_metering(now=now)
    waiting = Waiting(queue=queue, check=check, metering=metering, health=get_billing_health())
    context = {
        "tasks": make_tasks(waiting, request=request, can_prepare=can_prepare(request)),
        "facts": tuple(
            Fact(label=currency, value=money(micros, currency))
            for currency, micros in queue.payable
        ),
        "form": NewRunForm(),
        "can_prepare": can_prepare(request),
        "ties": make_books_ties(check, currency="EUR"),
        "check": check,
        "metering_title": TITLES[metering.state],
        "last_usage": since(metering.last_batch_at, now),
        "zone": request.user.time_zone,
    }
    return render(request, "billing/finance_queue.html", context)


def can_prepare(request: PersonRequest) -> bool:
    return request.user.staff_role == request.user.StaffRole.FINANCE_PREPARER


# ------------------------------------------------------------------ runs
@require_safe
@finance_required
def show_runs(request: PersonRequest) -> HttpResponse:
    return _render_runs(request, NewRunForm())


def _render_runs(request: PersonRequest, form: NewRunForm, *, status: int = 200) -> HttpResponse:
    page = list_runs(cursor=request.GET.get("cursor"), limit=PAGE_ROWS)
    next_url = f"?cursor={page.next_cursor}" if page.next_cursor else ""
    context = {
        "table": make_runs_table(page, zone=request.user.time_zone),
        "pages": Pages(next_url=next_url),
        "form": form,
        "can_prepare": can_prepare(request),
    }
    return render(request, "billing/finance_runs.html", context, status=status)


def make_runs_table(page: RunPage, *, zone: str) -> DataTable:
    return DataTable(
        caption=_("Payout runs"),
        columns=(
            Column(label=_("Run")),
            Column(label=_("Until")),
            Column(label=_("Owners paid"), is_number=True, is_optional=True),
            Column(label=_("Blocked"), is_number=True, is_optional=True),
            Column(label=_("Amount"), is_number=True),
            Column(label=_("State")),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=_("Run %(n)s") % {"n": run.number}, url=url_of(run)),
                    Cell(text=local_datetime(run.cutoff_at, zone)),
                    Cell(text=number(run.payout_count)),
                    Cell(text=number(run.blocked_count)),
                    Cell(text=money(run.amount_micros, run.currency)),
                    Cell(tag=make_run_tag(run)),
                )
            )
            for run in page.runs
        ),
    )


@require_POST
@preparer_required
def start_run(request: PersonRequest) -> HttpResponse:
    form = NewRunForm(request.POST)
    if not form.is_valid():
        return _render_runs(request, form, status=422)
    try:
        run = calculate_run(
            actor_id=request.user.pk, currency=form.cleaned_data["currency"], now=timezone.now()
        )
    except DraftExists as error:
        messages.warning(
            request, _("Run %(number)s is not decided yet.") % {"number": error.number}
        )
        return redirect("billing:payout_runs")
    return redirect("billing:payout_run", encode("run", run.pk))


@require_POST
@finance_required
def check_books(request: PersonRequest) -> HttpResponse:
    check = check_ledger(now=timezone.now())
    if check.is_clean:
        messages.success(request, _("The books tie out."))
    else:
        messages.error(request, _("The books do not tie out."))
    return redirect("billing:ledger")
