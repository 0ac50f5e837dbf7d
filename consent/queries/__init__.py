from consent.queries.access import VehicleNotFound, get_owned_vehicle
from consent.queries.cards import (
    PauseChoice,
    VehicleCard,
    decide_now,
    get_vehicle_card,
    list_pause_choices,
    list_vehicles,
)
from consent.queries.decisions import Question, Telemetry, evaluate
from consent.queries.evidence import get_receipt, verify_chain
from consent.queries.history import RulesPage, VersionView, get_history, get_rules


__all__ = [
    "PauseChoice",
    "Question",
    "RulesPage",
    "Telemetry",
    "VehicleCard",
    "VehicleNotFound",
    "VersionView",
    "decide_now",
    "evaluate",
    "get_history",
    "get_owned_vehicle",
    "get_receipt",
    "get_rules",
    "get_vehicle_card",
    "list_pause_choices",
    "list_vehicles",
    "verify_chain",
]
