"""
Posting. Nothing else writes entries, transfers or the balances kept beside them.

Both ways of posting run inside the caller's transaction, so that money moves together with
its cause, and both lock the accounts whose balance is kept in the order of their ids.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from django.db import DataError, IntegrityError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from billing.models import KINDS_WITH_PARTS, Account, Entry, Transfer
from web.rows import fetch_rows


SQL = Path(__file__).resolve().parent.parent / "sql"


class KeyReused(Exception):
    """
    The business key of an entry was given again with other content.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """
    One account of the chart, and the part of it that moves where it has parts (an owner's
    pending and available money); it is opened when first posted to.
    """

    kind: str
    component: str = ""
    owner_id: int | None = None
    organization_id: int | None = None

    @property
    def is_kept(self) -> bool:
        """
        Tell whether the account's balance is kept on its row.
        """
        return bool(self.owner_id or self.organization_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """
    One transfer of an entry: debit, credit, and a positive amount in micros.
    """

    debit: AccountKey
    credit: AccountKey
    amount_micros: int
    booking_id: int | None = None
    on_date: date | None = None

    @property
    def component(self) -> str:
        assert not self.debit.component or self.credit.component in {"", self.debit.component}
        return self.debit.component or self.credit.component

    @property
    def owner_id(self) -> int | None:
        return self.debit.owner_id or self.credit.owner_id

    @property
    def organization_id(self) -> int | None:
        return self.debit.organization_id or self.credit.organization_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """
    What an entry belongs to: the settlement that made it, the entry it undoes or adjusts.
    """

    settlement_id: int | None = None
    reverses_id: int | None = None
    corrects_id: int | None = None


NO_LINKS = Links()


# A constraint does not hold, or a figure has no room: the same again would end the same.
BOOKS_REFUSE = (IntegrityError, DataError)

_HAS_UNNAMED_ACCOUNTS = """
SELECT EXISTS (SELECT FROM posting WHERE debit_account_id IS NULL OR credit_account_id IS NULL)
"""


@cache
def read_sql(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


def open_posting(*, cursor: CursorWrapper) -> None:
    """
    Make the temporary table `posting` for this transaction.
    """
    cursor.execute(read_sql("posting_table.sql"))


def post_staged(
    *,
    cursor: CursorWrapper,
    effective_at: datetime,
    booked_at: datetime,
    entry_id: int | None = None,
    settlement_id: int | None = None,
    before_buyers: Callable[[], None] | None = None,
) -> None:
    """
    Post all rows of the temporary table `posting`, set-based, and empty it.

    entry_id and settlement_id serve the rows that do not name their own. `before_buyers`
    runs when owners' balances have moved and buyers' have not: whoever also locks rows of
    bookings does so there, since everybody locks bookings before the money for them.

    :raises IntegrityError: the entry has transfers already, an account would be overdrawn, or
        a row names an account without its owner or organisation.
    """
    cursor.execute(_HAS_UNNAMED_ACCOUNTS)
    if cursor.fetchone()[0]:
        cursor.execute(read_sql("find_accounts.sql"))
    cursor.execute(
        read_sql("post_transfers.sql"),
        {
            "entry_id": entry_id,
            "settlement_id": settlement_id,
            "effective_at": effective_at,
            "booked_at": booked_at,
        },
    )
    if before_buyers is not None:
        before_buyers()
    cursor.execute(read_sql("post_buyers.sql"))


def post_entry(
    *,
    code: str,
    business_key: str,
    effective_at: datetime,
    booked_at: datetime,
    currency: str,
    legs: Sequence[Leg],
    description: str = "",
    links: Links = NO_LINKS,
) -> Entry:
    """
    Post one event, exactly once, inside the caller's transaction.

    The same key with the same legs returns the entry of the first call. An entry without
    legs is refused, as is a leg without an amount.

    :raises KeyReused: the key is in the books with other legs.
    :raises IntegrityError: an account would be overdrawn (billing_account_not_overdrawn).
    """
    assert connection.in_atomic_block, "money moves together with its cause"
    assert legs, "an entry moves money"
    entry, is_new = Entry.objects.get_or_create(
        business_key=business_key,
        defaults={
            "code": code,
            "effective_at": effective_at,
            "booked_at": booked_at,
            "description": description,
            "settlement_id": links.settlement_id,
            "reverses_id": links.reverses_id,
            "corrects_id": links.corrects_id,
        },
    )
    if not is_new:
        _check_same(entry=entry, currency=currency, legs=legs)
        return entry
    accounts = _open_accounts(keys=_keys_of(legs), currency=currency)
    _lock_kept(accounts=accounts)
    Transfer.objects.bulk_create(
        _transfer_of(leg=leg, number=number, entry=entry, currency=currency, accounts=accounts)
        for number, leg in enumerate(legs, start=1)
    )
    _move_balances(legs=legs, accounts=accounts)
    return entry


def _keys_of(legs: Sequence[Leg]) -> list[AccountKey]:
    keys = {key for leg in legs for key in (leg.debit, leg.credit)}
    return sorted(
        keys, key=lambda k: (k.owner_id or 0, k.organization_id or 0, k.kind, k.component)
    )


def _open_accounts(*, keys: Sequence[AccountKey], currency: str) -> dict[AccountKey, int]:
    """
    Return the id of each account, opened in key order where it is missing.
    """
    found = _find_accounts(keys=keys, currency=currency)
    missing = [key for key in keys if key not in found]
    if not missing:
        return found
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO billing_account (kind, currency, owner_id, organization_id)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(k.kind, currency, k.owner_id, k.organization_id) for k in missing],
        )
    return found | _find_accounts(keys=missing, currency=currency)


