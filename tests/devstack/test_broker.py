"""
Messages in a folder: whole, in order, each taken once.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

from config import broker


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    broker.install()
    folder = tmp_path / "messages"
    folder.mkdir()
    options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(tmp_path / "control"),
    }
    with Connection("filesystem://localhost//", transport_options=options) as made:
        assert made.transport_cls is not None
        yield made


def open_channel(connection: Connection) -> Any:
    # The stubs of kombu know the common channel only.
    return connection.channel()


def take_all(channel: Any, queue: str) -> list[Any]:
    taken = []
    while True:
        try:
            taken.append(channel._get(queue))
        except Empty:
            return taken


def test_messages_come_out_as_they_went_in(connection: Connection) -> None:
    channel = open_channel(connection)

    for number in range(3):
        channel._put("money", {"number": number})

    assert sorted(message["number"] for message in take_all(channel, "money")) == [0, 1, 2]


def test_other_queues_are_left_alone(connection: Connection) -> None:
    channel = open_channel(connection)
    channel._put("money", {"number": 1})

    assert take_all(channel, "bulk") == []
    assert len(take_all(channel, "money")) == 1


def test_a_reader_never_sees_half_a_message(connection: Connection) -> None:
    writing, reading = open_channel(connection), open_channel(connection)
    text = "x" * 200_000

    def write() -> None:
        for number in range(100):
            writing._put("money", {"number": number, "text": text})

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[Any] = []
    while writer.is_alive() or len(seen) < 100:
        seen += take_all(reading, "money")
    writer.join()

    assert sorted(message["number"] for message in seen) == list(range(100))
    assert all(message["text"] == text for message in seen)


def test_two_processes_that_declare_at_once_both_find_their_queues(
    connection: Connection,
) -> None:
    exchange = Exchange("work", type="direct")
    names = [f"queue{number}" for number in range(8)]

    def declare(name: str) -> None:
        Queue(name, exchange, routing_key=name)(open_channel(connection)).declare()

    threads = [threading.Thread(target=declare, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    table = open_channel(connection).get_table("work")
    assert {row.queue for row in table} == set(names)
