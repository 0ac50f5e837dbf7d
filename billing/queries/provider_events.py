"""
News of the payment provider that could not be applied.
"""

from dataclasses import dataclass
from datetime import datetime

from billing.models import ProviderEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEvent:
    """
    A webhook that was given up: what it was about, and what went wrong at the last try.
    """

    id: int
    event_id: str
    event_type: str
    object_id: str
    error: str
    attempts: int
    received_at: datetime


def list_dead_events(*, limit: int) -> tuple[DeadEvent, ...]:
    """
    Return events that were given up, the oldest first.
    """
    dead = ProviderEvent.objects.filter(state=ProviderEvent.State.DEAD).order_by("id")
    return tuple(DeadEvent(**row) for row in dead.values(*DeadEvent.__dataclass_fields__)[:limit])
