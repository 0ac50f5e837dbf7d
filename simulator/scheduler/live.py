"""
The present: what the cars say now, and whether they may work now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.scheduler import moments
from simulator.scheduler.client import Json
from simulator.scheduler.decisions import Desk, name_workload
from simulator.scheduler.planning import Decision, list_presence, plan
from simulator.scheduler.replay import Scheduler
from simulator.scheduler.sessions import QUARTER_S, Reading, Session


AWAY_CHARGE_PCT = 70.0
# A job takes this long to stop in good order.
FINISH_S = 30


@dataclass(kw_only=True)
class Present:
    """How the fleet stands at one moment."""

    at_s: int
    plugged_in: int = 0
    away: int = 0
    asked: int = 0
    permitted: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def report_present(scheduler: Scheduler, *, now_s: int) -> Present:
    """Send every car's telemetry of now, then ask for each that is plugged in."""
    here = {
        session.resident: session
        for session in scheduler.reading.sessions
        if session.starts_at_s <= now_s < session.ends_at_s
    }
    samples = [
        {"vehicle_id": vehicle.vehicle_id, **_describe(scheduler, resident, here, now_s=now_s)}
        for resident, vehicle in sorted(scheduler.fleet.items())
    ]
    scheduler.post_telemetry(samples)
    present = Present(at_s=now_s, plugged_in=len(here), away=len(samples) - len(here))
    _ask(scheduler, list(here.values()), present)
    return present


def _describe(scheduler: Scheduler, resident: str, here: dict[str, Session], *, now_s: int) -> Json:
    vehicle = scheduler.fleet[resident]
    if resident in here:
        return scheduler.meters.get_telemetry(vehicle, here[resident], at_s=now_s)
    return {
        "observed_at": moments.to_text(now_s),
        "state_of_charge_pct": AWAY_CHARGE_PCT,
        "plugged_in": False,
        "battery_temp_c": None,
        "is_home": False,
        "is_moving": None,
    }


def _ask(scheduler: Scheduler, sessions: list[Session], present: Present) -> None:
    quarter_s = present.at_s - present.at_s % QUARTER_S
    there = list_presence(sessions, fleet=scheduler.fleet, span=(quarter_s, quarter_s + QUARTER_S))
    slots = plan(there, bookings=scheduler.bookings.values(), seed=scheduler.seed)
    desk = Desk(client=scheduler.client, meters=scheduler.meters, is_live=True)
    # Asking again renews; whatever is not renewed is over.
    running = {
        (slot.vehicle.vehicle_id, name_workload(slot))
        for slot, decision in desk.ask(slots)
        if decision.permit and not is_to_finish(decision, now_s=present.at_s)
    }
    desk.stop(sorted(scheduler.running - running))
    scheduler.running = running
    present.asked, present.permitted = desk.asked, desk.permitted
    present.reasons = dict(desk.reasons)


def is_to_finish(decision: Decision, *, now_s: int) -> bool:
    """Return whether a job must be done before it could be asked for again."""
    return decision.finish_by_s is not None and decision.finish_by_s - now_s < FINISH_S


def follow(
    scheduler: Scheduler,
    *,
    from_s: int,
    every_s: float,
    read_sessions: Callable[[int], Reading],
    wait: Callable[[float], bool],
    save: Callable[[int], None],
    clock: Callable[[], int],
) -> None:
    """
    Keep up with the present: telemetry often, usage once a quarter-hour is over.

    ``wait`` pauses for so many seconds and returns whether to stop;
    ``save`` keeps the state as of a second.
    """
    reported_until_s = from_s
    while not wait(every_s):
        now_s = clock()
        scheduler.read_feeds()
        due_s = now_s - now_s % QUARTER_S
        if due_s > reported_until_s:
            scheduler.reading = read_sessions(due_s)
            scheduler.replay(window=(reported_until_s, due_s))
            reported_until_s = due_s
            save(due_s)
        report_present(scheduler, now_s=now_s)
    Desk(client=scheduler.client, meters=scheduler.meters).stop(sorted(scheduler.running))
