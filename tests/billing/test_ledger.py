import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.models import Account, Entry, Transfer
from billing.operations.ledger import (
    AccountKey,
    KeyReused,
    Leg,
    open_posting,
    post_entry,
    post_staged,
)
from tests.billing.people import NOON, create_bens_company, create_olivia


pytestmark = pytest.mark.django_db


def post(*, key: str, code: str = "test", legs: list[Leg]) -> Entry:
    with transaction.atomic():
        return post_entry(
            code=code,
            business_key=key,
            effective_at=NOON,
            booked_at=NOON,
            currency="EUR",
            legs=legs,
        )


class TestPostEntry:
    def test_moves_a_kept_balance_and_sums_the_platform(self) -> None:
        bens = create_bens_company().pk
        prepaid = AccountKey(kind="buyer_prepaid", organization_id=bens)

        post(
            key="top_up:1",
            legs=[
                Leg(
                    debit=AccountKey(kind="stripe_pending"),
                    credit=prepaid,
                    amount_micros=485_200_000,
                ),
                Leg(
                    debit=AccountKey(kind="processor_fees"),
                    credit=prepaid,
                    amount_micros=14_800_000,
                ),
            ],
        )

        assert Account.objects.get(kind="buyer_prepaid").balance_micros == 500_000_000
        assert Account.objects.get(kind="stripe_pending").balance_micros == 0
        assert Transfer.objects.count() == 2

    def test_posts_once_when_called_twice(self) -> None:
        bens = create_bens_company().pk
        legs = [
            Leg(
                debit=AccountKey(kind="stripe_pending"),
                credit=AccountKey(kind="buyer_prepaid", organization_id=bens),
                amount_micros=7,
            )
        ]

        first = post(key="top_up:1", legs=legs)
        again = post(key="top_up:1", legs=legs)

        assert again == first
        assert Account.objects.get(kind="buyer_prepaid").balance_micros == 7

    def test_refuses_a_key_with_other_content(self) -> None:
        bens = create_bens_company().pk
        prepaid = AccountKey(kind="buyer_prepaid", organization_id=bens)
        leg = Leg(debit=AccountKey(kind="stripe_pending"), credit=prepaid, amount_micros=7)
        other = Leg(debit=AccountKey(kind="stripe_pending"), credit=prepaid, amount_micros=8)
        post(key="top_up:1", legs=[leg])

        with pytest.raises(KeyReused):
            post(key="top_up:1", legs=[other])

    def test_refuses_to_overdraw_a_buyer(self) -> None:
        bens = create_bens_company().pk

        with pytest.raises(IntegrityError, match="billing_account_not_overdrawn"):
            post(
                key="hold:1",
                legs=[
                    Leg(
                        debit=AccountKey(kind="buyer_prepaid", organization_id=bens),
                        credit=AccountKey(kind="buyer_held", organization_id=bens),
                        amount_micros=1,
                    )
                ],
            )

        assert not Transfer.objects.exists()
        assert not Account.objects.exists()


