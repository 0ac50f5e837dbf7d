"""
Olivia gives her car to Nina: hers ends, Nina's begins with nothing, and Mallory gets nowhere.
"""

import contextlib
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from html import unescape
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Outbox, User
from consent import operations, queries
from consent.models import ConsentEvent, ConsentVersion, TransferOffer, Vehicle
from consent.operations import NewOwnersWords, OfferNotFound, OfferOver, OfferRefused, PlateTaken
from consent.operations.transfers import accept_offer, offer_vehicle, take_offer_back
from consent.queries import VehicleNotFound
from tests.consent.asking import ask, run
from tests.consent.terms import NIGHT
from tests.factories import (
    create_consent,
    create_owner,
    create_person,
    create_vehicle,
    create_vehicle_state,
    sign_in,
)
from web.public_ids import encode


DAY = timedelta(days=1)
LATER = NIGHT + timedelta(hours=1)
LINK = "http://testserver/offers/{token}/"
WORDS = NewOwnersWords("NN 10 AA", "New")


@pytest.fixture
def nina(db: None) -> User:
    return create_person("Nina")


@pytest.fixture
def working_car(car: Vehicle) -> Vehicle:
    create_consent(car)
    create_vehicle_state(car, now=NIGHT)
    return car


def offer(car: Vehicle, email: str = "nina@example.com", **changes: Any) -> str:
    """
    Offer a car and return the secret of the link in the mail.
    """
    values: dict[str, Any] = {
        "vehicle_id": car.pk,
        "owner_id": car.owner_id,
        "email": email,
        "link": LINK,
        "now": NIGHT,
    }
    offer_vehicle(**(values | changes))
    text = Outbox.objects.latest("id").payload["text"]
    [token] = re.findall(r"/offers/([^/]+)/", text)
    return str(token)


def accept(token: str, user: User, now: Any = LATER, words: NewOwnersWords = WORDS) -> Vehicle:
    return accept_offer(token=token, user_id=user.pk, words=words, now=now)


class TestOffer:
    def test_writes_to_the_address(self, working_car: Vehicle) -> None:
        token = offer(working_car, " Nina@Example.com ")

        mail = Outbox.objects.get()
        assert mail.payload["to"] == "nina@example.com"
        assert "Olivia offers you a car" in mail.payload["subject"]
        assert "BX 42 LR" in mail.payload["text"]
        stored = TransferOffer.objects.get()
        assert stored.expires_at == NIGHT + 14 * DAY
        # The secret is in the mail and nowhere else.
        assert token.encode() not in bytes(stored.digest)
        assert token not in str(AuditEvent.objects.values_list("detail", flat=True))

    def test_changes_nothing_by_itself(self, working_car: Vehicle) -> None:
        offer(working_car)

        assert queries.decide_now(
            vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=NIGHT
        ).permit

    def test_takes_the_one_before_back(self, working_car: Vehicle, nina: User) -> None:
        first = offer(working_car)
        second = offer(working_car, "somebody@example.com")

        with pytest.raises(OfferOver):
            accept(first, nina)
        with pytest.raises(OfferNotFound):
            accept(second, nina)

    def test_is_not_made_to_oneself(self, working_car: Vehicle) -> None:
        with pytest.raises(OfferRefused, match="own"):
            offer(working_car, "Olivia@example.com")

    def test_is_not_made_without_end(self, working_car: Vehicle) -> None:
        for place in range(5):
            offer(working_car, f"n{place}@example.com")

        with pytest.raises(OfferRefused, match="often"):
            offer(working_car)
        offer(working_car, now=NIGHT + 2 * DAY)

    def test_needs_the_owner(self, working_car: Vehicle, mallory: User) -> None:
        with pytest.raises(VehicleNotFound):
            offer(working_car, owner_id=mallory.pk)
        with pytest.raises(VehicleNotFound):
            take_offer_back(vehicle_id=working_car.pk, owner_id=mallory.pk, now=NIGHT)


