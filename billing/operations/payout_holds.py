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
    Hold the owners of some ready lines of a run that is not submitted yet.

    Their lines stay in the run as blocked; its totals and checksum are written anew.
    Returns how many lines that were.
    """
    run = PayoutRun.objects.select_for_update().get(pk=run_id)
    if run.state != PayoutRun.State.CALCULATED:
        return 0
    lines = run.payouts.filter(pk__in=payout_ids, state=Payout.State.READY)
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
def lift_hold(*, owner_id: int, actor_id: int, now: datetime) -> bool:
    """
    Let an owner be paid again; False when there was no hold.
    """
    live = PayoutHold.objects.filter(owner_id=owner_id, lifted_at=None)
    is_lifted = bool(live.update(lifted_by_id=actor_id, lifted_at=now))
    if is_lifted:
        record_audit(
            actor_id=actor_id, action="payout_hold.lifted", subject=f"person:{owner_id}", now=now
        )
    return is_lifted
