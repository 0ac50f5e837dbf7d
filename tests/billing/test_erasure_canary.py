"""
Canary Quillfeather earns, leaves, and is forgotten: nothing of her is left in the database, and
the books still tie out.
"""

import os
import subprocess
from collections import Counter

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import operations as accounts
from accounts.models import User
from billing.models import ProviderEvent, QuarantinedRecord, UsageRecord
from billing.operations.erasure import ask_for_erasure
from billing.operations.payout_holds import place_hold
from billing.operations.quarantine import dismiss
from billing.operations.releases import release_due
from config import postgres
from consent import operations as consent
from consent.models import (
    ConsentVersion,
    DecisionRecord,
    Lease,
    StateSample,
    Vehicle,
    VehicleState,
)
from consent.queries import verify_chain
from tests.billing.erasing import CLEARED, DAY, complete, read_breaks
from tests.billing.meters import EVENING, NOON, World, create_car, create_world, settle_all
from tests.billing.people import create_fiona, set_up_payouts
from tests.consent.asking import ask_one, hear, run
from tests.factories import create_owner, sign_in


NAME, PLATE = "Canary Quillfeather", "QUILL 77"
EMAIL = "canary.quillfeather@example.com"
MARKS = ("quillfeather", "canary", "quill 77")
# Where she stands before: mail, audit, sessions, every table of sign-in, and what others wrote.
MARKED = {
    "account_emailaddress",
    "accounts_auditevent",
    "accounts_outbox",
    "accounts_user",
    "billing_payouthold",
    "billing_providerevent",
    "billing_quarantinedrecord",
    "consent_transferoffer",
    "consent_vehicle",
    "django_session",
    "mfa_authenticator",
}
# What tells of her car, though it does not name it.
EVIDENCE = (StateSample, VehicleState, DecisionRecord, Lease)


def create_canary() -> User:
    return accounts.create_person(
        email=EMAIL,
        display_name=NAME,
        password="parked-cars-compute",
        is_owner=True,
        now=EVENING - 30 * DAY,
    )


