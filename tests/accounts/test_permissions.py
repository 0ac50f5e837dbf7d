"""
Step-up: approving money asks again who it is, and then does what was asked.
"""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import (
    PersonRequest,
    approver_required,
    fresh_sign_in_required,
)
from config.urls import urlpatterns as real_urlpatterns
from tests.factories import PASSWORD, create_person, sign_in


pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/finance/runs/7/"}
approved: list[str] = []


@require_http_methods(["GET", "POST"])
@approver_required
@fresh_sign_in_required
def approve(request: PersonRequest) -> HttpResponse:
    approved.append(request.POST.get("checksum", ""))
    return HttpResponse("approved")


urlpatterns = [path("approve/", approve), *real_urlpatterns]


@pytest.fixture(autouse=True)
def mounted(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    approved.clear()


@pytest.fixture
def felix() -> User:
    return create_person("Felix", staff_role="finance_approver")


class TestFreshSignIn:
    def test_lets_somebody_through_who_just_signed_in(self, client: Client, felix: User) -> None:
        sign_in(client, felix)

        assert client.post("/approve/", {"checksum": "abc"}).content == b"approved"
        assert approved == ["abc"]

    def test_keeps_the_request_and_carries_it_out_after_the_password(
        self, client: Client, felix: User
    ) -> None:
        sign_in(client, felix, is_fresh=False)

        asked = client.post("/approve/", {"checksum": "abc"})
        assert asked.status_code == 302
        assert approved == []
        done = client.post(asked.headers["Location"], {"password": PASSWORD})

        assert done.content == b"approved"
        assert approved == ["abc"]

    def test_a_wrong_password_approves_nothing(self, client: Client, felix: User) -> None:
        sign_in(client, felix, is_fresh=False)
        asked = client.post("/approve/", {"checksum": "abc"})

        again = client.post(asked.headers["Location"], {"password": "wrong"})

        assert again.status_code == 422
        assert approved == []

    def test_a_fragment_sends_the_whole_page_to_sign_in(self, client: Client, felix: User) -> None:
        sign_in(client, felix, is_fresh=False)

        response = client.post("/approve/", headers=HTMX)

        target = response.headers["HX-Redirect"]
        assert target.startswith("/account/reauthenticate/?next=")
        assert "%2Ffinance%2Fruns%2F7%2F" in target
        assert approved == []

    def test_somebody_elses_session_is_not_fresh(self, client: Client, felix: User) -> None:
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))
        session = client.session
        session["account_authentication_methods_user"] = "0"
        session.save()
        sign_in(client, felix, is_fresh=False)

        assert client.post("/approve/").status_code == 302

    def test_without_password_or_factor_there_is_nothing_to_ask(
        self, client: Client, felix: User, settings: Any
    ) -> None:
        settings.DEMO = True
        felix.set_unusable_password()
        felix.save()
        sign_in(client, felix, is_fresh=False, has_factor=False)

        response = client.post("/approve/")

        assert response.headers["Location"] == "/account/2fa/"
        assert approved == []


class TestGuards:
    def test_a_fragment_of_a_signed_out_person_sends_the_page_to_sign_in(
        self, client: Client
    ) -> None:
        response = client.get("/approve/", headers=HTMX)

        assert response.headers["HX-Redirect"] == "/account/login/?next=/finance/runs/7/"

    def test_a_preparer_may_not_approve(self, client: Client) -> None:
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))

        assert client.post("/approve/").status_code == 403
