import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import operations
from accounts.models import Membership, Organization, Outbox, User
from tests.factories import PASSWORD, create_organization, create_person


pytestmark = pytest.mark.django_db
OLIVIA = {
    "purpose": "own",
    "display_name": "Olivia Owner",
    "email": "Olivia@Example.com",
    "password1": PASSWORD,
}
BEN = {
    "purpose": "buy",
    "organization_name": "Ben's Batch",
    "country": "NO",
    "display_name": "Ben Buyer",
    "email": "ben@example.com",
    "password1": PASSWORD,
}


def sign_up(client: Client, form: dict[str, str]) -> Any:
    return client.post(reverse("account_signup"), form)


def deliver() -> list[str]:
    """
    Send what is due and return the texts of all mail so far.
    """
    operations.send_due_mail(now=timezone.now(), keep_text=False)
    return [str(message.body) for message in mail.outbox]


def enter_code(client: Client, text: str) -> Any:
    found = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", text, re.MULTILINE)
    assert found, text
    return client.post(reverse("account_email_verification_sent"), {"code": found[1]})


class TestSignUp:
    def test_an_owner_confirms_the_address_and_is_home(self, client: Client) -> None:
        assert sign_up(client, OLIVIA).status_code == 302
        assert "_auth_user_id" not in client.session

        response = enter_code(client, deliver()[0])

        olivia = User.objects.get()
        assert response.headers["Location"] == "/"
        assert client.session["_auth_user_id"] == str(olivia.pk)
        assert (olivia.email, olivia.display_name) == ("olivia@example.com", "Olivia Owner")
        assert olivia.is_owner
        assert not Organization.objects.exists()

    def test_a_buyer_administers_a_new_organisation(self, client: Client) -> None:
        sign_up(client, BEN)

        response = enter_code(client, deliver()[0])

        membership = Membership.objects.select_related("organization", "user").get()
        assert response.headers["Location"] == "/buy/"
        assert membership.role == "admin"
        assert (membership.organization.name, membership.organization.country) == (
            "Ben's Batch",
            "NO",
        )
        assert not membership.user.is_owner

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"organization_name": ""}, "organization_name"),
            ({"organization_name": "   "}, "organization_name"),
            ({"country": ""}, "country"),
            ({"country": "XX"}, "country"),
            ({"purpose": ""}, "purpose"),
            ({"purpose": "staff"}, "purpose"),
            ({"display_name": ""}, "display_name"),
            ({"display_name": "a\0b"}, "display_name"),
            ({"email": "no address"}, "email"),
            ({"email": "a\0@example.com"}, "email"),
            ({"password1": "short"}, "password1"),
            ({"password1": "ben@example.com"}, "password1"),
        ],
    )
    def test_shows_the_form_again_with_the_field_marked(
        self, client: Client, change: dict[str, str], field: str
    ) -> None:
        response = sign_up(client, {**BEN, **change})

        assert response.status_code == 422
        assert field in response.context["form"].errors
        assert f'href="#id_{field}' in response.content.decode()
        assert not User.objects.exists()

    def test_does_not_tell_who_has_an_account(self, client: Client) -> None:
        create_person("Olivia")

        response = sign_up(client, OLIVIA)

        assert response.status_code == 302
        assert response.headers["Location"] == reverse("account_email_verification_sent")
        assert User.objects.count() == 1
        assert "account" in deliver()[0]

    def test_extra_fields_give_no_rights(self, client: Client) -> None:
        sign_up(client, {**OLIVIA, "staff_role": "operator", "is_superuser": "on"})

        olivia = User.objects.get()
        assert (olivia.staff_role, olivia.is_superuser, olivia.is_staff) == ("", False, False)


class TestInvitation:
    def test_is_not_inherited_by_whoever_typed_the_address_first(self, client: Client) -> None:
        sign_up(client, {**OLIVIA, "email": "mia@example.com"})
        client.logout()
        organization = create_organization()

        operations.invite_member(
            organization_id=organization.pk,
            email="Mia@example.com",
            role="member",
            actor_id=organization.memberships.get().user_id,
            sign_in_url="http://testserver/",
            now=timezone.now(),
        )

        mia = User.objects.get(email="mia@example.com")
        assert not mia.has_usable_password()
        assert mia.memberships.get().role == "member"

    def test_leaves_a_confirmed_person_their_password(self) -> None:
        mia = create_person("Mia")
        organization = create_organization()

        operations.invite_member(
            organization_id=organization.pk,
            email=mia.email,
            role="member",
            actor_id=organization.memberships.get().user_id,
            sign_in_url="http://testserver/",
            now=timezone.now(),
        )

        mia.refresh_from_db()
        assert mia.check_password(PASSWORD)
        assert Outbox.objects.get().payload["to"] == mia.email
