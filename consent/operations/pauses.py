from datetime import datetime

from psycopg2.extras import DateTimeTZRange

from consent.models import ConsentEvent, Pause, Vehicle
from consent.operations.events import find_pause, tell_feed
from consent.operations.vehicles import find_current, lock_vehicle
from web.transactions import durable


class PauseOver(Exception):
    """
    The named end of the pause is not in the future.
    """


@durable
def pause(
    *, vehicle_id: int, owner_id: int, until: datetime | None, kind: str, now: datetime
) -> Pause:
    """
    Stop a vehicle until a named end, None: until it is resumed. Replaces a running pause.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    :raises PauseOver: the end is not in the future.
    """
    if until is not None and until <= now:
        raise PauseOver(until)
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    _cut_short(vehicle, now)
    made = Pause.objects.create(
        vehicle=vehicle,
        during=DateTimeTZRange(now, until, "[)"),
        kind=kind,
        actor_id=owner_id,
    )
    _tell(vehicle, ConsentEvent.Kind.PAUSED, now)
    return made


@durable
def resume(*, vehicle_id: int, owner_id: int, now: datetime) -> bool:
    """
    End a running pause; False: there was none.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = lock_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    was_paused = _cut_short(vehicle, now)
    if was_paused:
        _tell(vehicle, ConsentEvent.Kind.RESUMED, now)
    return was_paused


def _cut_short(vehicle: Vehicle, now: datetime) -> bool:
    """
    End what is running; also one that by another server's clock has not yet begun.
    """
    running = find_pause(vehicle, now)
    if running is None:
        return False
    has_begun = running.starts_at < now
    running.during = (
        DateTimeTZRange(running.starts_at, now, "[)") if has_begun else DateTimeTZRange(empty=True)
    )
    running.resumed_at = now
    running.save(update_fields=["during", "resumed_at"])
    return True


def _tell(vehicle: Vehicle, kind: ConsentEvent.Kind, now: datetime) -> None:
    tell_feed(vehicle=vehicle, kind=kind, current=find_current(vehicle), effective_at=now)
