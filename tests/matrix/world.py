"""
Everybody who might call an address, and one of each thing that belongs to somebody.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts import operations as accounts
from accounts.models import ApiKey, Organization, Outbox, User
from billing.models import Payout, PayoutRun, QuarantinedRecord, RatedLine, UsageBatch
from billing.operations.payout_runs import approve_run, calculate_run, submit_run
from consent.operations import offer_vehicle
from tests.billing.buyers import Company, book, create_company, wish_for
from tests.billing.meters import (
    EVENING,
    NOON,
    World,
    create_car,
    create_world,
    settle_all,
)
from tests.billing.people import earn, set_up_payouts
from tests.factories import (
    create_api_key,
    create_owner,
    create_person,
    create_vehicle,
    sign_in,
)
from web.public_ids import encode


PEOPLE = (
    "olivia",
    "mallory",
    "ben",
    "mia",
    "vic",
    "bella",
    "fiona",
    "felix",
    "olga",
)
MACHINES = (
    "scheduler",
    "other_scheduler",
    "buyer_key",
    "narrow_buyer_key",
    "foreign_buyer_key",
    "finance_key",
    "bogus_key",
)
STRANGER = "stranger"
ROLES = (STRANGER, *PEOPLE, *MACHINES)
# Under whose name the things stand that a role may see; staff see those of the house.
HOLDERS = {
    "olivia": "olivia",
    "mallory": "mallory",
    "ben": "ben",
    "mia": "ben",
    "vic": "ben",
    "bella": "bella",
    "fiona": "house",
    "felix": "house",
    "olga": "house",
    "scheduler": "scheduler",
    "other_scheduler": "other_scheduler",
    "buyer_key": "ben",
    "narrow_buyer_key": "ben",
    "foreign_buyer_key": "bella",
    "finance_key": "house",
}
OTHER_SOURCE = "urn:scheduler:us-1"

Arguments = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Things:
    """
    Arguments of an address by holder, and arguments that name nothing at all.
    """

    by_holder: dict[str, Arguments]
    absent: tuple[Arguments, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """
    Session keys of people, secrets of machines, and the things of both.
    """

    sessions: dict[str, str]
    secrets: dict[str, str]
    things: dict[str, Things]


@contextmanager
def rolled_back() -> Iterator[None]:
    """
    Undo what is done inside, durable operations included.
    """
    outer = transaction.atomic()
    outer._from_testcase = True  # type: ignore[attr-defined]
    with outer:
        yield
        transaction.set_rollback(True)


def create_matrix() -> Matrix:
    world = create_world()
    mallory = create_owner("Mallory")
    meter(world, mallory)
    bella = create_company("Bella", prepaid_micros=200_000_000)
    people = create_people(world, mallory, bella)
    return Matrix(
        sessions={role: start_session(person) for role, person in people.items()},
        secrets=create_secrets(world.ben.organization, bella.organization),
        things={
            **make_car_things(world, mallory),
            **make_offer_things(world.olivia, mallory),
            **make_buyer_things(world, bella, people),
            **make_payout_things(world.olivia, mallory, people),
            **make_staff_things(),
        },
    )


def meter(world: World, mallory: User) -> None:
    """
    Let a car of each owner work a quarter-hour, and one event be refused.
    """
    other = create_car(mallory, plate="MA 11 RY")
    world.report(world.event(), world.event(vehicle=other, sequence=1), world.event(energy_wh=-1))
    settle_all()


def create_people(world: World, mallory: User, bella: Company) -> dict[str, User]:
    ben = world.ben
    people = {
        "olivia": world.olivia,
        "mallory": mallory,
        "ben": ben.person,
        "mia": create_person("Mia"),
        "vic": create_person("Vic"),
        "bella": bella.person,
        "fiona": create_person("Fiona", staff_role="finance_preparer"),
        "felix": create_person("Felix", staff_role="finance_approver"),
        "olga": create_person("Olga", staff_role="operator"),
    }
    for name, role in (("mia", "member"), ("vic", "viewer")):
        accounts.add_member(
            organization_id=ben.id,
            user_id=people[name].pk,
            role=role,
            actor_id=ben.person.pk,
            now=NOON,
        )
    return people


def start_session(person: User) -> str:
    client = Client()
    sign_in(client, person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def create_secrets(ben: Organization, bella: Organization) -> dict[str, str]:
    buyer: Arguments = {"kind": "buyer", "now": NOON}
    return {
        "scheduler": create_api_key(now=NOON),
        "other_scheduler": create_api_key(source=OTHER_SOURCE, now=NOON),
        "buyer_key": create_api_key(**buyer, organization_id=ben.pk),
        "narrow_buyer_key": create_api_key(
            **buyer, organization_id=ben.pk, scopes=frozenset({"pools:read"})
        ),
        "foreign_buyer_key": create_api_key(**buyer, organization_id=bella.pk),
        "finance_key": create_api_key(kind="finance", source="urn:finance:books", now=NOON),
        "bogus_key": "pk_live_nobody",
    }


# ------------------------------------------------------------------ things
def list_absent(name: str, prefix: str) -> tuple[Arguments, ...]:
    """
    Return ids that name nothing: never given out, of another kind, and no ids at all.
    """
    other = "veh" if prefix != "veh" else "bkg"
    return tuple(
        {name: text}
        for text in (encode(prefix, 999_999_937), encode(other, 1), f"{prefix}_nonsense")
    )


def make_car_things(world: World, mallory: User) -> dict[str, Things]:
    owners = {"olivia": world.olivia, "mallory": mallory}
    lines = {name: RatedLine.objects.get(owner_id=who.pk) for name, who in owners.items()}
    stamp = EVENING.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    cars = {name: encode("veh", line.vehicle_id) for name, line in lines.items()}
    sessions = {name: {"vehicle_id": car, "stamp": stamp} for name, car in cars.items()}
    own, record_id = sessions["olivia"], lines["olivia"].record_id
    nowhere = list_absent("vehicle_id", "veh")
    # The largest is more than a bigint holds.
    numbers = (0, lines["mallory"].record_id, 10**30)
    stamps = ("20200101T000000Z", "yesterday", "99999999T999999Z")
    return {
        "car": Things(
            by_holder={name: {"public_id": car} for name, car in cars.items()},
            absent=list_absent("public_id", "veh"),
        ),
        "sign": Things(
            by_holder={name: {"vehicle_id": car} for name, car in cars.items()}, absent=nowhere
        ),
        "receipt": Things(
            by_holder={name: {"public_id": car, "number": 1} for name, car in cars.items()},
            absent=(
                *({**each, "number": 1} for each in list_absent("public_id", "veh")),
                {"public_id": cars["olivia"], "number": 77},
                {"public_id": cars["olivia"], "number": 10**30},
            ),
        ),
        "session": Things(
            by_holder=dict(sessions),
            absent=(
                *({**each, "stamp": stamp} for each in nowhere),
                *({**own, "stamp": text} for text in stamps),
            ),
        ),
        "reading": Things(
            by_holder={
                name: {**sessions[name], "record_id": line.record_id}
                for name, line in lines.items()
            },
            absent=(
                *({**each, "stamp": stamp, "record_id": record_id} for each in nowhere),
                *({**own, "record_id": number} for number in numbers),
            ),
        ),
    }


def make_offer_things(olivia: User, mallory: User) -> dict[str, Things]:
    """
    Let each owner offer the other a second car, and return the links by whom they are for.
    """
    tokens = {}
    for giver, taker in ((mallory, olivia), (olivia, mallory)):
        car = create_vehicle(giver, plate="GI 1 VE")
        offer_vehicle(
            vehicle_id=car.pk,
            owner_id=giver.pk,
            email=taker.email,
            link="/offers/{token}/",
            now=NOON,
        )
        text = Outbox.objects.latest("id").payload["text"]
        tokens[taker.get_short_name().lower()] = re.findall("/offers/([^/]+)/", text)[0]
    return {
        "offer": Things(
            by_holder={name: {"token": token} for name, token in tokens.items()},
            absent=({"token": "made-up"}, {"token": "A" * 43}),
        )
    }


def make_buyer_things(world: World, bella: Company, people: dict[str, User]) -> dict[str, Things]:
    later = EVENING + timedelta(hours=1)
    foreign = book(bella, wish_for(world.pool, starts_at=later, hours=2), now=EVENING)
    keys = {
        name: {"key": encode("key", key_of(organization))}
        for name, organization in (("ben", world.ben.organization), ("bella", bella.organization))
    }
    members = {"ben": people["mia"], "bella": people["bella"]}
    bookings = {"ben": world.booking.id, "bella": foreign.id}
    return {
        "booking": Things(
            by_holder={
                name: {"booking_id": encode("bkg", number)} for name, number in bookings.items()
            },
            absent=list_absent("booking_id", "bkg"),
        ),
        "member": Things(
            by_holder={
                name: {"person": encode("prs", member.pk)} for name, member in members.items()
            },
            absent=list_absent("person", "prs"),
        ),
        "key": Things(by_holder=keys, absent=list_absent("key", "key")),
        "organization": Things(
            by_holder={
                "ben": {"organization": encode("org", world.ben.id)},
                "bella": {"organization": encode("org", bella.id)},
            },
            absent=list_absent("organization", "org"),
        ),
        "house_key": Things(
            by_holder={"house": {"key": encode("key", key_of(None))}, **keys},
            absent=list_absent("key", "key"),
        ),
    }


def key_of(organization: Organization | None) -> int:
    """
    Return the id of a key beside those that the machines of the matrix use.
    """
    create_api_key(
        kind="buyer" if organization else "scheduler",
        organization_id=organization.pk if organization else None,
        now=NOON,
    )
    return ApiKey.objects.order_by("-pk").values_list("pk", flat=True)[0]


def make_payout_things(olivia: User, mallory: User, people: dict[str, User]) -> dict[str, Things]:
    for owner in (olivia, mallory):
        set_up_payouts(owner)
        earn(owner, reward=15_000_000)
    run = calculate_run(actor_id=people["fiona"].pk, currency="EUR", now=NOON)
    submit_run(run_id=run.pk, actor_id=people["fiona"].pk, now=NOON)
    run.refresh_from_db()
    approve_run(run_id=run.pk, actor_id=people["felix"].pk, checksum=run.checksum, now=NOON)
    payouts = {
        name: Payout.objects.get(owner=who)
        for name, who in (("olivia", olivia), ("mallory", mallory))
    }
    return {
        "payout": Things(
            by_holder={
                name: {"payout_id": encode("pay", payout.pk)} for name, payout in payouts.items()
            },
            absent=list_absent("payout_id", "pay"),
        ),
        "run": of_the_house("run_id", "run", PayoutRun.objects.get().pk),
        "run_file": of_the_house("run_id", "run", PayoutRun.objects.get().pk, file_format="csv"),
    }


def make_staff_things() -> dict[str, Things]:
    batch = UsageBatch.objects.get()
    return {
        "quarantined": of_the_house("quarantined_id", "qua", QuarantinedRecord.objects.get().pk),
        "batch": Things(
            by_holder={"scheduler": {"batch_id": encode("bat", batch.pk)}},
            absent=list_absent("batch_id", "bat"),
        ),
    }


def of_the_house(name: str, prefix: str, number: int, **rest: Any) -> Things:
    """
    Return a thing that all of staff may see.
    """
    absent = tuple({**each, **rest} for each in list_absent(name, prefix))
    return Things(by_holder={"house": {name: encode(prefix, number), **rest}}, absent=absent)
