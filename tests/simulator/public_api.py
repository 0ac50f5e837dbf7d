"""
The application as the scheduler sees it: its public API on loopback, in memory.

It keeps the promises of the API that the scheduler relies on (same event again: duplicate; same
id with other content: conflict; a time in one settlement period) and notes what it was sent.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulator.scheduler import moments


Json = dict[str, Any]
KEY = "sk_sched_for_tests"


def permit(_question: Json) -> Json:
    return {"decision": True, "context": {"reasons": [], "consent_version": 3}}


@dataclass(kw_only=True)
class Application:
    """``decide`` answers one question of an AuthZEN batch."""

    vehicle_ids: set[str] = field(default_factory=set)
    consents: list[Json] = field(default_factory=list)
    bookings: list[Json] = field(default_factory=list)
    decide: Callable[[Json], Json] = permit
    events: dict[str, Json] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    samples: list[Json] = field(default_factory=list)
    stopped: list[tuple[str, str]] = field(default_factory=list)
    questions: int = 0
    batches: list[int] = field(default_factory=list)
    answers_to_drop: int = 0

    def read(self, path: str, query: dict[str, list[str]]) -> Json:
        rows = {"/api/v1/consents": self.consents, "/api/v1/bookings/feed": self.bookings}[path]
        start = int(query.get("cursor", ["0"])[0])
        page = rows[start : start + 2]
        is_more = start + len(page) < len(rows)
        return {"data": page, "next_cursor": str(start + len(page)), "has_more": is_more}

    def write(self, path: str, document: Any) -> Json:
        if path == "/access/v1/evaluations":
            assert len(document["evaluations"]) <= 1_000
            if document["action"] == {"name": "stop"}:
                return {"evaluations": [self.stop(item) for item in document["evaluations"]]}
            self.questions += len(document["evaluations"])
            return {"evaluations": [self.decide(item) for item in document["evaluations"]]}
        if path == "/api/v1/telemetry":
            self.samples += document["samples"]
            return {
                "accepted": len(document["samples"]),
                "older": 0,
                "faulty": 0,
                "refused": 0,
                "results": [],
            }
        assert path == "/api/v1/usage"
        return self._ingest(document)

    def stop(self, item: Json) -> Json:
        self.stopped.append((item["resource"]["id"], item["subject"]["id"]))
        return {"decision": True, "context": {"reasons": [], "stopped": True}}

    def _ingest(self, events: list[Json]) -> Json:
        self.batches.append(len(events))
        codes = [self._take(event) for event in events]
        self.outcomes.update(codes)
        results = [
            {"index": index, "id": event["id"], "status": "refused", "code": code, "detail": ""}
            for index, (event, code) in enumerate(zip(events, codes, strict=True))
            if code != "accepted"
        ]
        quarantined = sum(code not in {"accepted", "duplicate"} for code in codes)
        return {
            "batch_id": f"bat_{len(self.batches)}",
            "accepted": codes.count("accepted"),
            "duplicates": codes.count("duplicate"),
            "quarantined": quarantined,
            "results": results,
        }

    def _take(self, event: Json) -> str:
        known, data = self.events.get(event["id"]), event["data"]
        starts_at_s = moments.from_text(data["starts_at"])
        ends_at_s = moments.from_text(data["ends_at"])
        checks = (
            ("conflict", known is not None and known != event),
            ("duplicate", known is not None),
            ("unknown_vehicle", event["subject"] not in self.vehicle_ids),
            ("unlabelled_workload", data["workload_category"] is None),
            ("interval_empty", ends_at_s <= starts_at_s),
            (
                "interval_crosses_settlement_period",
                starts_at_s // 900 != (ends_at_s - 1) // 900,
            ),
        )
        code = next((code for code, applies in checks if applies), "accepted")
        if known is None:
            self.events[event["id"]] = event
        return code


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write per answer; without this each waits for the other side's ACK.
    disable_nagle_algorithm = True
    wbufsize = -1
    application: Application

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer(200, self.application.read(url.path, parse_qs(url.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(401, {"code": "not_authenticated"})
            return
        found = self.application.write(self.path, json.loads(body))
        if self.application.answers_to_drop:
            self.application.answers_to_drop -= 1
            self.close_connection = True
            return
        self._answer(202, found)

    def _answer(self, status: int, document: Json) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def serve(application: Application) -> Iterator[str]:
    """Yield the base address of a running application."""
    handler = type("Handler", (_Handler,), {"application": application})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
