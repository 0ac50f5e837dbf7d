"""
Asks "may this car run this job?", a thousand at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from simulator.scheduler import moments
from simulator.scheduler.client import Client, Json
from simulator.scheduler.metering import Meters
from simulator.scheduler.planning import Decision, Slot


BATCH_MAX = 1_000
# A permit with an obligation that nobody here understands counts as a deny.
UNKNOWN_OBLIGATION = "unknown_obligation"


@dataclass(kw_only=True)
class Desk:
    """
    ``is_live`` asks for the present, without a time; else each question carries
    the past moment that it is about.
    """

    client: Client
    meters: Meters
    is_live: bool = False
    asked: int = 0
    permitted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def ask(self, slots: Iterable[Slot]) -> Iterator[tuple[Slot, Decision]]:
        """Yield each slot with its decision, in order."""
        waiting = iter(slots)
        while batch := list(islice(waiting, BATCH_MAX)):
            answer = self.client.post(
                "/access/v1/evaluations",
                {"action": {"name": "run"}, "evaluations": [self._to_question(s) for s in batch]},
            )
            found = answer["evaluations"]
            if len(found) != len(batch):
                raise ValueError(f"{len(found)} decisions for {len(batch)} questions")
            for slot, item in zip(batch, found, strict=True):
                yield slot, self._read(item)

    def stop(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Give back the leases of (vehicle, workload) that are over."""
        waiting = iter(jobs)
        while batch := list(islice(waiting, BATCH_MAX)):
            items = [
                {
                    "subject": {"type": "workload", "id": workload},
                    "resource": {"type": "vehicle", "id": vehicle_id},
                }
                for vehicle_id, workload in batch
            ]
            self.client.post(
                "/access/v1/evaluations", {"action": {"name": "stop"}, "evaluations": items}
            )

    def _to_question(self, slot: Slot) -> Json:
        telemetry = self.meters.get_telemetry(slot.vehicle, slot.session, at_s=slot.starts_at_s)
        context: Json = {"telemetry": telemetry}
        if not self.is_live:
            context["time"] = moments.to_text(slot.starts_at_s)
        return {
            "subject": {
                "type": "workload",
                "id": name_workload(slot),
                "properties": {
                    "category": slot.booking.category,
                    "booking_id": slot.booking.booking_id,
                },
            },
            "resource": {"type": "vehicle", "id": slot.vehicle.vehicle_id},
            "context": context,
        }

    def _read(self, item: Json) -> Decision:
        context = item.get("context") or {}
        duties = {each.get("id"): each for each in context.get("obligations") or ()}
        reasons = tuple(reason["code"] for reason in context.get("reasons") or ())
        permit = item["decision"] is True
        if permit and not duties.keys() <= {"power_limit", "finish_by"}:
            permit, reasons = False, (UNKNOWN_OBLIGATION,)
        finish_by = duties.get("finish_by", {}).get("at")
        decision = Decision(
            permit=permit,
            reasons=reasons,
            consent_version=context.get("consent_version"),
            power_limit_w=duties.get("power_limit", {}).get("watts"),
            finish_by_s=None if finish_by is None else moments.from_text(finish_by),
        )
        self.asked += 1
        self.permitted += decision.permit
        self.reasons.update(decision.reasons)
        return decision


def name_workload(slot: Slot) -> str:
    """Return the id under which a booking works on a car, the same for as long as it does."""
    return f"w-{slot.booking.booking_id}"
