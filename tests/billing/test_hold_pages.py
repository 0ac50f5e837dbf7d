"""
Owners whom finance holds back: their lines in a run, and paying them again.
"""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from billing.models import Payout, PayoutHold, PayoutRun
from billing.operations.payout_holds import hold_payouts, lift_holds, place_hold
from billing.operations.payout_runs import calculate_run, cancel_run
from tests.billing.people import (
    NOON,
    create_felix,
    create_fiona,
    create_olivia,
    earn,
    set_up_payouts,
)
from tests.factories import create_owner, create_person, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture
def fiona() -> User:
    return create_fiona()


@pytest.fixture
def felix() -> User:
    return create_felix()


@pytest.fixture
def run(fiona: User) -> PayoutRun:
    """
    Olivia gets 11.50, Otto is below the minimum.
    """
    olivia, otto = create_olivia(), create_owner("Otto")
    set_up_payouts(olivia)
    earn(olivia, reward=11_504_600)
    earn(otto, reward=9_200_000)
    return calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)


def url(name: str, run: PayoutRun, *more: str) -> str:
    return reverse(f"billing:{name}", args=[encode("run", run.pk), *more])


class TestHeldLines:
    def test_blocked_ones_hold_their_owner_too(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)
        lines = [encode("pay", each) for each in run.payouts.values_list("pk", flat=True)]

        for reason in ("Asked by phone", "Again"):
            client.post(url("payout_run_hold", run), {"payout": lines, "reason": reason})

        assert set(run.payouts.values_list("state", "block_reason")) == {("blocked", "held")}
        assert set(PayoutHold.objects.values_list("reason", flat=True)) == {"Asked by phone"}
        run.refresh_from_db()
        assert (run.payout_count, run.blocked_count, run.amount_micros) == (0, 2, 0)
        assert run.carried_micros == 11_504_600 + 9_200_000

    def test_say_why_also_when_the_hold_is_over(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)
        line = Payout.objects.get(state="ready")
        held_at, lifted_at = NOON + timedelta(minutes=1), NOON + timedelta(minutes=9)
        actor = {"actor_id": fiona.pk}
        hold_payouts(
            run_id=run.pk, payout_ids=[line.pk], reason="Bank details", now=held_at, **actor
        )
        cancel_run(run_id=run.pk, now=held_at, **actor)
        lift_holds(hold_ids=[PayoutHold.objects.get().pk], now=lifted_at, **actor)
        place_hold(owner_id=line.owner_id, reason="Later", now=lifted_at, **actor)

        page = client.get(url("payout_run", run)).text

        assert "Bank details" in page
        assert "Later" not in page


class TestHolds:
    @pytest.fixture
    def hold(self, run: PayoutRun, fiona: User) -> PayoutHold:
        line = Payout.objects.get(state="ready")
        hold_payouts(
            run_id=run.pk,
            payout_ids=[line.pk],
            reason="Bank details changed",
            actor_id=fiona.pk,
            now=NOON,
        )
        return PayoutHold.objects.get()

    def lift(self, client: Client, *holds: PayoutHold) -> int:
        chosen = [encode("hld", hold.pk) for hold in holds]
        return client.post(reverse("billing:payout_hold_lift"), {"hold": chosen}).status_code

    def test_are_shown_with_their_reason_and_what_waits(
        self, client: Client, hold: PayoutHold, felix: User
    ) -> None:
        sign_in(client, felix)

        queue = client.get("/finance/").content.decode()
        page = client.get("/finance/runs/held/").content.decode()

        assert "1 owner is held back" in queue
        assert "/finance/runs/held/" in queue
        for text in ("Olivia", "Bank details changed", "Fiona", "€11.50"):
            assert text in page
        assert "Lift the hold" not in page

    def test_one_that_is_lifted_lets_the_next_run_pay(
        self, client: Client, run: PayoutRun, hold: PayoutHold, fiona: User
    ) -> None:
        cancel_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)
        sign_in(client, fiona)
        assert "Lift the hold" in client.get("/finance/runs/held/").content.decode()

        status = self.lift(client, hold)

        hold.refresh_from_db()
        assert status == 302
        assert hold.lifted_by_id == fiona.pk
        assert "Nobody is held back" in client.get("/finance/runs/held/").content.decode()
        assert "held back" not in client.get("/finance/").content.decode()
        assert AuditEvent.objects.filter(action="payout_hold.lifted").count() == 1
        again = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
        assert again.payouts.get(owner_id=hold.owner_id).state == Payout.State.READY

    def test_one_that_was_lifted_keeps_who_did_it(
        self, client: Client, hold: PayoutHold, fiona: User
    ) -> None:
        lift_holds(hold_ids=[hold.pk], actor_id=fiona.pk, now=NOON)
        sign_in(client, create_person("Frida", staff_role="finance_preparer"))

        self.lift(client, hold)

        hold.refresh_from_db()
        assert (hold.lifted_by_id, hold.lifted_at) == (fiona.pk, NOON)
        assert AuditEvent.objects.filter(action="payout_hold.lifted").count() == 1

    def test_nobody_chosen_is_said(self, client: Client, hold: PayoutHold, fiona: User) -> None:
        sign_in(client, fiona)

        response = client.post(reverse("billing:payout_hold_lift"))

        assert response.status_code == 422
        assert "Choose the owners who shall be paid again." in response.content.decode()

    def test_an_approver_may_not_lift(self, client: Client, hold: PayoutHold, felix: User) -> None:
        sign_in(client, felix)

        assert self.lift(client, hold) == 403
        hold.refresh_from_db()
        assert hold.lifted_at is None
