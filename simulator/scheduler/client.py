"""
The public API over HTTP: one kept connection, retries, plain JSON.
"""

from __future__ import annotations

import gzip
import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit


Json = dict[str, Any]
TIMEOUT_S = 120.0
TRIES_MAX = 6
PAUSE_MAX_S = 30.0
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


class Refused(Exception):
    """The API refused a whole call; the text is its problem document."""

    def __init__(self, *, line: str, status: int, text: str) -> None:
        super().__init__(f"{line} answered {status}: {text[:2_000]}")
        self.status = status


class Unreachable(Exception):
    """The API did not answer, many times over."""


@dataclass(kw_only=True)
class Client:
    """Every call may be repeated: reads have no effect, writes carry ids of their own."""

    base_url: str
    api_key: str
    calls: int = 0
    retries: int = 0
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, path: str, **query: str | int | None) -> Json:
        chosen = {name: value for name, value in query.items() if value is not None}
        target = f"{path}?{urlencode(chosen, quote_via=quote)}" if chosen else path
        return self._call("GET", target, body=None, headers={})

    def post(self, path: str, document: object) -> Json:
        body = json.dumps(document, separators=(",", ":")).encode()
        return self._call("POST", path, body=body, headers={"Content-Type": "application/json"})

    def post_events(self, path: str, events: list[Json]) -> Json:
        """Send a batch of CloudEvents, compressed."""
        body = gzip.compress(json.dumps(events, separators=(",", ":")).encode(), compresslevel=4)
        headers = {
            "Content-Type": "application/cloudevents-batch+json",
            "Content-Encoding": "gzip",
        }
        return self._call("POST", path, body=body, headers=headers)

    def _call(self, method: str, target: str, *, body: bytes | None, headers: Json) -> Json:
        """
        Return the answer's document.

        :raises Refused: a definite no.
        :raises Unreachable: no answer after every try.
        """
        headers = {**headers, "Authorization": f"Bearer {self.api_key}", "Accept": "*/*"}
        failure = ""
        for attempt in range(TRIES_MAX):
            pause_s = min(PAUSE_MAX_S, 0.5 * 2**attempt)
            try:
                status, text, after = self._send(method, target, body=body, headers=headers)
            except (OSError, http.client.HTTPException) as error:
                failure = f"{type(error).__name__}: {error}"
            else:
                if status < 400:
                    found: Json = json.loads(text) if text else {}
                    return found
                if status not in TRY_AGAIN:
                    raise Refused(line=f"{method} {target}", status=status, text=text)
                failure = f"{status}: {text[:500]}"
                pause_s = min(PAUSE_MAX_S, float(after or pause_s))
            self.retries += 1
            time.sleep(pause_s)
        raise Unreachable(f"{method} {target}: {failure}")

    def _send(
        self, method: str, target: str, *, body: bytes | None, headers: Json
    ) -> tuple[int, str, str | None]:
        """Return the status, the body and Retry-After."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request(method, target, body=body, headers=headers)
            answer = self._connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        self.calls += 1
        return answer.status, text, answer.headers.get("Retry-After")

    def _connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self.base_url)
        assert url.hostname is not None
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        return kind(url.hostname, url.port, timeout=TIMEOUT_S)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