class TestPostStaged:
    def test_opens_accounts_and_moves_balances(self) -> None:
        olivia = create_olivia().pk
        with transaction.atomic(), connection.cursor() as cursor:
            entry = Entry.objects.create(
                code="usage_unbilled",
                effective_at=NOON,
                booked_at=NOON,
                business_key="settlement:1",
            )
            open_posting(cursor=cursor)
            cursor.execute(
                "INSERT INTO posting (code, debit_kind, credit_kind, component, currency,"
                " owner_id, amount_micros)"
                " SELECT 'usage_unbilled', 'unbilled_usage', 'owner_pending', component, 'EUR',"
                " %s, amount FROM (VALUES ('reward', 5), ('reward', 6), ('wear', 7))"
                " AS line (component, amount)",
                [olivia],
            )
            post_staged(cursor=cursor, entry_id=entry.pk, effective_at=NOON, booked_at=NOON)

        pending = Account.objects.get(kind="owner_pending")
        assert (pending.reward_micros, pending.wear_micros, pending.balance_micros) == (11, 7, 18)
        assert Transfer.objects.count() == 3

    def test_refuses_an_owner_account_without_an_owner(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            entry = Entry.objects.create(
                code="x", effective_at=NOON, booked_at=NOON, business_key="settlement:1"
            )
            open_posting(cursor=cursor)
            cursor.execute(
                "INSERT INTO posting (code, debit_kind, credit_kind, component, currency,"
                " amount_micros)"
                " VALUES ('x', 'unbilled_usage', 'owner_pending', 'reward', 'EUR', 5)"
            )
            with pytest.raises(IntegrityError), transaction.atomic():
                post_staged(cursor=cursor, entry_id=entry.pk, effective_at=NOON, booked_at=NOON)


class TestSoundTransfers:
    def test_a_missing_account_is_refused(self) -> None:
        entry = post(
            key="x",
            legs=[
                Leg(
                    debit=AccountKey(kind="bank"),
                    credit=AccountKey(kind="suspense"),
                    amount_micros=1,
                )
            ],
        )
        bank = Account.objects.get(kind="bank")

        with pytest.raises(IntegrityError, match="missing or unfitting"), transaction.atomic():
            Transfer.objects.create(
                entry=entry,
                code="x",
                debit_account=bank,
                credit_account_id=999_999,
                amount_micros=1,
                currency="EUR",
                effective_at=NOON,
                booked_at=NOON,
                number=2,
            )

    def test_another_currency_is_refused(self) -> None:
        entry = post(
            key="x",
            legs=[
                Leg(
                    debit=AccountKey(kind="bank"),
                    credit=AccountKey(kind="suspense"),
                    amount_micros=1,
                )
            ],
        )

        with pytest.raises(IntegrityError, match="missing or unfitting"), transaction.atomic():
            Transfer.objects.create(
                entry=entry,
                code="x",
                debit_account=Account.objects.get(kind="bank"),
                credit_account=Account.objects.get(kind="suspense"),
                amount_micros=1,
                currency="USD",
                effective_at=NOON,
                booked_at=NOON,
                number=2,
            )


APP_ATTEMPTS = (
    "UPDATE billing_transfer SET amount_micros = amount_micros + 1",
    "UPDATE billing_transfer SET amount_micros = 1 WHERE false",
    "DELETE FROM billing_transfer",
    "TRUNCATE billing_transfer",
    "TRUNCATE billing_transfer, billing_entry, billing_account CASCADE",
    "UPDATE billing_entry SET code = 'other'",
    "DELETE FROM billing_entry",
    "UPDATE billing_account SET owner_id = NULL",
    "DELETE FROM billing_account",
    "UPDATE billing_ledgerseal SET digest = ''",
    "ALTER TABLE billing_transfer DISABLE TRIGGER ALL",
    "DROP TRIGGER append_only ON billing_transfer",
    "SET pgtrigger.ignore = '{billing.Transfer:append_only}'; DELETE FROM billing_transfer",
    """
    INSERT INTO billing_transfer SELECT * FROM billing_transfer
    ON CONFLICT (entry_id, number) DO UPDATE SET amount_micros = 1
    """,
    "WITH gone AS (DELETE FROM billing_transfer RETURNING *) SELECT * FROM gone",
    """
    MERGE INTO billing_transfer t USING billing_transfer s
        ON t.entry_id = s.entry_id AND t.number = s.number
    WHEN MATCHED THEN DELETE
    """,
    "SET session_replication_role = replica",
    "GRANT UPDATE ON billing_transfer TO parado_app; UPDATE billing_transfer SET code = ''",
)


def state_of_ledger() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM billing_transfer t ORDER BY 1")
        return list(cursor.fetchall())


class TestAppendOnly:
    @pytest.fixture
    def transfer(self) -> Transfer:
        post(
            key="x",
            legs=[
                Leg(
                    debit=AccountKey(kind="bank"),
                    credit=AccountKey(kind="suspense"),
                    amount_micros=1,
                )
            ],
        )
        return Transfer.objects.get()

    def test_ten_thousand_attempts_as_the_app_role_change_nothing(self, transfer: Transfer) -> None:
        before = state_of_ledger()
        attempts = refused = 0
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE parado_app; SAVEPOINT untouched")
            while attempts < 10_000:
                statement = APP_ATTEMPTS[attempts % len(APP_ATTEMPTS)]
                attempts += 1
                try:
                    cursor.execute(statement)
                except DatabaseError:
                    refused += 1
                    cursor.execute("ROLLBACK TO SAVEPOINT untouched")
            cursor.execute("RESET ROLE")

        assert refused == attempts == 10_000
        assert state_of_ledger() == before

    @pytest.mark.parametrize("is_app_role", [True, False])
    def test_the_orm_changes_nothing(self, transfer: Transfer, *, is_app_role: bool) -> None:
        transfer.amount_micros = 2
        attempts = (
            transfer.save,
            transfer.delete,
            lambda: Transfer.objects.update(amount_micros=2),
            lambda: Transfer.objects.all().delete(),
            lambda: Transfer.objects.bulk_update([transfer], ["amount_micros"]),
            lambda: Entry.objects.update(code="y"),
            lambda: Entry.objects.all()._raw_delete("default"),
            lambda: Account.objects.update(kind="bank"),
        )
        before = state_of_ledger()
        if is_app_role:
            connection.cursor().execute("SET LOCAL ROLE parado_app")
        for attempt in attempts:
            with pytest.raises((DatabaseError, ValueError)), transaction.atomic():
                attempt()
        connection.cursor().execute("RESET ROLE")

        assert state_of_ledger() == before

    @pytest.mark.parametrize(
        ("table", "column"),
        [("billing_transfer", "code"), ("billing_entry", "code"), ("billing_ledgerseal", "digest")],
    )
    @pytest.mark.parametrize(
        "verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}"]
    )
    def test_the_owner_of_the_tables_is_stopped_by_the_triggers(
        self, table: str, column: str, verb: str
    ) -> None:
        refusal = r"append-only|referenced in a foreign key"
        with (
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(verb.format(table, column))

    def test_the_app_role_can_post(self) -> None:
        bens = create_bens_company().pk
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE parado_app")
        post(
            key="x",
            legs=[
                Leg(
                    debit=AccountKey(kind="bank"),
                    credit=AccountKey(kind="buyer_prepaid", organization_id=bens),
                    amount_micros=1,
                )
            ],
        )
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")

        assert Account.objects.get(kind="buyer_prepaid").balance_micros == 1

    def test_the_app_role_gets_its_rights_on_later_tables(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE made_later (id int)")
            cursor.execute("SET LOCAL ROLE parado_app")
            cursor.execute("INSERT INTO made_later VALUES (1)")
            cursor.execute("RESET ROLE")
