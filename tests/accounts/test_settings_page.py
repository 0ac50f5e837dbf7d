from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User
from tests.factories import create_owner, create_person, sign_in


pytestmark = pytest.mark.django_db
PROFILE = {
    "display_name": "Olivia Owner",
    "time_zone": "Europe/Lisbon",
    "language": "pt",
    "theme": "dark",
}


class TestProfile:
    def test_is_saved_and_taken_along(self, client: Client) -> None:
        olivia = create_owner()
        sign_in(client, olivia)

        response = client.post("/settings/", PROFILE)

        olivia.refresh_from_db()
        assert response.status_code == 302
        assert olivia.time_zone == "Europe/Lisbon"
        assert (olivia.display_name, olivia.language, olivia.theme) == (
            "Olivia Owner",
            "pt",
            "dark",
        )
        assert response.cookies["theme"].value == "dark"
        assert client.get("/settings/").headers["Content-Language"] == "pt"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"time_zone": "../../etc/passwd"}, "time_zone"),
            ({"language": "xx"}, "language"),
            ({"theme": "pink"}, "theme"),
            ({"display_name": "x" * 121}, "display_name"),
        ],
    )
    def test_marks_what_is_wrong(self, client: Client, change: dict[str, Any], field: str) -> None:
        sign_in(client, create_owner())

        response = client.post("/settings/", {**PROFILE, **change})

        assert response.status_code == 422
        assert field in response.context["form"].errors

    def test_extra_fields_give_no_rights(self, client: Client) -> None:
        nina = create_person("Nina")
        sign_in(client, nina)

        client.post("/settings/", {**PROFILE, "staff_role": "operator", "email": "x@example.com"})

        nina.refresh_from_db()
        assert (nina.staff_role, nina.email) == ("", "nina@example.com")


class TestRoles:
    def test_a_buyer_becomes_an_owner_too(self, client: Client) -> None:
        nina = create_person("Nina")
        sign_in(client, nina)

        client.post("/settings/own-a-car/")

        assert User.objects.get(pk=nina.pk).is_owner

    def test_an_owner_founds_an_organisation(self, client: Client) -> None:
        olivia = create_owner()
        sign_in(client, olivia)

        refused = client.post("/settings/organization/", {"organization_name": "", "country": "NO"})
        founded = client.post(
            "/settings/organization/", {"organization_name": "Olivia's", "country": "NO"}
        )

        assert (refused.status_code, founded.status_code) == (422, 302)
        membership = Membership.objects.get(user=olivia)
        assert (membership.role, membership.organization.name) == ("admin", "Olivia's")