class TestAccept:
    def test_ends_what_was_agreed(self, working_car: Vehicle, nina: User) -> None:
        [before] = ask(run(working_car))
        assert before.permit

        accept(offer(working_car), nina)

        [after] = ask(run(working_car), now=LATER)
        assert after is None or not after.permit
        last = ConsentVersion.objects.latest("number")
        assert (last.vehicle_id, last.state) == (working_car.pk, "withdrawn")
        assert ConsentEvent.objects.latest("id").kind == "withdrawn"
        working_car.refresh_from_db()
        assert working_car.retired_at == LATER

    def test_gives_a_car_of_technical_facts_only(self, working_car: Vehicle, nina: User) -> None:
        made = accept(offer(working_car), nina)

        assert made.owner == nina
        assert made.pk != working_car.pk
        assert (made.plate, made.name) == ("NN 10 AA", "New")
        for fact in ("battery_wh", "rated_power_w", "charge_power_w", "hardware_class_code"):
            assert getattr(made, fact) == getattr(working_car, fact)
        assert not made.versions.exists()
        assert not hasattr(made, "state")
        nina.refresh_from_db()
        assert nina.is_owner

    def test_done_twice_is_done_once(self, working_car: Vehicle, nina: User) -> None:
        token = offer(working_car)

        assert accept(token, nina) == accept(token, nina)
        assert Vehicle.objects.filter(owner=nina).count() == 1

    def test_needs_the_address(self, working_car: Vehicle, mallory: User) -> None:
        token = offer(working_car)

        with pytest.raises(OfferNotFound):
            accept(token, mallory)
        with pytest.raises(OfferNotFound):
            accept("made-up", mallory)

        working_car.refresh_from_db()
        assert working_car.retired_at is None

    def test_needs_an_address_that_was_verified(self, working_car: Vehicle, nina: User) -> None:
        EmailAddress.objects.filter(user=nina).update(verified=False)

        with pytest.raises(OfferNotFound):
            accept(offer(working_car), nina)

    def test_comes_too_late_after_its_day(self, working_car: Vehicle, nina: User) -> None:
        token = offer(working_car)

        with pytest.raises(OfferOver):
            accept(token, nina, now=NIGHT + 14 * DAY)

    def test_comes_too_late_after_it_was_taken_back(self, working_car: Vehicle, nina: User) -> None:
        token = offer(working_car)
        assert take_offer_back(vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=LATER)

        with pytest.raises(OfferOver):
            accept(token, nina)
        assert not take_offer_back(
            vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=LATER
        )

    def test_of_a_plate_that_is_taken_changes_nothing(
        self, working_car: Vehicle, nina: User
    ) -> None:
        create_vehicle(nina, plate="NN 10 AA")

        with pytest.raises(PlateTaken):
            accept(offer(working_car), nina)

        working_car.refresh_from_db()
        assert working_car.retired_at is None
        assert ConsentVersion.objects.latest("number").state == "given"

    def test_takes_skipped_nights_along(self, working_car: Vehicle, nina: User) -> None:
        operations.skip_night(
            vehicle_id=working_car.pk,
            owner_id=working_car.owner_id,
            starts_at=LATER + DAY,
            ends_at=LATER + 2 * DAY,
            now=NIGHT,
        )

        accept(offer(working_car), nina)

        assert working_car.pauses.get().resumed_at == LATER

    def test_goes_on_to_a_third(self, working_car: Vehicle, nina: User, mallory: User) -> None:
        hers = accept(offer(working_car), nina)

        third = accept(offer(hers, "mallory@example.com", now=LATER), mallory, words=WORDS)

        assert third.owner == mallory


@pytest.mark.django_db
def test_no_statement_gives_a_row_to_somebody_else(car: Vehicle, mallory: User) -> None:
    with pytest.raises(DatabaseError, match="never changes its owner"), transaction.atomic():
        Vehicle.objects.filter(pk=car.pk).update(owner=mallory)


