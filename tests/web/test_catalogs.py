"""
The interface in its languages: every text translated, nothing lost on the way.
"""

import gettext
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client


LOCALE = settings.LOCALE_PATHS[0]
PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|</?\w+[^>]*>")


def read_catalog(language: str) -> Catalog:
    with Path(LOCALE, language, "LC_MESSAGES", "django.po").open("rb") as file:
        return read_po(file, locale=language)


def list_pairs(message: Message) -> list[tuple[str, str]]:
    """
    Return (text, translation) of a message, both forms of a plural.
    """
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    assert isinstance(message.string, tuple | list)
    return list(zip(message.id, message.string, strict=True))


class TestPortuguese:
    def test_has_a_translation_for_every_text(self) -> None:
        english = {(each.context, str(each.id)) for each in read_catalog("en") if each.id}
        portuguese = {
            (each.context, str(each.id))
            for each in read_catalog("pt")
            if each.id and not each.fuzzy and all(text for _, text in list_pairs(each))
        }

        assert portuguese == english

    def test_keeps_every_placeholder_and_mark(self) -> None:
        changed = [
            (text, translation)
            for message in read_catalog("pt")
            if message.id
            # A singular may leave its number out: "one car".
            for text, translation in list_pairs(message)[-1:]
            if sorted(PLACEHOLDERS.findall(text)) != sorted(PLACEHOLDERS.findall(translation))
        ]

        assert changed == []

    @pytest.mark.parametrize("language", ["en", "pt"])
    def test_is_compiled_from_the_texts_beside_it(self, language: str) -> None:
        with Path(LOCALE, language, "LC_MESSAGES", "django.mo").open("rb") as file:
            compiled = gettext.GNUTranslations(file)

        for message in read_catalog(language):
            if message.id and isinstance(message.id, str) and message.string:
                found = (
                    compiled.pgettext(message.context, message.id)
                    if message.context
                    else compiled.gettext(message.id)
                )
                assert found == message.string

    @pytest.mark.django_db
    def test_greets_a_visitor_in_portuguese(self, client: Client) -> None:
        page = client.get("/", headers={"accept-language": "pt-PT,pt;q=0.9"})

        assert page.headers["Content-Language"] == "pt"
        assert "O seu carro estacionado pode computar." in page.content.decode()
