"""
Countries and their parts whose public holidays the library `holidays` knows, to choose from.
"""

from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language

from consent.queries.countries import name_country
from consent.rules.faults import list_countries


@dataclass(frozen=True, slots=True)
class CountryChoice:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CountryChoices:
    """
    What stands before the long list: the one that was chosen, and the country of the car.
    """

    chosen: CountryChoice | None
    near: tuple[CountryChoice, ...]


def list_first_countries(*, near: str, chosen: str | None) -> CountryChoices:
    """
    Return the places that an owner most likely looks for, `chosen` None when it is none known.
    """
    choices = list_country_choices(language=get_language() or "en")
    return CountryChoices(
        chosen=next((each for each in choices if each.code == chosen), None),
        near=tuple(each for each in choices if each.code.partition("-")[0] == near),
    )


@lru_cache(maxsize=8)
def list_country_choices(*, language: str) -> tuple[CountryChoice, ...]:  # noqa: ARG001 - names differ by it
    """
    Return every country with its parts by name, in the language of the request.
    """
    choices = (CountryChoice(code, name_country(code)) for code in list_countries())
    return tuple(sorted(choices, key=lambda each: each.name))
