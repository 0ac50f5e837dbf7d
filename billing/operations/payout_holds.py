"""
Holding back one owner's payouts, with a reason, until somebody lifts it.
"""

from collections.abc import Sequence
from datetime import datetime

from accounts.operations.records import record_audit
from billing.models import BlockReason, Payout, PayoutHold, PayoutRun
from billing.operations.payout_runs import write_totals
from web.transactions import durable


PARTS = (
    "amount_micros",
    "returned_micros",
    "compensation_micros",
    "electricity_micros",
    "wear_micros",
    "reward_micros",
    "job_micros",
    "offset_reward_micros",
    "offset_job_micros",
)


@durable
def hold_payouts(
    *, run_id: int, payout_ids: Sequence[int], reason: str, actor_id: int, now: datetime
) -> int:
    """
    Hold the owners of some lines of a run that is not submitted yet.

    Their lines stay in the run as held, whatever blocked them before: that is how the next run
    will find them. Totals and checksum are written anew. Returns how many lines that were.
    """
    run = PayoutRun.objects.select_for_update().get(pk=run_id)
    if run.state != PayoutRun.State.CALCULATED:
        return 0
    lines = run.payouts.filter(pk__in=payout_ids).exclude(block_reason=BlockReason.HELD)
    owner_ids = list(lines.values_list("owner_id", flat=True))
    for owner_id in owner_ids:
        _place(owner_id=owner_id, reason=reason, actor_id=actor_id, now=now)
    lines.update(
        state=Payout.State.BLOCKED,
        block_reason=BlockReason.HELD,
        **dict.fromkeys(PARTS, 0),
    )
    write_totals(run)
    return len(owner_ids)


@durable
def place_hold(*, owner_id: int, reason: str, actor_id: int, now: datetime) -> PayoutHold:
    """
    Keep an owner out of payout runs; a second call returns the hold that is in force.
    """
    return _place(owner_id=owner_id, reason=reason, actor_id=actor_id, now=now)


def _place(*, owner_id: int, reason: str, actor_id: int, now: datetime) -> PayoutHold:
    hold, is_new = PayoutHold.objects.get_or_create(
        owner_id=owner_id,
        lifted_at=None,
        defaults={"reason": reason, "placed_by_id": actor_id, "placed_at": now},
    )
    if is_new:
        record_audit(
            actor_id=actor_id,
            action="payout_hold.placed",
            subject=f"person:{owner_id}",
            detail={"reason": reason},
            now=now,
        )
    return hold


@durable
def lift_holds(*, hold_ids: Sequence[int], actor_id: int, now: datetime) -> int:
    """
    Let the owners behind these holds be paid again.

    Returns how many holds that were; one that was lifted before keeps who did it.
    """
    live = PayoutHold.objects.select_for_update().filter(pk__in=hold_ids, lifted_at=None)
    holds = list(live.order_by("pk"))
    PayoutHold.objects.filter(pk__in=[hold.pk for hold in holds]).update(
        lifted_by_id=actor_id, lifted_at=now
    )
    for hold in holds:
        record_audit(
            actor_id=actor_id,
            action="payout_hold.lifted",
            subject=f"person:{hold.owner_id}",
            now=now,
        )
    return len(holds)
