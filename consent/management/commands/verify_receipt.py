"""
`manage.py verify_receipt FILE`: is this receipt Parado's, and is it whole? Asks no database.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from consent.queries.receipts import get_public_keys
from consent.reports.receipt_files import check_file
from consent.rules.receipts import (
    Check,
    CheckName,
    Keys,
    Receipt,
    check_links,
    name_key,
    read_public_key,
)


WORDS = {
    CheckName.FORMAT: (
        "is a receipt: {value}",
        "is not a receipt: neither its JSON nor a PDF that carries one",
    ),
    CheckName.KEY: (
        "names a key of Parado's: {value}",
        "names a key that is not Parado's, or missing in RECEIPT_OLD_KEYS and --keys: {value}",
    ),
    CheckName.SIGNATURE: (
        "is signed with that key, and unchanged since",
        "was changed after it was signed: the signature does not fit",
    ),
    CheckName.DOCUMENT: (
        "has the pages that were signed",
        "has other pages than those that were signed: the document was changed",
    ),
    CheckName.DIGEST: (
        "has a digest that follows from its rules and the digest before it: {value}",
        "has a digest that does not follow from its rules and the digest before it: {value}",
    ),
    CheckName.LINK: (
        "follow each other: {value}",
        "do not follow each other, though their numbers do: {value}",
    ),
}


class Command(BaseCommand):
    help = "Check receipts (JSON or PDF): key, signature, document, digest, and the chain."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--keys", type=Path, help="public keys as /.well-known/receipt-keys.json gives them"
        )

    def handle(self, *, files: list[Path], keys: Path | None, **_: Any) -> None:  # noqa: ANN401
        known = _read_keys(keys) if keys else get_public_keys()
        receipts: list[Receipt] = []
        results: list[bool] = []
        for path in files:
            receipt, checks = check_file(_read(path), keys=known)
            results += self._say(path.name, checks)
            if receipt is not None and all(each.is_ok for each in checks):
                receipts.append(receipt)
        results += self._say("They", tuple(check_links(receipts)))
        if not all(results):
            raise CommandError("not verified")
        self.stdout.write(self.style.SUCCESS("verified"))

    def _say(self, name: str, checks: tuple[Check, ...]) -> Iterator[bool]:
        for each in checks:
            text = WORDS[each.name][0 if each.is_ok else 1].format(value=each.value)
            self.stdout.write(f"{'ok    ' if each.is_ok else 'FAILED'}  {name} {text}")
            yield each.is_ok


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error


def _read_keys(path: Path) -> Keys:
    try:
        keys = [read_public_key(each["x"]) for each in json.loads(_read(path))["keys"]]
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} holds no public keys") from error
    return {name_key(key): key for key in keys}
