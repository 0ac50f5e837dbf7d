"""
Jobs and their meter readings: one CloudEvent per car and quarter-hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.scheduler import moments
from simulator.scheduler.chance import draw
from simulator.scheduler.energy import Charging, get_battery_temp_c, make_accelerator, meter
from simulator.scheduler.fleet import Vehicle
from simulator.scheduler.planning import Slot
from simulator.scheduler.sessions import Session
from simulator.scheduler.trace import Lane


Event = dict[str, Any]
EVENT_TYPE = "org.parado.usage.recorded.v1"
JOB_S_MAX = 2 * moments.HOUR_S
REPORTED_AFTER_S = 4


@dataclass(kw_only=True)
class Job:
    """One run on one car. ``held`` is its last reading, kept until it is known to be the last."""

    job_id: str
    booking_id: str
    started_at_s: int
    ended_at_s: int
    held: Event


@dataclass(kw_only=True)
class VehicleMeter:
    sequence: int = 0
    job: Job | None = None
    busy_for_s: int = 0


@dataclass(kw_only=True)
class Meters:
    """
    The fleet's meters. Ids and readings depend on the seed, the car and the time
    only, so that a second run reports the same again.
    """

    seed: int
    source: str
    lanes: list[Lane]
    meters: dict[str, VehicleMeter] = field(default_factory=dict)
    jobs_completed: dict[str, int] = field(default_factory=dict)
    jobs_max: dict[str, int | None] = field(default_factory=dict)
    requests: int = 0
    energy_wh: int = 0

    def get_telemetry(self, vehicle: Vehicle, session: Session, *, at_s: int) -> Event:
        """Return what the car says of itself at a moment of a session."""
        busy_for_s = self._get(vehicle).busy_for_s
        return {
            "observed_at": moments.to_text(at_s),
            "state_of_charge_pct": _get_charging(vehicle, session).get_state_of_charge_pct(at_s),
            "plugged_in": True,
            "battery_temp_c": get_battery_temp_c(at_s=at_s, busy_for_s=busy_for_s),
            "is_home": True,
            "is_moving": False,
        }

    def run(self, slot: Slot, *, power_w: int, consent_version: int | None) -> list[Event]:
        """Let a car work for a slot; return the readings that are final by that."""
        own = self._get(slot.vehicle)
        is_next = (
            own.job is not None
            and own.job.booking_id == slot.booking.booking_id
            and own.job.ended_at_s == slot.starts_at_s
            and slot.ends_at_s - own.job.started_at_s <= JOB_S_MAX
        )
        final = [] if own.job is None else [self._finish(slot.vehicle, is_last=not is_next)]
        if own.job is None or not is_next:
            is_warm = own.job is not None and own.job.ended_at_s == slot.starts_at_s
            own.busy_for_s = own.busy_for_s if is_warm else 0
            own.job = self._start_job(slot)
            self.jobs_max[slot.booking.booking_id] = slot.booking.jobs_max
        own.job.held = self._read(slot, own, power_w=power_w, consent_version=consent_version)
        own.job.ended_at_s = slot.ends_at_s
        return final

    def finish_before(self, at_s: int) -> list[Event]:
        """Return the last readings of the jobs that ended before ``at_s``."""
        final = []
        for own in self.meters.values():
            if own.job is not None and own.job.ended_at_s < at_s:
                final.append(self._finish_own(own, is_last=True))
                own.job = None
        return final

    def count_running(self) -> int:
        return sum(1 for own in self.meters.values() if own.job is not None)

    def take_sequence(self, vehicle_id: str) -> int:
        own = self.meters[vehicle_id]
        own.sequence += 1
        return own.sequence

    def _get(self, vehicle: Vehicle) -> VehicleMeter:
        return self.meters.setdefault(vehicle.vehicle_id, VehicleMeter())

    def _start_job(self, slot: Slot) -> Job:
        stamp = moments.to_text(slot.starts_at_s)[:16].replace("-", "").replace(":", "")
        return Job(
            job_id=f"j{self.seed}-{stamp}-{slot.vehicle.vehicle_id.removeprefix('veh_')}",
            booking_id=slot.booking.booking_id,
            started_at_s=slot.starts_at_s,
            ended_at_s=slot.ends_at_s,
            held={},
        )

    def _read(
        self, slot: Slot, own: VehicleMeter, *, power_w: int, consent_version: int | None
    ) -> Event:
        assert own.job is not None
        duration_s = slot.ends_at_s - slot.starts_at_s
        lane = self.lanes[int(draw(self.seed, "lane", own.job.job_id) * len(self.lanes))]
        offset_s = int(draw(self.seed, "offset", own.job.job_id) * lane.period_s)
        elapsed_s = slot.starts_at_s - own.job.started_at_s
        work = lane.get_work(offset_s + elapsed_s, offset_s + elapsed_s + duration_s)
        accelerator = make_accelerator(
            rated_power_w=slot.vehicle.rated_power_w, power_limit_w=power_w
        )
        metered = meter(accelerator=accelerator, work=work, duration_s=duration_s)
        self.requests += metered.requests
        self.energy_wh += metered.energy_wh
        charging = _get_charging(slot.vehicle, slot.session)
        before_c = get_battery_temp_c(at_s=slot.starts_at_s, busy_for_s=own.busy_for_s)
        own.busy_for_s += duration_s
        after_c = get_battery_temp_c(at_s=slot.ends_at_s, busy_for_s=own.busy_for_s)
        name = slot.vehicle.vehicle_id.removeprefix("veh_")
        stamp = moments.to_text(slot.starts_at_s).replace("-", "").replace(":", "")
        return {
            "specversion": "1.0",
            "id": f"s{self.seed}-{stamp}-{name}",
            "source": self.source,
            "type": EVENT_TYPE,
            "subject": slot.vehicle.vehicle_id,
            "time": moments.to_text(slot.ends_at_s + REPORTED_AFTER_S),
            "datacontenttype": "application/json",
            "data": {
                "booking_id": slot.booking.booking_id,
                "job_id": own.job.job_id,
                "sequence": 0,
                "starts_at": moments.to_text(slot.starts_at_s),
                "ends_at": moments.to_text(slot.ends_at_s),
                "energy_wh": metered.energy_wh,
                "workload_category": slot.booking.category,
                "consent_version": consent_version,
                "state_of_charge_min_pct": charging.get_state_of_charge_pct(slot.starts_at_s),
                "plugged_in": True,
                "is_home": True,
                "battery_temp_min_c": min(before_c, after_c),
                "battery_temp_max_c": max(before_c, after_c),
                "job_completed": False,
                "supersedes": None,
            },
        }

    def _finish(self, vehicle: Vehicle, *, is_last: bool) -> Event:
        return self._finish_own(self._get(vehicle), is_last=is_last)

    def _finish_own(self, own: VehicleMeter, *, is_last: bool) -> Event:
        """Give the held reading its number, and say whether the job ended with it."""
        assert own.job is not None
        own.sequence += 1
        event, booking_id = own.job.held, own.job.booking_id
        done, limit = self.jobs_completed.get(booking_id, 0), self.jobs_max[booking_id]
        # The buyer booked so many jobs; a further one is stopped, not completed.
        is_completed = is_last and (limit is None or done < limit)
        self.jobs_completed[booking_id] = done + is_completed
        event["data"]["sequence"] = own.sequence
        event["data"]["job_completed"] = is_completed
        return event


def _get_charging(vehicle: Vehicle, session: Session) -> Charging:
    return Charging(
        battery_wh=vehicle.battery_wh,
        energy_wh=session.energy_wh,
        starts_at_s=session.starts_at_s,
        ends_at_s=session.ends_at_s,
    )
