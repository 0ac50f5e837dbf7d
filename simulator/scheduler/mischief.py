"""
What goes wrong in a real fleet, done on purpose and counted.
"""

from __future__ import annotations

import copy
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.scheduler import moments
from simulator.scheduler.chance import draw
from simulator.scheduler.metering import Event, Meters
from simulator.scheduler.planning import Decision, Slot


UNKNOWN_VEHICLE = "veh_000000000000000"
WITHDRAWN = "consent_withdrawn"
OUTSIDE_HOURS = "outside_hours"
READINGS_UNTIL_CORRECTED = 4
LATE_BY_S = 6 * moments.HOUR_S


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Shares of the readings; limits count cars or readings in the whole run."""

    duplicate: float = 0.01
    late: float = 0.005
    correction: float = 0.003
    corrected_share: float = 0.9
    over_report: float = 0.2
    over_report_factor: float = 1.3
    withdrawn_readings_max: int = 2
    overrun_vehicles_max: int = 6


@dataclass(kw_only=True)
class Mischief:
    """
    ``over_reporter`` is the vehicle whose meter reads too much.
    """

    seed: int
    rates: Rates
    over_reporter: str
    special_from_s: int
    counts: Counter[str] = field(default_factory=Counter)
    _late: list[tuple[int, Event]] = field(default_factory=list)
    _to_correct: dict[str, list[tuple[int, Event]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _forced: Counter[str] = field(default_factory=Counter)
    _overrun: set[str] = field(default_factory=set)
    _last_work: dict[str, int] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def export(self) -> dict[str, Any]:
        """Return what was done already, to go on from; what waits is not kept."""
        return {
            "done": sorted(self._done),
            "overrun": sorted(self._overrun),
            "forced": dict(self._forced),
            "last_work": self._last_work,
        }

    def restore(self, values: dict[str, Any]) -> None:
        self._done, self._overrun = set(values["done"]), set(values["overrun"])
        self._forced, self._last_work = Counter(values["forced"]), values["last_work"]

    # Work that should not have been ------------------------------------------

    def note_work(self, slot: Slot) -> None:
        self._last_work[slot.vehicle.vehicle_id] = slot.ends_at_s

    def find_excuse(self, slot: Slot, decision: Decision) -> str:
        """Return why the car works although its owner said no, '' when it does not."""
        vehicle_id = slot.vehicle.vehicle_id
        if WITHDRAWN in decision.reasons:
            is_left = self._forced[vehicle_id] < self.rates.withdrawn_readings_max
            return "work_after_withdrawal" if is_left else ""
        ran_until_now = self._last_work.get(vehicle_id) == slot.starts_at_s
        is_left = len(self._overrun) < self.rates.overrun_vehicles_max
        if decision.reasons != (OUTSIDE_HOURS,) or not ran_until_now or not is_left:
            return ""
        return "" if vehicle_id in self._overrun else "work_past_the_hours"

    def note_excuse(self, slot: Slot, excuse: str) -> None:
        self.counts[excuse] += 1
        if excuse == "work_after_withdrawal":
            self._forced[slot.vehicle.vehicle_id] += 1
        else:
            self._overrun.add(slot.vehicle.vehicle_id)

    # Readings that are wrong -------------------------------------------------

    def spoil(self, events: Iterable[Event], *, meters: Meters) -> list[Event]:
        """Return the readings as they are sent now, and what is added to them."""
        sent: list[Event] = []
        for event in events:
            self._over_report(event)
            self._unlabel(event)
            sent += self._hold_back(event)
            sent += self._repeat(event)
            sent += self._add_stranger(event)
            sent += self._correct(event, meters=meters)
        return sent

    def _over_report(self, event: Event) -> None:
        if event["subject"] != self.over_reporter:
            return
        if draw(self.seed, "over", event["id"]) >= self.rates.over_report:
            return
        data = event["data"]
        duration_s = moments.from_text(data["ends_at"]) - moments.from_text(data["starts_at"])
        # 1.3 times a full kilowatt: more than any car of the fleet can draw.
        wrong_wh = math.ceil(1_000 * duration_s / 3_600 * self.rates.over_report_factor) + 1
        data["energy_wh"] = max(data["energy_wh"], wrong_wh)
        self.counts["too_much_energy"] += 1

    def _unlabel(self, event: Event) -> None:
        if self._is_first("unlabelled", event):
            event["data"]["workload_category"] = None
            self.counts["unlabelled"] += 1

    def _is_first(self, kind: str, event: Event) -> bool:
        """Return True once a run, for the first reading after ``special_from_s``."""
        is_due = moments.from_text(event["data"]["starts_at"]) >= self.special_from_s
        if kind in self._done or not is_due:
            return False
        self._done.add(kind)
        return True

    def _hold_back(self, event: Event) -> list[Event]:
        if not self._is_late(event):
            return [event]
        due_at_s = moments.from_text(event["data"]["ends_at"]) + LATE_BY_S
        self._late.append((due_at_s, event))
        self.counts["late"] += 1
        return []

    def _is_late(self, event: Event) -> bool:
        return draw(self.seed, "late", event["id"]) < self.rates.late

    def _repeat(self, event: Event) -> list[Event]:
        if draw(self.seed, "duplicate", event["id"]) >= self.rates.duplicate:
            return []
        self.counts["duplicates"] += 1
        return [event]

    def _add_stranger(self, event: Event) -> list[Event]:
        if not self._is_first("stranger", event):
            return []
        stranger = copy.deepcopy(event)
        stranger.update(id=f"{event['id']}-stranger", subject=UNKNOWN_VEHICLE)
        stranger["data"]["sequence"] = 1
        self.counts["unknown_vehicle"] += 1
        return [stranger]

    def _correct(self, event: Event, *, meters: Meters) -> list[Event]:
        """Correct an earlier reading of the car once it has sent a few more."""
        waiting = self._to_correct[event["subject"]]
        waiting[:] = [(left - 1, original) for left, original in waiting]
        ripe = [original for left, original in waiting if left <= 0]
        waiting[:] = [(left, original) for left, original in waiting if left > 0]
        if self._is_to_correct(event):
            waiting.append((READINGS_UNTIL_CORRECTED, event))
        return [self._make_correction(original, meters=meters) for original in ripe]

    def _is_to_correct(self, event: Event) -> bool:
        # A correction must not overtake what it corrects, so nothing late is corrected.
        is_sound = (
            event["data"]["workload_category"] is not None
            and event["subject"] != self.over_reporter
            and not self._is_late(event)
        )
        return is_sound and draw(self.seed, "correct", event["id"]) < self.rates.correction

    def _make_correction(self, original: Event, *, meters: Meters) -> Event:
        correction = copy.deepcopy(original)
        sequence = meters.take_sequence(original["subject"])
        correction["id"] = f"{original['id']}-corrected"
        correction["data"].update(
            sequence=sequence,
            energy_wh=int(original["data"]["energy_wh"] * self.rates.corrected_share),
            supersedes=original["id"],
        )
        self.counts["corrections"] += 1
        return correction

    def take_late(self, *, until_s: int | None) -> list[Event]:
        """Return the held-back readings that are due, all of them for None."""
        due = [event for at_s, event in self._late if until_s is None or at_s <= until_s]
        self._late = [
            (at_s, event) for at_s, event in self._late if until_s is not None and at_s > until_s
        ]
        return due
