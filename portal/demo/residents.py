"""
Whose cars the demo has: the residents of the Trondheim data, with their garages.
"""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path


# Garages are grouped into regions large enough that a region says nothing about a person.
REGION_BY_GARAGE = {"Bl": "trondheim-bl", "UT": "trondheim-ut", "As": "trondheim-as"}
REGION_OF_THE_REST = "trondheim-other"
REGIONS = {
    "trondheim-as": "Trondheim, AsO garages",
    "trondheim-bl": "Trondheim, Bl garages",
    "trondheim-ut": "Trondheim, UT garages",
    "trondheim-other": "Trondheim, other garages",
}


@dataclass(frozen=True, slots=True)
class Resident:
    """
    One User_ID of the data: the region of the garage used most, and how many sessions.
    """

    code: str
    region_code: str
    session_count: int


def read_residents(path: Path) -> tuple[Resident, ...]:
    """
    Return the residents, those with most sessions first.
    """
    garages: dict[str, Counter[str]] = defaultdict(Counter)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            garages[row["User_ID"]][row["Garage_ID"]] += 1
    residents = (
        Resident(
            code=code,
            region_code=find_region(count.most_common(1)[0][0]),
            session_count=count.total(),
        )
        for code, count in garages.items()
    )
    return tuple(sorted(residents, key=lambda one: (-one.session_count, one.code)))


def find_region(garage: str) -> str:
    return REGION_BY_GARAGE.get(garage[:2], REGION_OF_THE_REST)
