from consent.models.evidence import (
    DecisionRecord,
    GraceGrant,
    Lease,
    StateSample,
    WorkTerms,
)
from consent.models.notices import ExpiryReminder, Notice
from consent.models.pauses import Pause
from consent.models.profiles import OwnRules, ProfileVersion
from consent.models.transfers import TransferOffer
from consent.models.vehicles import DayUse, FormerPlace, Vehicle, VehicleState
from consent.models.versions import ConsentEvent, ConsentVersion


__all__ = [
    "ConsentEvent",
    "ConsentVersion",
    "DayUse",
    "DecisionRecord",
    "ExpiryReminder",
    "FormerPlace",
    "GraceGrant",
    "Lease",
    "Notice",
    "OwnRules",
    "Pause",
    "ProfileVersion",
    "StateSample",
    "TransferOffer",
    "Vehicle",
    "VehicleState",
    "WorkTerms",
]
