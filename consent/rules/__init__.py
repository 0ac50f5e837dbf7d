"""
What consent means, free of any framework: plain values in, every reason out.

`decide` is the only judge. Live decisions, the owner's pages, receipts and, by way of an
equal SQL function, the settlement of metered usage all rest on it.
"""

from consent.rules.codes import (
    ALL_CATEGORIES_MASK,
    GATES_WITHOUT_GRACE,
    BuyersMode,
    Gate,
    ReasonCode,
    WorkloadCategory,
    categories_from_mask,
    mask_from_categories,
    mask_from_reasons,
    reasons_from_mask,
)
from consent.rules.decide import (
    CHECKS,
    GRACE_FINISH_S_MAX,
    LEASE,
    TELEMETRY_STALE,
    Checks,
    decide,
    list_telling_checks,
)
from consent.rules.digests import FIRST_PREVIOUS_DIGEST, chain_digest
from consent.rules.drafts import CarFacts, DateException, Grace, ReadyBy, RulesDraft
from consent.rules.faults import Fault, FaultCode, find_faults
from consent.rules.hours import Hours
from consent.rules.latches import is_recovering_after, step_cold_latch, step_heat_latch
from consent.rules.terms import (
    NO_USE,
    Decision,
    Finding,
    Obligation,
    Pause,
    Rules,
    Spans,
    State,
    Use,
    Workload,
)
from consent.rules.week import Window, bits_from_mask, mask_from_bits, mask_from_windows
from consent.rules.work_checks import find_wanted_work


__all__ = [
    "ALL_CATEGORIES_MASK",
    "CHECKS",
    "FIRST_PREVIOUS_DIGEST",
    "GATES_WITHOUT_GRACE",
    "GRACE_FINISH_S_MAX",
    "LEASE",
    "NO_USE",
    "TELEMETRY_STALE",
    "BuyersMode",
    "CarFacts",
    "Checks",
    "DateException",
    "Decision",
    "Fault",
    "FaultCode",
    "Finding",
    "Gate",
    "Grace",
    "Hours",
    "Obligation",
    "Pause",
    "ReadyBy",
    "ReasonCode",
    "Rules",
    "RulesDraft",
    "Spans",
    "State",
    "Use",
    "Window",
    "Workload",
    "WorkloadCategory",
    "bits_from_mask",
    "categories_from_mask",
    "chain_digest",
    "decide",
    "find_faults",
    "find_wanted_work",
    "is_recovering_after",
    "list_telling_checks",
    "mask_from_bits",
    "mask_from_categories",
    "mask_from_reasons",
    "mask_from_windows",
    "reasons_from_mask",
    "step_cold_latch",
    "step_heat_latch",
]
