"""
What the payment provider answers, as plain values and three errors.

A POST ends in one of three ways: done; `ProviderRefused`, which is final for its key; or
`ProviderUnknown`, after which nobody may try again before a look-up has settled it.
"""

from dataclasses import dataclass
from datetime import datetime


class ProviderRefused(Exception):
    """
    The provider said no, for good: nothing happened and this key will not change its mind.
    """

    def __init__(self, *, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class ProviderUnknown(Exception):
    """
    No usable answer. What was asked may have happened, or still happen.

    is_final tells that the provider has finished with the key, since it replayed the error
    it had stored; a look-up after that shows the last word.
    """

    def __init__(self, *, detail: str, is_final: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_final = is_final


class BadSignature(Exception):
    """
    A webhook that the provider did not sign, or signed too long ago, or ahead of time.
    """


class NotAnEvent(Exception):
    """
    A signed body that is not an event of the kind that its address expects.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccount:
    """
    An owner's account: capability status, and what the provider waits for from the owner.
    """

    id: str
    status: str
    requirements: tuple[str, ...]
    requirements_due_at: datetime | None

    @property
    def is_ready(self) -> bool:
        return self.status == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTransfer:
    """
    Money sent to an owner's account. Amounts are cents.
    """

    id: str
    amount_cents: int
    reversed_cents: int
    attempt_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """
    Money that arrived for one checkout. Amounts are cents; the fee is the provider's own.
    """

    payment_intent_id: str
    balance_transaction_id: str
    amount_cents: int
    fee_cents: int
    available_on: datetime
    is_available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """
    Money of one payment on its way back to its source. The amount is cents.

    is_taken: it has left our balance. is_over: it failed or was cancelled, and what was taken
    is in our balance again.
    """

    id: str
    payment_intent_id: str
    amount_cents: int
    is_taken: bool
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeMove:
    """
    One change of our balance by a dispute: cents, negative where they left; the fee is ours.
    """

    id: str
    amount_cents: int
    fee_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """
    A payment that the payer's bank took back. Lost, it stays with the bank.
    """

    id: str
    payment_intent_id: str
    moves: tuple[DisputeMove, ...]
    is_lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    id: str
    url: str
    is_expired: bool
    payment: Payment | None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHint:
    """
    What a webhook says happened, to be read again before anything moves.
    """

    event_id: str
    event_type: str
    object_id: str
    provider_account_id: str
    api_version: str
