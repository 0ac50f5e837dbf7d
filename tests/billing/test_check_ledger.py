import time
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import Settings

from accounts.models import Organization
from billing.models import LedgerCheck, LedgerSeal
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.operations.ledger_checks import check_ledger, check_ledger_hourly
from billing.operations.ledger_seals import count_broken_seals, seal_ledger
from billing.operations.payout_returns import confirm_transfers
from billing.operations.payouts import execute_payouts
from billing.operations.top_ups import refresh_checkout
from tests.billing.people import NOON, create_bens_company, create_olivia, earn
from tests.billing.stripe import approve_a_run, stand_in
from tests.billing.test_webhooks import pay_top_ups
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db


def broken_rules(check: LedgerCheck) -> list[str]:
    return [line["name"] for line in check.lines if not line["is_ok"]]


def drift(sql: str) -> None:
    """
    Change what the application cannot: as the owner of the tables, with triggers off.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture
def bens(stand_in: StandIn) -> Organization:
    """
    Let Ben pay in 100 and 101 euro, and Olivia be paid 11.50.
    """
    bens = create_bens_company()
    pay_top_ups(bens, stand_in, count=2)
    for session in stand_in.control.get_objects("checkout.session"):
        refresh_checkout(session_id=session["id"], now=NOON)
    # The stand-in was given 1,000 euro of the platform's own.
    with transaction.atomic():
        post_entry(
            code="platform_funds",
            business_key="funds:1",
            effective_at=NOON,
            booked_at=NOON,
            currency="EUR",
            legs=[
                Leg(
                    debit=AccountKey(kind="stripe_available"),
                    credit=AccountKey(kind="bank"),
                    amount_micros=1_000_000_000,
                )
            ],
        )
    approve_a_run(stand_in)
    execute_payouts(now=NOON)
    confirm_transfers(now=NOON + timedelta(minutes=5))
    return bens


class TestCheckLedger:
    def test_clean_books_tie_out_with_the_provider(self, bens: Organization) -> None:
        check = check_ledger(now=NOON)

        assert broken_rules(check) == []
        assert check.is_clean
        provider = next(line for line in check.lines if line["name"] == "ledger_is_provider")
        # 1,000 + 100 + 101 less fees of 3.20 and 3.23, less 11.50 paid out.
        assert provider["found_micros"] == 1_183_070_000

    def test_an_empty_ledger_is_clean(self, settings: Settings) -> None:
        assert check_ledger(now=NOON).is_clean

    @pytest.mark.parametrize(
        ("sql", "rule"),
        [
            (
                (
                    "UPDATE billing_account SET balance_micros = balance_micros + 10000,"
                    " wear_micros = wear_micros + 10000 WHERE kind = 'owner_available'"
                ),
                "kept_balances_are_sums",
            ),
            (
                "UPDATE billing_transfer SET component = 'job' WHERE code = 'payout_approved'",
                "kept_balances_are_sums",
            ),
            (
                (
                    "UPDATE billing_account SET balance_micros = balance_micros + 10000"
                    " WHERE kind = 'buyer_prepaid'"
                ),
                "kept_balances_are_sums",
            ),
            (
                (
                    "UPDATE billing_transfer SET amount_micros = amount_micros + 10000"
                    " WHERE code = 'payout_transferred'"
                ),
                "payouts_are_transfers",
            ),
            (
                (
                    "UPDATE billing_transfer SET amount_micros = amount_micros - 10000"
                    " WHERE code = 'funds_available'"
                ),
                "pending_is_captured",
            ),
            (
                (
                    "UPDATE billing_transfer SET amount_micros = amount_micros - 10000"
                    " WHERE code = 'platform_funds'"
                ),
                "ledger_is_provider",
            ),
            ("UPDATE billing_transfer SET entry_id = -entry_id", "every_transfer_has_a_source"),
            ("UPDATE billing_transfer SET currency = 'USD'", "debits_are_credits"),
            (
                "UPDATE billing_payout SET state = 'created'",
                "in_transit_is_not_yet_transferred",
            ),
            ("UPDATE billing_payout SET reversed_micros = 10000", "owners_got_what_was_rated"),
            ("DELETE FROM billing_entry", "every_transfer_has_a_source"),
        ],
    )
    def test_one_cent_of_drift_is_found(self, bens: Organization, sql: str, rule: str) -> None:
        drift(sql)

        check = check_ledger(now=NOON)

        assert not check.is_clean
        assert rule in broken_rules(check)

    def test_a_silent_provider_is_not_a_proof(self, bens: Organization, settings: Settings) -> None:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        assert broken_rules(check_ledger(now=NOON)) == ["ledger_is_provider"]
        assert check_ledger(now=NOON, with_provider=False).is_clean

    def test_runs_once_an_hour_by_itself(self) -> None:
        assert check_ledger_hourly(now=NOON) == 1
        assert check_ledger_hourly(now=NOON + timedelta(minutes=59)) == 0
        assert check_ledger_hourly(now=NOON + timedelta(minutes=61)) == 1


class TestCommand:
    def test_prints_every_rule_and_succeeds(self, bens: Organization) -> None:
        out = StringIO()

        call_command("check_ledger", stdout=out)

        assert out.getvalue().count("ok ") == 12
        assert "The books tie out." in out.getvalue()

    def test_fails_on_a_break(self, bens: Organization) -> None:
        drift("UPDATE billing_account SET balance_micros = 1 WHERE kind = 'buyer_prepaid'")

        with pytest.raises(CommandError, match="do not tie out") as refused:
            call_command("check_ledger", stdout=StringIO())

        assert refused.value.returncode == 1


def seal(*, now: datetime) -> int:
    """
    Seal as soon as no older transaction of the server is open: other tests share it.
    """
    until = time.monotonic() + 30
    while not (count := seal_ledger(now=now)) and time.monotonic() < until:
        time.sleep(0.05)
    return count


@pytest.mark.django_db(transaction=True)
class TestSeals:
    def seal_two_blocks(self) -> None:
        olivia = create_olivia()
        earn(olivia, reward=1)
        assert seal(now=NOON) == 1
        earn(olivia, reward=2, wear=3)
        assert seal(now=NOON + timedelta(minutes=2)) == 2

    def test_blocks_follow_each_other(self) -> None:
        self.seal_two_blocks()

        first, second = LedgerSeal.objects.order_by("id")
        assert second.from_xid == first.until_xid
        assert bytes(second.previous_digest) == bytes(first.digest)
        assert count_broken_seals() == (2, 0)

    def test_seals_at_most_once_a_minute(self) -> None:
        olivia = create_olivia()
        earn(olivia, reward=1)
        assert seal(now=NOON) == 1
        earn(olivia, reward=2)

        assert seal_ledger(now=NOON + timedelta(seconds=30)) == 0

    def test_an_edited_transfer_breaks_its_block(self) -> None:
        self.seal_two_blocks()
        with transaction.atomic():
            drift("UPDATE billing_transfer SET amount_micros = 4 WHERE amount_micros = 3")

        assert count_broken_seals() == (2, 1)
        assert "seals" in broken_rules(check_ledger(now=NOON, with_provider=False))

    def test_a_row_that_is_taken_away_breaks_its_block(self) -> None:
        self.seal_two_blocks()
        with transaction.atomic():
            drift("DELETE FROM billing_transfer WHERE amount_micros = 1")

        assert count_broken_seals() == (2, 1)
