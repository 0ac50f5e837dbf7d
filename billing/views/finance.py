"""
Finance's first pages: what waits for somebody, and all payout runs.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import PersonRequest, finance_required, preparer_required
from billing.forms.finance import NewRunForm
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_runs import DraftExists, calculate_run
from billing.queries.payouts import Queue, RunCard, RunPage, get_queue, list_runs
from billing.queries.reports import LastCheck, get_last_check
from billing.views.finance_words import make_books_ties, make_run_tag
from web.components import Cell, Column, DataTable, Fact, Pages, Row, TaskRow
from web.limits import PAGE_ROWS
from web.public_ids import encode
from web.templatetags.parado import local_datetime, money, number


@require_safe
@finance_required
def show_queue(request: PersonRequest) -> HttpResponse:
    queue, check = get_queue(), get_last_check()
    context = {
        "tasks": make_tasks(queue, check, request=request),
        "facts": tuple(
            Fact(label=currency, value=money(micros, currency))
            for currency, micros in queue.payable
        ),
        "form": NewRunForm(),
        "can_prepare": can_prepare(request),
        "ties": make_books_ties(check, currency="EUR"),
        "check": check,
        "zone": request.user.time_zone,
    }
    return render(request, "billing/finance_queue.html", context)


def can_prepare(request: PersonRequest) -> bool:
    return request.user.staff_role == request.user.StaffRole.FINANCE_PREPARER


def make_tasks(
    queue: Queue, check: LastCheck | None, *, request: PersonRequest
) -> tuple[TaskRow, ...]:
    """
    Return what waits for somebody; what this person may do themselves has a button.
    """
    tasks = [_ask_for_approval(run, request=request) for run in queue.submitted]
    tasks += [
        TaskRow(
            label=_("Payout run %(number)s is not submitted yet") % {"number": run.number},
            note=_describe(run),
            url=url_of(run),
            action=_("Open"),
        )
        for run in queue.drafts
    ]
    if queue.unknown_count:
        tasks.append(
            TaskRow(
                label=ngettext(
                    "%(n)s payout has no answer from the provider",
                    "%(n)s payouts have no answer from the provider",
                    queue.unknown_count,
                )
                % {"n": number(queue.unknown_count)},
                note=_("They are looked up by themselves; nothing is sent twice."),
            )
        )
    if check is not None and not check.is_clean:
        tasks.append(
            TaskRow(
                label=_("The books do not tie out"),
                note=_("The last check found a difference."),
                url=reverse("billing:ledger"),
                action=_("See the check"),
            )
        )
    return tuple(tasks)


def _ask_for_approval(run: RunCard, *, request: PersonRequest) -> TaskRow:
    is_mine = request.user.pk in {run.calculated_by_id, run.submitted_by_id}
    return TaskRow(
        label=_("Payout run %(number)s waits for a second person") % {"number": run.number},
        note=_describe(run),
        url=url_of(run),
        action=_("Open") if is_mine or can_prepare(request) else _("Look and approve"),
    )


def _describe(run: RunCard) -> str:
    text = ngettext(
        "%(amount)s to %(count)s owner, prepared by %(name)s",
        "%(amount)s to %(count)s owners, prepared by %(name)s",
        run.payout_count,
    )
    return text % {
        "amount": money(run.amount_micros, run.currency),
        "count": number(run.payout_count),
        "name": run.calculated_by,
    }


def url_of(run: RunCard) -> str:
    return reverse("billing:payout_run", args=[run.public_id])


# ------------------------------------------------------------------ runs
@require_safe
@finance_required
def show_runs(request: PersonRequest) -> HttpResponse:
    page = list_runs(cursor=request.GET.get("cursor"), limit=PAGE_ROWS)
    next_url = f"?cursor={page.next_cursor}" if page.next_cursor else ""
    context = {
        "table": make_runs_table(page, zone=request.user.time_zone),
        "pages": Pages(next_url=next_url),
        "form": NewRunForm(),
        "can_prepare": can_prepare(request),
    }
    return render(request, "billing/finance_runs.html", context)


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
        messages.error(request, _("Choose a currency that can be paid out."))
        return redirect("billing:payout_runs")
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
