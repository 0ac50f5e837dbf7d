"""
The rows of the consent feed, written in the transaction of what they tell.
"""

from datetime import datetime

from django.db.models import Q

from consent.models import ConsentEvent, ConsentVersion, Pause, Vehicle


def tell_feed(
    *,
    vehicle: Vehicle,
    kind: ConsentEvent.Kind,
    current: ConsentVersion | None,
    effective_at: datetime,
) -> None:
    running = find_pause(vehicle, effective_at)
    ConsentEvent.objects.create(
        vehicle=vehicle,
        kind=kind,
        effective_at=effective_at,
        number=current.number if current else 0,
        state=current.state if current else "",
        is_paused=running is not None,
        pause_ends_at=running.ends_at if running else None,
    )


def find_pause(vehicle: Vehicle, now: datetime) -> Pause | None:
    """
    Return the pause that is running, also one that by this clock has not yet begun.

    A skipped night is none: it is a matter of hours, which the feed does not tell either.
    """
    is_running = Q(during__upper_inf=True) | Q(during__endswith__gt=now)
    pauses = Pause.objects.filter(is_running, vehicle=vehicle, resumed_at__isnull=True)
    return pauses.exclude(kind=Pause.Kind.SKIP).first()
