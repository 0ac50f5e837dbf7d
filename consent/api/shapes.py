"""
What consent's addresses answer, and what a batch may hold, for the OpenAPI document.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from consent.api.samples import Sample


UNSET = msgspec.UNSET


class Reason(msgspec.Struct):
    """
    One check that says no: its value, its limit, and when it opens again (null: nobody knows).
    """

    code: str
    rule: str | None
    value: Any
    limit: Any
    detail: str
    opens_at: datetime | None


class Obligation(msgspec.Struct):
    """
    What the permit asks of the job. One that you do not understand makes the permit a deny.
    """

    id: Literal["power_limit", "finish_by"]
    watts: int | msgspec.UnsetType = UNSET
    at: datetime | msgspec.UnsetType = UNSET


class QuestionFault(msgspec.Struct):
    status: int
    message: str


class DecisionContext(msgspec.Struct):
    """
    `valid_until` ends the lease of a permit; `graced` are refusals that the owner lets wait.
    """

    reasons: list[Reason]
    graced: list[Reason]
    grace_ends_at: datetime | None
    valid_until: datetime | None
    next_open_at: datetime | None
    consent_version: int | None
    power_limit_w: int | None
    obligations: list[Obligation]
    error: QuestionFault | msgspec.UnsetType = UNSET
    replayed: Literal[True] | msgspec.UnsetType = UNSET
    dry_run: Literal[True] | msgspec.UnsetType = UNSET
    stopped: Literal[True] | msgspec.UnsetType = UNSET


class Decision(msgspec.Struct):
    decision: bool
    context: DecisionContext


class Decisions(msgspec.Struct):
    """
    One decision per item in its order; of a batch without items, the one decision itself.
    """

    evaluations: list[Decision] | msgspec.UnsetType = UNSET
    decision: bool | msgspec.UnsetType = UNSET
    context: DecisionContext | msgspec.UnsetType = UNSET


class SampleList(msgspec.Struct, forbid_unknown_fields=True):
    samples: list[Sample]


class SampleVerdict(msgspec.Struct):
    index: int
    code: str
    detail: str


class TelemetryVerdict(msgspec.Struct):
    accepted: int
    older: int
    faulty: int
    refused: int
    results: list[SampleVerdict]


class ConsentNews(msgspec.Struct):
    """
    All that is true of a vehicle's consent; `version` is null while there is none.
    """

    event: str
    vehicle_id: str
    version: int | None
    state: str
    effective_at: datetime
    is_paused: bool
    pause_ends_at: datetime | None


class ConsentFeedPage(msgspec.Struct):
    data: list[ConsentNews]
    next_cursor: str
    has_more: bool
