"""
Owners, buyers and staff of the demo.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model

from accounts import operations as accounts
from accounts import queries as accounts_queries


# Printed on the first screen and good for nothing outside the demo on this machine.
PASSWORD = "parked-and-paid"  # noqa: S105
NAMES = """
Ada Amund Anders Anne Arne Astrid Aud Berit Bjørn Brage Camilla Dag Edvard Egil Eirik Eline
Else Emil Endre Erik Eva Finn Frida Geir Gerd Gro Gunnar Guri Halvor Hanne Harald Hedda Hege
Helge Henrik Hilde Ida Inga Ingrid Iver Jan Jens Johanne Jon Jorunn Kaia Karen Kari Kjell
Knut Kristin Lars Leif Lene Linn Liv Magne Maja Marit Marte Mats Mona Morten Nils Nina Nora
Oda Odd Ola Olav Ole Oskar Per Petter Ragnhild Randi Rolf Roy Runar Sara Selma Signe Silje
Siri Solveig Stein Stig Sunniva Svein Terje Thea Tiril Tone Tor Tove Trine Turid Vegard Vidar
"""
FIRST_NAMES = NAMES.split()


@dataclass(frozen=True, slots=True)
class Person:
    """
    Somebody of the demo; without a role they can not sign in by password.
    """

    role: str
    email: str
    display_name: str
    is_owner: bool = False
    staff_role: str = ""


OLIVIA = Person("owner", "olivia@parado.example", "Olivia Berg", is_owner=True)
ODIN = Person("owner", "odin@parado.example", "Odin Haugen", is_owner=True)
BEN = Person("buyer", "ben@parado.example", "Ben Dahl")
BEA = Person("", "bea@parado.example", "Bea Lund")
FIONA = Person(
    "finance_preparer", "fiona@parado.example", "Fiona Strand", staff_role="finance_preparer"
)
FELIX = Person(
    "finance_approver", "felix@parado.example", "Felix Moen", staff_role="finance_approver"
)
OSCAR = Person("operator", "oscar@parado.example", "Oscar Vik", staff_role="operator")
SIGN_IN = (OLIVIA, ODIN, BEN, FIONA, FELIX, OSCAR)


def list_owners(count: int) -> list[Person]:
    """
    Return that many owners: the two who can sign in, then the rest by name and number.
    """
    rest = [
        Person(
            "",
            f"owner{number:02}@parado.example",
            FIRST_NAMES[(number - 3) % len(FIRST_NAMES)],
            is_owner=True,
        )
        for number in range(3, count + 1)
    ]
    return [OLIVIA, ODIN, *rest]


def find_person(email: str) -> int | None:
    return get_user_model().objects.filter(email=email).values_list("pk", flat=True).first()


def get_person(person: Person) -> int:
    """
    Return the id of somebody whom the load has made.
    """
    found = find_person(person.email)
    assert found is not None, f"the demo world has no {person.display_name}"
    return found


def ensure_person(person: Person, *, now: datetime) -> int:
    """
    Return the id of the person, created when there is none with this address.
    """
    found = find_person(person.email)
    if found is not None:
        return found
    made = accounts.create_person(
        email=person.email,
        display_name=person.display_name,
        password=PASSWORD if person.role else None,
        is_owner=person.is_owner,
        staff_role=person.staff_role,
        now=now,
    )
    return made.pk


def ensure_organization(*, name: str, admin_id: int, now: datetime) -> int:
    for membership in accounts_queries.get_memberships(user_id=admin_id):
        if membership.organization_name == name:
            return membership.organization_id
    made = accounts.create_organization(name=name, country="NO", admin_id=admin_id, now=now)
    return made.pk


def list_emails(person_ids: Iterable[int]) -> dict[int, str]:
    rows = get_user_model().objects.filter(pk__in=set(person_ids)).order_by("pk")
    return dict(rows.values_list("pk", "email"))
