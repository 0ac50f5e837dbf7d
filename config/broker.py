"""
The broker of `manage.py up`: kombu's folder of messages, written so that nobody reads half.

kombu opens a message's file before it writes it, and a worker that lists the folder in
between reads nothing, takes that for a broken broker, and ends. Here a message, and the table
of queues, appears under its name only when it is complete.
"""

import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic_ns

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


def write_whole(path: Path, text: str) -> None:
    """
    Write a file that others see either complete or not at all.
    """
    handle, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(draft).replace(path)


class Channel(filesystem.Channel):
    def _put(self, queue: str, message: object, **_: object) -> None:  # type: ignore[override]
        # Messages are taken in the order of their names.
        name = f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        write_whole(Path(self.data_folder_out) / name, dumps(message))

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str
    ) -> None:
        entry = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        path: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]
        with self._binding():
            table = self.get_table(exchange)
            if entry not in table:
                write_whole(path, dumps([entry, *table]))

    @contextmanager
    def _binding(self) -> Iterator[None]:
        """
        Let one process at a time change the table of queues.
        """
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / "binding.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel


def install() -> None:
    """
    Let addresses that begin with filesystem:// mean this transport.
    """
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:{Transport.__name__}"