def dump() -> str:
    """
    Return all that the database holds, as its own tool writes it.
    """
    settings = connection.settings_dict
    done = subprocess.run(
        [
            str(postgres._find_binaries() / "pg_dump"),
            f"--host={settings['HOST']}",
            f"--port={settings['PORT']}",
            f"--username={settings['USER']}",
            settings["NAME"],
        ],
        env={**os.environ, "PGPASSWORD": settings["PASSWORD"]},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def find_marks(text: str) -> dict[str, int]:
    """
    Return in how many rows of which tables something of the canary stands, in letters or in hex.

    Sessions are signed and packed: each is opened. What stands outside of any table has "".
    """
    forms = {form for mark in MARKS for form in (mark, mark.encode().hex())}
    marks, table = Counter[str](), ""
    for line in text.splitlines():
        if line.startswith("COPY "):
            table = line.split()[1].removeprefix("public.")
        elif line == "\\.":
            table = ""
        row = open_session(line) if table == "django_session" else line
        marks[table] += any(form in row.lower() for form in forms)
    return {name: count for name, count in marks.items() if count}


def open_session(row: str) -> str:
    """
    Return a row of the sessions with what is packed in its second column.
    """
    columns = row.split("\t")
    return f"{row} {SessionStore().decode(columns[1])}" if len(columns) > 1 else row


@pytest.fixture
def world() -> World:
    return create_world()


def live_a_life(world: World, canary: User) -> Vehicle:
    """
    Leave traces in every corner: a car that works and breaks rules, mail, sessions, holds,
    offers, telemetry, questions, a provider's words.
    """
    car = create_car(canary, plate=PLATE, energy_wh_per_day_max=400)
    Vehicle.objects.filter(pk=car.pk).update(name="Quillfeather's car")
    hear(car, EVENING)
    assert ask_one(run(car, booking_id=world.booking.id), now=EVENING).permit
    consent.offer_vehicle(
        vehicle_id=car.pk,
        owner_id=canary.pk,
        email="nina@example.com",
        link="http://testserver/offers/{token}/",
        now=EVENING,
    )
    nina = create_car(create_owner("Nina"), plate="NN 1")
    consent.offer_vehicle(
        vehicle_id=nina.pk,
        owner_id=nina.owner_id,
        email=EMAIL,
        link="http://testserver/offers/{token}/",
        now=EVENING,
    )
    world.report(*(world.event(quarter, vehicle=car, sequence=quarter + 1) for quarter in range(4)))
    settle_all()
    place_hold(
        owner_id=canary.pk,
        reason="Ms Quillfeather changed her bank",
        actor_id=create_fiona().pk,
        now=NOON,
    )
    set_up_payouts(canary, account_id="acct_77")
    ProviderEvent.objects.create(
        event_id="evt_1",
        kind="snapshot",
        event_type="account.updated",
        provider_account_id="acct_77",
        body=f'{{"individual": {{"last_name": "{NAME}", "email": "{EMAIL}"}}}}',
        received_at=NOON,
        due_at=NOON,
    )
    accounts.record_audit(
        actor_id=canary.pk,
        action="note",
        subject=f"vehicle:{car.pk}",
        detail={"plate": PLATE},
        now=NOON,
    )
    accounts.record_audit(
        actor_id=None,
        action="mail.replayed",
        subject="outbox:1",
        detail={"error": f"550 <{EMAIL}>: no such box"},
        now=NOON,
    )
    be_quarantined(world, car)
    sign_in_twice(canary)
    Authenticator.objects.create(
        user=canary, type=Authenticator.Type.RECOVERY_CODES, data={"name": NAME}
    )
    return car


def be_quarantined(world: World, car: Vehicle) -> None:
    """
    Let a person of finance write her name beside a record that nobody could take.
    """
    world.report(world.event(9, vehicle=car, sequence=9, energy_wh=2_500))
    settle_all()
    kept = QuarantinedRecord.objects.get(vehicle_id=car.pk)
    dismiss(
        quarantined_id=kept.pk,
        actor_id=User.objects.get(email="fiona@example.com").pk,
        reason="Ms Quillfeather's meter was broken",
        now=NOON,
    )


def sign_in_twice(canary: User) -> None:
    """
    Leave a session that is signed in, and one that asked for a code and never entered it.
    """
    sign_in(Client(), canary)
    with time_machine.travel(NOON, tick=False):
        asked = Client().post(reverse("account_request_login_code"), {"email": EMAIL})
    assert asked.status_code == 302


@pytest.mark.django_db(transaction=True)
class TestCanary:
    def test_leaves_nothing_behind_and_the_books_tie_out(self, world: World) -> None:
        canary = create_canary()
        car = live_a_life(world, canary)
        assert set(find_marks(dump())) == MARKED
        assert all(model.objects.filter(vehicle=car).exists() for model in EVIDENCE)
        digests = list(ConsentVersion.objects.filter(vehicle=car).values_list("digest", flat=True))

        ask_for_erasure(owner_id=canary.pk, gives_up_money=True, now=NOON)
        release_due(now=CLEARED)
        request = complete(canary)

        assert request.erased_at is not None
        assert find_marks(dump()) == {}
        assert read_breaks() == []
        kept = ConsentVersion.objects.filter(vehicle=car).order_by("number")
        assert [bytes(version.digest) for version in kept][: len(digests)] == [
            bytes(digest) for digest in digests
        ]
        assert verify_chain(vehicle_id=car.pk) is None
        assert not any(model.objects.filter(vehicle=car).exists() for model in EVIDENCE)
        # The books have her records still, without what their meters said of the car.
        assert UsageRecord.objects.filter(owner_id=canary.pk, energy_wh__gt=0).count() == 5
        assert not UsageRecord.objects.filter(owner_id=canary.pk, plugged_in=True).exists()

    def test_a_naive_erasure_is_found_out(self, world: World) -> None:
        # Negative control: what most would write leaves her in ten other tables.
        canary = create_canary()
        live_a_life(world, canary)

        User.objects.filter(pk=canary.pk).update(email="gone@example.invalid", display_name="")

        assert set(find_marks(dump())) == MARKED - {"accounts_user"}
