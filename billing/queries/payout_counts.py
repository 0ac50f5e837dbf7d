"""
How many lines of a payout run are where, and how many each saved view over them holds.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, Sum

from billing.models import Payout, PayoutRun
from billing.queries.payouts import VIEWS, RunCard, RunView


State = Payout.State
WAITING = (State.CREATED, State.SUBMITTING, State.UNKNOWN)
LEFT = (State.IN_TRANSIT, State.PAID)
UNDECIDED = (PayoutRun.State.CALCULATED, PayoutRun.State.SUBMITTED)
# Lines that have these in common stand in one group of `count_lines`.
COMMON = ("state", "block_reason", "is_after_failure")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """
    How many of the approved payouts are where. Amounts are micros.
    """

    waiting_count: int = 0
    left_count: int = 0
    paid_count: int = 0
    available_micros: int = 0
    offset_micros: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """
    Where a run's payouts are, and how many lines each saved view holds.
    """

    progress: RunProgress
    view_counts: dict[RunView, int]


def summarize_run(*, run: RunCard) -> RunSummary:
    """
    Count the lines of a run: as they were written while nothing can have moved, else one query.
    """
    is_still = run.state in UNDECIDED and run.line_groups
    groups = run.line_groups if is_still else count_lines(run_id=run.run_id)
    return RunSummary(
        progress=_read_progress(groups),
        view_counts={
            view: _sum_of(groups, "line_count", condition) for view, condition in VIEWS.items()
        },
    )


def count_lines(*, run_id: int) -> list[dict[str, Any]]:
    """
    Return how many lines are in which state and why, with their sums, in micros: for JSON.

    One query, which reads each line once however many figures come of it.
    """
    rows = (
        Payout.objects.filter(run_id=run_id)
        .order_by()
        .values(*COMMON)
        .annotate(
            line_count=Count("*"),
            available_micros=Sum("available_micros"),
            offset_micros=Sum(F("offset_reward_micros") + F("offset_job_micros")),
            amount_micros=Sum("amount_micros"),
        )
    )
    return [
        {name: value if name in COMMON else int(value) for name, value in row.items()}
        for row in rows
    ]


def _read_progress(groups: list[dict[str, Any]]) -> RunProgress:
    return RunProgress(
        waiting_count=_sum_of(groups, "line_count", Q(state__in=WAITING)),
        left_count=_sum_of(groups, "line_count", Q(state__in=LEFT)),
        paid_count=_sum_of(groups, "line_count", Q(state=State.PAID)),
        available_micros=_sum_of(groups, "available_micros", Q()),
        offset_micros=_sum_of(groups, "offset_micros", Q()),
    )


def _sum_of(groups: list[dict[str, Any]], name: str, condition: Q) -> int:
    return sum(int(group[name]) for group in groups if _holds(condition, group))


def _holds(condition: Q, group: dict[str, Any]) -> bool:
    """
    Judge a group by the condition that selects its lines in SQL, so that both have one source.
    """
    results = [
        _holds(part, group) if isinstance(part, Q) else _compare(group, part)
        for part in condition.children
    ]
    return any(results) if condition.connector == Q.OR else all(results)


def _compare(group: dict[str, Any], part: Any) -> bool:  # noqa: ANN401 - pairs, but for Django's types
    lookup, value = part
    name, _, operator = lookup.partition("__")
    return bool(group[name] in value if operator == "in" else group[name] == value)
