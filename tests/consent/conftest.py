import pytest
from django.test import Client

from accounts.models import User
from consent.models import Vehicle
from tests.factories import bearer, create_api_key, create_owner, create_person, create_vehicle


@pytest.fixture
def olivia(db: None) -> User:
    return create_owner("Olivia")


@pytest.fixture
def mallory(db: None) -> User:
    return create_owner("Mallory")


@pytest.fixture
def ben(db: None) -> User:
    return create_person("Ben")


@pytest.fixture
def car(olivia: User) -> Vehicle:
    return create_vehicle(olivia)


@pytest.fixture
def scheduler(db: None) -> Client:
    """
    Stand for the fleet's scheduler, with all its scopes.
    """
    return Client(headers=bearer(create_api_key()))
