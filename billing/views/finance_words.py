"""
How finance's pages name states and draw runs.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import BlockReason, Payout, PayoutRun
from billing.queries.payout_counts import RunProgress
from billing.queries.payouts import PayoutRow, RunCard
from billing.queries.reports import LastCheck
from web.charts import Tone
from web.components import Cell, Column, DataTable, Row, Step, Tag, TieOut, TiePart, TimelineEntry
from web.templatetags.parado import local_datetime, money, number


RunState = PayoutRun.State
RUN_TONES: dict[str, Tone] = {
    RunState.SUBMITTED: "brand",
    RunState.APPROVED: "brand",
    RunState.EXECUTING: "brand",
    RunState.SETTLED: "earn",
    RunState.CANCELLED: "idle",
}
PAYOUT_TONES: dict[str, Tone] = {
    Payout.State.READY: "brand",
    Payout.State.BLOCKED: "idle",
    Payout.State.UNKNOWN: "cost",
    Payout.State.PAID: "earn",
    Payout.State.FAILED: "stop",
}
DECIDED = (RunState.APPROVED, RunState.EXECUTING, RunState.SETTLED)


def make_run_tag(run: RunCard) -> Tag:
    return Tag(label=RunState(run.state).label, tone=RUN_TONES.get(run.state, ""))


def make_payout_tag(row: PayoutRow) -> Tag:
    if row.block_reason == BlockReason.HELD:
        return Tag(label=_("Held"), tone="stop")
    if row.state == Payout.State.READY and row.is_after_failure:
        return Tag(label=_("Check"), tone="cost")
    return Tag(label=Payout.State(row.state).label, tone=PAYOUT_TONES.get(row.state, "brand"))


def explain_payout(row: PayoutRow) -> str | Promise:
    """
    Say why a line is as it is, "" when there is nothing to say.
    """
    if row.block_reason:
        return BlockReason(row.block_reason).label
    if row.state == Payout.State.FAILED:
        return _("Refused by the provider: %(code)s") % {"code": row.failure_code}
    if row.state == Payout.State.UNKNOWN:
        return _("No answer from the provider; it is being looked up")
    return _("The last payout failed") if row.is_after_failure else ""


def make_steps(run: RunCard, progress: RunProgress) -> tuple[Step, ...]:
    """
    Draw where a run is, from worked out to settled.
    """
    order = [RunState.CALCULATED, RunState.SUBMITTED, RunState.APPROVED, RunState.EXECUTING]
    place = order.index(RunState(run.state)) if run.state in order else len(order)
    is_sent = run.state in DECIDED and not progress.waiting_count
    owners = run.payout_count + run.blocked_count
    notes = (
        ngettext("%(n)s owner", "%(n)s owners", owners) % {"n": number(owners)},
        run.submitted_by or _("not yet"),
        run.approved_by or _("by a second person"),
        _("%(left)s of %(all)s")
        % {"left": number(progress.left_count), "all": number(run.payout_count)},
        number(progress.paid_count),
    )
    labels = (_("Worked out"), _("Submitted"), _("Approved"), _("Sent"), _("Settled"))
    reached = (True, place >= 1, place >= 2, is_sent, run.state == RunState.SETTLED)
    now_at = reached.index(False) if False in reached else len(reached)
    return tuple(
        Step(label=label, note=note, state=_name_step(at, now_at, run))
        for at, (label, note) in enumerate(zip(labels, notes, strict=True))
    )


def _name_step(at: int, now_at: int, run: RunCard) -> Any:  # noqa: ANN401 - a literal of Step
    if at < now_at and not (run.state == RunState.CANCELLED and at):
        return "done"
    if run.state == RunState.CANCELLED:
        return "stopped" if at == 1 else "later"
    return "now" if at == now_at else "later"


def make_timeline(run: RunCard, *, zone: str) -> tuple[TimelineEntry, ...]:
    """
    Draw who did what with a run, newest first, and what has not happened yet.
    """
    happened: list[tuple[datetime | None, str, str]] = [
        (run.calculated_at, _("Worked out by %(name)s"), run.calculated_by),
        (run.submitted_at, _("Submitted by %(name)s"), run.submitted_by),
        (run.approved_at, _("Approved by %(name)s"), run.approved_by),
        (run.cancelled_at, _("Cancelled by %(name)s"), run.cancelled_by),
        (run.started_at, _("First payout sent"), ""),
        (run.settled_at, _("Settled"), ""),
    ]
    entries = [
        TimelineEntry(label=label % {"name": name}, note=local_datetime(at, zone), tone="earn")
        for at, label, name in happened
        if at is not None
    ]
    if run.state == RunState.SUBMITTED:
        entries.append(TimelineEntry(label=_("Second person"), note=_("nobody yet"), tone="idle"))
    return tuple(reversed(entries))


def make_run_tie(run: RunCard, progress: RunProgress) -> TieOut:
    """
    Draw: available = what this run pays + what it takes for debts + what is carried over.
    """
    parts = (run.amount_micros, progress.offset_micros, run.carried_micros)
    return TieOut(
        parts=(
            TiePart(label=_("Available to owners"), amount_micros=progress.available_micros),
            TiePart(label=_("Paid in this run"), amount_micros=parts[0], sign="="),
            TiePart(label=_("Taken for debts"), amount_micros=parts[1], sign="+"),
            TiePart(label=_("Held or carried over"), amount_micros=parts[2], sign="+"),
        ),
        difference_micros=progress.available_micros - sum(parts),
        currency=run.currency,
    )


def make_books_ties(check: LastCheck | None, *, currency: str) -> tuple[tuple[str, TieOut], ...]:
    """
    Draw usage = ledger and ledger = provider of the last check; empty before the first.
    """
    sides = (
        ("lines_are_transfers", _("Usage is in the ledger"), _("Rated usage"), _("Ledger")),
        ("payouts_are_transfers", _("Payouts are in the ledger"), _("Sent"), _("Ledger")),
        ("ledger_is_provider", _("The ledger is at the provider"), _("Ledger"), _("Stripe")),
    )
    found = [(check.find(name, currency) if check else None, rest) for name, *rest in sides]
    return tuple(
        (
            title,
            TieOut(
                parts=(
                    TiePart(label=left, amount_micros=line["expected_micros"]),
                    TiePart(label=right, amount_micros=line["found_micros"], sign="="),
                ),
                difference_micros=line["difference_micros"],
                currency=currency,
            ),
        )
        for line, (title, left, right) in found
        if line is not None
    )


def make_lines_table(
    rows: tuple[PayoutRow, ...],
    *,
    reasons: Mapping[int, str],
    can_hold: bool,
    selected: Collection[str] = (),
) -> DataTable:
    return DataTable(
        caption=_("Lines of this run"),
        columns=(
            Column(label=_("Owner")),
            Column(label=_("Available"), is_number=True, is_optional=True),
            Column(label=_("For debts"), is_number=True, is_optional=True),
            Column(label=_("Pay"), is_number=True),
            Column(label=_("Why it is here")),
            Column(label=_("State"), is_optional=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=row.owner_name or row.public_id, note=row.public_id),
                    Cell(text=money(row.available_micros, row.currency)),
                    Cell(text=money(-row.offset_micros, row.currency) if row.offset_micros else ""),
                    Cell(text=money(row.amount_micros, row.currency), is_strong=True),
                    Cell(text=explain_payout(row), note=reasons.get(row.owner_id, "")),
                    Cell(tag=make_payout_tag(row)),
                ),
                select=row.public_id if can_hold else "",
                is_selected=row.public_id in selected,
            )
            for row in rows
        ),
        is_dense=True,
        select_name="payout" if can_hold else "",
        key="lines",
    )
