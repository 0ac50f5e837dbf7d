"""
Payout runs and their lines as finance reads them: one selector behind page, CSV, XLSX, API.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet, Sum

from accounts.queries import get_display_names
from billing.models import Account, AccountKind, BlockReason, Payout, PayoutRun
from billing.queries.payout_holds import count_holds
from web.pagination import paginate
from web.public_ids import decode, encode


State = Payout.State
CHUNK = 2_000


class RunView(StrEnum):
    """
    The saved views over the lines of a run.
    """

    ALL = "all"
    LOOK = "look"
    HELD = "held"
    BELOW_MINIMUM = "below_minimum"
    FAILED = "failed"


# What each view shows. "Needs a look" is what a person can do something about.
VIEWS: dict[RunView, Q] = {
    RunView.ALL: Q(),
    RunView.LOOK: Q(state__in=[State.UNKNOWN, State.FAILED])
    | Q(is_after_failure=True)
    | Q(block_reason__in=[BlockReason.RECEIVABLE_OUTWEIGHS, BlockReason.ACCOUNT_NOT_READY]),
    RunView.HELD: Q(block_reason__in=[BlockReason.HELD, BlockReason.NO_PAYOUT_ACCOUNT]),
    RunView.BELOW_MINIMUM: Q(block_reason=BlockReason.BELOW_MINIMUM),
    RunView.FAILED: Q(state=State.FAILED) | Q(is_after_failure=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRow:
    """
    One owner's line. Amounts are micros; codes are those of the models.
    """

    payout_id: int
    owner_id: int
    owner_name: str
    currency: str
    state: str
    block_reason: str
    available_micros: int
    offset_micros: int
    amount_micros: int
    provider_id: str
    failure_code: str
    is_after_failure: bool
    sent_at: datetime | None
    finished_at: datetime | None

    @property
    def public_id(self) -> str:
        return encode("pay", self.payout_id)

    @property
    def carried_micros(self) -> int:
        return self.available_micros - self.offset_micros - self.amount_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPage:
    rows: tuple[PayoutRow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCard:
    """
    One run with who did what and when; names are "" where nobody has yet.
    """

    run_id: int
    number: int
    currency: str
    state: str
    cutoff_at: datetime
    checksum: str
    payout_count: int
    amount_micros: int
    blocked_count: int
    carried_micros: int
    line_groups: list[dict[str, Any]]
    calculated_by_id: int
    calculated_by: str
    calculated_at: datetime
    submitted_by_id: int | None
    submitted_by: str
    submitted_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    cancelled_by: str
    cancelled_at: datetime | None
    started_at: datetime | None
    settled_at: datetime | None

    @property
    def public_id(self) -> str:
        return encode("run", self.run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    runs: tuple[RunCard, ...]
    next_cursor: str | None


# ------------------------------------------------------------------ runs
def list_runs(*, cursor: str | None = None, limit: int = 50) -> RunPage:
    """
    Return payout runs, newest first. Two queries.

    :raises Problem: 400, the cursor is not one of this list.
    """
    page = paginate(
        PayoutRun.objects.all(), scope="runs", order=["-id"], cursor=cursor, limit=limit
    )
    return RunPage(runs=_to_cards(page.items), next_cursor=page.next_cursor)


def get_run(*, run_id: int) -> RunCard | None:
    run = PayoutRun.objects.filter(pk=run_id).first()
    return _to_cards((run,))[0] if run else None


def _to_cards(runs: tuple[PayoutRun, ...]) -> tuple[RunCard, ...]:
    people = {
        person
        for run in runs
        for person in (
            run.calculated_by_id,
            run.submitted_by_id,
            run.approved_by_id,
            run.cancelled_by_id,
        )
        if person is not None
    }
    names = get_display_names(user_ids=people)
    return tuple(_to_card(run, names) for run in runs)


def _to_card(run: PayoutRun, names: dict[int, str]) -> RunCard:
    return RunCard(
        run_id=run.pk,
        number=run.number,
        currency=run.currency,
        state=run.state,
        cutoff_at=run.cutoff_at,
        checksum=run.checksum,
        payout_count=run.payout_count,
        amount_micros=run.amount_micros,
        blocked_count=run.blocked_count,
        carried_micros=run.carried_micros,
        line_groups=run.line_groups,
        calculated_by_id=run.calculated_by_id,
        calculated_by=names.get(run.calculated_by_id, ""),
        calculated_at=run.calculated_at,
        submitted_by_id=run.submitted_by_id,
        submitted_by=names.get(run.submitted_by_id or 0, ""),
        submitted_at=run.submitted_at,
        approved_by=names.get(run.approved_by_id or 0, ""),
        approved_at=run.approved_at,
        cancelled_by=names.get(run.cancelled_by_id or 0, ""),
        cancelled_at=run.cancelled_at,
        started_at=run.started_at,
        settled_at=run.settled_at,
    )


# ------------------------------------------------------------------ lines: the one selector
def select_payouts(*, run_id: int, view: RunView, search: str) -> QuerySet[Payout]:
    """
    Return the lines that a view and a search show: by name, or by the id of a payout.
    """
    rows = Payout.objects.filter(VIEWS[view], run_id=run_id)
    if text := search.strip():
        payout_id = decode("pay", text)
        rows = (
            rows.filter(owner__display_name__icontains=text)
            if payout_id is None
            else rows.filter(pk=payout_id)
        )
    return rows


def get_payout_page(
    *, run_id: int, view: RunView, search: str, cursor: str | None, limit: int
) -> PayoutPage:
    """
    Return one page of lines. Two queries.

    :raises Problem: 400, the cursor is not one of this list.
    """
    page = paginate(
        select_payouts(run_id=run_id, view=view, search=search),
        scope=f"payouts:{run_id}:{view}:{search}",
        order=["id"],
        cursor=cursor,
        limit=limit,
    )
    names = get_display_names(user_ids={row.owner_id for row in page.items})
    rows = tuple(_to_row(row, names.get(row.owner_id, "")) for row in page.items)
    return PayoutPage(rows=rows, next_cursor=page.next_cursor)


def stream_payouts(*, run_id: int, view: RunView, search: str) -> Iterator[PayoutRow]:
    """
    Yield every line of the same selection by a cursor on the server, in flat memory.
    """
    selected = select_payouts(run_id=run_id, view=view, search=search).order_by("id")
    chunk: list[Payout] = []
    for payout in selected.iterator(chunk_size=CHUNK):
        chunk.append(payout)
        if len(chunk) == CHUNK:
            yield from _name(chunk)
            chunk.clear()
    yield from _name(chunk)


def _name(chunk: list[Payout]) -> Iterator[PayoutRow]:
    names = get_display_names(user_ids={row.owner_id for row in chunk})
    return (_to_row(row, names.get(row.owner_id, "")) for row in chunk)


def _to_row(payout: Payout, owner_name: str) -> PayoutRow:
    return PayoutRow(
        payout_id=payout.pk,
        owner_id=payout.owner_id,
        owner_name=owner_name,
        currency=payout.currency,
        state=payout.state,
        block_reason=payout.block_reason,
        available_micros=payout.available_micros,
        offset_micros=payout.offset_reward_micros + payout.offset_job_micros,
        amount_micros=payout.amount_micros,
        provider_id=payout.provider_id,
        failure_code=payout.failure_code,
        is_after_failure=payout.is_after_failure,
        sent_at=payout.sent_at,
        finished_at=payout.finished_at,
    )


# ------------------------------------------------------------------ what finance has to do
@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """
    What waits for somebody in finance, as numbers. `next_micros` is available to owners now.
    """

    submitted: tuple[RunCard, ...]
    drafts: tuple[RunCard, ...]
    unknown_count: int
    held_count: int
    payable: tuple[tuple[str, int], ...]


def get_queue() -> Queue:
    """
    Return what waits for a decision. Five queries at most.
    """
    open_runs = _to_cards(
        tuple(
            PayoutRun.objects.filter(
                state__in=[PayoutRun.State.CALCULATED, PayoutRun.State.SUBMITTED]
            ).order_by("id")
        )
    )
    return Queue(
        submitted=tuple(run for run in open_runs if run.state == PayoutRun.State.SUBMITTED),
        drafts=tuple(run for run in open_runs if run.state == PayoutRun.State.CALCULATED),
        unknown_count=Payout.objects.filter(state=State.UNKNOWN).count(),
        held_count=count_holds(),
        payable=get_payable(),
    )


def get_payable() -> tuple[tuple[str, int], ...]:
    """
    Return what owners have available now, by currency, in micros.
    """
    rows = (
        Account.objects.filter(kind=AccountKind.OWNER_AVAILABLE, balance_micros__gt=0)
        .values_list("currency")
        .annotate(micros=Sum("balance_micros"))
        .order_by("currency")
    )
    return tuple((currency, micros) for currency, micros in rows)
