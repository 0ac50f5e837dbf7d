"""
The names of countries and their parts, as an owner's language has them.
"""

from functools import lru_cache

import holidays
from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language


def name_country(code: str) -> str:
    """
    Return the name of a country ("Norway") or of its part ("Germany: Bayern") by its code.
    """
    country, _, part = code.partition("-")
    name = _get_locale(get_language() or "en").territories.get(country, country)
    return f"{name}: {_name_part(country, part)}" if part else name


@lru_cache(maxsize=8)
def _get_locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _name_part(country: str, part: str) -> str:
    """
    Return what a part is called there: the first name that the library has for it.
    """
    aliases = getattr(getattr(holidays, country, None), "subdivisions_aliases", {})
    return next((name for name, code in aliases.items() if code == part), part)
