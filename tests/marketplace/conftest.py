from datetime import UTC, datetime

import pytest

from accounts.models import Organization
from marketplace.models import Pool
from tests.factories import create_pool


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def bens_company() -> Organization:
    """
    Ben buys for this company.
    """
    return Organization.objects.create(name="Fjord Compute", country="NO")


@pytest.fixture
def pool() -> Pool:
    return create_pool()
