import re
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts import operations
from accounts.models import Outbox, User
from tests.factories import PASSWORD, create_organization, create_owner, create_person


pytestmark = pytest.mark.django_db


def sign_in(client: Client, login: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password, **more})


class TestPassword:
    @pytest.mark.parametrize("typed", ["olivia@example.com", "OLIVIA@example.com "])
    def test_brings_an_owner_home(self, client: Client, typed: str) -> None:
        create_owner()

        assert sign_in(client, typed).headers["Location"] == "/"

    @pytest.mark.parametrize(
        ("role", "home"),
        [
            ("finance_preparer", "/finance/"),
            ("finance_approver", "/finance/"),
            ("operator", "/operations/"),
        ],
    )
    def test_brings_staff_to_their_work(self, client: Client, role: str, home: str) -> None:
        create_person("Fiona", staff_role=role)

        assert sign_in(client, "fiona@example.com").headers["Location"] == home

    def test_brings_a_buyer_to_the_bookings_and_somebody_new_to_the_settings(
        self, client: Client
    ) -> None:
        create_organization()
        create_person("Nina")

        assert sign_in(client, "ben@example.com").headers["Location"] == "/buy/"
        client.logout()
        assert sign_in(client, "nina@example.com").headers["Location"] == "/settings/"

    def test_goes_back_to_the_page_that_asked(self, client: Client) -> None:
        create_owner()

        response = sign_in(client, "olivia@example.com", next="/settings/")

        assert response.headers["Location"] == "/settings/"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x"])
    def test_never_leads_to_somebody_else(self, client: Client, target: str) -> None:
        create_owner()

        assert sign_in(client, "olivia@example.com", next=target).headers["Location"] == "/"

    @pytest.mark.parametrize(
        ("login", "password"),
        [
            ("olivia@example.com", "wrong"),
            ("nobody@example.com", PASSWORD),
            ("olivia@example.com", "a\0b"),
            ("a\0b@example.com", PASSWORD),
            ("", ""),
        ],
    )
    def test_refuses_alike(self, client: Client, login: str, password: str) -> None:
        create_owner()

        response = sign_in(client, login, password)

        assert response.status_code == 422
        assert "_auth_user_id" not in client.session

    def test_gives_up_after_some_tries(self, client: Client) -> None:
        create_owner()

        statuses = [sign_in(client, "olivia@example.com", "wrong").status_code for _ in range(12)]
        right = sign_in(client, "olivia@example.com")

        assert statuses[0] == 422
        assert right.status_code in {422, 429}
        assert "_auth_user_id" not in client.session

    def test_a_forged_address_buys_no_more_tries(self, client: Client) -> None:
        for number in range(15):
            client.post(
                reverse("account_login"),
                {"login": f"person{number}@example.com", "password": "wrong"},
                headers={"X-Forwarded-For": f"10.0.0.{number}"},
            )
        create_owner()

        sign_in(client, "olivia@example.com")

        assert "_auth_user_id" not in client.session

    def test_an_inactive_person_stays_out(self, client: Client) -> None:
        olivia = create_owner()
        User.objects.filter(pk=olivia.pk).update(is_active=False)

        sign_in(client, "olivia@example.com")

        assert "_auth_user_id" not in client.session

    def test_brings_language_and_colours_along(self, client: Client) -> None:
        olivia = create_owner()
        User.objects.filter(pk=olivia.pk).update(language="pt", theme="dark")

        response = sign_in(client, "olivia@example.com")

        assert response.cookies["django_language"].value == "pt"
        assert response.cookies["theme"].value == "dark"
        assert client.get("/settings/").headers["Content-Language"] == "pt"
        translation.activate("en")


class TestCode:
    def test_signs_in_somebody_who_was_invited(self, client: Client) -> None:
        organization = create_organization()
        operations.invite_member(
            organization_id=organization.pk,
            email="mia@example.com",
            role="viewer",
            actor_id=organization.memberships.get().user_id,
            sign_in_url="http://testserver/",
            now=timezone.now(),
        )
        client.post(reverse("account_request_login_code"), {"email": "mia@example.com"})
        text = Outbox.objects.latest("id").payload["text"]
        code = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", text, re.MULTILINE)
        assert code

        response = client.post(reverse("account_confirm_login_code"), {"code": code[1]})

        assert response.headers["Location"] == "/buy/"

    def test_says_nothing_about_an_unknown_address(self, client: Client) -> None:
        response = client.post(reverse("account_request_login_code"), {"email": "x@example.com"})

        assert response.status_code == 302


class TestSecondFactor:
    def test_is_asked_for_before_the_person_is_in(self, client: Client) -> None:
        olivia = create_owner()
        secret = generate_totp_secret()
        TOTP.activate(olivia, secret)

        response = sign_in(client, "olivia@example.com")
        assert response.headers["Location"] == reverse("mfa_authenticate")
        assert "_auth_user_id" not in client.session

        counter = next(iter(yield_hotp_counters_from_time()))
        code = format_hotp_value(hotp_value(secret, counter))
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert client.session["_auth_user_id"] == str(olivia.pk)

    def test_a_wrong_code_does_not_help(self, client: Client) -> None:
        TOTP.activate(create_owner(), generate_totp_secret())
        sign_in(client, "olivia@example.com")

        response = client.post(reverse("mfa_authenticate"), {"code": "000000"})

        assert response.status_code == 422
        assert "_auth_user_id" not in client.session


class TestSignOut:
    def test_needs_a_post(self, client: Client) -> None:
        client.force_login(create_owner())

        assert client.get(reverse("account_logout")).status_code == 200
        assert "_auth_user_id" in client.session
        client.post(reverse("account_logout"))
        assert "_auth_user_id" not in client.session
