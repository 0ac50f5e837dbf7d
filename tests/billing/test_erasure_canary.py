"""
Canary Quillfeather earns, leaves, and is forgotten: nothing of her is left in the database, and
the books still tie out.
"""

import os
import subprocess

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client

from accounts import operations as accounts
from accounts.models import User
from billing.models import ProviderEvent
from billing.operations.erasure import ask_for_erasure
from billing.operations.payout_holds import place_hold
from billing.operations.releases import release_due
from config import postgres
from consent import operations as consent
from consent.models import ConsentVersion, StateSample, Vehicle, VehicleState
from consent.queries import verify_chain
from consent.rules.samples import Telemetry
from tests.billing.erasing import CLEARED, DAY, complete, read_breaks
from tests.billing.meters import EVENING, NOON, World, create_car, create_world, settle_all
from tests.billing.people import create_fiona, set_up_payouts
from tests.factories import create_owner, sign_in


NAME, PLATE = "Canary Quillfeather", "QUILL 77"
EMAIL = "canary.quillfeather@example.com"
MARKS = ("quillfeather", "canary", "quill 77")


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


def find_marks(text: str) -> list[str]:
    """
    Return the lines in which something of the canary stands, also packed in base64 or hex.
    """
    forms = {form for mark in MARKS for form in (mark, mark.encode().hex())}
    return [line[:200] for line in text.lower().splitlines() if any(form in line for form in forms)]


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
    sample = Telemetry(observed_at=EVENING, plugged_in=True, state_of_charge_permille=620)
    consent.record_telemetry(samples=[(car.pk, sample)], now=EVENING)
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
    client = Client()
    sign_in(client, canary)
    session = client.session
    session["note"] = NAME
    session.save()
    Authenticator.objects.create(
        user=canary, type=Authenticator.Type.RECOVERY_CODES, data={"name": NAME}
    )
    return car


@pytest.mark.django_db(transaction=True)
class TestCanary:
    def test_leaves_nothing_behind_and_the_books_tie_out(self, world: World) -> None:
        canary = create_canary()
        car = live_a_life(world, canary)
        assert len(find_marks(dump())) > 8
        digests = list(ConsentVersion.objects.filter(vehicle=car).values_list("digest", flat=True))

        ask_for_erasure(owner_id=canary.pk, gives_up_money=True, now=NOON)
        release_due(now=CLEARED)
        request = complete(canary)

        assert request.erased_at is not None
        assert find_marks(dump()) == []
        assert read_breaks() == []
        kept = ConsentVersion.objects.filter(vehicle=car).order_by("number")
        assert [bytes(version.digest) for version in kept][: len(digests)] == [
            bytes(digest) for digest in digests
        ]
        assert verify_chain(vehicle_id=car.pk) is None
        assert not StateSample.objects.filter(vehicle=car).exists()
        assert not VehicleState.objects.filter(vehicle=car).exists()
