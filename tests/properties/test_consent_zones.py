"""
A zone that an owner may name is one that the database can judge by.
"""

import pytest
from django.db import connection

from consent.rules.drafts import list_zones


@pytest.mark.django_db
def test_the_database_knows_every_zone_that_an_owner_may_name() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        known = {name for (name,) in cursor.fetchall()}

    assert list_zones() - known == set()


def test_what_a_machine_calls_its_own_zone_is_none() -> None:
    assert not {"localtime", "Factory", "posixrules"} & list_zones()
    assert {"Europe/Oslo", "UTC", "Australia/Lord_Howe"} <= list_zones()
