"""
Olivia pauses, skips a night and takes it back, each with one press on a page.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from consent.models import Lease, Pause, Vehicle
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle_state, sign_in
from web.public_ids import encode


@pytest.fixture(autouse=True)
def _night() -> Iterator[None]:
    with time_machine.travel(NIGHT, tick=False):
        yield


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


@pytest.fixture
def working_car(car: Vehicle) -> Vehicle:
    create_consent(car, now=NIGHT - timedelta(days=1))
    create_vehicle_state(car, now=NIGHT)
    return car


def address(name: str, car: Vehicle) -> str:
    return reverse(name, args=[encode("veh", car.pk)])


def read(client: Client, path: str = "/cars/") -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def undo(client: Client) -> None:
    """
    Press the button of the message on the list of cars.
    """
    page = client.get("/cars/").content.decode()
    [form] = re.findall(r'<form class="note-act".*?</form>', page, re.DOTALL)
    action = re.findall(r'action="([^"]+)"', form)[0]
    fields = dict(re.findall(r'name="(token|next)" value="([^"]+)"', form))
    assert client.post(action, fields).status_code == 302


class TestMenu:
    @pytest.mark.parametrize("path", ["/cars/", "/"])
    def test_says_every_clock_time(self, owner: Client, working_car: Vehicle, path: str) -> None:
        page = read(owner, path)

        # NIGHT is Wednesday, 23:03 in Oslo; the night lasts until 07:00.
        assert "For an hour until 00:03" in page
        assert "Tonight until 07:00" in page
        assert "Until I resume no end" in page
        assert "Skip the next night Thu 22:00\N{EN DASH}07:00" in page
        assert "stops within a minute may finish first" in page

    def test_names_the_day_of_an_end_that_is_not_the_next_thing(
        self, owner: Client, working_car: Vehicle
    ) -> None:
        # Thursday, 09:03 in Oslo: 07:00 is past, so a bare clock time would say nothing.
        with time_machine.travel(NIGHT + timedelta(hours=10), tick=False):
            assert "Tonight until Fri 07:00" in read(owner)

            owner.post(address("consent:pause", working_car), {"kind": "tonight"})

            assert "is paused until Fri 07:00." in read(owner)

    def test_is_not_there_without_consent(self, owner: Client, car: Vehicle) -> None:
        assert "For an hour" not in read(owner)


class TestPause:
    def test_lets_the_job_finish_when_asked(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("consent:pause", working_car), {"kind": "tonight", "running": "finish"})

        assert Pause.objects.get().lets_jobs_finish
        page = read(owner)
        assert "Work that runs may finish; nothing new begins." in page
        assert "Paused until 07:00" in page
        assert "Nothing new begins until Thu 19 Nov, 07:00 , and what ran" in read(owner, "/")

    def test_says_so_also_without_an_end(self, owner: Client, working_car: Vehicle) -> None:
        sent = {"kind": "until_resumed", "running": "finish"}
        owner.post(address("consent:pause", working_car), sent)

        assert "Nothing new begins until you resume, and what ran" in read(owner, "/")

    def test_stops_now_otherwise(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("consent:pause", working_car), {"kind": "hour"})

        assert not Pause.objects.get().lets_jobs_finish
        assert "Running work stops within a minute." in read(owner)

    def test_can_be_undone_from_its_message(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("consent:pause", working_car), {"kind": "until_resumed"})

        undo(owner)

        page = read(owner)
        assert "Taken back: it is as it was before." in page
        assert "Ready for work" in page

    def test_resuming_can_be_undone_too(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(
            address("consent:pause", working_car), {"kind": "until_resumed", "running": "finish"}
        )
        read(owner)
        with time_machine.travel(NIGHT + timedelta(minutes=5), tick=False):
            owner.post(address("consent:resume", working_car))

            undo(owner)

            last = Pause.objects.latest("id")
            assert (last.kind, last.ends_at) == ("until_resumed", None)
            assert last.lets_jobs_finish

    def test_cannot_be_undone_much_later(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("consent:pause", working_car), {"kind": "until_resumed"})

        with time_machine.travel(NIGHT + timedelta(minutes=16), tick=False):
            undo(owner)

            page = read(owner)
        assert "That can no longer be taken back." in page
        assert "Paused by you" in page


class TestSkip:
    def test_takes_one_press_and_one_to_take_back(
        self, owner: Client, working_car: Vehicle
    ) -> None:
        owner.post(address("consent:skip", working_car))

        page = read(owner)
        assert "BX 42 LR leaves out Thu 22:00\N{EN DASH}07:00." in page
        assert "Leaves out Thu 22:00\N{EN DASH}07:00. Do not skip it" in page
        assert "Skip the next night" not in page
        assert "Ready for work" in page

        owner.post(address("consent:unskip", working_car))
        assert "Skip the next night" in read(owner)

    def test_can_be_undone_from_its_message(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("consent:skip", working_car))
        undo(owner)
        assert "Skip the next night" in read(owner)

        owner.post(address("consent:skip", working_car))
        read(owner)
        owner.post(address("consent:unskip", working_car))
        undo(owner)
        assert "Leaves out Thu" in read(owner)

    def test_shows_as_a_pause_once_it_has_begun(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("consent:skip", working_car))

        with time_machine.travel(NIGHT + timedelta(days=1), tick=False):
            create_report(working_car)
            page = read(owner)
            assert "Paused until 07:00" in page
            owner.post(address("consent:resume", working_car))
            assert "Ready for work" in read(owner)


def create_report(car: Vehicle) -> None:
    now = timezone.now()
    car.state.observed_at = car.state.heard_at = now
    car.state.save()


class TestUndo:
    @pytest.mark.parametrize("token", ["", "nonsense", "AAAA"])
    def test_takes_no_made_up_text(self, owner: Client, working_car: Vehicle, token: str) -> None:
        owner.post(address("consent:pause", working_car), {"kind": "until_resumed"})

        owner.post(address("consent:undo", working_car), {"token": token})

        assert "That can no longer be taken back." in read(owner)
        assert Pause.objects.get().resumed_at is None


class TestWithdrawal:
    def test_says_what_becomes_of_work_and_money(self, owner: Client, working_car: Vehicle) -> None:
        for place in range(2):
            Lease.objects.create(
                vehicle=working_car,
                job_id=f"j-{place}",
                started_at=NIGHT,
                expires_at=NIGHT + timedelta(seconds=60 * place),
            )

        page = read(owner, address("portal:withdraw", working_car))

        assert "1 job runs on the car. Its permit is not renewed: it stops within 60 s" in page
        assert "is clearing and" in page
        assert "paid out as always" in page

    def test_takes_one_press_and_no_reason(self, owner: Client, working_car: Vehicle) -> None:
        page = owner.get(address("portal:withdraw", working_car)).content.decode()
        main = page[page.index("<main") :]
        [action] = re.findall(r'<form class="actions" method="post" action="([^"]+)"', main)
        assert re.findall(r"<(?:textarea|select|input type=\"(?!hidden))", main) == []

        owner.post(action)

        assert "Your consent is withdrawn." in read(owner)

    def test_has_nothing_to_do_without_a_consent(self, owner: Client, car: Vehicle) -> None:
        page = read(owner, address("portal:withdraw", car))

        assert "There is no consent to withdraw" in page
