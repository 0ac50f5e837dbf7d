"""
What consent means, free of any framework: plain values in, every reason out.

`decide` is the only judge. Live decisions, the owner's pages, receipts and, by way of an
equal SQL function, the settlement of metered usage all rest on it.
"""

from consent.rules.codes import (
    ALL_CATEGORIES_MASK,
    Gate,
    ReasonCode,
    WorkloadCategory,
    categories_from_mask,
    mask_from_categories,
    mask_from_reasons,
    reasons_from_mask,
)
from consent.rules.decide import CHECKS, LEASE, TELEMETRY_STALE, decide, is_recovering_after
from consent.rules.digests import FIRST_PREVIOUS_DIGEST, chain_digest
from consent.rules.drafts import Fault, FaultCode, RulesDraft, find_faults
from consent.rules.terms import (
    NO_STATE,
    NO_USE,
    Decision,
    Finding,
    Pause,
    Rules,
    State,
    Use,
    Workload,
)
from consent.rules.week import Window, bits_from_mask, mask_from_bits, mask_from_windows


__all__ = [
    "ALL_CATEGORIES_MASK",
    "CHECKS",
    "FIRST_PREVIOUS_DIGEST",
    "LEASE",
    "NO_STATE",
    "NO_USE",
    "TELEMETRY_STALE",
    "Decision",
    "Fault",
    "FaultCode",
    "Finding",
    "Gate",
    "Pause",
    "ReasonCode",
    "Rules",
    "RulesDraft",
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
    "is_recovering_after",
    "mask_from_bits",
    "mask_from_categories",
    "mask_from_reasons",
    "mask_from_windows",
    "reasons_from_mask",
]
