from consent.queries.access import VehicleNotFound, get_known_vehicle, get_owned_vehicle
from consent.queries.cards import (
    VehicleCard,
    decide_now,
    get_vehicle_card,
    list_vehicles,
)
from consent.queries.decisions import Question, evaluate
from consent.queries.editing import (
    Editing,
    get_editing,
    get_profile_draft,
    get_profile_editing,
    make_first_draft,
)
from consent.queries.evidence import verify_chain
from consent.queries.history import (
    RulesPage,
    VersionView,
    compare_versions,
    get_agreed_draft,
    get_history,
    get_rules,
    list_former_cars,
)
from consent.queries.pauses import PauseChoice, find_next_night, list_pause_choices
from consent.queries.profiles import CarEffect, list_profile_effects
from consent.rules.samples import Telemetry


__all__ = [
    "CarEffect",
    "Editing",
    "PauseChoice",
    "Question",
    "RulesPage",
    "Telemetry",
    "VehicleCard",
    "VehicleNotFound",
    "VersionView",
    "compare_versions",
    "decide_now",
    "evaluate",
    "find_next_night",
    "get_agreed_draft",
    "get_editing",
    "get_history",
    "get_known_vehicle",
    "get_owned_vehicle",
    "get_profile_draft",
    "get_profile_editing",
    "get_rules",
    "get_vehicle_card",
    "list_former_cars",
    "list_pause_choices",
    "list_profile_effects",
    "list_vehicles",
    "make_first_draft",
    "verify_chain",
]
