from consent.queries.access import VehicleNotFound, get_owned_vehicle
from consent.queries.decisions import Question, Telemetry, decide_now, evaluate
from consent.queries.evidence import get_receipt, verify_chain


__all__ = [
    "Question",
    "Telemetry",
    "VehicleNotFound",
    "decide_now",
    "evaluate",
    "get_owned_vehicle",
    "get_receipt",
    "verify_chain",
]
