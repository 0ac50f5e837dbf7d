"""
Who sees which links, and where a person with several roles stands.
"""

from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template import Context
from django.test import Client, RequestFactory
from django.urls import path
from django.views.generic import View

from web.context import Area, find_area, list_areas
from web.templatetags import navigation


SERVED = ["", "cars/", "earnings/", "buy/", "buy/bookings/", "finance/", "finance/runs/"]
urlpatterns = [path(address, View.as_view()) for address in SERVED]


@dataclass
class Memberships:
    count: int = 0
    asked: int = 0

    def exists(self) -> bool:
        self.asked += 1
        return self.count > 0


@dataclass
class Person:
    is_owner: bool = False
    staff_role: str = ""
    memberships: Memberships = field(default_factory=Memberships)
    is_authenticated: bool = True


OLIVIA = Person(is_owner=True)
FIONA = Person(staff_role="finance_preparer")


def make_request(user: object, address: str = "/") -> HttpRequest:
    request = RequestFactory().get(address)
    request.user = user  # type: ignore[assignment]
    return request


@pytest.fixture(autouse=True)
def _addresses(settings: pytest.FixtureRequest) -> None:
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]


def list_links(user: object, address: str, **context: object) -> list[tuple[str, bool]]:
    given = Context({"request": make_request(user, address), **context})
    return [(link.path, link.is_current) for link in navigation.navigation(given)]


class TestAreas:
    def test_follow_the_roles_of_a_person(self) -> None:
        everything = Person(is_owner=True, staff_role="operator", memberships=Memberships(count=2))

        areas = list_areas(request=make_request(everything))

        assert areas == (Area.OWNER, Area.BUYER, Area.OPERATIONS)

    def test_memberships_are_asked_once_per_request(self) -> None:
        person = Person(memberships=Memberships(count=1))
        request = make_request(person)

        list_areas(request=request)
        find_area(request=request)

        assert person.memberships.asked == 1

    def test_an_address_of_another_role_has_no_area(self) -> None:
        assert find_area(request=make_request(OLIVIA, "/finance/runs/")) is None

    def test_nobody_is_nowhere(self) -> None:
        assert list_areas(request=make_request(AnonymousUser())) == ()
        assert find_area(request=RequestFactory().get("/")) is None


class TestNavigation:
    def test_leaves_out_what_nobody_serves(self) -> None:
        assert list_links(OLIVIA, "/") == [("/", True), ("/cars/", False), ("/earnings/", False)]

    def test_a_page_below_an_address_belongs_to_it(self) -> None:
        links = list_links(FIONA, "/finance/runs/run_1/")

        assert links == [("/finance/", False), ("/finance/runs/", True)]

    def test_a_view_may_say_where_it_stands(self) -> None:
        links = list_links(OLIVIA, "/elsewhere/", nav_current="earnings")

        assert [address for address, is_current in links if is_current] == ["/earnings/"]

    def test_signed_out_there_is_none(self) -> None:
        assert list_links(AnonymousUser(), "/") == []
        assert navigation.navigation(Context({})) == ()


class TestAreaSwitch:
    def test_shows_the_other_homes(self) -> None:
        both = Person(is_owner=True, memberships=Memberships(count=1))
        context = Context({"request": make_request(both, "/buy/bookings/")})

        links = navigation.area_switch(context)

        assert [(link.path, link.is_current) for link in links] == [("/", False), ("/buy/", True)]

    def test_one_role_needs_none(self) -> None:
        assert navigation.area_switch(Context({"request": make_request(OLIVIA)})) == ()


class TestTheme:
    @pytest.mark.parametrize(
        ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("x", ""), ("", "")]
    )
    def test_is_read_from_its_cookie(self, cookie: str, theme: str) -> None:
        request = make_request(AnonymousUser())
        request.COOKIES["theme"] = cookie

        assert navigation.theme(Context({"request": request})) == theme

    def test_follows_the_device_without_a_request(self) -> None:
        assert navigation.theme(Context({})) == ""


class TestInitials:
    @pytest.mark.parametrize(
        ("name", "letters"),
        [("Inês Duarte", "ID"), ("Olivia", "O"), ("ines@example.org", "I"), ("", "")],
    )
    def test_are_at_most_two(self, name: str, letters: str) -> None:
        assert navigation.initials(name) == letters


class TestChooseTheme:
    @pytest.fixture(autouse=True)
    def _real_addresses(self, _addresses: None, settings: pytest.FixtureRequest) -> None:
        settings.ROOT_URLCONF = "config.urls"  # type: ignore[attr-defined]

    def test_keeps_the_choice_and_leads_back(self, client: Client) -> None:
        response = client.post("/theme/", {"theme": "dark", "next": "/cars/"})

        assert response.headers["Location"] == "/cars/"
        assert response.cookies["theme"].value == "dark"

    def test_following_the_device_forgets_the_choice(self, client: Client) -> None:
        response = client.post("/theme/", {"theme": ""})

        assert response.cookies["theme"]["max-age"] == 0

    def test_never_leads_away(self, client: Client) -> None:
        response = client.post("/theme/", {"theme": "dark", "next": "https://mallory.example/"})

        assert response.headers["Location"] == "/"
