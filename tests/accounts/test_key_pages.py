import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import queries
from accounts.models import ApiKey, Organization, User
from tests.factories import create_api_key, create_organization, create_person, sign_in
from web import public_ids


pytestmark = pytest.mark.django_db
BUYER_FORM = {
    "kind": "buyer",
    "buyer-name": "Batch runner",
    "buyer-scopes": ["bookings:read", "bookings:write"],
    "buyer-life_days": "90",
}


@pytest.fixture
def organization() -> Organization:
    return create_organization()


@pytest.fixture
def ben(client: Client, organization: Organization) -> User:
    person: User = organization.memberships.get().user
    sign_in(client, person)
    return person


def read_secret(response: Any) -> str:
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    found = re.search(r'id="secret">([^<]+)<', response.content.decode())
    assert found
    return found[1]


def key_id(key: ApiKey) -> str:
    return public_ids.encode("key", key.pk)


class TestBuyerKeys:
    def test_a_key_is_shown_once_and_works(
        self, client: Client, organization: Organization, ben: User
    ) -> None:
        secret = read_secret(client.post("/buy/developers/keys/", BUYER_FORM))

        found = queries.get_live_key(secret=secret, now=timezone.now())
        assert found is not None
        assert found.organization_id == organization.pk
        assert found.scopes == {"bookings:read", "bookings:write"}
        later = client.get("/buy/developers/").content.decode()
        assert secret not in later
        assert secret[:14] in later

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"buyer-name": ""}, "name"),
            ({"buyer-scopes": []}, "scopes"),
            ({"buyer-scopes": ["usage:write"]}, "scopes"),
            ({"buyer-life_days": "100000"}, "life_days"),
            ({"buyer-life_days": "٣٠"}, "life_days"),
            ({"buyer-name": "a\0b"}, "name"),
        ],
    )
    def test_a_refused_form_marks_the_field(
        self, client: Client, ben: User, change: dict[str, Any], field: str
    ) -> None:
        response = client.post("/buy/developers/keys/", {**BUYER_FORM, **change})

        assert response.status_code == 422
        assert field in response.context["forms"][0].errors
        assert not ApiKey.objects.exists()

    def test_no_kind_but_a_buyers_can_be_made_here(self, client: Client, ben: User) -> None:
        response = client.post("/buy/developers/keys/", {**BUYER_FORM, "kind": "scheduler"})

        assert response.status_code == 404
        assert not ApiKey.objects.exists()

    def test_rotating_shows_the_successor(
        self, client: Client, organization: Organization, ben: User
    ) -> None:
        old = create_api_key(kind="buyer", organization_id=organization.pk)

        response = client.post(f"/buy/developers/{key_id(ApiKey.objects.get())}/rotate/")

        assert read_secret(response) != old
        assert "replaced" in response.content.decode()

    def test_revoking_ends_it(self, client: Client, organization: Organization, ben: User) -> None:
        secret = create_api_key(kind="buyer", organization_id=organization.pk)

        response = client.post(f"/buy/developers/{key_id(ApiKey.objects.get())}/revoke/")

        assert response.status_code == 302
        assert queries.get_live_key(secret=secret, now=timezone.now()) is None

    @pytest.mark.parametrize("action", ["rotate", "revoke"])
    def test_foreign_and_absent_keys_are_the_same_404(
        self, client: Client, ben: User, action: str
    ) -> None:
        theirs = create_organization(create_person("Mallory"), name="Mallory's")
        create_api_key(kind="buyer", organization_id=theirs.pk)
        foreign = ApiKey.objects.get()
        create_api_key()
        house = ApiKey.objects.get(kind="scheduler")

        names = [key_id(foreign), key_id(house), public_ids.encode("key", 999_999), "key_x", "x"]
        statuses = {client.post(f"/buy/developers/{name}/{action}/").status_code for name in names}

        assert statuses == {404}
        assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


class TestOperationsKeys:
    def test_an_operator_makes_a_schedulers_key(self, client: Client) -> None:
        sign_in(client, create_person("Oscar", staff_role="operator"))

        response = client.post(
            "/operations/keys/new/",
            {
                "kind": "scheduler",
                "scheduler-name": "EU 1",
                "scheduler-source": "urn:scheduler:eu-1",
                "scheduler-scopes": ["usage:write"],
                "scheduler-life_days": "365",
            },
        )

        found = queries.get_live_key(secret=read_secret(response), now=timezone.now())
        assert found is not None
        assert (found.kind, found.source) == ("scheduler", "urn:scheduler:eu-1")

    def test_sees_none_of_the_buyers(self, client: Client) -> None:
        create_api_key(kind="buyer", organization_id=create_organization().pk)
        sign_in(client, create_person("Oscar", staff_role="operator"))

        page = client.get("/operations/keys/").content.decode()

        assert ApiKey.objects.get().prefix not in page
