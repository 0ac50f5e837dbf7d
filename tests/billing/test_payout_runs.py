import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from billing.models import Payout, PayoutAttempt, PayoutRun
from billing.operations.payout_holds import lift_holds, place_hold
from billing.operations.payout_runs import (
    CurrencyNotPayable,
    DraftExists,
    NothingToPay,
    RunChanged,
    SamePerson,
    WrongState,
    approve_run,
    calculate_run,
    cancel_run,
    submit_run,
)
from tests.billing.people import (
    NOON,
    create_felix,
    create_fiona,
    create_olivia,
    earn,
    owe,
    read_balance,
    set_up_payouts,
)


pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia() -> User:
    return create_olivia()


@pytest.fixture
def fiona() -> User:
    return create_fiona()


@pytest.fixture
def felix() -> User:
    return create_felix()


def calculate(fiona: User) -> Payout:
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
    return run.payouts.get()


def approve(run: PayoutRun, *, by: User) -> PayoutRun:
    return approve_run(run_id=run.pk, actor_id=by.pk, checksum=run.checksum, now=NOON)


class TestCalculateRun:
    def test_pays_whole_cents_and_leaves_the_rest(self, olivia: User, fiona: User) -> None:
        set_up_payouts(olivia)
        # 11.504600 in all: 11.50 is paid, 0.0046 stays with what came last, the job money.
        earn(olivia, electricity=6_000_000, wear=1_200_000, reward=4_300_000, job=4_600)

        payout = calculate(fiona)

        assert payout.state == Payout.State.READY
        assert payout.amount_micros == 11_500_000
        assert payout.electricity_micros == 6_000_000
        assert payout.reward_micros == 4_300_000
        assert payout.job_micros == 0
        assert payout.run.carried_micros == 4_600

    def test_takes_what_came_back_first(self, olivia: User, fiona: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, electricity=5_005_000, returned=11_500_000)

        payout = calculate(fiona)

        assert payout.returned_micros == 11_500_000
        assert payout.electricity_micros == 5_000_000

    def test_offsets_a_debt_with_reward_and_job_only(self, olivia: User, fiona: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, electricity=12_000_000, compensation=1_000_000, reward=300_000, job=50_000)
        owe(olivia, micros=500_000)

        payout = calculate(fiona)

        assert (payout.offset_reward_micros, payout.offset_job_micros) == (300_000, 50_000)
        assert payout.amount_micros == 13_000_000
        assert payout.receivable_micros == 500_000

    def test_blocks_below_the_minimum(self, olivia: User, fiona: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, reward=9_200_000)

        payout = calculate(fiona)

        assert (payout.state, payout.block_reason) == ("blocked", "below_minimum")
        assert payout.run.carried_micros == 9_200_000

    def test_blocks_when_the_debt_outweighs(self, olivia: User, fiona: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, reward=11_000_000)
        owe(olivia, micros=2_000_000)

        payout = calculate(fiona)

        assert payout.block_reason == "receivable_outweighs"
        assert payout.offset_reward_micros == 0

    def test_blocks_without_a_payout_account(self, olivia: User, fiona: User) -> None:
        earn(olivia, reward=11_000_000)

        assert calculate(fiona).block_reason == "no_payout_account"

    def test_blocks_while_the_account_is_not_ready(self, olivia: User, fiona: User) -> None:
        earn(olivia, reward=11_000_000)
        set_up_payouts(olivia, is_ready=False)

        assert calculate(fiona).block_reason == "account_not_ready"

    def test_blocks_while_held_and_pays_when_lifted(self, olivia: User, fiona: User) -> None:
        earn(olivia, reward=11_000_000)
        set_up_payouts(olivia)
        hold = place_hold(
            owner_id=olivia.pk, reason="Bank details changed", actor_id=fiona.pk, now=NOON
        )

        held = calculate(fiona)
        assert held.block_reason == "held"
        cancel_run(run_id=held.run_id, actor_id=fiona.pk, now=NOON)
        lift_holds(hold_ids=[hold.pk], actor_id=fiona.pk, now=NOON)

        assert calculate(fiona).state == Payout.State.READY

    def test_ignores_pending_money_and_other_currencies(self, olivia: User, fiona: User) -> None:
        earn(olivia, currency="NOK", reward=900_000_000)

        run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)

        assert not run.payouts.exists()

    def test_refuses_a_second_draft(self, fiona: User) -> None:
        calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)

        with pytest.raises(DraftExists):
            calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)

    def test_refuses_a_currency_without_a_minimum(self, fiona: User) -> None:
        with pytest.raises(CurrencyNotPayable):
            calculate_run(actor_id=fiona.pk, currency="ISK", now=NOON)


