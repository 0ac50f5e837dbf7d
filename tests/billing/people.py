"""
The people of the money tests by name, and money for them to be paid.
"""

from datetime import UTC, datetime

from django.db import connection, transaction

from accounts.models import Organization, User
from billing.models import Account, PayoutAccount
from billing.operations.ledger import AccountKey, Leg, post_entry
from tests.factories import create_organization, create_owner, create_person


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def create_olivia() -> User:
    return create_owner("Olivia")


def create_fiona() -> User:
    return create_person("Fiona", staff_role="finance_preparer")


def create_felix() -> User:
    return create_person("Felix", staff_role="finance_approver")


def create_bens_company() -> Organization:
    return create_organization()


def earn(owner: User, *, currency: str = "EUR", **micros: int) -> None:
    """
    Give an owner available money by component; the platform carries it.
    """
    number = Account.objects.count()
    with transaction.atomic():
        post_entry(
            code="earnings_released",
            business_key=f"earned:{owner.pk}:{number}:{sorted(micros.items())}",
            effective_at=NOON,
            booked_at=NOON,
            currency=currency,
            legs=[
                Leg(
                    debit=AccountKey(kind="unbilled_usage"),
                    credit=AccountKey(
                        kind="owner_available", component=component, owner_id=owner.pk
                    ),
                    amount_micros=amount,
                )
                for component, amount in micros.items()
            ],
        )


def owe(owner: User, *, micros: int) -> None:
    with transaction.atomic():
        post_entry(
            code="correction",
            business_key=f"owed:{owner.pk}:{micros}",
            effective_at=NOON,
            booked_at=NOON,
            currency="EUR",
            legs=[
                Leg(
                    debit=AccountKey(kind="owner_receivable", owner_id=owner.pk),
                    credit=AccountKey(kind="unbilled_usage"),
                    amount_micros=micros,
                )
            ],
        )


def set_up_payouts(owner: User, *, account_id: str = "", is_ready: bool = True) -> PayoutAccount:
    return PayoutAccount.objects.create(
        owner=owner,
        country="NO",
        currency="EUR",
        provider_account_id=account_id or f"acct_{owner.pk}",
        status="active" if is_ready else "restricted",
        is_ready=is_ready,
        read_at=NOON,
        created_at=NOON,
    )


def read_balance(kind: str, *, owner: User | None = None, component: str | None = None) -> int:
    """
    Return credits minus debits of every matching account, summed from the transfers.
    """
    owner_id = owner.pk if owner else None
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_micros
                ELSE -t.amount_micros END), 0)
            FROM billing_account a
            JOIN billing_transfer t ON a.id IN (t.debit_account_id, t.credit_account_id)
            WHERE a.kind = %s AND (%s::bigint IS NULL OR a.owner_id = %s)
                AND (%s::text IS NULL OR t.component = %s)
            """,
            [kind, owner_id, owner_id, component, component],
        )
        return int(cursor.fetchone()[0])
