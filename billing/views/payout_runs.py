"""
One payout run: its steps, whether it adds up, its lines, and the second person's yes.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import (
    PersonRequest,
    approver_required,
    finance_required,
    fresh_sign_in_required,
    preparer_required,
)
from billing.forms.finance import ApproveForm, HoldForm
from billing.models import BlockReason, PayoutRun
from billing.operations import payout_runs as operations
from billing.operations.payout_holds import hold_payouts
from billing.queries import payouts as queries
from billing.queries.payout_counts import RunSummary, summarize_run
from billing.queries.payout_holds import get_hold_reasons
from billing.queries.payouts import PayoutRow, RunCard, RunView
from billing.queries.reports import get_last_check
from billing.reports.files import send_report
from billing.reports.payout_register import PAYOUT_REGISTER
from billing.reports.sheets import TooManyRows
from billing.views import finance_words as words
from web.components import Pages, View
from web.limits import PAGE_ROWS
from web.public_ids import decode


State = PayoutRun.State
OPEN_STATES = (State.APPROVED, State.EXECUTING)
VIEW_LABELS: dict[RunView, str | Promise] = {
    RunView.ALL: gettext_lazy("All"),
    RunView.LOOK: gettext_lazy("Needs a look"),
    RunView.HELD: gettext_lazy("Held"),
    RunView.BELOW_MINIMUM: gettext_lazy("Below minimum"),
    RunView.FAILED: gettext_lazy("Failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """
    What the page shows of a run's lines: the same for page, CSV and XLSX.
    """

    view: RunView
    search: str
    cursor: str

    @property
    def query(self) -> str:
        return urlencode({"view": self.view.value} | ({"q": self.search} if self.search else {}))


def find_run(run_id: str) -> RunCard:
    """
    Return the run behind a public id.

    :raises Http404:
    """
    number = decode("run", run_id)
    run = None if number is None else queries.get_run(run_id=number)
    if run is None:
        raise Http404
    return run


def read_filter(request: PersonRequest) -> Filter:
    view = request.GET.get("view", "")
    return Filter(
        view=RunView(view) if view in set(RunView) else RunView.ALL,
        search=request.GET.get("q", "").replace("\0", "")[:100].strip(),
        cursor=request.GET.get("cursor", ""),
    )


@require_safe
@finance_required
def show_run(request: PersonRequest, run_id: str) -> HttpResponse:
    return _render(request, find_run(run_id))


def _make_approve_form(request: PersonRequest, run: RunCard) -> ApproveForm:
    return ApproveForm(run=run, actor_id=request.user.pk, initial={"checksum": run.checksum})


@require_safe
@finance_required
def show_progress(request: PersonRequest, run_id: str) -> HttpResponse:
    """
    Draw the steps again while payouts are on their way.
    """
    return render(request, "billing/_finance_run_steps.html", _make_progress(find_run(run_id)))


def _make_progress(run: RunCard) -> dict[str, Any]:
    summary = summarize_run(run=run)
    return {
        "run": run,
        "steps": words.make_steps(run, summary.progress),
        "summary": summary,
        "is_moving": run.state in OPEN_STATES,
    }


def _render(
    request: PersonRequest,
    run: RunCard,
    *,
    form: ApproveForm | None = None,
    hold_form: HoldForm | None = None,
    status: int = 200,
) -> HttpResponse:
    chosen = read_filter(request)
    user = request.user
    page = queries.get_payout_page(
        run_id=run.run_id,
        view=chosen.view,
        search=chosen.search,
        cursor=chosen.cursor or None,
        limit=PAGE_ROWS,
    )
    is_preparer = user.staff_role == user.StaffRole.FINANCE_PREPARER
    is_approver = user.staff_role == user.StaffRole.FINANCE_APPROVER
    is_mine = user.pk in {run.calculated_by_id, run.submitted_by_id}
    context = _make_progress(run)
    summary: RunSummary = context["summary"]
    context |= {
        "tag": words.make_run_tag(run),
        "tie": words.make_run_tie(run, summary.progress),
        "ties": words.make_books_ties(get_last_check(), currency=run.currency),
        "views": _make_views(summary, chosen),
        "chosen": chosen,
        "table": words.make_lines_table(
            page.rows,
            reasons=_read_reasons(run, page.rows),
            can_hold=is_preparer and run.state == State.CALCULATED,
            selected=request.POST.getlist("payout"),
        ),
        "pages": Pages(
            next_url=f"?{chosen.query}&cursor={page.next_cursor}" if page.next_cursor else ""
        ),
        "entries": words.make_timeline(run, zone=user.time_zone),
        "form": form or _make_approve_form(request, run),
        "hold_form": hold_form or HoldForm(),
        "zone": user.time_zone,
        "is_mine": is_mine,
        "can_submit": is_preparer and run.state == State.CALCULATED and run.payout_count,
        "can_cancel": is_preparer and run.state in {State.CALCULATED, State.SUBMITTED},
        "can_approve": is_approver and not is_mine and run.state == State.SUBMITTED,
        "look_count": summary.view_counts[RunView.LOOK],
    }
    is_fragment = getattr(request, "htmx", False) and request.method == "GET"
    name = "billing/_finance_lines.html" if is_fragment else "billing/finance_run.html"
    return render(request, name, context, status=status)


def _read_reasons(run: RunCard, rows: tuple[PayoutRow, ...]) -> dict[int, str]:
    """
    Return why the held lines are held: what was said until the run was submitted or given up.
    """
    return get_hold_reasons(
        owner_ids=[row.owner_id for row in rows if row.block_reason == BlockReason.HELD],
        starts_at=run.calculated_at,
        ends_at=run.submitted_at or run.cancelled_at or timezone.now(),
    )


def _make_views(summary: RunSummary, chosen: Filter) -> tuple[View, ...]:
    return tuple(
        View(
            label=VIEW_LABELS[view],
            url=f"?view={view.value}",
            count=summary.view_counts[view],
            is_current=view == chosen.view,
        )
        for view in RunView
    )


@require_safe
@finance_required
def export_run(request: PersonRequest, run_id: str, file_format: str) -> HttpResponseBase:
    run, chosen = find_run(run_id), read_filter(request)
    rows = queries.stream_payouts(run_id=run.run_id, view=chosen.view, search=chosen.search)
    try:
        return send_report(
            PAYOUT_REGISTER, rows, file_format=file_format, name=f"payout-run-{run.number}"
        )
    except TooManyRows:
        messages.error(request, _("A spreadsheet cannot hold that many lines. Take the CSV."))
        return redirect("billing:payout_run", run_id)


# ------------------------------------------------------------------ steps
@require_POST
@preparer_required
def submit_run(request: PersonRequest, run_id: str) -> HttpResponse:
    run = find_run(run_id)
    try:
        operations.submit_run(run_id=run.run_id, actor_id=request.user.pk, now=timezone.now())
    except operations.WrongState:
        messages.warning(request, _("Somebody was faster: the run has moved on."))
    except operations.NothingToPay:
        messages.error(request, _("No line of this run can be paid."))
    else:
        messages.success(request, _("The run waits for a second person now."))
    return redirect("billing:payout_run", run_id)


@require_POST
@preparer_required
def cancel_run(request: PersonRequest, run_id: str) -> HttpResponse:
    run = find_run(run_id)
    try:
        operations.cancel_run(run_id=run.run_id, actor_id=request.user.pk, now=timezone.now())
    except operations.WrongState:
        messages.warning(request, _("Somebody was faster: the run has moved on."))
    else:
        messages.success(request, _("The run is cancelled. No money has moved."))
    return redirect("billing:payout_run", run_id)


@require_POST
@approver_required
@fresh_sign_in_required
def approve_run(request: PersonRequest, run_id: str) -> HttpResponse:
    run = find_run(run_id)
    form = ApproveForm(request.POST, run=run, actor_id=request.user.pk)
    if not form.is_valid():
        return _render(request, run, form=form, status=422)
    try:
        operations.approve_run(
            run_id=run.run_id,
            actor_id=request.user.pk,
            checksum=form.cleaned_data["checksum"],
            now=timezone.now(),
        )
    except operations.SamePerson:
        form.add_error(None, _("You prepared this run, so someone else has to approve it."))
    except operations.RunChanged:
        form.add_error(None, _("The run is not what you saw any more. Have it worked out anew."))
    except operations.WrongState:
        form.add_error(None, _("Somebody was faster: the run has moved on."))
    else:
        messages.success(request, _("Approved. The payouts are on their way."))
        return redirect("billing:payout_run", run_id)
    return _render(request, find_run(run_id), form=form, status=422)


@require_POST
@preparer_required
def hold_lines(request: PersonRequest, run_id: str) -> HttpResponse:
    """
    Hold the chosen owners back: their lines stay in the run, blocked, and its sums change.
    """
    run, form = find_run(run_id), HoldForm(request.POST)
    ids = [decode("pay", text) for text in request.POST.getlist("payout")]
    chosen = [number for number in ids if number is not None]
    if form.is_valid() and not chosen:
        form.add_error(None, _("Choose the owners who shall be held back."))
    if form.errors:
        return _render(request, run, hold_form=form, status=422)
    count = hold_payouts(
        run_id=run.run_id,
        payout_ids=chosen,
        reason=form.cleaned_data["reason"],
        actor_id=request.user.pk,
        now=timezone.now(),
    )
    if count:
        text = ngettext("%(n)s owner is held back.", "%(n)s owners are held back.", count)
        messages.success(request, text % {"n": count})
    else:
        messages.warning(request, _("Somebody was faster: the run has moved on."))
    return redirect("billing:payout_run", run_id)
