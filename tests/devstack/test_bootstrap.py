from django.db import connection
import pytest

@pytest.mark.django_db
def test_x():
    with connection.cursor() as c:
        c.execute("select version()")
        print(c.fetchone())
