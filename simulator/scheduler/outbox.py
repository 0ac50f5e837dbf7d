"""
Readings on their way to the API: batches, and what became of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulator.scheduler.chance import draw
from simulator.scheduler.client import Client
from simulator.scheduler.metering import Event


SHUFFLE_ONE_IN = 7


@dataclass(kw_only=True)
class Outbox:
    """Holds at most one batch; every ``SHUFFLE_ONE_IN``-th leaves in disorder."""

    client: Client
    seed: int
    batch_size: int
    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    out_of_order: int = 0
    by_code: Counter[str] = field(default_factory=Counter)
    batch_ids: list[str] = field(default_factory=list)
    samples: dict[str, str] = field(default_factory=dict)
    _waiting: list[Event] = field(default_factory=list)
    _sequences: dict[str, int] = field(default_factory=dict)

    def add(self, events: list[Event]) -> None:
        self._waiting += events
        while len(self._waiting) >= self.batch_size:
            batch, self._waiting = (
                self._waiting[: self.batch_size],
                self._waiting[self.batch_size :],
            )
            self._send(batch)

    def flush(self) -> None:
        if self._waiting:
            batch, self._waiting = self._waiting, []
            self._send(batch)

    def _send(self, batch: list[Event]) -> None:
        if len(self.batch_ids) % SHUFFLE_ONE_IN == SHUFFLE_ONE_IN - 1:
            batch.sort(key=lambda event: draw(self.seed, "shuffle", event["id"]))
        self._count_disorder(batch)
        answer = self.client.post_events("/api/v1/usage", batch)
        self.sent += len(batch)
        self.accepted += answer["accepted"]
        self.duplicates += answer["duplicates"]
        self.quarantined += answer["quarantined"]
        self.batch_ids.append(answer["batch_id"])
        for result in answer["results"]:
            self.by_code[result["code"]] += 1
            self.samples.setdefault(result["code"], f"{result.get('id')}: {result.get('detail')}")

    def _count_disorder(self, batch: list[Event]) -> None:
        for event in batch:
            vehicle_id, sequence = event["subject"], event["data"]["sequence"]
            last = self._sequences.get(vehicle_id, 0)
            self.out_of_order += sequence < last
            self._sequences[vehicle_id] = max(last, sequence)
