"""
The stand-in's memory: records by id, a clock that can be moved, a journal.

Each change is one line of the journal, so that a killed stand-in comes back
knowing every transfer it ever made.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from simulator.stripe.errors import Json, no_such


PLATFORM = ""


@dataclass(kw_only=True)
class Record:
    """
    One object. ``account`` is the account it lives in, '' for the platform's
    own; ``hidden`` holds what Stripe knows and does not show.
    """

    kind: str
    id: str
    account: str
    body: Json
    hidden: Json = field(default_factory=dict)


class Store:
    """Not safe without its ``lock``, which the caller holds around one request."""

    def __init__(self, *, path: Path | None = None, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.seed = seed
        self.minted = 0
        self.clock_offset_s = 0
        self._by_id: dict[str, Record] = {}
        self._by_kind: dict[str, dict[str, Record]] = {}
        self._dirty: dict[str, Record] = {}
        self._journal: TextIO | None = None
        if path is not None:
            self._load(path)
            self._journal = path.open("a", encoding="utf-8")

    def _load(self, path: Path) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            return
        kept_bytes = 0
        with path.open("rb") as lines:
            for line in lines:
                # A kill in the middle of a write leaves half a line, always the last.
                if not line.endswith(b"\n"):
                    break
                kept_bytes += len(line)
                entry = json.loads(line)
                self.minted, self.clock_offset_s = entry["minted"], entry["clock_offset_s"]
                for saved in entry["records"]:
                    self._index(Record(**saved))
        with path.open("r+b") as journal:
            journal.truncate(kept_bytes)

    def _index(self, record: Record) -> None:
        self._by_id[record.id] = record
        self._by_kind.setdefault(record.kind, {})[record.id] = record

    def now(self) -> int:
        """Return the stand-in's time in whole seconds since 1970."""
        return int(time.time()) + self.clock_offset_s

    def mint(self, prefix: str) -> str:
        self.minted += 1
        digest = hashlib.blake2b(f"{self.seed}:{self.minted}".encode(), digest_size=9).hexdigest()
        # The number first: ids sort by age, as the pages of lists expect.
        return f"{prefix}_{self.minted:06d}{digest}"

    def put(
        self, kind: str, body: Json, *, account: str = PLATFORM, hidden: Json | None = None
    ) -> Record:
        record = Record(
            kind=kind, id=body["id"], account=account, body=body, hidden=dict(hidden or {})
        )
        self._index(record)
        self.touch(record)
        return record

    def touch(self, record: Record) -> None:
        """Mark a record as changed, to be journalled by ``commit``."""
        self._dirty[record.id] = record

    def commit(self) -> None:
        dirty, self._dirty = self._dirty, {}
        if self._journal is None or not dirty:
            return
        self._write([vars(record) for record in dirty.values()])

    def move_clock(self, *, seconds: int) -> None:
        self.clock_offset_s += seconds
        if self._journal is not None:
            self._write([])

    def _write(self, records: list[Json]) -> None:
        assert self._journal is not None
        line = {
            "minted": self.minted,
            "clock_offset_s": self.clock_offset_s,
            "records": records,
        }
        self._journal.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._journal.flush()

    def find(self, record_id: str) -> Record | None:
        return self._by_id.get(record_id)

    def get(
        self,
        kind: str,
        record_id: str,
        *,
        account: str | None = None,
        param: str = "id",
        status: int = 404,
    ) -> Record:
        """
        Return a record.

        :raises ApiError: ``resource_missing``, also for somebody else's object.
        """
        record = self._by_kind.get(kind, {}).get(record_id)
        if record is None or (account is not None and record.account != account):
            raise no_such(kind.rsplit(".", maxsplit=1)[-1], record_id, param=param, status=status)
        return record

    def all(self, kind: str, *, account: str | None = None) -> Iterator[Record]:
        """Yield the records of a kind, oldest first."""
        for record in self._by_kind.get(kind, {}).values():
            if account is None or record.account == account:
                yield record

    def newest_first(self, kind: str, *, account: str | None = None) -> Iterator[Record]:
        for record in reversed(self._by_kind.get(kind, {}).values()):
            if account is None or record.account == account:
                yield record

    def forget(self, kind: str, record_id: str) -> None:
        self._by_kind.get(kind, {}).pop(record_id, None)
        self._by_id.pop(record_id, None)

    def dump(self) -> Json:
        """Return every object by kind, a copy, for assertions."""
        return {
            kind: [copy.deepcopy(record.body) for record in records.values()]
            for kind, records in self._by_kind.items()
            if kind != "idempotency_key"
        }

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
