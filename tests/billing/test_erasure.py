"""
An owner is forgotten when nothing is owed any more, and the books add up as before.
"""

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Outbox
from accounts.operations import record_audit
from billing.models import (
    PayoutAccount,
    PayoutAttempt,
    PayoutHold,
    QuarantinedRecord,
    Transfer,
    UsageRecord,
)
from billing.operations.erasure import ask_for_erasure, complete_erasures, take_erasure_back
from billing.operations.payout_holds import place_hold
from billing.operations.payouts import execute_payouts
from billing.operations.quarantine import dismiss
from billing.operations.releases import release_due
from consent.models import ConsentVersion
from tests.billing.erasing import CLEARED, complete, read_breaks
from tests.billing.meters import NOON, World, create_car, create_world, settle_all
from tests.billing.people import create_fiona, earn, owe, read_balance, set_up_payouts
from tests.billing.stripe import approve_a_run, stand_in
from tests.factories import create_owner, sign_in
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]


@pytest.fixture
def world() -> World:
    return create_world()


@pytest.mark.django_db
class TestErasure:
    def test_stops_the_cars_at_once(self, world: World) -> None:
        count = ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=False, now=NOON)

        assert count == 1
        world.vehicle.refresh_from_db()
        assert world.vehicle.retired_at == NOON
        assert ConsentVersion.objects.latest("number").state == "withdrawn"

    def test_waits_for_money_that_is_owed(self, world: World) -> None:
        world.report(world.event())
        settle_all()
        ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)

        # It clears first, also when it is given up: else the release would bring it back.
        assert complete(world.olivia, now=NOON).erased_at is None
        release_due(now=CLEARED)
        assert complete(world.olivia).erased_at is not None
        assert read_balance("owner_available", owner=world.olivia) == 0
        assert Transfer.objects.filter(code="account_closed").count() == 3
        assert read_breaks() == []

    def test_waits_until_it_is_paid_out_unless_it_is_given_up(self) -> None:
        olivia = create_owner("Olivia")
        earn(olivia, reward=9_200_000)
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        assert complete(olivia).erased_at is None

        ask_for_erasure(owner_id=olivia.pk, gives_up_money=True, now=NOON)

        assert complete(olivia).erased_at is not None
        assert read_balance("platform_fee") == 9_200_000

    def test_gives_up_less_than_a_cent_by_itself(self) -> None:
        olivia = create_owner("Olivia")
        earn(olivia, reward=9_999)
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)

        assert complete(olivia).erased_at is not None
        assert read_balance("rounding") == 9_999

    def test_writes_a_debt_off(self) -> None:
        olivia = create_owner("Olivia")
        owe(olivia, micros=500_000)
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)

        assert complete(olivia).erased_at is not None
        assert read_balance("owner_receivable", owner=olivia) == 0
        assert read_balance("bad_debt") == -500_000

    def test_waits_for_usage_that_came_before(self, world: World) -> None:
        world.report(world.event())
        ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)

        assert complete(world.olivia).erased_at is None

    def test_writes_one_last_time_and_waits_until_it_left(self) -> None:
        olivia = create_owner("Olivia")
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)

        assert complete_erasures(now=NOON) == 1
        assert Outbox.objects.get().payload["to"] == "olivia@example.com"
        assert complete_erasures(now=NOON) == 0
        olivia.refresh_from_db()
        assert olivia.email == "olivia@example.com"

        complete(olivia)
        assert [message.subject for message in mail.outbox] == [
            "Your account on Parado is being erased"
        ]
        olivia.refresh_from_db()
        assert olivia.email.endswith("@erased.invalid")
        assert not Outbox.objects.exists()

    def test_ends_every_way_in(self) -> None:
        olivia = create_owner("Olivia")
        sign_in(Client(), olivia)
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        complete(olivia)

        olivia.refresh_from_db()
        assert not olivia.is_active
        assert not olivia.has_usable_password()
        assert not Session.objects.exists()
        assert not Authenticator.objects.filter(user=olivia).exists()

    def test_leaves_somebody_else_alone(self, world: World) -> None:
        mallory = create_owner("Mallory")
        sign_in(Client(), mallory)
        other = create_car(mallory, plate="MA 11 RY")
        world.report(world.event(vehicle=other, sequence=1))
        settle_all()

        ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)
        assert complete(world.olivia).erased_at is not None

        mallory.refresh_from_db()
        other.refresh_from_db()
        assert (mallory.email, other.plate) == ("mallory@example.com", "MA 11 RY")
        assert Session.objects.count() == 1
        assert UsageRecord.objects.get(owner_id=mallory.pk).plugged_in is True

    def test_forgets_what_meters_said_of_the_car(self, world: World) -> None:
        world.report(world.event(mobile_data_bytes=7))
        settle_all()
        ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)
        release_due(now=CLEARED)
        complete(world.olivia)

        record = UsageRecord.objects.get()
        assert (record.energy_wh, record.plugged_in, record.is_home) == (252, None, None)
        assert (record.state_of_charge_min_permille, record.mobile_data_bytes) == (None, None)

    def test_forgets_what_the_provider_said_of_a_payout(self, stand_in: StandIn) -> None:
        scene = approve_a_run(stand_in)
        stand_in.control.add_fault("reject_destination")
        execute_payouts(now=NOON)
        assert PayoutAttempt.objects.get().error_detail != ""

        ask_for_erasure(owner_id=scene.olivia.pk, gives_up_money=True, now=NOON)

        assert complete(scene.olivia).erased_at is not None
        attempt = PayoutAttempt.objects.get()
        assert (attempt.error_code != "", attempt.error_detail) == (True, "")

    def test_forgets_what_was_refused_at_the_door_and_decided(self, world: World) -> None:
        other = create_car(create_owner("Mallory"), plate="MA 11 RY")
        world.report(
            world.event(energy_wh=-1),
            world.event(energy_wh=-2),
            world.event(vehicle=other, energy_wh=-3),
        )
        fiona = create_fiona()
        first, still_open, foreign = QuarantinedRecord.objects.order_by("position")
        for kept in (first, foreign):
            dismiss(quarantined_id=kept.pk, actor_id=fiona.pk, reason="Olivia rang", now=NOON)
        ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)
        complete(world.olivia)

        for row in (first, still_open, foreign):
            row.refresh_from_db()
        assert (first.body, first.resolution, first.resolved_by) == ("", "erased", fiona)
        assert still_open.body != ""
        assert (foreign.body != "", foreign.resolution) == (True, "Olivia rang")
        details = AuditEvent.objects.filter(action="quarantine.dismissed").order_by("id")
        assert [bool(event.detail) for event in details] == [False, True]

    def test_forgets_the_browser_that_asked_for_a_code(self) -> None:
        olivia = create_owner("Olivia")
        for email in ("olivia@example.com", "not.olivia@example.com"):
            with time_machine.travel(NOON, tick=False):
                Client().post(reverse("account_request_login_code"), {"email": email})
        assert Session.objects.count() == 2
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        complete(olivia)

        assert [session.get_decoded() for session in Session.objects.all()] != []
        assert Session.objects.count() == 1

    def test_keeps_the_trail_of_who_did_what(self) -> None:
        olivia = create_owner("Olivia")
        fiona = create_fiona()
        place_hold(owner_id=olivia.pk, reason="Olivia rang", actor_id=fiona.pk, now=NOON)
        set_up_payouts(olivia)
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        complete(olivia)

        event = AuditEvent.objects.get(action="payout_hold.placed")
        assert (event.actor_id, event.subject, event.detail) == (
            fiona.pk,
            f"person:{olivia.pk}",
            {},
        )
        assert PayoutHold.objects.get().reason == ""
        account = PayoutAccount.objects.get()
        assert (account.status, account.is_ready) == ("closed", False)

    def test_keeps_what_was_said_of_somebody_with_a_longer_address(self) -> None:
        olivia = create_owner("Olivia")
        for address in ("olivia@example.com", "not.olivia@example.com", "olivia@example.com.no"):
            detail = {"error": f"550 <{address}> is unknown"}
            record_audit(
                actor_id=None, action="mail.replayed", subject="outbox:1", detail=detail, now=NOON
            )
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        complete(olivia)

        replays = AuditEvent.objects.filter(action="mail.replayed").order_by("id")
        assert [bool(event.detail) for event in replays] == [False, True, True]

    def test_stops_a_car_that_was_added_while_it_waited(self) -> None:
        olivia = create_owner("Olivia")
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        car = create_car(olivia, plate="NEW 1")

        complete(olivia)

        car.refresh_from_db()
        assert (car.plate, car.retired_at is None) == ("", False)

    def test_can_be_taken_back_until_the_last_mail(self) -> None:
        olivia = create_owner("Olivia")
        earn(olivia, reward=9_200_000)
        ask_for_erasure(owner_id=olivia.pk, gives_up_money=False, now=NOON)
        assert take_erasure_back(owner_id=olivia.pk, now=NOON)
        assert complete_erasures(now=CLEARED) == 0

        ask_for_erasure(owner_id=olivia.pk, gives_up_money=True, now=NOON)
        complete_erasures(now=CLEARED)
        assert not take_erasure_back(owner_id=olivia.pk, now=NOON)

    def test_needs_no_right_that_the_role_of_the_application_lacks(self, world: World) -> None:
        world.report(world.event())
        settle_all()
        set_up_payouts(world.olivia)
        release_due(now=CLEARED)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE parado_app")
            ask_for_erasure(owner_id=world.olivia.pk, gives_up_money=True, now=NOON)

            assert complete(world.olivia).erased_at is not None
