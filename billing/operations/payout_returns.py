"""
What happens to a payout after it has left: confirmed by the provider, or brought back.
"""

from datetime import datetime

from billing.gateways import stripe_connect
from billing.gateways.provider import ProviderRefused, ProviderTransfer, ProviderUnknown
from billing.models import MICROS_PER_CENT, Entry, Payout
from billing.operations.ledger import Links
from billing.operations.payouts import (
    AT_PROVIDER,
    CALLS_AT_ONCE,
    CONFIRM_AFTER,
    post_payout_event,
    return_leg,
)
from web.rows import fetch_rows
from web.transactions import durable


REVERSED = "transfer_reversed"


def refresh_transfer(*, transfer_id: str, now: datetime) -> bool:
    """
    Read one transfer again and apply what it says; False when it is none of ours.

    :raises ProviderRefused: :raises ProviderUnknown:
    """
    if not Payout.objects.filter(provider_id=transfer_id).exists():
        return False
    transfer = stripe_connect.retrieve_transfer(transfer_id=transfer_id)
    apply_transfer(transfer=transfer, now=now)
    return True


@durable
def apply_transfer(*, transfer: ProviderTransfer, now: datetime) -> None:
    """
    Confirm a payout, or book what came back. An older reading than the last moves nothing.

    What was reversed can only grow at the provider, so a smaller figure is a stale one.
    """
    payout = Payout.objects.select_for_update().get(provider_id=transfer.id)
    reversed_micros = transfer.reversed_cents * MICROS_PER_CENT
    if reversed_micros > payout.reversed_micros:
        _bring_back(payout, reversed_micros=reversed_micros, now=now)
    elif payout.state == Payout.State.IN_TRANSIT:
        payout.state, payout.finished_at = Payout.State.PAID, now
        payout.save()


def _bring_back(payout: Payout, *, reversed_micros: int, now: datetime) -> None:
    came_back = reversed_micros - payout.reversed_micros
    transferred = Entry.objects.get(business_key=f"payout:{payout.pk}:transferred")
    is_whole = came_back == payout.amount_micros
    post_payout_event(
        payout,
        code="payout_failed",
        event=f"reversed:{reversed_micros}",
        leg=return_leg(payout, debit=AT_PROVIDER, amount_micros=came_back),
        links=Links(reverses_id=transferred.pk) if is_whole else Links(corrects_id=transferred.pk),
        now=now,
    )
    payout.reversed_micros = reversed_micros
    if reversed_micros >= payout.amount_micros:
        payout.state, payout.failure_code = Payout.State.FAILED, REVERSED
    payout.finished_at = now
    payout.save()


def confirm_transfers(*, now: datetime) -> int:
    """
    Read again a handful of transfers of which no webhook has told; return how many.
    """
    transfer_ids = _claim_unconfirmed(now=now)
    for transfer_id in transfer_ids:
        try:
            refresh_transfer(transfer_id=transfer_id, now=now)
        except (ProviderRefused, ProviderUnknown):
            # Its turn comes again after CONFIRM_AFTER.
            continue
    return len(transfer_ids)


@durable
def _claim_unconfirmed(*, now: datetime) -> list[str]:
    rows = fetch_rows(
        """
        UPDATE billing_payout SET read_at = %(now)s WHERE id IN (
            SELECT id FROM billing_payout
            WHERE state = 'in_transit' AND read_at <= %(before)s
            ORDER BY read_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) RETURNING provider_id
        """,
        {"now": now, "before": now - CONFIRM_AFTER, "limit": CALLS_AT_ONCE},
    )
    return [str(row[0]) for row in rows]
