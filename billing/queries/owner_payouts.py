"""
What an owner sees of money out: what is next, what was paid, and where it goes.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from billing.models import (
    PAYOUT_MINIMUM_MICROS,
    AccountKind,
    BlockReason,
    Payout,
    PayoutAccount,
    PayoutHold,
    PayoutRun,
)
from billing.queries.earnings import select_accounts
from web.pagination import paginate
from web.public_ids import encode


# A line that nobody has approved is a draft of finance's and no promise to the owner.
DECIDED = (PayoutRun.State.APPROVED, PayoutRun.State.EXECUTING, PayoutRun.State.SETTLED)
SHOWN = Q(run__state__in=DECIDED) & ~Q(state=Payout.State.BLOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """
    Where the owner is paid, as the provider last said. country is "" before the first step.
    """

    status: str
    is_ready: bool
    requirements: tuple[str, ...]
    requirements_due_at: datetime | None
    country: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPayout:
    """
    What the next run would pay in one currency, in micros, and what stands in its way.
    """

    currency: str
    available_micros: int
    pending_micros: int
    receivable_micros: int
    minimum_micros: int | None
    block_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutItem:
    """
    One payout as its owner sees it; parts are (component, micros) that are not nought.
    """

    payout_id: int
    currency: str
    amount_micros: int
    state: str
    failure_code: str
    approved_at: datetime | None
    sent_at: datetime | None
    finished_at: datetime | None
    provider_id: str
    offset_micros: int
    parts: tuple[tuple[str, int], ...]

    @property
    def public_id(self) -> str:
        return encode("pay", self.payout_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutItems:
    items: tuple[PayoutItem, ...]
    next_cursor: str | None


def get_setup(*, owner_id: int) -> Setup:
    account = PayoutAccount.objects.filter(owner_id=owner_id).first()
    if account is None:
        return Setup(
            status="",
            is_ready=False,
            requirements=(),
            requirements_due_at=None,
            country="",
            read_at=None,
        )
    return Setup(
        status=account.status,
        is_ready=account.is_ready,
        requirements=tuple(account.requirements),
        requirements_due_at=account.requirements_due_at,
        country=account.country,
        read_at=account.read_at,
    )


def get_provider_account_id(*, owner_id: int) -> str:
    """
    Return the owner's account at the provider, "" when there is none yet.
    """
    found = PayoutAccount.objects.filter(owner_id=owner_id).values_list("provider_account_id")
    return str((found.first() or [""])[0] or "")


def list_next_payouts(*, owner_id: int) -> tuple[NextPayout, ...]:
    """
    Return what is available, by currency; euro with nothing when there was never any money.
    """
    sums: dict[str, dict[str, int]] = {}
    accounts = select_accounts(owner_id=owner_id)
    for kind, currency, micros in accounts.values_list("kind", "currency", "balance_micros"):
        of_currency = sums.setdefault(currency, {})
        of_currency[kind] = of_currency.get(kind, 0) + micros
    is_held = PayoutHold.objects.filter(owner_id=owner_id, lifted_at=None).exists()
    setup = get_setup(owner_id=owner_id)
    return tuple(
        _make_next(currency, balances, setup=setup, is_held=is_held)
        for currency, balances in sorted((sums or {"EUR": {}}).items())
    )


def _make_next(
    currency: str, balances: dict[str, int], *, setup: Setup, is_held: bool
) -> NextPayout:
    available = balances.get(AccountKind.OWNER_AVAILABLE, 0)
    minimum = PAYOUT_MINIMUM_MICROS.get(currency)
    reason = BlockReason.NONE
    if is_held:
        reason = BlockReason.HELD
    elif minimum is None or available < minimum:
        reason = BlockReason.BELOW_MINIMUM
    elif not setup.country:
        reason = BlockReason.NO_PAYOUT_ACCOUNT
    elif not setup.is_ready:
        reason = BlockReason.ACCOUNT_NOT_READY
    return NextPayout(
        currency=currency,
        available_micros=available,
        pending_micros=balances.get(AccountKind.OWNER_PENDING, 0),
        receivable_micros=-balances.get(AccountKind.OWNER_RECEIVABLE, 0),
        minimum_micros=minimum,
        block_reason=reason,
    )


def list_payouts(*, owner_id: int, cursor: str | None, limit: int) -> PayoutItems:
    """
    Return the owner's payouts, newest first. One query.

    :raises Problem: 400, the cursor is not one of this list.
    """
    page = paginate(
        Payout.objects.filter(SHOWN, owner_id=owner_id).select_related("run"),
        scope=f"owner-payouts:{owner_id}",
        order=["-id"],
        cursor=cursor,
        limit=limit,
    )
    return PayoutItems(
        items=tuple(_to_item(payout) for payout in page.items), next_cursor=page.next_cursor
    )


def get_payout(*, owner_id: int, payout_id: int) -> PayoutItem | None:
    shown = Payout.objects.filter(SHOWN, owner_id=owner_id, pk=payout_id)
    payout = shown.select_related("run").first()
    return _to_item(payout) if payout else None


def _to_item(payout: Payout) -> PayoutItem:
    names = ("electricity", "wear", "reward", "job", "compensation", "returned")
    parts = [(name, getattr(payout, f"{name}_micros")) for name in names]
    return PayoutItem(
        payout_id=payout.pk,
        currency=payout.currency,
        amount_micros=payout.amount_micros,
        state=payout.state,
        failure_code=payout.failure_code,
        approved_at=payout.run.approved_at,
        sent_at=payout.sent_at,
        finished_at=payout.finished_at,
        provider_id=payout.provider_id,
        offset_micros=payout.offset_reward_micros + payout.offset_job_micros,
        parts=tuple((name, micros) for name, micros in parts if micros),
    )
