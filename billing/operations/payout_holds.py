"""
Holding back one owner's payouts, with a reason, until somebody lifts it.
"""

from datetime import datetime

from accounts.operations.records import record_audit
from billing.models import PayoutHold
from web.transactions import durable


@durable
def place_hold(*, owner_id: int, reason: str, actor_id: int, now: datetime) -> PayoutHold:
    """
    Keep an owner out of payout runs; a second call returns the hold that is in force.
    """
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
