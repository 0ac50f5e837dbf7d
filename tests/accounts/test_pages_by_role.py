"""
Every address of accounts for every role.
"""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.models import User
from accounts.urls import urlpatterns
from tests.factories import create_organization, create_owner, create_person, sign_in


pytestmark = pytest.mark.django_db
ROLES = ("stranger", "owner", "viewer", "member", "admin", "preparer", "approver", "operator")
PEOPLE = set(ROLES) - {"stranger"}
MEMBERS = {"viewer", "member", "admin"}
# Address → (method, who gets past the guard).
GUARDS: dict[str, tuple[str, set[str]]] = {
    "settings/": ("get", PEOPLE),
    "settings/own-a-car/": ("post", PEOPLE),
    "settings/organization/": ("get", PEOPLE),
    "buy/team/": ("get", MEMBERS),
    "buy/team/invite/": ("post", {"admin"}),
    "buy/team/switch/": ("post", MEMBERS),
    "buy/team/<str:person>/role/": ("post", {"admin"}),
    "buy/team/<str:person>/remove/": ("post", {"admin"}),
    "buy/developers/": ("get", MEMBERS),
    "buy/developers/keys/": ("post", {"admin"}),
    "buy/developers/<str:key>/rotate/": ("post", {"admin"}),
    "buy/developers/<str:key>/revoke/": ("post", {"admin"}),
    "operations/keys/": ("get", {"operator"}),
    "operations/keys/new/": ("post", {"operator"}),
    "operations/keys/<str:key>/rotate/": ("post", {"operator"}),
    "operations/keys/<str:key>/revoke/": ("post", {"operator"}),
    "operations/limits/": ("get", {"operator"}),
    # Only the demo has it, and there everybody may read it.
    "mail/": ("get", set()),
}
OPEN_TO_ALL = {"mail/"}


def create_somebody(role: str) -> User | None:
    if role == "stranger":
        return None
    if role == "owner":
        return create_owner()
    if role in MEMBERS:
        organization = create_organization()
        admin = organization.memberships.get().user
        if role == "admin":
            return admin
        person = create_person("Mia")
        operations.add_member(
            organization_id=organization.pk,
            user_id=person.pk,
            role=role,
            actor_id=admin.pk,
            now=timezone.now(),
        )
        return person
    staff_role = "operator" if role == "operator" else f"finance_{role}"
    return create_person("Fiona", staff_role=staff_role)


def test_every_address_is_in_the_matrix() -> None:
    assert {str(pattern.pattern) for pattern in urlpatterns} == set(GUARDS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", sorted(set(GUARDS) - OPEN_TO_ALL))
def test_lets_in_whom_it_should(client: Client, route: str, role: str) -> None:
    method, allowed = GUARDS[route]
    person = create_somebody(role)
    if person is not None:
        sign_in(client, person)
    path = "/" + route.replace("<str:person>", "prs_x").replace("<str:key>", "key_x")

    response = getattr(client, method)(path)

    if role in allowed:
        assert response.status_code in {200, 302, 404, 422}
        assert "/account/login/" not in response.headers.get("Location", "")
    elif person is None:
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/account/login/?next=")
    else:
        assert response.status_code == 403


@pytest.mark.parametrize("route", sorted(GUARDS))
def test_refuses_the_other_method(client: Client, route: str) -> None:
    method, _ = GUARDS[route]
    path = "/" + route.replace("<str:person>", "prs_x").replace("<str:key>", "key_x")
    other = client.delete(path) if method == "get" else client.get(path)

    assert other.status_code == 405


@pytest.mark.parametrize("role", ["preparer", "approver", "operator"])
def test_staff_can_do_nothing_without_a_second_factor(client: Client, role: str) -> None:
    person = create_somebody(role)
    assert person is not None
    sign_in(client, person, has_factor=False)

    response = client.get("/settings/")

    assert response.status_code == 302
    assert response.headers["Location"] == "/account/2fa/"
    assert client.get("/account/2fa/").status_code == 200


def test_the_demo_lets_staff_in_without_one(client: Client, settings: Any) -> None:
    settings.DEMO = True
    sign_in(client, create_person("Oscar", staff_role="operator"), has_factor=False)

    assert client.get("/operations/limits/").status_code == 200


def test_mail_is_shown_by_the_demo_alone(client: Client, settings: Any) -> None:
    assert client.get("/mail/").status_code == 404

    settings.DEMO = True

    assert client.get("/mail/").status_code == 200
