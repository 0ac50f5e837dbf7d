"""
Sends events, signed, to the two addresses; again and again until one answers 2xx.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import stripe

from simulator.stripe import events
from simulator.stripe.context import World
from simulator.stripe.store import Record


TRIES_MAX = 60
BACKOFF_MAX_S = 60.0
TIMEOUT_S = 20.0


@dataclass(order=True)
class Waiting:
    due_at: float
    record: Record = field(compare=False)


class Sender(threading.Thread):
    """
    One thread. ``hold`` keeps everything back, ``copies`` sends each event that
    often, ``shuffle`` sends what is waiting in random order.
    """

    def __init__(self, world: World) -> None:
        super().__init__(name="stripe-webhooks", daemon=True)
        self.world = world
        self.hold, self.copies, self.shuffle = False, 1, False
        self._waiting: list[Waiting] = []
        self._wake = threading.Event()
        self._is_stopped = False
        self._in_flight = 0
        self._random = random.Random(world.store.seed)
        for kind in (events.SNAPSHOT, events.THIN):
            world.outgoing.extend(
                record for record in world.store.all(kind) if not record.hidden["is_delivered"]
            )

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._is_stopped = True
        self._wake.set()
        self.join(timeout=TIMEOUT_S)

    def count_waiting(self) -> int:
        with self.world.store.lock:
            return len(self._waiting) + len(self.world.outgoing) + self._in_flight

    def run(self) -> None:
        while not self._is_stopped:
            self._wake.wait(timeout=self._get_pause_s())
            self._wake.clear()
            while self._is_sending() and self._send_next():
                pass

    def _is_sending(self) -> bool:
        return not self._is_stopped and not self.hold

    def _get_pause_s(self) -> float:
        if self.hold or not self._waiting:
            return 1.0
        return max(0.01, min(waiting.due_at for waiting in self._waiting) - time.monotonic())

    def _send_next(self) -> bool:
        """Send one event that is due; return whether there was one."""
        with self.world.store.lock:
            now = time.monotonic()
            self._waiting += [Waiting(now, record) for record in self.world.outgoing]
            self.world.outgoing.clear()
            due = [waiting for waiting in self._waiting if waiting.due_at <= now]
            if not due:
                return False
            chosen = self._random.choice(due) if self.shuffle else due[0]
            self._waiting.remove(chosen)
            self._in_flight = 1
        self._deliver(chosen)
        return True

    def _deliver(self, waiting: Waiting) -> None:
        record = waiting.record
        answers = [self.send(record) for _ in range(max(1, self.copies))]
        with self.world.store.lock:
            record.hidden["tries"] += 1
            if any(answers):
                record.hidden["is_delivered"] = True
                if record.kind == events.SNAPSHOT:
                    record.body["pending_webhooks"] = 0
            elif record.hidden["tries"] < TRIES_MAX:
                pause_s = min(BACKOFF_MAX_S, 2.0 ** min(6, record.hidden["tries"] - 1))
                self._waiting.append(Waiting(time.monotonic() + pause_s, record))
            self._in_flight = 0
            self.world.store.touch(record)
            self.world.store.commit()

    def send(self, record: Record) -> bool:
        """Send once; return whether the receiver took it."""
        options = self.world.options
        is_thin = record.kind == events.THIN
        url = options.thin_webhook_url if is_thin else options.webhook_url
        secret = options.thin_webhook_secret if is_thin else options.webhook_secret
        if not url:
            return False
        payload = json.dumps(events.to_payload(record), indent=2)
        # By the real clock: receivers refuse what is old or from the future.
        header = stripe.WebhookSignature.generate_signature_header(payload, secret)
        request = urllib.request.Request(  # noqa: S310
            url,
            data=payload.encode(),
            headers={"Content-Type": "application/json", "Stripe-Signature": header},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return 200 <= int(answer.status) < 300
        except (OSError, urllib.error.URLError, http.client.HTTPException):
            return False
