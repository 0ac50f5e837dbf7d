"""
The stand-in behind a socket.
"""

from __future__ import annotations

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulator.stripe import api, control, site
from simulator.stripe.context import Options, World
from simulator.stripe.errors import ApiError, Json
from simulator.stripe.faults import Faults
from simulator.stripe.idempotency import Keys
from simulator.stripe.store import Store
from simulator.stripe.webhooks import Sender


BODY_MAX_BYTES = 1 << 20
TICK_S = 0.5
# How long stopping may take to be noticed.
POLL_S = 0.02


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, *, host: str, port: int, world: World) -> None:
        super().__init__((host, port), Handler)
        self.world = world
        world.base_url = f"http://{host}:{self.server_address[1]}"
        self.sender = Sender(world)
        self._stopped = threading.Event()

    def start(self) -> None:
        """Serve in threads; return at once."""
        self.sender.start()
        threading.Thread(target=self.serve_forever, args=(POLL_S,), daemon=True).start()
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self) -> None:
        while not self._stopped.wait(TICK_S):
            with self.world.store.lock:
                api.advance(self.world)
                self.world.store.commit()
            if self.world.outgoing:
                self.sender.wake()

    def stop(self) -> None:
        self._stopped.set()
        self.sender.stop()
        self.shutdown()
        self.server_close()
        self.world.store.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One small write per answer; without this each waits for the other's ACK.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401
        """Keep quiet: the caller logs its own calls."""

    def _handle(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX_BYTES:
            self.close_connection = True
            self._send_json(
                413, {"error": {"type": "invalid_request_error", "message": "Too long"}}
            )
            return
        body = self.rfile.read(length)
        if url.path.startswith(("/v1/", "/v2/")):
            self._answer_api(url.path, url.query, body)
        elif url.path.startswith("/_control/"):
            self._answer_control(url.path, body)
        else:
            self._answer_page(url.path, body)

    def _answer_api(self, path: str, query: str, body: bytes) -> None:
        world = self.server.world
        request = api.Request(
            method=self.command,
            path=path,
            query=query,
            headers={name.title(): value for name, value in self.headers.items()},
            body=body,
        )
        try:
            answer = api.answer(world, request)
        except Exception as error:
            world.mismatches.append(f"{type(error).__name__}: {error}")
            self._send_json(
                500,
                {"error": {"type": "api_error", "message": f"stand-in: {error}"}},
                {"Stripe-Should-Retry": "false"},
            )
            raise
        finally:
            self.server.sender.wake()
        if answer.is_dropped:
            self.close_connection = True
            return
        self._send_json(answer.status, answer.body, dict(answer.headers))

    def _answer_control(self, path: str, body: bytes) -> None:
        try:
            values = json.loads(body) if body else {}
            found = control.pull(
                self.server.world,
                self.server.sender,
                method=self.command,
                path=path,
                values=values,
            )
        except ApiError as error:
            self._send_json(error.status, error.to_body(request_id=""))
        except (KeyError, TypeError, ValueError) as error:
            self._send_json(
                400, {"error": {"type": "invalid_request_error", "message": str(error)}}
            )
        else:
            self._send_json(200, found)

    def _answer_page(self, path: str, body: bytes) -> None:
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        page = site.visit(self.server.world, method=self.command, path=path, form=form)
        self.server.sender.wake()
        headers = {"Location": page.location} if page.location else {}
        self._send(page.status, page.html.encode(), "text/html; charset=utf-8", headers)

    def _send_json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers or {})

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_world(
    *,
    options: Options,
    state_path: Path | None,
    forget_keys_after_s: int,
    faults: Faults,
    seed: int,
) -> World:
    store = Store(path=state_path, seed=seed)
    faults.random = random.Random(seed)
    keys = Keys(store=store, forget_after_s=forget_keys_after_s)
    return World(store=store, keys=keys, faults=faults, options=options)
