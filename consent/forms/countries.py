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
    All that may be chosen, the country in which the car is parked by itself.
    """

    near: tuple[CountryChoice, ...]
    others: tuple[CountryChoice, ...]


def list_country_choices(*, near: str) -> CountryChoices:
    """
    Return countries with their parts by name, in the language of the request.
    """
    choices = _list_choices(get_language() or "en")
    is_near = [each.code.partition("-")[0] == near for each in choices]
    pairs = list(zip(choices, is_near, strict=True))
    return CountryChoices(
        near=tuple(each for each, is_there in pairs if is_there),
        others=tuple(each for each, is_there in pairs if not is_there),
    )


@lru_cache(maxsize=8)
def _list_choices(language: str) -> tuple[CountryChoice, ...]:  # noqa: ARG001 - names differ by it
    choices = (CountryChoice(code, name_country(code)) for code in list_countries())
    return tuple(sorted(choices, key=lambda each: each.name))
