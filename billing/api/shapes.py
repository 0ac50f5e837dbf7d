"""
What billing's addresses answer, for the OpenAPI document.
"""

from datetime import datetime
from typing import Literal

import msgspec

from billing import models
from billing.operations.ingest import Result
from consent.rules import WorkloadCategory
from marketplace.api import Money, Price
from marketplace.queries.bookings import Phase


# ------------------------------------------------------------------ buyers
class Booked(msgspec.Struct):
    energy_wh: int
    jobs_max: int


class Delivered(msgspec.Struct):
    energy_wh: int
    jobs: int


class Booking(msgspec.Struct):
    """
    What was agreed, what was delivered and charged of it. `held` is the most that it can cost.
    """

    id: str
    state: Phase
    pool_id: str
    region: str
    hardware_class: str
    starts_at: datetime
    ends_at: datetime
    power_w: int
    workload_category: WorkloadCategory
    price: Price
    booked: Booked
    delivered: Delivered
    held: Money
    charged: Money
    created_at: datetime
    released_at: datetime | None


class BookingList(msgspec.Struct):
    data: list[Booking]
    next_cursor: str | None


class Job(msgspec.Struct):
    job_id: str
    starts_at: datetime
    ends_at: datetime
    energy_wh: int
    charged: Money
    is_completed: bool


class JobList(msgspec.Struct):
    data: list[Job]
    next_cursor: str | None


class Balance(msgspec.Struct):
    currency: str
    available: Money
    held: Money


class BalanceList(msgspec.Struct):
    data: list[Balance]
    next_cursor: str | None


class BalanceMove(msgspec.Struct):
    """
    One change of the available balance; negative where it became less.
    """

    id: str
    code: str
    amount: Money
    booking_id: str | None
    effective_at: datetime


class BalanceMoveList(msgspec.Struct):
    data: list[BalanceMove]
    next_cursor: str | None


class StartedTopUp(msgspec.Struct):
    """
    A person pays at `checkout_url`; null once it is paid.
    """

    id: str
    amount: Money
    checkout_url: str | None


# ------------------------------------------------------------------ metered usage
class BatchAnswer(msgspec.Struct):
    """
    What is answered is durable. `results` holds the events that were not accepted.
    """

    batch_id: str
    accepted: int
    duplicates: int
    quarantined: int
    results: list[Result]


class QuarantinedEvent(msgspec.Struct):
    """
    An event that was set aside, with the place in it that is wrong.
    """

    index: int
    id: str
    state: Literal[tuple(models.QuarantinedRecord.State.values)]  # type: ignore[valid-type]
    code: str
    pointer: str
    detail: str


class BatchProgress(msgspec.Struct):
    """
    `outcomes` counts the settled records by outcome.
    """

    batch_id: str
    received_at: datetime
    events: int
    accepted: int
    duplicates: int
    quarantined: int
    is_settled: bool
    outcomes: dict[str, int]
    quarantine: list[QuarantinedEvent]


# ------------------------------------------------------------------ finance
class PayoutRun(msgspec.Struct):
    id: str
    number: int
    state: Literal[tuple(models.PayoutRun.State.values)]  # type: ignore[valid-type]
    cutoff_at: datetime
    checksum: str
    payout_count: int
    amount: Money
    blocked_count: int
    carried: Money
    calculated_at: datetime
    submitted_at: datetime | None
    approved_at: datetime | None
    settled_at: datetime | None


class PayoutRunList(msgspec.Struct):
    data: list[PayoutRun]
    next_cursor: str | None


class Payout(msgspec.Struct):
    """
    One owner's line: available = offset (taken for debts) + amount + carried.
    """

    id: str
    owner_id: str
    state: Literal[tuple(models.Payout.State.values)]  # type: ignore[valid-type]
    reason: str | None
    available: Money
    offset: Money
    amount: Money
    carried: Money
    provider_id: str | None
    sent_at: datetime | None
    finished_at: datetime | None


class PayoutList(msgspec.Struct):
    data: list[Payout]
    next_cursor: str | None


class Account(msgspec.Struct):
    """
    One kind of account, and component where it has some; balance = credit - debit.
    """

    account: str
    component: str | None
    account_count: int
    debit: Money
    credit: Money
    balance: Money


class TrialBalance(msgspec.Struct):
    as_of: datetime
    booked_until: datetime
    data: list[Account]
    next_cursor: str | None
