"""
The style page and the frame: what a browser gets of every component.
"""

import re

import pytest
from django.contrib.messages.storage.base import Message
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from accounts.models import User
from web.samples import make_samples


@pytest.fixture
def style_page(client: Client, settings: pytest.FixtureRequest, db: None) -> HttpResponse:
    settings.DEMO = True  # type: ignore[attr-defined]
    response: HttpResponse = client.get(reverse("web:components"))  # type: ignore[assignment]
    return response


class TestStylePage:
    def test_shows_a_week_of_boxes(self, style_page: HttpResponse) -> None:
        assert style_page.content.decode().count('class="cell') == 168

    def test_no_id_is_used_twice(self, style_page: HttpResponse) -> None:
        ids = re.findall(r'\sid="([^"]+)"', style_page.content.decode())

        assert sorted(set(ids)) == sorted(ids)

    def test_labels_lead_to_something(self, style_page: HttpResponse) -> None:
        html = style_page.content.decode()
        ids = set(re.findall(r'\sid="([^"]+)"', html))
        wanted = {
            name
            for names in re.findall(r'(?:for|aria-labelledby|aria-describedby)="([^"]+)"', html)
            for name in names.split()
        }

        assert wanted <= ids

    def test_has_no_numbers_of_the_language_in_its_drawings(self, style_page: HttpResponse) -> None:
        with override("pt"):
            fall = render_to_string("components/waterfall.html", make_samples())
            meter = render_to_string(
                "components/meter.html", {"meter": make_samples()["meters"][0]}
            )

        assert 'x="69.304%"' in fall
        assert 'value="26"' in meter

    def test_is_not_for_everybody(self, client: Client, db: None) -> None:
        assert client.get(reverse("web:components")).status_code == 404

    def test_is_for_operators(self, client: Client, db: None) -> None:
        operator = User.objects.create_user(
            "oscar@example.org", display_name="Oscar Operates", staff_role="operator"
        )
        client.force_login(operator)

        assert client.get(reverse("web:components")).status_code == 200


class TestFrame:
    def test_binds_htmx(self, style_page: HttpResponse) -> None:
        html = style_page.content.decode()

        for setting in (
            '"allowEval": false',
            '"selfRequestsOnly": true',
            '"allowScriptTags": false',
            '"historyCacheSize": 0',
            '"historyRestoreAsHxRequest": false',
            '"includeIndicatorStyles": false',
        ):
            assert setting in html

    def test_takes_the_theme_from_the_cookie(self, client: Client, db: None) -> None:
        client.cookies["theme"] = "dark"

        assert (
            '<html lang="en" data-theme="dark">' in client.get("/account/login/").content.decode()
        )

    @pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "429", "500"])
    def test_error_pages_stand_without_any_context(self, code: str) -> None:
        html = render_to_string(f"{code}.html")

        assert "<h1" in html
        assert 'href="/"' in html

    def test_the_start_page_needs_no_context(self) -> None:
        assert "never lose by it" in render_to_string("portal/start.html")


class TestMessages:
    @pytest.mark.parametrize(("level", "tone"), [(25, "earn"), (30, "cost"), (40, "stop")])
    def test_have_the_tone_of_their_level(self, level: int, tone: str) -> None:
        html = render_to_string("components/messages.html", {"messages": [Message(level, "Saved")]})

        assert f'data-tone="{tone}"' in html


class TestForms:
    def test_a_refused_form_leads_to_its_fields(self) -> None:
        html = str(make_samples()["form"])

        assert 'href="#id_email"' in html
        assert 'aria-invalid="true"' in html
        assert 'id="id_email_error"' in html

    def test_a_new_form_complains_of_nothing(self) -> None:
        assert "error-summary" not in str(make_samples()["empty_form"])


class TestWeekGrid:
    def test_a_grid_to_read_cannot_be_switched(self) -> None:
        html = render_to_string(
            "components/week_grid.html",
            {"week": make_samples()["week"], "labelled_by": "x", "is_readonly": True},
        )

        assert html.count(" disabled") == 168
        assert "data-day" not in html

    def test_a_partly_open_hour_keeps_its_quarters(self) -> None:
        html = render_to_string("components/week_grid.html", make_samples())

        # Saturday from 13:30 to 16:15: the second half of 13 and the first quarter of 16.
        assert 'value="5-13-c"' in html
        assert 'value="5-16-1"' in html
