"""
Every page that allauth brings stands in the project's own layout.
"""

from collections.abc import Iterator

import pytest
from allauth.urls import urlpatterns
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, reverse

from accounts.models import Outbox
from tests.factories import create_owner, sign_in


pytestmark = pytest.mark.django_db
NO_PAGES = {"mfa_download_recovery_codes", "mfa_login_webauthn"}
STYLES = "css/components.css"


def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns)
        elif pattern.name not in NO_PAGES:
            yield str(pattern.name)


def list_paths() -> Iterator[str]:
    """
    Yield the addresses that need no argument.
    """
    for name in walk(urlpatterns):
        try:
            yield reverse(name)
        except NoReverseMatch:
            continue


PATHS = sorted(set(list_paths()))


def test_there_are_many() -> None:
    assert len(PATHS) >= 20


@pytest.mark.parametrize("path", PATHS)
def test_signed_out(client: Client, path: str) -> None:
    response = client.get(path, follow=True)

    assert response.status_code < 500
    assert STYLES in response.content.decode()


@pytest.mark.parametrize("path", PATHS)
def test_signed_in(client: Client, path: str) -> None:
    sign_in(client, create_owner())

    response = client.get(path)

    assert response.status_code in {200, 302, 404}
    if response.status_code == 200:
        assert STYLES in response.content.decode()


class TestPasswordReset:
    def test_leads_through_to_a_new_password(self, client: Client) -> None:
        olivia = create_owner()
        client.post(reverse("account_reset_password"), {"email": olivia.email})
        address = read_reset_address()

        form = client.get(address, follow=True)
        done = client.post(
            form.redirect_chain[-1][0],
            {"password1": "another-long-word", "password2": "another-long-word"},
        )

        assert STYLES in form.content.decode()
        assert done.status_code == 302
        olivia.refresh_from_db()
        assert olivia.check_password("another-long-word")

    def test_an_old_link_says_so(self, client: Client) -> None:
        response = client.get("/account/password/reset/key/1-set-password/")

        assert response.status_code in {200, 404}
        assert STYLES in response.content.decode()


def read_reset_address() -> str:
    text = str(Outbox.objects.get().payload["text"])
    return next(word for word in text.split() if "/password/reset/key/" in word)
