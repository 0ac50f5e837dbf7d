"""
Nobody edits what was agreed: not through the ORM, not through SQL, not in bulk.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg2.extras import DateTimeTZRange

from accounts.models import User
from consent import operations
from consent.models import ConsentEvent, ConsentVersion, Pause, Vehicle
from consent.queries import verify_chain
from consent.queries.evidence import BrokenLink
from tests.consent.terms import NIGHT
from tests.factories import create_consent


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def history(car: Vehicle, olivia: User) -> Vehicle:
    """
    Leave behind two versions and a pause that was ended.
    """
    create_consent(car, now=NIGHT)
    create_consent(car, now=NIGHT + timedelta(hours=1), battery_stop_pct=50)
    operations.pause(
        vehicle_id=car.pk, owner_id=olivia.pk, until=None, kind="until_resumed", now=NIGHT
    )
    operations.resume(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + timedelta(hours=1))
    return car


ATTEMPTS: tuple[Callable[[], object], ...] = (
    lambda: ConsentVersion.objects.update(battery_stop_pct=20),
    lambda: ConsentVersion.objects.all()._raw_delete("default"),
    lambda: ConsentVersion.objects.filter(number=1).update(
        in_force=DateTimeTZRange(NIGHT, NIGHT + timedelta(minutes=1), "[)")
    ),
    lambda: ConsentVersion.objects.filter(number=2).update(
        in_force=DateTimeTZRange(NIGHT, NIGHT + timedelta(minutes=1), "[)")
    ),
    lambda: ConsentVersion.objects.filter(number=2).update(digest=bytes(32)),
    lambda: Pause.objects.update(kind="hour"),
    lambda: Pause.objects.update(during=DateTimeTZRange(NIGHT, None, "[)")),
    lambda: Pause.objects.all()._raw_delete("default"),
    lambda: ConsentEvent.objects.update(number=9),
    lambda: ConsentEvent.objects.all()._raw_delete("default"),
    lambda: run("UPDATE consent_consentversion SET categories_mask = 63 WHERE number = 1"),
    lambda: run("UPDATE consent_consentversion SET in_force = 'empty' WHERE number = 2"),
    lambda: run("DELETE FROM consent_consentversion"),
    lambda: run("TRUNCATE consent_consentversion"),
    lambda: run("TRUNCATE consent_pause"),
    lambda: run("TRUNCATE consent_consentevent"),
)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_every_attempt_fails(history: Vehicle, attempt: Callable[[], object]) -> None:
    before = list(ConsentVersion.objects.order_by("id").values())

    with pytest.raises(DatabaseError), transaction.atomic():
        attempt()

    assert list(ConsentVersion.objects.order_by("id").values()) == before
    assert verify_chain(vehicle_id=history.pk) is None


class TestVerifyChain:
    def test_finds_what_was_changed_behind_the_triggers(self, history: Vehicle) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "UPDATE consent_consentversion SET battery_stop_pct = 20 WHERE number = 1"
            )
            cursor.execute("SET LOCAL session_replication_role = origin")

        assert verify_chain(vehicle_id=history.pk) == BrokenLink(history.pk, 1)

    def test_finds_a_version_that_was_taken_out(self, history: Vehicle) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("DELETE FROM consent_consentversion WHERE number = 1")
            cursor.execute("SET LOCAL session_replication_role = origin")

        assert verify_chain(vehicle_id=history.pk) == BrokenLink(history.pk, 2)
