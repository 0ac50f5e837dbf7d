"""
Card payments that the payer's bank took back.

While a dispute is open its money stands in suspense. Won, the provider returns it; lost, it is
the buyer's, who paid with it.
"""

from datetime import datetime

from billing.gateways.provider import Dispute, DisputeMove
from billing.models import MICROS_PER_CENT, Entry, TopUp, Transfer
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.operations.refunds import take_back


SUSPENSE = AccountKey(kind="suspense")
AVAILABLE = AccountKey(kind="stripe_available")
FEES = AccountKey(kind="processor_fees")
CODE = "card_dispute"


def book_dispute(*, top_up: TopUp, dispute: Dispute, now: datetime) -> None:
    """
    Book what the provider says of a dispute, inside the transaction that holds its top-up's row.

    Each change of our balance is booked once, and the loss once; sql/checks/clearing_is_empty.sql
    knows the keys, and an open dispute by the loss that is not there.
    """
    for move in dispute.moves:
        _post(top_up, key=f"dispute:{dispute.id}:{move.id}", legs=_legs_of(move), now=now)
    key = f"dispute:{dispute.id}:lost"
    if dispute.is_lost and not Entry.objects.filter(business_key=key).exists():
        amount_micros = _read_suspended(dispute)
        legs = take_back(top_up=top_up, amount_micros=amount_micros, to=SUSPENSE)
        _post(top_up, key=key, legs=legs, now=now)


def _legs_of(move: DisputeMove) -> list[Leg]:
    return [
        *_move(SUSPENSE, micros=-move.amount_cents * MICROS_PER_CENT),
        *_move(FEES, micros=move.fee_cents * MICROS_PER_CENT),
    ]


def _move(key: AccountKey, *, micros: int) -> list[Leg]:
    """
    Return the leg by which our balance at the provider pays for an account, or gets it back.
    """
    if micros > 0:
        return [Leg(debit=key, credit=AVAILABLE, amount_micros=micros)]
    if micros < 0:
        return [Leg(debit=AVAILABLE, credit=key, amount_micros=-micros)]
    return []


def _read_suspended(dispute: Dispute) -> int:
    """
    Return what stands in suspense for a dispute, in micros.
    """
    keys = [f"dispute:{dispute.id}:{move.id}" for move in dispute.moves]
    moved = Transfer.objects.filter(entry__business_key__in=keys)
    kind = SUSPENSE.kind
    taken = moved.filter(debit_account__kind=kind).values_list("amount_micros", flat=True)
    returned = moved.filter(credit_account__kind=kind).values_list("amount_micros", flat=True)
    return sum(taken) - sum(returned)


def _post(top_up: TopUp, *, key: str, legs: list[Leg], now: datetime) -> None:
    if legs:
        post_entry(
            code=CODE,
            business_key=key,
            effective_at=now,
            booked_at=now,
            currency=top_up.currency,
            legs=legs,
        )
