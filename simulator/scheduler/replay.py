"""
The replay: weeks of the fleet's past, day by day, through the public API.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.scheduler import moments
from simulator.scheduler.client import Client, Json
from simulator.scheduler.decisions import Desk
from simulator.scheduler.fleet import (
    Booking,
    Consents,
    Feed,
    Vehicle,
    apply_bookings,
    apply_consents,
    read_feed,
)
from simulator.scheduler.metering import Event, Meters
from simulator.scheduler.mischief import Mischief
from simulator.scheduler.outbox import Outbox
from simulator.scheduler.planning import Allocation, Slot, list_presence, plan
from simulator.scheduler.sessions import Reading, Session


TELEMETRY_BATCH_MAX = 5_000
TELEMETRY_EVERY_S = moments.HOUR_S


@dataclass(kw_only=True)
class Scheduler:
    """
    Everything one run works with. ``speed`` is simulated seconds per real one,
    0 for as fast as it goes.
    """

    client: Client
    fleet: dict[str, Vehicle]
    reading: Reading
    meters: Meters
    mischief: Mischief
    outbox: Outbox
    desk: Desk
    allocation: Allocation
    seed: int
    speed: float = 0.0
    bookings: dict[str, Booking] = field(default_factory=dict)
    booking_feed: Feed = field(default_factory=Feed)
    consents: Consents = field(default_factory=Consents)
    consent_feed: Feed = field(default_factory=Feed)
    telemetry: Counter[str] = field(default_factory=Counter)
    vehicles_worked: set[str] = field(default_factory=set)
    # (vehicle, workload) that hold a lease at present.
    running: set[tuple[str, str]] = field(default_factory=set)

    def read_feeds(self) -> None:
        apply_consents(self.consents, read_feed(self.client, "/api/v1/consents", self.consent_feed))
        apply_bookings(
            self.bookings, read_feed(self.client, "/api/v1/bookings/feed", self.booking_feed)
        )

    def replay(self, *, window: tuple[int, int]) -> None:
        """Replay [from, until), both on quarter-hours, one UTC day after the other."""
        days = list(_list_days(*window))
        sessions = sorted(self.reading.sessions, key=lambda session: session.starts_at_s)
        for number, span in enumerate(days, start=1):
            began = time.monotonic()
            here = [s for s in sessions if s.starts_at_s < span[1] and s.ends_at_s > span[0]]
            self.replay_day(here, span=span)
            self._tell(f"day {number} of {len(days)}, {moments.to_text(span[0])[:10]}")
            self._keep_pace(span, began=began)
        self.outbox.add(self.mischief.take_late(until_s=None))
        self.outbox.flush()

    def replay_day(self, sessions: list[Session], *, span: tuple[int, int]) -> None:
        self.allocation.forget_before(span[0])
        self.send_telemetry(_list_samples(sessions, span=span))
        present = list_presence(sessions, fleet=self.fleet, span=span)
        slots = plan(present, bookings=self.bookings.values(), seed=self.seed)
        for events in self._work(slots):
            self._report(events)
        self._report(self.meters.finish_before(span[1]))
        self.outbox.add(self.mischief.take_late(until_s=span[1]))

    def _work(self, slots: Iterator[Slot]) -> Iterator[list[Event]]:
        """Yield the readings of the cars that may work and are needed."""
        for slot, decision in self.desk.ask(slots):
            excuse = "" if decision.permit else self.mischief.find_excuse(slot, decision)
            if not decision.permit and not excuse:
                continue
            power_w = self.allocation.take(slot, decision)
            if not power_w:
                continue
            if excuse:
                self.mischief.note_excuse(slot, excuse)
            self.mischief.note_work(slot)
            self.vehicles_worked.add(slot.vehicle.vehicle_id)
            version = decision.consent_version
            if version is None:
                version = self.consents.version.get(slot.vehicle.vehicle_id)
            yield self.meters.run(slot, power_w=power_w, consent_version=version)

    def _report(self, events: list[Event]) -> None:
        if events:
            self.outbox.add(self.mischief.spoil(events, meters=self.meters))

    def send_telemetry(self, samples: Iterator[tuple[int, Session]]) -> None:
        """Send what the cars say of themselves, oldest first."""
        batch: list[Json] = []
        for at_s, session in sorted(samples, key=lambda sample: sample[0]):
            vehicle = self.fleet[session.resident]
            batch.append(
                {
                    "vehicle_id": vehicle.vehicle_id,
                    **self.meters.get_telemetry(vehicle, session, at_s=at_s),
                    "plugged_in": at_s < session.ends_at_s,
                }
            )
        self.post_telemetry(batch)

    def post_telemetry(self, samples: list[Json]) -> None:
        for start in range(0, len(samples), TELEMETRY_BATCH_MAX):
            chunk = samples[start : start + TELEMETRY_BATCH_MAX]
            answer = self.client.post("/api/v1/telemetry", {"samples": chunk})
            self.telemetry.update(
                sent=len(chunk),
                accepted=answer["accepted"],
                older=answer["older"],
                faulty=answer["faulty"],
                refused=answer["refused"],
            )

    def _keep_pace(self, span: tuple[int, int], *, began: float) -> None:
        if self.speed > 0:
            time.sleep(max(0.0, (span[1] - span[0]) / self.speed - (time.monotonic() - began)))

    def _tell(self, text: str) -> None:
        sys.stderr.write(
            f"scheduler: {text}: {self.desk.asked:,} decisions, {self.outbox.sent:,} records sent, "
            f"{self.meters.energy_wh / 1_000:,.0f} kWh\n"
        )
        sys.stderr.flush()


def _list_days(starts_at_s: int, ends_at_s: int) -> Iterator[tuple[int, int]]:
    at_s = starts_at_s
    while at_s < ends_at_s:
        until_s = min(at_s - at_s % moments.DAY_S + moments.DAY_S, ends_at_s)
        yield at_s, until_s
        at_s = until_s


def _list_samples(
    sessions: list[Session], *, span: tuple[int, int]
) -> Iterator[tuple[int, Session]]:
    """Yield plug-in, plug-out and every full hour between, where inside the span."""
    for session in sessions:
        first = max(session.starts_at_s, span[0])
        if session.starts_at_s == first:
            yield first, session
        hour_s = first - first % TELEMETRY_EVERY_S + TELEMETRY_EVERY_S
        for at_s in range(hour_s, min(session.ends_at_s, span[1]), TELEMETRY_EVERY_S):
            yield at_s, session
        if session.ends_at_s <= span[1]:
            yield session.ends_at_s, session
