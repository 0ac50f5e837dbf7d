import pytest

from accounts.models import User
from consent.operations import PlateTaken
from consent.queries import VehicleNotFound, get_owned_vehicle
from tests.factories import create_vehicle


class TestRegisterVehicle:
    def test_makes_a_person_an_owner(self, ben: User) -> None:
        vehicle = create_vehicle(ben)

        ben.refresh_from_db()
        assert ben.is_owner
        assert get_owned_vehicle(vehicle_id=vehicle.pk, owner_id=ben.pk) == vehicle

    def test_refuses_the_same_plate_of_the_same_owner(self, olivia: User) -> None:
        create_vehicle(olivia, plate="BX 42 LR")

        with pytest.raises(PlateTaken):
            create_vehicle(olivia, plate="BX 42 LR")

    def test_allows_the_same_plate_to_two_owners(self, olivia: User, mallory: User) -> None:
        # A plate proves nothing: who typed it first must not lock out who drives the car.
        assert create_vehicle(olivia).pk != create_vehicle(mallory).pk

    def test_somebody_elses_vehicle_is_not_found(self, olivia: User, mallory: User) -> None:
        vehicle = create_vehicle(olivia)

        with pytest.raises(VehicleNotFound):
            get_owned_vehicle(vehicle_id=vehicle.pk, owner_id=mallory.pk)
