from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from time_machine import travel

from accounts import operations, queries
from accounts.models import ApiKey, AuditEvent, Organization
from accounts.operations import BadKeyTerms, IssuedKey, KeyNotFound, TooManyKeys
from tests.factories import SOURCE, bearer, create_api_key, create_organization, create_person


pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "/api/v1/moves"


def issue(organization: Organization, **terms: Any) -> IssuedKey:
    given = {
        "name": "Batch runner",
        "kind": "buyer",
        "scopes": frozenset({"bookings:read"}),
        "organization_id": organization.pk,
        "expires_at": NOON + timedelta(days=90),
        "actor_id": None,
        "now": NOON,
    }
    return operations.issue_api_key(**{**given, **terms})


@pytest.fixture
def organization() -> Organization:
    return create_organization()


class TestIssue:
    def test_stores_a_digest_and_never_the_secret(self, organization: Organization) -> None:
        issued = issue(organization)

        row = ApiKey.objects.values().get(pk=issued.key_id)
        stored = " ".join(str(value) for value in row.values())
        assert issued.secret not in stored
        assert issued.secret[20:] not in stored
        assert len(bytes(row["digest"])) == 32
        assert issued.secret.startswith(row["prefix"])
        assert len(row["prefix"]) == len("pk_live_") + 6

    def test_is_noted(self, organization: Organization) -> None:
        issued = issue(organization)

        event = AuditEvent.objects.get(action="key.issued")
        assert event.subject == f"key:{issued.key_id}"
        assert issued.secret not in str(event.detail)

    @pytest.mark.parametrize(
        "terms",
        [
            {"scopes": frozenset()},
            {"scopes": frozenset({"usage:write"})},
            {"scopes": frozenset({"everything"})},
            {"expires_at": NOON},
            {"expires_at": NOON + timedelta(days=367)},
        ],
    )
    def test_refuses_foreign_rights_and_endless_life(
        self, organization: Organization, terms: dict[str, Any]
    ) -> None:
        with pytest.raises(BadKeyTerms):
            issue(organization, **terms)

    def test_stops_at_fifty_live_keys(self, organization: Organization) -> None:
        keys = [issue(organization) for _ in range(50)]
        with pytest.raises(TooManyKeys):
            issue(organization)

        ApiKey.objects.filter(pk=keys[0].key_id).update(revoked_at=NOON)

        assert issue(organization).key_id

    @pytest.mark.parametrize(
        "row", [{"kind": "buyer", "source": SOURCE}, {"kind": "scheduler", "source": ""}]
    )
    def test_the_database_ties_a_key_to_one_holder(
        self, organization: Organization, row: dict[str, str]
    ) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.create(
                name="x",
                prefix="x",
                digest=b"x",
                scopes=["bookings:read"],
                expires_at=NOON,
                organization=organization if row["kind"] == "buyer" else None,
                **row,
            )


@pytest.mark.usefixtures("sample_api")
class TestUse:
    def test_carries_its_organisation_and_scopes(
        self, client: Client, organization: Organization
    ) -> None:
        key = create_api_key(
            kind="buyer", organization_id=organization.pk, scopes=frozenset({"bookings:write"})
        )

        assert client.get(URL, headers=bearer(key)).status_code == 200

    def test_ends_with_its_expiry(self, client: Client, organization: Organization) -> None:
        key = create_api_key(kind="buyer", organization_id=organization.pk, life=timedelta(days=1))

        assert client.get(URL, headers=bearer(key)).status_code == 200
        with travel(timezone.now() + timedelta(days=1)):
            assert client.get(URL, headers=bearer(key)).status_code == 401

    def test_ends_at_once_when_revoked(self, client: Client, organization: Organization) -> None:
        key = create_api_key(kind="buyer", organization_id=organization.pk)
        ben = organization.memberships.get().user

        operations.revoke_api_key(
            key_id=ApiKey.objects.get().pk,
            organization_id=organization.pk,
            actor_id=ben.pk,
            now=timezone.now(),
        )

        assert client.get(URL, headers=bearer(key)).status_code == 401

    def test_does_not_reach_what_its_scopes_leave_out(self, client: Client) -> None:
        key = create_api_key(scopes=frozenset({"bookings:read"}))

        response = client.get(URL, headers=bearer(key))

        assert (response.status_code, response.json()["code"]) == (403, "scope_missing")

    def test_is_not_read_from_the_address(self, client: Client, organization: Organization) -> None:
        key = create_api_key(kind="buyer", organization_id=organization.pk)

        assert client.get(URL, {"api_key": key, "access_token": key}).status_code == 401

    def test_a_session_is_no_key(self, client: Client) -> None:
        client.force_login(create_person())

        assert client.get(URL).status_code == 401

    def test_notes_its_use_once_a_minute(self, client: Client, organization: Organization) -> None:
        with travel(NOON, tick=False) as clock:
            key = create_api_key(kind="buyer", organization_id=organization.pk)
            client.get(URL, headers=bearer(key))
            clock.shift(59)
            client.get(URL, headers=bearer(key))
            first = ApiKey.objects.latest("id").last_used_at
            clock.shift(1)
            client.get(URL, headers=bearer(key))
            second = ApiKey.objects.latest("id").last_used_at

        assert (first, second) == (NOON, NOON + timedelta(seconds=60))


class TestRotate:
    def test_hands_over_with_a_day_of_overlap(self, organization: Organization) -> None:
        old = issue(organization)
        ben = organization.memberships.get().user

        new = operations.rotate_api_key(
            key_id=old.key_id, organization_id=organization.pk, actor_id=ben.pk, now=NOON
        )

        assert new.secret != old.secret
        assert queries.get_live_key(secret=old.secret, now=NOON + timedelta(hours=23))
        assert queries.get_live_key(secret=old.secret, now=NOON + timedelta(hours=24)) is None
        successor = queries.get_live_key(secret=new.secret, now=NOON + timedelta(days=89))
        assert successor is not None
        assert successor.scopes == {"bookings:read"}
        assert ApiKey.objects.get(pk=old.key_id).replaced_by_id == new.key_id

    def test_happens_once(self, organization: Organization) -> None:
        old = issue(organization)
        operations.rotate_api_key(
            key_id=old.key_id,
            organization_id=organization.pk,
            actor_id=organization.memberships.get().user_id,
            now=NOON,
        )

        with pytest.raises(KeyNotFound):
            operations.rotate_api_key(
                key_id=old.key_id, organization_id=organization.pk, actor_id=1, now=NOON
            )

    def test_reaches_nobody_elses_key(self, organization: Organization) -> None:
        old = issue(organization)
        mallory = create_organization(create_person("Mallory"), name="Mallory's")

        for holder in (mallory.pk, None):
            with pytest.raises(KeyNotFound):
                operations.rotate_api_key(
                    key_id=old.key_id, organization_id=holder, actor_id=1, now=NOON
                )
            with pytest.raises(KeyNotFound):
                operations.revoke_api_key(
                    key_id=old.key_id, organization_id=holder, actor_id=1, now=NOON
                )


class TestAuditTrail:
    @pytest.mark.parametrize(
        "change", ["UPDATE accounts_auditevent SET action = 'x'", "DELETE FROM accounts_auditevent"]
    )
    def test_is_never_changed(self, organization: Organization, change: str) -> None:
        issue(organization)

        refusal = pytest.raises(DatabaseError, match="Cannot update or delete rows")
        with refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
