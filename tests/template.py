"""
A migrated database that later runs copy, kept on the checkout's own server while the code that
makes it stays the same.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from django.db import connection
from django.db.utils import ProgrammingError
from psycopg2.errors import DuplicateDatabase


ROOT = Path(__file__).resolve().parent.parent
MADE_OF = ("accounts", "billing", "config", "consent", "marketplace", "portal", "web")
PREFIX = "migrated_"


def name_template() -> str:
    """
    Return a name that follows from all that can have a part in what `migrate` makes.
    """
    found = (path for folder in MADE_OF for path in (ROOT / folder).rglob("*"))
    paths = [path for path in found if path.suffix in {".py", ".sql"}]
    digest = hashlib.sha256()
    for path in sorted([*paths, ROOT / "requirements.txt"]):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return PREFIX + digest.hexdigest()[:16]


def list_templates() -> list[str]:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        return [name for (name,) in cursor.fetchall()]


def use_template() -> None:
    """
    Let the test database be made as a copy, if one of the same code is there.

    A server that was given is somebody else's: nothing is left on it.
    """
    if "TEST_DATABASE_URL" not in os.environ and (name := name_template()) in list_templates():
        connection.settings_dict["TEST"]["TEMPLATE"] = name


def keep_template() -> None:
    """
    Keep a copy of the database that was just made, and none of older code.
    """
    if "TEST_DATABASE_URL" in os.environ or connection.settings_dict["TEST"].get("TEMPLATE"):
        return
    made, wanted, older = connection.settings_dict["NAME"], name_template(), list_templates()
    # A copy is made only of a database that nobody uses.
    connection.close()
    with connection._nodb_cursor() as cursor:
        # Another run may have been faster, or copies from an older one right now.
        with suppress(DuplicateDatabase, ProgrammingError):
            cursor.execute(f'CREATE DATABASE "{wanted}" TEMPLATE "{made}"')
        for name in older:
            with suppress(ProgrammingError):
                cursor.execute(f'DROP DATABASE "{name}"')
