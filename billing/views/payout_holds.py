"""
Owners whose payouts are held back, and letting them be paid again.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import PersonRequest, finance_required, preparer_required
from billing.operations import payout_holds as operations
from billing.queries.payout_holds import HoldRow, list_holds
from web.components import Cell, Column, DataTable, Pages, Row
from web.limits import PAGE_ROWS
from web.public_ids import decode
from web.templatetags.parado import NOTHING, local_datetime, money


@require_safe
@finance_required
def show_holds(request: PersonRequest) -> HttpResponse:
    return _render(request)


@require_POST
@preparer_required
def lift_holds(request: PersonRequest) -> HttpResponse:
    """
    Let the chosen owners be paid again, from the next run that is worked out.
    """
    ids = [decode("hld", text) for text in request.POST.getlist("hold")]
    chosen = [number for number in ids if number is not None]
    if not chosen:
        return _render(request, error=_("Choose the owners who shall be paid again."))
    count = operations.lift_holds(hold_ids=chosen, actor_id=request.user.pk, now=timezone.now())
    text = ngettext(
        "%(n)s owner is paid again from the next run on.",
        "%(n)s owners are paid again from the next run on.",
        count,
    )
    messages.success(request, text % {"n": count})
    return redirect("billing:payout_holds")


def _render(request: PersonRequest, *, error: str = "") -> HttpResponse:
    user = request.user
    page = list_holds(cursor=request.GET.get("cursor") or None, limit=PAGE_ROWS)
    context = {
        "table": _make_table(
            page.rows,
            zone=user.time_zone,
            can_lift=user.staff_role == user.StaffRole.FINANCE_PREPARER,
        ),
        "pages": Pages(next_url=f"?cursor={page.next_cursor}" if page.next_cursor else ""),
        "error": error,
    }
    return render(request, "billing/payout_holds.html", context, status=422 if error else 200)


def _make_table(rows: tuple[HoldRow, ...], *, zone: str, can_lift: bool) -> DataTable:
    return DataTable(
        caption=_("Owners held back"),
        columns=(
            Column(label=_("Owner")),
            Column(label=_("Reason")),
            Column(label=_("Held by"), is_optional=True),
            Column(label=_("Available"), is_number=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=row.owner_name, note=row.public_id),
                    Cell(text=row.reason),
                    Cell(text=row.placed_by, note=local_datetime(row.placed_at, zone)),
                    Cell(text=", ".join(money(*each) for each in row.available) or NOTHING),
                ),
                select=row.public_id if can_lift else "",
            )
            for row in rows
        ),
        is_dense=True,
        select_name="hold" if can_lift else "",
        key="holds",
    )
