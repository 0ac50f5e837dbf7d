from consent.operations.agreements import (
    NoConsent,
    NoticeChanged,
    RulesRefused,
    StaleVersion,
    give_consent,
    withdraw,
)
from consent.operations.decisions import answer
from consent.operations.details import DetailsChange, StaleDetails, change_details
from consent.operations.erasure import (
    erase_traces,
    list_audit_subjects,
    list_mail_keys,
    stop_all_cars,
)
from consent.operations.leases import forget_leases
from consent.operations.notices import NoticeRefused, publish_notice
from consent.operations.pauses import (
    Break,
    PauseOver,
    pause,
    resume,
    skip_night,
    undo_pause,
    unskip_night,
)
from consent.operations.profiles import (
    NoProfile,
    ProfileRefused,
    follow_profile,
    save_profile,
)
from consent.operations.renewals import remind_of_expiry, renew_consent
from consent.operations.telemetry import SampleOutcome, TelemetryResult, record_telemetry
from consent.operations.transfers import (
    NewOwnersWords,
    OfferNotFound,
    OfferOver,
    OfferRefused,
    accept_offer,
    make_digest,
    offer_vehicle,
    take_offer_back,
)
from consent.operations.use import add_day_use, release_reserved
from consent.operations.vehicles import PlateTaken, register_vehicle
from consent.operations.work import record_work_terms
from consent.queries.access import VehicleNotFound


__all__ = [
    "Break",
    "DetailsChange",
    "NewOwnersWords",
    "NoConsent",
    "NoProfile",
    "NoticeChanged",
    "NoticeRefused",
    "OfferNotFound",
    "OfferOver",
    "OfferRefused",
    "PauseOver",
    "PlateTaken",
    "ProfileRefused",
    "RulesRefused",
    "SampleOutcome",
    "StaleDetails",
    "StaleVersion",
    "TelemetryResult",
    "VehicleNotFound",
    "accept_offer",
    "add_day_use",
    "answer",
    "change_details",
    "erase_traces",
    "follow_profile",
    "forget_leases",
    "give_consent",
    "list_audit_subjects",
    "list_mail_keys",
    "make_digest",
    "offer_vehicle",
    "pause",
    "publish_notice",
    "record_telemetry",
    "record_work_terms",
    "register_vehicle",
    "release_reserved",
    "remind_of_expiry",
    "renew_consent",
    "resume",
    "save_profile",
    "skip_night",
    "stop_all_cars",
    "take_offer_back",
    "undo_pause",
    "unskip_night",
    "withdraw",
]
