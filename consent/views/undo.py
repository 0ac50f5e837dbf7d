"""
Taking back what was just pressed: a message offers it, a signed text remembers what it was.
"""

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.permissions import PersonRequest
from consent import operations, queries
from consent.operations import Break, PauseOver
from consent.views.addresses import about_a_car, address_of, find_way_back
from web import tokens


SCOPE = "undo"
# Longer than anybody looks at a message, shorter than anybody keeps a page for.
UNDO_WITHIN = timedelta(minutes=15)


def offer_undo(
    request: PersonRequest,
    text: str,
    *,
    act: str,
    vehicle_id: int,
    was: Break | None,
    pause_id: int = 0,
) -> None:
    """
    Say what was done, with a button that takes it back: `was` is what it put an end to.
    """
    kept = [act, vehicle_id, int(timezone.now().timestamp()), pause_id, *_write(was)]
    token = tokens.sign(scope=SCOPE, values=kept)
    address = address_of("undo", vehicle_id)
    messages.success(request, text, extra_tags=f"undo {address} {token}")


@require_POST
@about_a_car
def undo(request: PersonRequest, vehicle_id: int) -> HttpResponse:
    queries.get_owned_vehicle(vehicle_id=vehicle_id, owner_id=request.user.pk)
    now = timezone.now()
    kept = tokens.read(scope=SCOPE, text=request.POST.get("token", ""))
    can_be_undone = kept and kept[1] == vehicle_id and not _is_old(kept[2], now)
    if kept and can_be_undone and _undo(request, kept, now):
        messages.success(request, _("Taken back: it is as it was before."))
    else:
        messages.warning(request, _("That can no longer be taken back."))
    return redirect(find_way_back(request))


def _undo(request: PersonRequest, kept: list[int | str], now: datetime) -> bool:
    act, pause_id, was = kept[0], int(kept[3]), _read(kept[4:])
    vehicle_id, owner_id = int(kept[1]), request.user.pk
    if act == "pause":
        return operations.undo_pause(
            vehicle_id=vehicle_id, owner_id=owner_id, pause_id=pause_id, before=was, now=now
        )
    if act == "skip":
        done = operations.unskip_night(vehicle_id=vehicle_id, owner_id=owner_id, now=now)
        return done is not None
    return was is not None and _put_back(was, vehicle_id, owner_id, now)


def _put_back(was: Break, vehicle_id: int, owner_id: int, now: datetime) -> bool:
    """
    Begin a break again that was ended too early; False: it would be over by now.
    """
    try:
        if was.kind == "skip":
            assert was.until is not None, "a night has an end"
            operations.skip_night(
                vehicle_id=vehicle_id,
                owner_id=owner_id,
                starts_at=was.starts_at,
                ends_at=was.until,
                now=now,
            )
        else:
            operations.pause(
                vehicle_id=vehicle_id,
                owner_id=owner_id,
                until=was.until,
                kind=was.kind,
                lets_jobs_finish=was.lets_jobs_finish,
                now=now,
            )
    except PauseOver:
        return False
    return True


def _is_old(at_s: int | str, now: datetime) -> bool:
    return now.timestamp() - int(at_s) > UNDO_WITHIN.total_seconds()


def _write(was: Break | None) -> list[int | str]:
    if was is None:
        return []
    until = was.until.isoformat() if was.until else ""
    return [was.kind, was.starts_at.isoformat(), until, int(was.lets_jobs_finish)]


def _read(kept: list[int | str]) -> Break | None:
    if not kept:
        return None
    kind, starts_at, until, lets_jobs_finish = map(str, kept)
    return Break(
        kind,
        datetime.fromisoformat(starts_at),
        datetime.fromisoformat(until) if until else None,
        lets_jobs_finish == "1",
    )