def try_to(act: Callable[[], object]) -> None:
    """
    Do something in a thread of its own that may come too late.
    """
    with contextlib.suppress(OfferOver, VehicleNotFound):
        act()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_taking_over_and_taking_back_at_once_ends_one_way() -> None:
    olivia, nina = create_owner("Olivia"), create_person("Nina")
    cars = [create_vehicle(olivia, plate=f"RC {place}") for place in range(4)]
    for car in cars:
        create_consent(car)
        token, words = offer(car), NewOwnersWords(f"NN {car.plate}", "New")
        acts: list[Callable[[], object]] = [
            *(partial(accept, token, nina, words=words) for _ in range(3)),
            partial(take_offer_back, vehicle_id=car.pk, owner_id=olivia.pk, now=LATER),
        ]
        threads = [threading.Thread(target=try_to, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for ended in TransferOffer.objects.select_related("vehicle"):
        assert (ended.accepted_at is None) != (ended.taken_back_at is None)
        assert (ended.vehicle.retired_at is None) == (ended.accepted_at is None)
    accepted = TransferOffer.objects.filter(accepted_at__isnull=False)
    assert Vehicle.objects.filter(owner=nina).count() == accepted.count()


# ------------------------------------------------------------------ pages
@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


def address(name: str, car: Vehicle) -> str:
    return reverse(f"consent:{name}", args=[encode("veh", car.pk)])


def read(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


class TestPages:
    def test_offer_and_take_back(self, owner: Client, working_car: Vehicle) -> None:
        owner.post(address("transfer", working_car), {"email": "nina@example.com"})

        assert "You offered it to nina@example.com" in read(owner, address("transfer", working_car))
        cars = read(owner, "/cars/")
        assert "You offered it to nina@example.com , who can take it over until" in cars
        assert "Give away" not in cars
        owner.post(address("transfer_take_back", working_car))
        assert "its link does nothing any more" in read(owner, address("transfer", working_car))
        assert "Give away" in read(owner, "/cars/")

    def test_ask_who_is_there_first(
        self, client: Client, olivia: User, working_car: Vehicle
    ) -> None:
        sign_in(client, olivia, is_fresh=False)

        response = client.post(address("transfer", working_car), {"email": "nina@example.com"})

        assert "/account/reauthenticate/" in response["Location"]
        assert not TransferOffer.objects.exists()

    @pytest.mark.parametrize(
        ("email", "text"),
        [("olivia@example.com", "This address is yours"), ("nobody", "valid email address")],
    )
    def test_say_what_is_wrong(
        self, owner: Client, working_car: Vehicle, email: str, text: str
    ) -> None:
        response = owner.post(address("transfer", working_car), {"email": email})

        assert response.status_code == 422
        assert text in response.content.decode()

    def test_lead_the_new_owner_to_rules_of_their_own(
        self, working_car: Vehicle, nina: User
    ) -> None:
        client = Client()
        sign_in(client, nina)
        with time_machine.travel(LATER):
            path = f"/offers/{offer(working_car)}/"
            page = read(client, path)
            assert "Olivia gives you the car" in page
            assert "Size of the battery 75 kWh Charger 3.68 kW" in page

            response = client.post(path, {"plate": "nn 10 aa", "name": "Mine"})

            made = Vehicle.objects.get(owner=nina)
            assert response["Location"] == address("rules", made)
            assert "NN 10 AA is yours." in read(client, "/cars/")
            assert "You have taken it over." in read(client, path)

    def test_show_the_new_owner_nothing_old_and_the_old_one_everything(
        self, owner: Client, working_car: Vehicle, nina: User
    ) -> None:
        made = accept(offer(working_car), nina)
        client = Client()
        sign_in(client, nina)

        for name in ("history", "rules", "transfer"):
            assert client.get(address(name, working_car)).status_code == 404
        assert "Nothing agreed yet" in read(client, address("history", made))
        assert "BX 42 LR" not in read(client, "/cars/")
        receipt = reverse("consent:receipt", args=[encode("veh", working_car.pk), 1])
        assert client.get(receipt).status_code == 404
        assert owner.get(receipt).status_code == 200
        assert "Version 1" in read(owner, address("history", working_car))
        assert owner.get(address("history", made)).status_code == 404

    def test_tell_mallory_no_more_than_a_made_up_link(
        self, working_car: Vehicle, mallory: User
    ) -> None:
        client = Client()
        sign_in(client, mallory)
        token = offer(working_car)

        pages = []
        for path in (f"/offers/{token}/", "/offers/made-up/"):
            assert client.post(path, {"plate": "MA 1", "name": "Mine"}).status_code == 404
            response = client.get(path)
            assert response.status_code == 404
            content = response.content.replace(path.encode(), b"")
            pages.append(re.sub(rb'(content|value)="[A-Za-z0-9]{64}"', b"", content))

        assert pages[0] == pages[1]
        assert b"signed in as <b>mallory@example.com</b>" in pages[0]

    def test_send_who_is_signed_out_to_sign_in_and_back(self, working_car: Vehicle) -> None:
        path = f"/offers/{offer(working_car)}/"

        response = Client().get(path)

        assert response["Location"] == f"/account/login/?next={path}"

    def test_say_that_an_offer_is_over(self, working_car: Vehicle, nina: User) -> None:
        client = Client()
        sign_in(client, nina)
        token = offer(working_car)
        take_offer_back(vehicle_id=working_car.pk, owner_id=working_car.owner_id, now=LATER)

        response = client.get(f"/offers/{token}/")

        assert response.status_code == 410
        assert "This offer is over" in response.content.decode()

    def test_say_that_the_plate_is_taken(self, working_car: Vehicle, nina: User) -> None:
        create_vehicle(nina, plate="NN 10 AA")
        client = Client()
        sign_in(client, nina)
        with time_machine.travel(LATER):
            response = client.post(
                f"/offers/{offer(working_car)}/", {"plate": "NN 10 AA", "name": "Mine"}
            )

        assert response.status_code == 422
        assert "added this car already" in response.content.decode()
