"""
Breaks that an owner takes: a pause from now on, or a night left out ahead of time.
"""

from datetime import datetime
from typing import NamedTuple

from psycopg2.extras import DateTimeTZRange

from consent.models import ConsentEvent, Pause, Vehicle
from consent.operations.events import find_pause, tell_feed
from consent.operations.vehicles import find_current, lock_vehicle
from web.transactions import durable


class PauseOver(Exception):
    """
    The named end of the pause is not in the future.
    """


class Break(NamedTuple):
    """
    A break as it was asked for, so that it can be put back; `until` None: no end.
    """

    kind: str
    starts_at: datetime
    until: datetime | None
    lets_jobs_finish: bool

    @classmethod
    def of(cls, pause: Pause) -> "Break":
        return cls(pause.kind, pause.starts_at, pause.ends_at, pause.lets_jobs_finish)


class Paused(NamedTuple):
    """
    A new pause and the one that it replaced.
    """

    pause: Pause
    before: Break | None


@durable
def pause(
    *,
    vehicle_id: int,
    owner_id: int,
    until: datetime | None,
    kind: str,
    lets_jobs_finish: bool = False,
    now: datetime,
) -> Paused:
    """
    Stop a vehicle until a named end, None: until it is resumed. Replaces a running pause.

    `lets_jobs_finish`: what runs now may run to its end; nothing new begins.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises PauseOver: the end is not in the future.
    """
    if until is not None and until <= now:
        raise PauseOver(until)
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    before = _cut_short(find_pause(vehicle, now), now)
    made = _begin(vehicle, Break(kind, now, until, lets_jobs_finish))
    _tell(vehicle, ConsentEvent.Kind.PAUSED, now)
    return Paused(made, before)


@durable
def resume(*, vehicle_id: int, owner_id: int, now: datetime) -> Break | None:
    """
    End a running pause, or the skipped night that it is; None: there was neither.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    paused = _cut_short(find_pause(vehicle, now), now)
    if paused:
        _tell(vehicle, ConsentEvent.Kind.RESUMED, now)
    tonight = Pause.objects.filter(
        vehicle=vehicle, kind=Pause.Kind.SKIP, during__contains=now, resumed_at__isnull=True
    ).first()
    return paused or _cut_short(tonight, now)


@durable
def undo_pause(
    *, vehicle_id: int, owner_id: int, pause_id: int, before: Break | None, now: datetime
) -> bool:
    """
    Take a pause back and put back the one that it replaced; False: it is over already.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    running = find_pause(vehicle, now)
    if running is None or running.pk != pause_id:
        return False
    _cut_short(running, now)
    if before is not None and (before.until is None or before.until > now):
        _begin(vehicle, before._replace(starts_at=now))
        _tell(vehicle, ConsentEvent.Kind.PAUSED, now)
    else:
        _tell(vehicle, ConsentEvent.Kind.RESUMED, now)
    return True


@durable
def skip_night(
    *, vehicle_id: int, owner_id: int, starts_at: datetime, ends_at: datetime, now: datetime
) -> Pause:
    """
    Leave out a stretch of the owner's hours ahead of time; asked twice it is left out once.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises PauseOver: it is over already.
    """
    if ends_at <= now:
        raise PauseOver(ends_at)
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    starts_at = max(starts_at, now)
    skipped = Pause.objects.filter(
        vehicle=vehicle, kind=Pause.Kind.SKIP, during__overlap=(starts_at, ends_at)
    ).first()
    if skipped is not None:
        return skipped
    return _begin(vehicle, Break(Pause.Kind.SKIP, starts_at, ends_at, lets_jobs_finish=False))


@durable
def unskip_night(*, vehicle_id: int, owner_id: int, now: datetime) -> Break | None:
    """
    Take the next skipped night back, also one that has begun; None: there is none.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    ahead = Pause.objects.filter(
        vehicle=vehicle, kind=Pause.Kind.SKIP, during__endswith__gt=now, resumed_at__isnull=True
    )
    return _cut_short(ahead.order_by("during").first(), now)


def _begin(vehicle: Vehicle, wanted: Break) -> Pause:
    return Pause.objects.create(
        vehicle=vehicle,
        during=DateTimeTZRange(wanted.starts_at, wanted.until, "[)"),
        kind=wanted.kind,
        lets_jobs_finish=wanted.lets_jobs_finish,
        actor_id=vehicle.owner_id,
    )


def _cut_short(running: Pause | None, now: datetime) -> Break | None:
    """
    End a break; also one that by another server's clock has not yet begun.
    """
    if running is None:
        return None
    was = Break.of(running)
    has_begun = was.starts_at < now
    running.during = (
        DateTimeTZRange(was.starts_at, now, "[)") if has_begun else DateTimeTZRange(empty=True)
    )
    running.resumed_at = now
    running.save(update_fields=["during", "resumed_at"])
    return was


def _tell(vehicle: Vehicle, kind: ConsentEvent.Kind, now: datetime) -> None:
    tell_feed(vehicle=vehicle, kind=kind, current=find_current(vehicle), effective_at=now)
