from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.models import AuditEvent, Membership, Organization, Outbox, User
from accounts.operations import LastAdmin, NotTeamAdmin
from tests.factories import create_organization, create_person, sign_in
from web import public_ids


pytestmark = pytest.mark.django_db
TEAM = "/buy/team/"


def person_id(user: User) -> str:
    return public_ids.encode("prs", user.pk)


def add(organization: Organization, name: str, role: str) -> User:
    person = create_person(name)
    operations.add_member(
        organization_id=organization.pk,
        user_id=person.pk,
        role=role,
        actor_id=organization.memberships.filter(role="admin")[0].user_id,
        now=timezone.now(),
    )
    return person


@pytest.fixture
def organization() -> Organization:
    return create_organization()


@pytest.fixture
def ben(organization: Organization) -> User:
    return organization.memberships.get().user


class TestShow:
    def test_lists_everybody(self, client: Client, organization: Organization, ben: User) -> None:
        add(organization, "Mia", "viewer")
        sign_in(client, ben)

        page = client.get(TEAM).content.decode()

        assert "ben@example.com" in page
        assert "mia@example.com" in page

    def test_costs_the_same_for_one_and_for_twenty(
        self, client: Client, organization: Organization, ben: User, django_assert_num_queries: Any
    ) -> None:
        sign_in(client, ben)
        client.get(TEAM)
        for count in (1, 20):
            for number in range(count):
                add(organization, f"Mia{count}x{number}", "viewer")
            with django_assert_num_queries(6):
                client.get(TEAM)

    def test_a_viewer_sees_no_controls(self, client: Client, organization: Organization) -> None:
        sign_in(client, add(organization, "Mia", "viewer"))

        page = client.get(TEAM).content.decode()

        assert "/invite/" not in page
        assert "/remove/" not in page


class TestInvite:
    def test_adds_and_writes(self, client: Client, organization: Organization, ben: User) -> None:
        sign_in(client, ben)

        response = client.post(f"{TEAM}invite/", {"email": "Mia@Example.com", "role": "member"})

        assert response.status_code == 302
        mia = organization.memberships.get(user__email="mia@example.com")
        assert mia.role == "member"
        assert "code by e-mail" in Outbox.objects.get().payload["text"]
        assert AuditEvent.objects.filter(action="member.added", actor=ben).count() == 1

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"email": "ben@example.com", "role": "member"}, "email"),
            ({"email": "nothing", "role": "member"}, "email"),
            ({"email": "mia@example.com", "role": "owner"}, "role"),
            ({}, "email"),
        ],
    )
    def test_marks_what_is_wrong(
        self, client: Client, ben: User, form: dict[str, str], field: str
    ) -> None:
        sign_in(client, ben)

        response = client.post(f"{TEAM}invite/", form)

        assert response.status_code == 422
        assert field in response.context["form"].errors
        assert Membership.objects.count() == 1

    @pytest.mark.parametrize("role", ["viewer", "member"])
    def test_is_for_administrators(
        self, client: Client, organization: Organization, role: str
    ) -> None:
        sign_in(client, add(organization, "Mia", role))

        response = client.post(f"{TEAM}invite/", {"email": "x@example.com", "role": "admin"})

        assert response.status_code == 403
        assert not User.objects.filter(email="x@example.com").exists()


class TestChangeRole:
    def test_makes_another_administrator(
        self, client: Client, organization: Organization, ben: User
    ) -> None:
        mia = add(organization, "Mia", "viewer")
        sign_in(client, ben)

        client.post(f"{TEAM}{person_id(mia)}/role/", {"role": "admin"})

        assert mia.memberships.get().role == "admin"

    def test_leaves_the_last_administrator(
        self, client: Client, organization: Organization, ben: User
    ) -> None:
        sign_in(client, ben)

        response = client.post(f"{TEAM}{person_id(ben)}/role/", {"role": "viewer"}, follow=True)

        assert ben.memberships.get().role == "admin"
        assert "appoint another first" in response.content.decode()

    def test_two_administrators_cannot_both_leave(
        self, organization: Organization, ben: User
    ) -> None:
        mia = add(organization, "Mia", "admin")
        now = timezone.now()
        operations.remove_member(
            organization_id=organization.pk, user_id=ben.pk, actor_id=mia.pk, now=now
        )

        with pytest.raises(LastAdmin):
            operations.remove_member(
                organization_id=organization.pk, user_id=mia.pk, actor_id=mia.pk, now=now
            )
        with pytest.raises(NotTeamAdmin):
            operations.remove_member(
                organization_id=organization.pk, user_id=mia.pk, actor_id=ben.pk, now=now
            )


class TestForeign:
    def test_members_of_another_team_are_as_absent_as_nobody(
        self, client: Client, organization: Organization, ben: User
    ) -> None:
        mallory = create_person("Mallory")
        create_organization(mallory, name="Mallory's")
        sign_in(client, mallory)

        answers = [
            client.post(f"{TEAM}{person}/{action}/", {"role": "viewer"})
            for action in ("role", "remove")
            for person in (person_id(ben), public_ids.encode("prs", 999_999), "prs_x", "x")
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert len({strip_request_id(answer.content.decode()) for answer in answers}) == 1
        assert ben.memberships.get().role == "admin"

    def test_switching_reaches_own_organisations_only(
        self, client: Client, organization: Organization, ben: User
    ) -> None:
        foreign = create_organization(create_person("Mallory"), name="Mallory's")
        second = create_organization(ben, name="Ben's other")
        sign_in(client, ben)

        def switch(number: int) -> int:
            chosen = public_ids.encode("org", number)
            return client.post(f"{TEAM}switch/", {"organization": chosen}).status_code

        assert switch(foreign.pk) == switch(999_999) == 404
        assert "Team of Ben&#x27;s Batch" in client.get(TEAM).content.decode()
        assert switch(second.pk) == 302
        assert "Team of Ben&#x27;s other" in client.get(TEAM).content.decode()


def strip_request_id(page: str) -> str:
    """
    Leave out what names the request and not the answer.
    """
    lines = (line for line in page.splitlines() if "csrf" not in line and "request" not in line)
    return "\n".join(lines)