def _find_accounts(*, keys: Sequence[AccountKey], currency: str) -> dict[AccountKey, int]:
    rows = fetch_rows(
        """
        SELECT k.number, a.id
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[])
            WITH ORDINALITY AS k (kind, owner, organization, number)
        JOIN billing_account a ON coalesce(a.owner_id, 0) = k.owner
            AND coalesce(a.organization_id, 0) = k.organization
            AND a.kind = k.kind AND a.currency = %s
        """,
        [
            [key.kind for key in keys],
            [key.owner_id or 0 for key in keys],
            [key.organization_id or 0 for key in keys],
            currency,
        ],
    )
    return {keys[number - 1]: account_id for number, account_id in rows}


def _lock_kept(*, accounts: dict[AccountKey, int]) -> None:
    kept = [account_id for key, account_id in accounts.items() if key.is_kept]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM billing_account WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [kept],
        )


def _transfer_of(
    *, leg: Leg, number: int, entry: Entry, currency: str, accounts: dict[AccountKey, int]
) -> Transfer:
    return Transfer(
        entry=entry,
        number=number,
        code=entry.code,
        debit_account_id=accounts[leg.debit],
        credit_account_id=accounts[leg.credit],
        component=leg.component,
        amount_micros=leg.amount_micros,
        currency=currency,
        effective_at=entry.effective_at,
        booked_at=entry.booked_at,
        owner_id=leg.owner_id,
        organization_id=leg.organization_id,
        booking_id=leg.booking_id,
        settlement_id=entry.settlement_id,
        on_date=leg.on_date,
    )


def _move_balances(*, legs: Sequence[Leg], accounts: dict[AccountKey, int]) -> None:
    deltas: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for leg in legs:
        for key, micros in ((leg.debit, -leg.amount_micros), (leg.credit, leg.amount_micros)):
            if key.is_kept:
                deltas[accounts[key]]["balance"] += micros
            if key.component:
                deltas[accounts[key]][key.component] += micros
    for account_id, moved in deltas.items():
        Account.objects.filter(pk=account_id).update(
            **{f"{name}_micros": F(f"{name}_micros") + micros for name, micros in moved.items()}
        )


def _check_same(*, entry: Entry, currency: str, legs: Sequence[Leg]) -> None:
    booked = entry.transfers.select_related("debit_account", "credit_account").order_by("number")
    before = [
        (
            _key_of(t.debit_account, t.component),
            _key_of(t.credit_account, t.component),
            t.amount_micros,
            t.currency,
        )
        for t in booked
    ]
    if before != [(leg.debit, leg.credit, leg.amount_micros, currency) for leg in legs]:
        raise KeyReused(entry.business_key)


def _key_of(account: Account, component: str) -> AccountKey:
    return AccountKey(
        kind=account.kind,
        component=component if account.kind in KINDS_WITH_PARTS else "",
        owner_id=account.owner_id,
        organization_id=account.organization_id,
    )
