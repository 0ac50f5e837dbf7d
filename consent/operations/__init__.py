from consent.operations.agreements import (
    NOTICE_VERSION,
    NoConsent,
    RulesRefused,
    StaleVersion,
    give_consent,
    withdraw,
)
from consent.operations.pauses import PauseOver, pause, resume
from consent.operations.telemetry import SampleOutcome, TelemetryResult, record_telemetry
from consent.operations.use import add_day_use
from consent.operations.vehicles import PlateTaken, register_vehicle
from consent.queries.access import VehicleNotFound


__all__ = [
    "NOTICE_VERSION",
    "NoConsent",
    "PauseOver",
    "PlateTaken",
    "RulesRefused",
    "SampleOutcome",
    "StaleVersion",
    "TelemetryResult",
    "VehicleNotFound",
    "add_day_use",
    "give_consent",
    "pause",
    "record_telemetry",
    "register_vehicle",
    "resume",
    "withdraw",
]
