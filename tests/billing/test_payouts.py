from datetime import timedelta

import pytest

from billing.gateways.provider import ProviderTransfer
from billing.models import Payout, PayoutAttempt, PayoutRun
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_returns import apply_transfer, confirm_transfers, refresh_transfer
from billing.operations.payout_runs import calculate_run, settle_runs
from billing.operations.payouts import (
    AttemptRevived,
    claim_attempts,
    execute_payouts,
    look_up_unknown,
    record_refusal,
    record_success,
    record_unknown,
)
from tests.billing.people import NOON, create_fiona, read_balance
from tests.billing.stripe import Scene, approve_a_run, stand_in
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def scene(stand_in: StandIn) -> Scene:
    return approve_a_run(stand_in)


def count_transfers(stand_in: StandIn) -> int:
    return len(stand_in.control.get_objects("transfer"))


class TestExecute:
    def test_sends_once_and_books_it(self, scene: Scene, stand_in: StandIn) -> None:
        assert execute_payouts(now=NOON) == 1
        assert execute_payouts(now=NOON) == 0

        assert count_transfers(stand_in) == 1
        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert scene.payout.provider_id.startswith("tr_")
        assert read_balance("payout_in_transit") == 0
        assert read_balance("stripe_available") == 11_500_000

    def test_starts_the_run(self, scene: Scene) -> None:
        execute_payouts(now=NOON)

        scene.run.refresh_from_db()
        assert (scene.run.state, scene.run.started_at) == (PayoutRun.State.EXECUTING, NOON)

    def test_a_refusal_about_the_owner_returns_the_money(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        stand_in.control.add_fault("reject_destination")

        execute_payouts(now=NOON)

        assert scene.payout.state == Payout.State.FAILED
        assert scene.payout.failure_code == "insufficient_capabilities_for_transfer"
        assert read_balance("payout_in_transit") == 0
        assert read_balance("owner_available", owner=scene.olivia, component="returned") == (
            11_500_000
        )

    def test_a_refusal_about_us_is_tried_again_under_a_new_key(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        stand_in.control.add_fault("insufficient_balance")

        execute_payouts(now=NOON)
        assert execute_payouts(now=NOON + 10 * MINUTE) == 0
        execute_payouts(now=NOON + 40 * MINUTE)

        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert list(PayoutAttempt.objects.order_by("number").values_list("state", flat=True)) == [
            "failed",
            "succeeded",
        ]
        assert count_transfers(stand_in) == 1

    def test_gives_the_money_back_when_the_platform_stays_short(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        stand_in.control.add_fault("insufficient_balance", count=8)

        for number in range(8):
            execute_payouts(now=NOON + number * 40 * MINUTE)

        assert scene.payout.state == Payout.State.FAILED
        assert read_balance("owner_available", owner=scene.olivia) == 11_500_000

    @pytest.mark.parametrize("fault", ["reject_destination", "insufficient_balance"])
    def test_the_books_hold_after_a_refusal(
        self, scene: Scene, stand_in: StandIn, fault: str
    ) -> None:
        stand_in.control.add_fault(fault)

        execute_payouts(now=NOON)

        assert check_ledger(now=NOON, with_provider=False).is_clean


class TestUnknown:
    def test_a_dropped_answer_is_found_again(self, scene: Scene, stand_in: StandIn) -> None:
        # The library itself tries three times under the same key.
        stand_in.control.add_fault("drop_after_effect", path="/v1/transfers", count=3)

        execute_payouts(now=NOON)
        assert scene.payout.state == Payout.State.UNKNOWN
        look_up_unknown(now=NOON + MINUTE)

        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert count_transfers(stand_in) == 1
        assert PayoutAttempt.objects.count() == 1

    def test_a_request_that_never_arrived_is_sent_again_under_its_key(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        stand_in.control.add_fault("drop_before_effect", path="/v1/transfers", count=3)

        execute_payouts(now=NOON)
        look_up_unknown(now=NOON + MINUTE)

        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert (count_transfers(stand_in), PayoutAttempt.objects.count()) == (1, 1)

    def test_a_stored_failure_without_effect_leads_to_a_new_key(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        stand_in.control.add_fault("fail", path="/v1/transfers")

        execute_payouts(now=NOON)
        assert scene.payout.state == Payout.State.UNKNOWN
        look_up_unknown(now=NOON + MINUTE)
        execute_payouts(now=NOON + MINUTE)

        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert (count_transfers(stand_in), PayoutAttempt.objects.count()) == (1, 2)

    def test_a_stored_failure_after_the_effect_is_found(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        stand_in.control.add_fault("fail_after_effect", path="/v1/transfers")

        execute_payouts(now=NOON)
        look_up_unknown(now=NOON + MINUTE)

        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert (count_transfers(stand_in), PayoutAttempt.objects.count()) == (1, 1)

    def test_a_worker_that_died_after_its_claim_is_looked_up(
        self, scene: Scene, stand_in: StandIn
    ) -> None:
        claim_attempts(limit=8, now=NOON)

        assert look_up_unknown(now=NOON + MINUTE) == 0
        look_up_unknown(now=NOON + 4 * MINUTE)

        assert scene.payout.state == Payout.State.IN_TRANSIT
        assert count_transfers(stand_in) == 1

    def test_looks_less_often_the_longer_nothing_is_known(self, scene: Scene) -> None:
        claim_attempts(limit=8, now=NOON)
        attempt = PayoutAttempt.objects.get()

        record_unknown(attempt_id=attempt.pk, detail="", is_final=False, now=NOON)
        attempt.refresh_from_db()
        assert attempt.due_at == NOON + timedelta(seconds=15)
        PayoutAttempt.objects.update(look_ups=20)
        record_unknown(attempt_id=attempt.pk, detail="", is_final=False, now=NOON)

        attempt.refresh_from_db()
        assert attempt.due_at == NOON + timedelta(hours=1)

    def test_an_attempt_settled_as_not_made_cannot_come_back_quietly(self, scene: Scene) -> None:
        claim_attempts(limit=8, now=NOON)
        attempt = PayoutAttempt.objects.get()
        record_refusal(attempt_id=attempt.pk, code="not_made", detail="", now=NOON)
        transfer = ProviderTransfer(
            id="tr_1", amount_cents=1150, reversed_cents=0, attempt_key=attempt.idempotency_key
        )

        with pytest.raises(AttemptRevived):
            record_success(attempt_id=attempt.pk, transfer=transfer, now=NOON)


class TestConfirm:
    def test_a_payout_is_paid_once_the_provider_confirms_it(self, scene: Scene) -> None:
        execute_payouts(now=NOON)

        assert confirm_transfers(now=NOON + timedelta(seconds=30)) == 0
        assert confirm_transfers(now=NOON + 2 * MINUTE) == 1

        assert scene.payout.state == Payout.State.PAID

    def test_the_run_settles_when_nothing_is_open(self, scene: Scene) -> None:
        execute_payouts(now=NOON)
        assert settle_runs(now=NOON) == 0
        confirm_transfers(now=NOON + 2 * MINUTE)

        assert settle_runs(now=NOON + 2 * MINUTE) == 1
        assert settle_runs(now=NOON + 2 * MINUTE) == 0

        scene.run.refresh_from_db()
        assert scene.run.state == PayoutRun.State.SETTLED


class TestReversal:
    def reverse(self, scene: Scene, *, cents: int) -> None:
        apply_transfer(
            transfer=ProviderTransfer(
                id=scene.payout.provider_id,
                amount_cents=1150,
                reversed_cents=cents,
                attempt_key="",
            ),
            now=NOON,
        )

    def test_returns_the_money_to_the_balance_once(self, scene: Scene) -> None:
        execute_payouts(now=NOON)

        self.reverse(scene, cents=1150)
        self.reverse(scene, cents=1150)

        assert scene.payout.state == Payout.State.FAILED
        assert read_balance("stripe_available") == 0
        assert read_balance("owner_available", owner=scene.olivia, component="returned") == (
            11_500_000
        )

    def test_a_stale_reading_does_not_undo_it(self, scene: Scene) -> None:
        execute_payouts(now=NOON)
        self.reverse(scene, cents=1150)

        refresh_transfer(transfer_id=scene.payout.provider_id, now=NOON)

        assert scene.payout.state == Payout.State.FAILED

    def test_a_part_comes_back_and_the_rest_stays_paid(self, scene: Scene) -> None:
        execute_payouts(now=NOON)
        confirm_transfers(now=NOON + 2 * MINUTE)

        self.reverse(scene, cents=150)
        assert scene.payout.state == Payout.State.PAID
        self.reverse(scene, cents=1150)

        assert scene.payout.state == Payout.State.FAILED
        assert read_balance("owner_available", owner=scene.olivia) == 11_500_000
        assert check_ledger(now=NOON, with_provider=False).is_clean

    def test_the_next_run_pays_it_again(self, scene: Scene) -> None:
        execute_payouts(now=NOON)
        self.reverse(scene, cents=1150)

        run = calculate_run(actor_id=scene.run.calculated_by_id, currency="EUR", now=NOON)

        payout = run.payouts.get()
        assert (payout.returned_micros, payout.is_after_failure) == (11_500_000, True)


def test_somebody_elses_transfer_is_none_of_ours(stand_in: StandIn) -> None:
    create_fiona()

    assert refresh_transfer(transfer_id="tr_foreign", now=NOON) is False
