"""
Money of a top-up that goes back to its source.

Refunds are given at the provider, where rights and limits for that are; the books follow what
it says, as they do for payments.
"""

from datetime import datetime

from billing.gateways.provider import Refund
from billing.models import MICROS_PER_CENT, Account, Entry, TopUp, Transfer
from billing.operations.ledger import NO_LINKS, AccountKey, Leg, Links, post_entry


IN_TRANSIT = AccountKey(kind="refund_in_transit")
AVAILABLE = AccountKey(kind="stripe_available")
BAD_DEBT = AccountKey(kind="bad_debt")
CODE = "buyer_refund"


def book_refund(*, top_up: TopUp, refund: Refund, now: datetime) -> None:
    """
    Book what the provider says of a refund, inside the transaction that holds its top-up's row.

    A repeat or an older reading changes nothing.
    """
    taken = _find_entry(refund, "taken")
    if taken is None and refund.is_taken:
        taken = _take(top_up, refund=refund, now=now)
    if taken is not None and refund.is_over and _find_entry(refund, "returned") is None:
        _give_back(top_up, refund=refund, taken=taken, now=now)


def _take(top_up: TopUp, *, refund: Refund, now: datetime) -> Entry:
    """
    Take the refund from the buyer: the provider has paid it out already.
    """
    amount_micros = refund.amount_cents * MICROS_PER_CENT
    legs = take_back(top_up=top_up, amount_micros=amount_micros, to=IN_TRANSIT)
    legs.append(Leg(debit=IN_TRANSIT, credit=AVAILABLE, amount_micros=amount_micros))
    return _post(top_up, refund=refund, event="taken", legs=legs, now=now)


def take_back(*, top_up: TopUp, amount_micros: int, to: AccountKey) -> list[Leg]:
    """
    Return the legs that take an amount from the prepaid balance, which stays locked.

    What the buyer has spent meanwhile is bad debt; held money belongs to bookings.
    """
    prepaid_micros = min(amount_micros, _lock_prepaid(top_up))
    parts = ((_prepaid_of(top_up), prepaid_micros), (BAD_DEBT, amount_micros - prepaid_micros))
    return [Leg(debit=key, credit=to, amount_micros=micros) for key, micros in parts if micros]


def _give_back(top_up: TopUp, *, refund: Refund, taken: Entry, now: datetime) -> None:
    """
    Undo the entry that took the refund, each part to where it came from.
    """
    parts = Transfer.objects.filter(entry=taken, credit_account__kind=IN_TRANSIT.kind)
    legs = [
        Leg(
            debit=IN_TRANSIT,
            credit=_prepaid_of(top_up) if kind == "buyer_prepaid" else BAD_DEBT,
            amount_micros=micros,
        )
        for kind, micros in parts.order_by("number").values_list(
            "debit_account__kind", "amount_micros"
        )
    ]
    amount_micros = sum(leg.amount_micros for leg in legs)
    legs.append(Leg(debit=AVAILABLE, credit=IN_TRANSIT, amount_micros=amount_micros))
    links = Links(reverses_id=taken.pk)
    _post(top_up, refund=refund, event="returned", legs=legs, now=now, links=links)


def _prepaid_of(top_up: TopUp) -> AccountKey:
    return AccountKey(kind="buyer_prepaid", organization_id=top_up.organization_id)


def _lock_prepaid(top_up: TopUp) -> int:
    """
    Return the prepaid balance in micros; nobody books from it until this transaction ends.
    """
    account = Account.objects.select_for_update(no_key=True).get(
        kind="buyer_prepaid", organization_id=top_up.organization_id, currency=top_up.currency
    )
    return account.balance_micros


def _find_entry(refund: Refund, event: str) -> Entry | None:
    return Entry.objects.filter(business_key=_key_of(refund, event)).first()


def _key_of(refund: Refund, event: str) -> str:
    return f"refund:{refund.id}:{event}"


def _post(
    top_up: TopUp,
    *,
    refund: Refund,
    event: str,
    legs: list[Leg],
    now: datetime,
    links: Links = NO_LINKS,
) -> Entry:
    return post_entry(
        code=CODE,
        business_key=_key_of(refund, event),
        effective_at=now,
        booked_at=now,
        currency=top_up.currency,
        legs=legs,
        links=links,
    )
