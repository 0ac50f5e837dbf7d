from consent.models.pauses import Pause
from consent.models.vehicles import DayUse, Vehicle, VehicleState
from consent.models.versions import ConsentEvent, ConsentVersion


__all__ = [
    "ConsentEvent",
    "ConsentVersion",
    "DayUse",
    "Pause",
    "Vehicle",
    "VehicleState",
]
