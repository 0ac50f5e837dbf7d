"""
The worked examples of the ledger, entry by entry, in the order in which they happen.
"""

import pytest
from django.db import transaction

from accounts.models import Organization, User
from billing.models import Account
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.operations.ledger_checks import read_rules
from billing.queries.reports import get_trial_balance
from tests.billing.people import NOON, create_bens_company, create_olivia, read_balance


pytestmark = pytest.mark.django_db

# code, then debit > credit and the amount in micros; o: Olivia's account, b: Ben's.
EXAMPLES = """
top_up_captured    stripe_pending > b:buyer_prepaid 485200000
top_up_captured    processor_fees > b:buyer_prepaid 14800000
funds_available    stripe_available > stripe_pending 485200000
booking_held       b:buyer_prepaid > b:buyer_held 120000000
usage_settled      b:buyer_held > o:owner_pending:electricity 60480
usage_settled      b:buyer_held > o:owner_pending:wear 12600
usage_settled      b:buyer_held > o:owner_pending:reward 25200
usage_settled      b:buyer_held > platform_fee 27720
job_completed      b:buyer_held > o:owner_pending:job 2000
job_completed      b:buyer_held > platform_fee 500
usage_unbilled     unbilled_usage > o:owner_pending:electricity 60480
consent_breach     breach_compensation > o:owner_available:compensation 171360
low_margin         platform_fee > o:owner_pending:electricity 20000
booking_released   b:buyer_held > b:buyer_prepaid 119871500
shortfall_credit   sla_credits > b:buyer_prepaid 1000000
earnings_released  o:owner_pending:electricity > o:owner_available:electricity 140960
earnings_released  o:owner_pending:wear > o:owner_available:wear 12600
earnings_released  o:owner_pending:reward > o:owner_available:reward 25200
earnings_released  o:owner_pending:job > o:owner_available:job 2000
payout_approved    o:owner_available:compensation > payout_in_transit 171360
payout_approved    o:owner_available:electricity > payout_in_transit 140960
payout_approved    o:owner_available:wear > payout_in_transit 12600
payout_approved    o:owner_available:reward > payout_in_transit 25080
payout_transferred payout_in_transit > stripe_available 350000
payout_failed      stripe_available > o:owner_available:returned 350000
correction         o:owner_receivable > unbilled_usage 60480
buyer_refund       b:buyer_prepaid > refund_in_transit 10000000
buyer_refund       refund_in_transit > stripe_available 10000000
card_dispute       suspense > stripe_available 5000000
card_dispute       processor_fees > stripe_available 2000000
card_dispute       b:buyer_prepaid > suspense 4000000
card_dispute       bad_debt > suspense 1000000
"""


@pytest.fixture
def olivia() -> User:
    return create_olivia()


@pytest.fixture
def bens() -> Organization:
    return create_bens_company()


@pytest.fixture
def booked(olivia: User, bens: Organization) -> None:
    def read(text: str) -> AccountKey:
        if text.startswith("o:"):
            kind, _, component = text[2:].partition(":")
            return AccountKey(kind=kind, component=component, owner_id=olivia.pk)
        if text.startswith("b:"):
            return AccountKey(kind=text[2:], organization_id=bens.pk)
        return AccountKey(kind=text)

    with transaction.atomic():
        for number, line in enumerate(EXAMPLES.strip().splitlines()):
            code, debit, _arrow, credit, amount = line.split()
            post_entry(
                code=code,
                business_key=f"example:{number}",
                effective_at=NOON,
                booked_at=NOON,
                currency="EUR",
                legs=[Leg(debit=read(debit), credit=read(credit), amount_micros=int(amount))],
            )


@pytest.mark.usefixtures("booked")
class TestWorkedExamples:
    def test_the_buyer_pays_for_what_was_delivered(self) -> None:
        # 500.00 - 0.126000 - 0.002500 + 1.00 of credit - 10.00 of refund - 4.00 of dispute.
        assert read_balance("buyer_prepaid") == 486_871_500
        assert read_balance("buyer_held") == 0

    def test_the_fee_is_the_residual_and_a_dear_tariff_eats_it(self) -> None:
        # 0.027720 + 0.000500 - 0.020000.
        assert read_balance("platform_fee") == 8_220

    def test_the_owner_has_what_was_not_paid_out_and_what_came_back(self, olivia: User) -> None:
        # 0.025200 less 0.025080 paid, 0.002000 of the job, and the payout that came back.
        assert read_balance("owner_available", owner=olivia) == 120 + 2_000 + 350_000
        assert read_balance("owner_pending", owner=olivia) == 0
        assert read_balance("owner_receivable", owner=olivia) == -60_480

    def test_clearing_accounts_return_to_zero(self) -> None:
        for kind in ("stripe_pending", "payout_in_transit", "refund_in_transit", "suspense"):
            assert read_balance(kind) == 0

    def test_the_provider_holds_what_came_less_what_left(self) -> None:
        # 485.20 + 0.00 (the payout came back) - 10.00 of refund - 7.00 of dispute with its fee.
        assert read_balance("stripe_available") == -468_200_000

    def test_debits_are_credits_and_kept_balances_are_sums(self, olivia: User) -> None:
        until = NOON.replace(year=2027)
        debit, credit = get_trial_balance(as_of=until, booked_until=until).total("EUR")
        rules = {line.name: line.is_ok for line in read_rules()}

        assert debit == credit
        assert rules["debits_are_credits"]
        assert rules["kept_balances_are_sums"]
        assert rules["clearing_is_empty"]
        kept = Account.objects.get(owner=olivia, kind="owner_available")
        assert kept.returned_micros == 350_000
