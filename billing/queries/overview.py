"""
The main job at a glance: what was reported, what it came to, what was paid.
"""

from dataclasses import dataclass
from datetime import datetime

from billing.models import PayoutAccount, PayoutRun
from billing.models.settlement import Outcome
from web.rows import fetch_rows


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """
    What a sweep still has to do, in rows.
    """

    unsettled_parts: int
    unreleased_days: int
    waiting_events: int
    open_payouts: int

    @property
    def is_settled(self) -> bool:
        return not (self.unsettled_parts or self.unreleased_days or self.waiting_events)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """
    Events by what became of them when they came in.
    """

    event_count: int
    accepted_count: int
    duplicate_count: int
    quarantined_count: int


@dataclass(frozen=True, kw_only=True)
class OutcomeRow:
    """
    Settled records of one outcome, and their energy with corrections taken off.
    """

    outcome: str
    record_count: int
    energy_wh: int


@dataclass(frozen=True, kw_only=True)
class Earned:
    """
    Sums over all rated lines, corrections taken off, in micros of one currency.
    """

    energy_wh: int = 0
    electricity_micros: int = 0
    wear_micros: int = 0
    reward_micros: int = 0
    job_micros: int = 0
    compensation_micros: int = 0
    charged_micros: int = 0
    fee_micros: int = 0


@dataclass(frozen=True, kw_only=True)
class PayoutGroup:
    """
    Payouts of all runs in one state, for one reason when blocked.
    """

    state: str
    block_reason: str
    payout_count: int
    amount_micros: int
    carried_micros: int


@dataclass(frozen=True, kw_only=True)
class LatestRun:
    id: int
    number: int
    state: str
    checksum: str


def get_backlog(*, now: datetime, dead_before: datetime) -> Backlog:
    """
    Return what is left to do now.

    A webhook whose lease ends between now and `dead_before` was taken up by a worker that is
    gone; its turn comes again by itself, and nobody waits for it here.
    """
    [row] = fetch_rows(
        """
        SELECT (SELECT count(*) FROM billing_usagepart WHERE settlement_id IS NULL),
               (SELECT count(*) FROM billing_settlementday
                WHERE released_at IS NULL AND release_due_at <= %(now)s),
               (SELECT count(*) FROM billing_providerevent
                WHERE state = 'received'
                    AND (due_at <= %(now)s OR due_at >= %(dead_before)s)),
               (SELECT count(*) FROM billing_payout
                WHERE state IN ('created', 'submitting', 'unknown', 'in_transit'))
        """,
        {"now": now, "dead_before": dead_before},
    )
    names = ("unsettled_parts", "unreleased_days", "waiting_events", "open_payouts")
    return Backlog(**dict(zip(names, row, strict=True)))


def get_usage() -> Usage:
    [row] = fetch_rows(
        """
        SELECT coalesce(sum(event_count), 0), coalesce(sum(accepted_count), 0),
               coalesce(sum(duplicate_count), 0), coalesce(sum(quarantined_count), 0)
        FROM billing_usagebatch
        """
    )
    names = Usage.__dataclass_fields__
    return Usage(**{name: int(value) for name, value in zip(names, row, strict=True)})


def list_outcomes() -> tuple[OutcomeRow, ...]:
    """
    Return the outcomes that occur, in the order of their numbers, then quarantine by code.

    A record that a later one replaced counts as superseded, whether it was priced before or not;
    its line and the line that took it back come to nothing.
    """
    lines = fetch_rows(
        """
        SELECT CASE WHEN s.old_record_id IS NULL THEN l.outcome ELSE %s END,
               count(*) FILTER (WHERE l.kind = 0), coalesce(sum(l.energy_wh), 0)
        FROM billing_ratedline l
        LEFT JOIN billing_supersession s ON s.old_record_id = l.record_id
        GROUP BY 1 ORDER BY 1
        """,
        [Outcome.SUPERSEDED],
    )
    set_aside = fetch_rows(
        """
        SELECT code, sum(seen_count) FROM billing_quarantinedrecord GROUP BY code ORDER BY code
        """
    )
    return (
        *(
            OutcomeRow(outcome=Outcome(number).name.lower(), record_count=count, energy_wh=int(wh))
            for number, count, wh in lines
        ),
        *(
            OutcomeRow(outcome=f"quarantine:{code}", record_count=int(count), energy_wh=0)
            for code, count in set_aside
        ),
    )


def get_earned(*, currency: str) -> Earned:
    [row] = fetch_rows(
        """
        SELECT coalesce(sum(energy_wh), 0),
               coalesce(sum(electricity_micros), 0), coalesce(sum(wear_micros), 0),
               coalesce(sum(reward_micros), 0), coalesce(sum(job_micros), 0),
               coalesce(sum(compensation_micros), 0),
               coalesce(sum(charge_micros + job_charge_micros), 0), coalesce(sum(fee_micros), 0)
        FROM billing_ratedline WHERE currency = %s
        """,
        [currency],
    )
    names = Earned.__dataclass_fields__
    return Earned(**{name: int(value) for name, value in zip(names, row, strict=True)})


def list_payout_groups() -> tuple[PayoutGroup, ...]:
    """
    Return payouts of runs that were not cancelled, by state and reason.
    """
    rows = fetch_rows(
        """
        SELECT p.state, p.block_reason, count(*), sum(p.amount_micros),
               sum(p.available_micros - p.amount_micros)
        FROM billing_payout p JOIN billing_payoutrun r ON r.id = p.run_id
        WHERE r.state <> 'cancelled'
        GROUP BY p.state, p.block_reason ORDER BY p.state, p.block_reason
        """
    )
    return tuple(
        PayoutGroup(
            state=state,
            block_reason=reason,
            payout_count=count,
            amount_micros=int(amount),
            carried_micros=int(carried),
        )
        for state, reason, count, amount, carried in rows
    )


def list_ready_owners() -> frozenset[int]:
    """
    Return the owners whose payout account can take money now.
    """
    ready = PayoutAccount.objects.filter(is_ready=True)
    return frozenset(ready.values_list("owner_id", flat=True))


def find_latest_run() -> LatestRun | None:
    """
    Return the run with the highest number that was not cancelled.
    """
    run = PayoutRun.objects.exclude(state=PayoutRun.State.CANCELLED).order_by("number").last()
    if run is None:
        return None
    return LatestRun(id=run.pk, number=run.number, state=run.state, checksum=run.checksum)