class TestApproveRun:
    @pytest.fixture
    def run(self, olivia: User, fiona: User) -> PayoutRun:
        set_up_payouts(olivia)
        earn(olivia, electricity=6_000_000, reward=5_504_600)
        run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
        return submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)

    def test_moves_the_money_and_writes_the_first_attempt(
        self, run: PayoutRun, olivia: User, felix: User
    ) -> None:
        approve(run, by=felix)

        attempt = PayoutAttempt.objects.get()
        assert attempt.request["amount"] == 1150
        assert attempt.request["transfer_group"] == f"run:{run.pk}"
        assert attempt.idempotency_key == f"tr:{attempt.payout_id}:1"
        assert read_balance("payout_in_transit") == 11_500_000
        assert read_balance("owner_available", owner=olivia) == 4_600

    def test_moves_the_money_once_when_called_twice(self, run: PayoutRun, felix: User) -> None:
        approve(run, by=felix)

        with pytest.raises(WrongState):
            approve(run, by=felix)

        assert read_balance("payout_in_transit") == 11_500_000

    def test_refuses_whoever_prepared_it(self, run: PayoutRun, fiona: User) -> None:
        with pytest.raises(SamePerson):
            approve(run, by=fiona)

    def test_the_database_refuses_whoever_prepared_it(self, run: PayoutRun, fiona: User) -> None:
        with pytest.raises(IntegrityError, match="billing_payoutrun_four_eyes"):
            PayoutRun.objects.filter(pk=run.pk).update(
                state="approved", approved_by=fiona, approved_at=NOON
            )

    def test_the_database_refuses_an_approval_by_nobody(self, run: PayoutRun) -> None:
        with pytest.raises(IntegrityError, match="billing_payoutrun_approved_by_somebody"):
            PayoutRun.objects.filter(pk=run.pk).update(state="executing")

    def test_refuses_another_checksum(self, run: PayoutRun, felix: User) -> None:
        with pytest.raises(RunChanged):
            approve_run(run_id=run.pk, actor_id=felix.pk, checksum="0" * 64, now=NOON)

    def test_refuses_an_edited_line(self, run: PayoutRun, felix: User) -> None:
        run.payouts.update(destination="acct_mallory")

        with pytest.raises(RunChanged):
            approve(run, by=felix)

    def test_refuses_when_a_line_was_held_meanwhile(
        self, run: PayoutRun, olivia: User, fiona: User, felix: User
    ) -> None:
        place_hold(owner_id=olivia.pk, reason="Asked by phone", actor_id=fiona.pk, now=NOON)

        with pytest.raises(RunChanged):
            approve(run, by=felix)

    def test_books_the_offset_of_a_debt(self, olivia: User, fiona: User, felix: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, electricity=12_000_000, reward=500_000)
        owe(olivia, micros=300_000)
        run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
        run = submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)

        approve(run, by=felix)

        assert read_balance("owner_receivable", owner=olivia) == 0
        assert read_balance("payout_in_transit") == 12_200_000


class TestSubmitAndCancel:
    def test_an_empty_run_is_not_submitted(self, fiona: User) -> None:
        run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)

        with pytest.raises(NothingToPay):
            submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)

    def test_a_cancelled_run_moves_nothing(self, olivia: User, fiona: User, felix: User) -> None:
        set_up_payouts(olivia)
        earn(olivia, reward=11_000_000)
        run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
        run = submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)

        cancel_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)

        with pytest.raises(WrongState):
            approve(run, by=felix)
        assert read_balance("owner_available", owner=olivia) == 11_000_000


def test_an_attempt_that_has_not_failed_blocks_a_second_one(
    olivia: User, fiona: User, felix: User
) -> None:
    set_up_payouts(olivia)
    earn(olivia, reward=11_000_000)
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
    run = submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)
    approve(run, by=felix)
    first = PayoutAttempt.objects.get()

    with pytest.raises(IntegrityError, match="billing_attempt_one_live"), transaction.atomic():
        PayoutAttempt.objects.create(
            payout=first.payout,
            number=2,
            idempotency_key="tr:again",
            request={},
            created_at=NOON,
        )
    assert connection.is_usable()
